/** Runs of scenarios, one at a time and in slices, so that messages are heard in between. */
import type { CancellationToken } from 'vscode-jsonrpc/node';
import { jsonable } from '../simulator/backend/jsonable.js';
import type { SimulatorFiles } from '../simulator/backend/prepare.js';
import { prepare } from '../simulator/backend/prepare.js';
import type {
  LineCoverage,
  RunAnswer,
  RunParams,
  RunProgress,
  StatusResult,
} from '../simulator/backend/protocol.js';
import { ENTRY_FILE } from '../simulator/kernel-api/entry.js';
import { Simulation } from '../simulator/scenario/simulation.js';
import { nextTurn } from './turns.js';

/** Milliseconds between two looks at what else there is to do, and between two messages on how far it is. */
const SLICE = 10;
const PROGRESS = 250;
/** Steps between two looks at the clock. */
const STEPS = 64;

export class Cancelled extends Error {}

export class Runs {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private running: { scenario: string; steps: number } | null = null;

  constructor(private readonly files: SimulatorFiles) {}

  get status(): Pick<StatusResult, 'running' | 'waiting'> {
    return { running: this.running, waiting: this.waiting };
  }

  /** @throws Cancelled, and what `prepare` throws */
  run(
    params: RunParams,
    token: CancellationToken,
    onProgress: (progress: RunProgress) => void,
  ): Promise<RunAnswer> {
    this.waiting++;
    const before = this.last;
    const run = (async () => {
      await before;
      this.waiting--;
      this.running = { scenario: params.scenario, steps: 0 };
      try {
        return await this.one(params, token, onProgress);
      } finally {
        this.running = null;
      }
    })();
    this.last = run.catch(() => {});
    return run;
  }

  private async one(
    params: RunParams,
    token: CancellationToken,
    onProgress: (progress: RunProgress) => void,
  ): Promise<RunAnswer> {
    const started = performance.now();
    refuseCancelled(token);
    const { input, root } = await prepare(params, this.files);
    refuseCancelled(token);
    const { maxSteps, trace = false, token: name } = params;
    const simulation = new Simulation(input, { trace, ...(maxSteps !== undefined && { maxSteps }) });
    let turn = performance.now();
    let told = turn;
    for (let thread = simulation.next(), i = 1; thread; thread = simulation.next(), i++) {
      simulation.step(thread);
      if (i % STEPS !== 0 || performance.now() - turn < SLICE) continue;
      if (this.running) this.running.steps = simulation.steps;
      if (name !== undefined && performance.now() - told > PROGRESS) {
        told = performance.now();
        onProgress({ token: name, steps: simulation.steps, actor: thread.name });
      }
      await nextTurn();
      refuseCancelled(token);
      turn = performance.now();
    }
    const { story, coverage, ...result } = simulation.finish();
    const { unmodelled } = coverage;
    return {
      result: jsonable({ ...result, unmodelled, ...(trace && { story }) }) as RunAnswer['result'],
      root,
      ms: Math.round(performance.now() - started),
      ...coverageOf(simulation),
    };
  }
}

function refuseCancelled(token: CancellationToken): void {
  if (token.isCancellationRequested) throw new Cancelled('The run was cancelled.');
}

function coverageOf({ c }: Simulation): Pick<RunAnswer, 'functions' | 'lines'> {
  const lines = new Map<string, { executed: Set<number>; missed: Set<number> }>();
  const functions: RunAnswer['functions'][number][] = [];
  for (const { compiled, executed } of c.enteredFunctions()) {
    const { symbol, places, boundaries } = compiled;
    if (symbol.loc.file === ENTRY_FILE) continue;
    functions.push({ function: symbol.name, file: symbol.loc.file, line: symbol.loc.line });
    for (const pc of boundaries) {
      const { file, line } = places[pc]!;
      let of = lines.get(file);
      if (!of) lines.set(file, (of = { executed: new Set(), missed: new Set() }));
      (executed[pc] ? of.executed : of.missed).add(line);
    }
  }
  const sorted = (set: Iterable<number>): number[] => [...set].sort((a, b) => a - b);
  return {
    functions,
    lines: Object.fromEntries(
      [...lines]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([file, { executed, missed }]): [string, LineCoverage] => [
          file,
          { executed: sorted(executed), missed: sorted([...missed].filter((line) => !executed.has(line))) },
        ]),
    ),
  };
}
