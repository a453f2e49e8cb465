import * as vscode from 'vscode';

export const section = 'gmemLens';

/** Settings that decide whether and where a server runs; the server itself is told about the others. */
const restartingSettings = ['enable', 'tree'].map((name) => `${section}.${name}`);

/** A value of the wrong type in settings.json counts as not set: VS Code passes it on unchecked. */
function stringSetting(name: string): string {
  const value: unknown = vscode.workspace.getConfiguration(section).get(name);
  return typeof value === 'string' ? value.trim() : '';
}

export const settings = {
  get enable(): boolean {
    const value: unknown = vscode.workspace.getConfiguration(section).get('enable');
    return value !== false;
  },

  get lockMarks(): boolean {
    const value: unknown = vscode.workspace.getConfiguration(section).get('lockMarks.enable');
    return value !== false;
  },

  /** Where the workspace has a say already, it is changed there; else for all workspaces. */
  async toggleLockMarks(): Promise<void> {
    const configuration = vscode.workspace.getConfiguration(section);
    const isOfWorkspace = configuration.inspect('lockMarks.enable')?.workspaceValue !== undefined;
    const target = isOfWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    await configuration.update('lockMarks.enable', !this.lockMarks, target);
  },

  /** Empty: look for the tree around the workspace folders. */
  get tree(): string {
    return stringSetting('tree');
  },

  /** Of a simulator that runs already; empty: one is started. */
  get simulatorAddress(): string {
    return stringSetting('simulator.address');
  },

  get opensMemoryMap(): boolean {
    const value: unknown = vscode.workspace.getConfiguration(section).get('memoryMap.openOnStart');
    return value !== false;
  },

  /** The whole section as the server gets it, which checks it against the manifest's schema. */
  get all(): unknown {
    return vscode.workspace.getConfiguration().get(section);
  },

  needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
    return restartingSettings.some((name) => event.affectsConfiguration(name));
  },
};
