/**
 * The part of Guest Memory Lens that lives in VS Code: it finds the kernel tree, runs the language server and
 * shows what the protocol has no place for. It knows nothing of C or of the kernel.
 */
import * as vscode from 'vscode';
import { registerCommands } from './commands.ts';
import { registerDebugging } from './debug/registration.ts';
import { LockMarkDecorations } from './lock-marks.ts';
import { LockPathPeek } from './lock-path.ts';
import { MemoryMap } from './memory-map/memory-map.ts';
import { RulePages } from './rule-pages.ts';
import { ScenarioCommands } from './scenarios/scenario-commands.ts';
import { ScenarioFiles } from './scenarios/scenario-files.ts';
import { Server } from './server.ts';
import { settings } from './settings.ts';
import { StatusBar } from './status-bar.ts';
import { describeFailure } from './status-text.ts';
import { ScenarioTests } from './tests/scenario-tests.ts';

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel('Guest Memory Lens', { log: true });
  const statusBar = new StatusBar();
  const current = new Server(context, output);
  server = current;
  context.subscriptions.push(
    output,
    statusBar,
    current,
    current.onStatus((status) => (status ? statusBar.show(status) : statusBar.hide())),
    // A click on the status bar item leads there.
    current.onStatus((status) => {
      if (status?.state === 'failed') output.error(describeFailure(status));
    }),
    new LockMarkDecorations(current),
    new LockPathPeek(current).register(),
    new RulePages(current, context.extension).register(),
    new ScenarioFiles(current),
    new ScenarioCommands(current, output),
    new ScenarioTests(current),
    registerDebugging(context, current),
    new MemoryMap(context.extensionUri),
    registerCommands({ server: current, output, currentStatus: () => statusBar.status }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (settings.needsRestart(event)) void current.restart();
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => current.restart()),
  );
  // Not awaited: commands are there at once, and the status bar tells how the start goes.
  void current.restart();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
