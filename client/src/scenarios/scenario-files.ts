/** Tells the server which scenario files the workspace has. */
import * as vscode from 'vscode';
import type { Server } from '../server.ts';

/** As the manifest's yamlValidation names them. */
const SCENARIO_FILES =
  '{**/*.gmem.yaml,**/*.gmem.yml,**/gmem-scenarios/**/*.yaml,**/server/scenarios/*.yaml}';
/** More than anybody has written. */
const MOST = 2000;

export class ScenarioFiles implements vscode.Disposable {
  private readonly disposables: vscode.Disposable;
  private isAsked = false;

  constructor(private readonly server: Server) {
    const watcher = vscode.workspace.createFileSystemWatcher(SCENARIO_FILES);
    const tell = (): void => void this.tell();
    this.disposables = vscode.Disposable.from(
      watcher,
      watcher.onDidCreate(tell),
      watcher.onDidDelete(tell),
      vscode.workspace.onDidChangeWorkspaceFolders(tell),
      server.onStarted(tell),
    );
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async tell(): Promise<void> {
    if (this.isAsked) return;
    this.isAsked = true;
    const found = await vscode.workspace.findFiles(SCENARIO_FILES, undefined, MOST);
    this.isAsked = false;
    await this.server.tell('gmemLens/scenarioFiles', { uris: found.map(String).sort() });
  }
}
