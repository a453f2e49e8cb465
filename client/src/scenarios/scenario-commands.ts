/** Running scenarios and stepping through them: from code lenses, and from the command palette. */
import * as vscode from 'vscode';
import { debugScenario } from '../debug/launch.ts';
import type { LensScenario, RunAnswer, ScenariosAtParams } from '../protocol.ts';
import type { Server } from '../server.ts';
import { mayRun } from '../trust.ts';
import { pickAny, pickPassing } from './pick.ts';
import { showRun } from './run-report.ts';
import { type RunKind, ScenarioRunner } from './runner.ts';

export class ScenarioCommands implements vscode.Disposable {
  private readonly disposables: vscode.Disposable;
  /** What a run gave, for "Show Result". */
  private readonly answers = new Map<string, RunAnswer>();
  private readonly runner: ScenarioRunner;

  constructor(
    private readonly server: Server,
    private readonly output: vscode.LogOutputChannel,
  ) {
    this.runner = new ScenarioRunner(server);
    const on = <A>(name: string, act: (argument?: A) => unknown): vscode.Disposable =>
      vscode.commands.registerCommand(`gmemLens.${name}`, act);
    this.disposables = vscode.Disposable.from(
      this.runner,
      on<ScenariosAtParams>('runHere', (at) => this.here(at, (scenario) => this.run(scenario, 'open'))),
      on<ScenariosAtParams>('stepHere', (at) => this.here(at, (scenario, at) => this.step(scenario, at))),
      on<LensScenario>('runScenario', (one) =>
        this.chosen(one, (scenario) => this.run(scenario, 'reference')),
      ),
      on<LensScenario>('stepScenario', (one) => this.chosen(one, (scenario) => this.step(scenario))),
      on<LensScenario>('showRun', (one) => this.show(one)),
    );
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** @param at a function; without it, the one at the cursor */
  private async here(
    given: ScenariosAtParams | undefined,
    act: (scenario: LensScenario, functionName: string) => Promise<unknown>,
  ): Promise<void> {
    if (!mayRun()) return;
    const at = given ?? atCursor();
    if (!at) return;
    const choices = (await this.server.ask('gmemLens/scenariosAt', at)) ?? [];
    const name = choices[0]?.function ?? '';
    if (choices.length === 0) {
      void vscode.window.showInformationMessage('No scenario is known to pass through this function.');
      return;
    }
    const scenario = await pickPassing(choices, `Scenarios through ${name}`);
    if (scenario) await act(scenario, name);
  }

  private async chosen(
    given: LensScenario | undefined,
    act: (scenario: LensScenario) => Promise<unknown>,
  ): Promise<void> {
    if (!mayRun()) return;
    const scenario = given ?? (await this.pick());
    if (scenario) await act(scenario);
  }

  private async pick(): Promise<LensScenario | undefined> {
    return pickAny((await this.server.ask('gmemLens/scenarios', undefined)) ?? [], 'Scenario');
  }

  private async run(scenario: LensScenario, on: RunKind): Promise<void> {
    const name = nameOf(scenario);
    const options = {
      location: vscode.ProgressLocation.Window,
      title: `gmem: running ${name}`,
      cancellable: true,
    };
    try {
      const answer = await vscode.window.withProgress(options, (progress, token) =>
        this.runner.run(scenario, on, token, ({ steps, actor }) =>
          progress.report({ message: `${steps.toLocaleString('en-US')} steps, ${actor}` }),
        ),
      );
      // The result stands at the lens.
      if (answer) this.answers.set(name, answer);
    } catch (error) {
      await this.complain(name, error);
    }
  }

  private async complain(name: string, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.output.error(`${name}: ${message}`);
    const choice = await vscode.window.showErrorMessage(`${name}: ${message}`, 'Show Output');
    if (choice === 'Show Output') this.output.show();
  }

  private async step(scenario: LensScenario, stopAtFunction?: string): Promise<void> {
    const on = stopAtFunction === undefined ? 'reference' : 'open';
    const target = await this.server.ask('gmemLens/runTarget', { ...scenario, on });
    await debugScenario({ ...scenario, ...target, ...(stopAtFunction !== undefined && { stopAtFunction }) });
  }

  private async show(scenario?: LensScenario): Promise<void> {
    const names = [...this.answers.keys()];
    const name = scenario ? nameOf(scenario) : await vscode.window.showQuickPick(names, { title: 'Runs' });
    const answer = name === undefined ? undefined : this.answers.get(name);
    if (answer) await showRun(answer);
    else if (scenario) await this.run(scenario, 'open');
  }
}

const nameOf = ({ scenario, variant }: LensScenario): string =>
  `${scenario.replace(/^.*[\\/]/, '').replace(/(\.gmem)?\.ya?ml$/, '')}${variant === undefined ? '' : `@${variant}`}`;

function atCursor(): ScenariosAtParams | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return undefined;
  const { line, character } = editor.selection.active;
  return { textDocument: { uri: editor.document.uri.toString() }, position: { line, character } };
}
