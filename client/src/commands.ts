import * as vscode from 'vscode';
import type { Position, ShowCallersArguments, Status } from './protocol.ts';
import type { Server } from './server.ts';
import { settings } from './settings.ts';
import { describeDetails } from './status-text.ts';

/** What the commands act on. */
export interface CommandTargets {
  readonly server: Server;
  readonly output: vscode.LogOutputChannel;
  readonly currentStatus: () => Status | undefined;
}

export function registerCommands(targets: CommandTargets): vscode.Disposable {
  const { server, output } = targets;
  return vscode.Disposable.from(
    vscode.commands.registerCommand('gmemLens.showCallers', showCallers),
    vscode.commands.registerCommand('gmemLens.toggleLockMarks', () => settings.toggleLockMarks()),
    vscode.commands.registerCommand('gmemLens.showStatus', () => showStatus(targets)),
    vscode.commands.registerCommand('gmemLens.showOutput', () => output.show()),
    vscode.commands.registerCommand('gmemLens.restartServer', () => server.restart()),
    vscode.commands.registerCommand('gmemLens.reindex', () => reindex(server)),
  );
}

/** From a code lens with the function's place; from the command palette for the function at the cursor. */
async function showCallers(...args: Partial<ShowCallersArguments>): Promise<void> {
  const [uri, position] = args;
  if (uri !== undefined && position !== undefined) await placeCursor(vscode.Uri.parse(uri, true), position);
  if (!vscode.window.activeTextEditor) return;
  try {
    // The view remembers the direction that was used last, and callers are asked for here. Setting it also asks
    // again for what the view shows, at its own pace: so it had better show nothing at that moment.
    await vscode.commands.executeCommand('references-view.clear');
    await vscode.commands.executeCommand('references-view.showIncomingCalls');
    await vscode.commands.executeCommand('references-view.showCallHierarchy');
  } catch {
    // The built-in extension with that view can be disabled; the peek view can't.
    await vscode.commands.executeCommand('editor.showCallHierarchy');
  }
}

async function placeCursor(uri: vscode.Uri, { line, character }: Position): Promise<void> {
  const place = new vscode.Position(line, character);
  const editor = await vscode.window.showTextDocument(uri, { selection: new vscode.Range(place, place) });
  editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

async function reindex(server: Server): Promise<void> {
  if (!(await server.reindex())) await server.restart();
}

async function showStatus({ server, output, currentStatus }: CommandTargets): Promise<void> {
  const actions: Record<string, () => unknown> = {
    'Read Again': () => reindex(server),
    'Show Output': () => output.show(),
  };
  const choice = await vscode.window.showInformationMessage(
    describeDetails(currentStatus()),
    ...Object.keys(actions),
  );
  if (choice !== undefined) await actions[choice]?.();
}
