/** Runs scenarios by the language server, telling how far they are. */
import type * as vscode from 'vscode';
import type { LensScenario, RunAnswer, RunScenarioParams, RunScenarioProgress } from '../protocol.ts';
import type { Server } from '../server.ts';

export type RunKind = RunScenarioParams['on'];

export class ScenarioRunner implements vscode.Disposable {
  private readonly watching = new Map<string, (progress: RunScenarioProgress) => void>();
  private readonly listener: vscode.Disposable;
  private count = 0;

  constructor(private readonly server: Server) {
    this.listener = server.onRunProgress((progress) => this.watching.get(progress.token)?.(progress));
  }

  dispose(): void {
    this.listener.dispose();
  }

  /**
   * @returns undefined where no server runs, or it was cancelled
   * @throws Error with a message for the user
   */
  async run(
    { scenario, variant }: LensScenario,
    on: RunKind,
    cancel: vscode.CancellationToken,
    onProgress: (progress: RunScenarioProgress) => void = () => {},
  ): Promise<RunAnswer | undefined> {
    const token = `${++this.count}`;
    this.watching.set(token, onProgress);
    try {
      const params = { scenario, ...(variant !== undefined && { variant }), on, token };
      return await this.server.ask('gmemLens/runScenario', params, cancel);
    } catch (error) {
      if (cancel.isCancellationRequested) return undefined;
      throw error;
    } finally {
      this.watching.delete(token);
    }
  }
}
