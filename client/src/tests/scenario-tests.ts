/** Scenarios in the Test Explorer: run, debug, cancel, coverage of the kernel's lines, again at each save. */
import * as vscode from 'vscode';
import { debugScenario } from '../debug/launch.ts';
import type { LensScenario } from '../protocol.ts';
import { ScenarioRunner } from '../scenarios/runner.ts';
import type { Server } from '../server.ts';
import { mayRun } from '../trust.ts';
import { CoverageOfRun, detailsOf } from './coverage.ts';
import { report } from './report.ts';
import { type TestNode, testTree } from './test-tree.ts';

/** C, headers and scenarios: saving one may change every result. */
const MATTERS = /\.([chS]|ya?ml)$/;

export class ScenarioTests implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController('gmemLens.scenarios', 'Guest Memory Lens');
  private readonly runner: ScenarioRunner;
  private readonly disposables: vscode.Disposable;
  private scenarios = new WeakMap<vscode.TestItem, LensScenario>();
  private isListing = false;
  private isOutdated = false;

  constructor(private readonly server: Server) {
    this.runner = new ScenarioRunner(server);
    const { Run, Debug, Coverage } = vscode.TestRunProfileKind;
    const run = this.controller.createRunProfile(
      'Run',
      Run,
      (request, token) => this.start(request, token),
      true,
    );
    const debug = this.controller.createRunProfile('Debug', Debug, (request) => this.debug(request), true);
    const coverage = this.controller.createRunProfile(
      'Coverage of kernel C',
      Coverage,
      (request, token) => this.start(request, token, true),
      true,
    );
    run.supportsContinuousRun = true;
    coverage.supportsContinuousRun = true;
    coverage.loadDetailedCoverage = async (_, file) => detailsOf(file);
    this.controller.refreshHandler = () => this.list();
    this.disposables = vscode.Disposable.from(
      this.controller,
      this.runner,
      run,
      debug,
      coverage,
      server.onStarted(() => this.list()),
      server.onScenariosChanged(() => this.list()),
    );
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** One question at a time. */
  private async list(): Promise<void> {
    this.isOutdated = true;
    if (this.isListing) return;
    this.isListing = true;
    while (this.isOutdated) {
      this.isOutdated = false;
      const items = await this.server.ask('gmemLens/scenarios', undefined).catch(() => undefined);
      if (items) this.controller.items.replace(testTree(items).map((node) => this.itemOf(node)));
    }
    this.isListing = false;
  }

  private itemOf(node: TestNode): vscode.TestItem {
    const uri = node.uri === undefined ? undefined : vscode.Uri.parse(node.uri, true);
    const item = this.controller.createTestItem(node.id, node.label, uri);
    if (node.description !== undefined) item.description = node.description;
    if (node.sortText !== undefined) item.sortText = node.sortText;
    if (node.error !== undefined) item.error = node.error;
    if (node.range) {
      const { start, end } = node.range;
      item.range = new vscode.Range(start.line, start.character, end.line, end.character);
    }
    if (node.scenario) this.scenarios.set(item, node.scenario);
    item.children.replace(node.children.map((child) => this.itemOf(child)));
    return item;
  }

  private async start(
    request: vscode.TestRunRequest,
    token: vscode.CancellationToken,
    withCoverage = false,
  ): Promise<void> {
    if (!mayRun()) return;
    if (!request.continuous) return this.run(request, token, withCoverage);
    let running: vscode.CancellationTokenSource | undefined;
    const again = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (uri.scheme !== 'file' || !MATTERS.test(uri.fsPath)) return;
      // What an older text would give is of no interest any more.
      running?.cancel();
      running = new vscode.CancellationTokenSource();
      void this.run(request, running.token, withCoverage);
    });
    token.onCancellationRequested(() => {
      running?.cancel();
      again.dispose();
    });
  }

  private async run(
    request: vscode.TestRunRequest,
    token: vscode.CancellationToken,
    withCoverage: boolean,
  ): Promise<void> {
    const run = this.controller.createTestRun(request);
    const cancel = new vscode.CancellationTokenSource();
    const either = vscode.Disposable.from(
      token.onCancellationRequested(() => cancel.cancel()),
      run.token.onCancellationRequested(() => cancel.cancel()),
    );
    const coverage = new CoverageOfRun();
    const wanted = this.wanted(request);
    for (const items of wanted.values()) for (const item of items) run.enqueued(item);
    for (const items of wanted.values()) {
      if (cancel.token.isCancellationRequested) break;
      await this.runOne(run, items, cancel.token, coverage);
    }
    if (withCoverage) for (const file of coverage.files()) run.addCoverage(file);
    either.dispose();
    cancel.dispose();
    run.end();
  }

  /** A scenario stands under several rows: it is run once, and the result is that of each. */
  private async runOne(
    run: vscode.TestRun,
    items: readonly vscode.TestItem[],
    cancel: vscode.CancellationToken,
    coverage: CoverageOfRun,
  ): Promise<void> {
    const [first] = items;
    const scenario = first && this.scenarios.get(first);
    if (!scenario) return;
    for (const item of items) run.started(item);
    try {
      const answer = await this.runner.run(scenario, 'reference', cancel);
      if (!answer) {
        for (const item of items) run.skipped(item);
        return;
      }
      coverage.add(answer);
      for (const item of items) report(run, item, answer);
    } catch (error) {
      const message = new vscode.TestMessage(error instanceof Error ? error.message : String(error));
      for (const item of items) run.errored(item, message);
    }
  }

  /** Leaves that a request means, by what they run. */
  private wanted({ include, exclude }: vscode.TestRunRequest): Map<string, vscode.TestItem[]> {
    const found = new Map<string, vscode.TestItem[]>();
    const collect = (item: vscode.TestItem): void => {
      if (exclude?.includes(item)) return;
      if (item.children.size > 0) return item.children.forEach(collect);
      const scenario = this.scenarios.get(item);
      if (!scenario) return;
      const key = `${scenario.scenario}@${scenario.variant ?? ''}`;
      found.set(key, [...(found.get(key) ?? []), item]);
    };
    if (include) include.forEach(collect);
    else this.controller.items.forEach(collect);
    return found;
  }

  private async debug(request: vscode.TestRunRequest): Promise<void> {
    if (!mayRun()) return;
    const run = this.controller.createTestRun(request);
    for (const [item] of this.wanted(request).values()) {
      const scenario = item && this.scenarios.get(item);
      if (!item || !scenario) continue;
      run.started(item);
      if (await debugScenario(scenario, run)) await sessionEnd();
      run.skipped(item);
    }
    run.end();
  }
}

/** Resolves when the session that was just started is over. */
function sessionEnd(): Promise<void> {
  const { activeDebugSession: session } = vscode.debug;
  return new Promise((resolve) => {
    const listener = vscode.debug.onDidTerminateDebugSession((ended) => {
      if (session && ended.id !== session.id) return;
      listener.dispose();
      resolve();
    });
  });
}
