/** Running kernel C is for workspaces that the user trusts; reading it is for all. */
import * as vscode from 'vscode';

/** Says so, with a way out, where the workspace isn't trusted. */
export function mayRun(): boolean {
  if (vscode.workspace.isTrusted) return true;
  void offerTrust();
  return false;
}

async function offerTrust(): Promise<void> {
  const manage = 'Manage Workspace Trust';
  const choice = await vscode.window.showWarningMessage(
    'Guest Memory Lens runs nothing in Restricted Mode: scenarios execute the C of this workspace in a simulator.',
    manage,
  );
  if (choice === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}
