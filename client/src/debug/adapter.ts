/** How the debug adapter is started: our own bundle, by the editor's own Node; nothing that a workspace names. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { settings } from '../settings.ts';

export class GmemAdapter implements vscode.DebugAdapterDescriptorFactory {
  constructor(private readonly context: vscode.ExtensionContext) {}

  createDebugAdapterDescriptor(): vscode.DebugAdapterDescriptor {
    const program = this.context.asAbsolutePath(join('dist', 'cli.js'));
    const address = settings.simulatorAddress;
    const attach = address === '' ? [] : ['--simulator', address];
    return new vscode.DebugAdapterExecutable(process.execPath, [program, 'dap', '--stdio', ...attach], {
      env: { ELECTRON_RUN_AS_NODE: '1' },
    });
  }
}
