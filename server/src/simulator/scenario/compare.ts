/** A scenario on every design that can carry it, and in its variants, side by side: what goes wrong, and what it costs. */
import type { KernelCode } from './kernel-code.js';
import { type Design, type Scenario, type Variant, withVariant } from './model.js';
import type { Outcome, RunHazard, RunResult } from './result.js';
import { runScenario } from './run.js';
import { NotRunnable } from './runnable.js';

export interface ComparedRun {
  design: Design;
  variant?: string;
  outcome: Outcome;
  /** Why it is an error. */
  message?: string;
  hazards: RunHazard[];
  /** By the keys of `COSTS`. */
  costs: Record<string, number>;
  /** Actions and turns of the schedule that don't go as the scenario says: it was written for another design. */
  differences: string[];
}

export interface NotCompared {
  design: Design;
  variant?: string;
  /** Why it can't carry the scenario. */
  notRun: string;
}

export interface Comparison {
  scenario: string;
  rows: string[];
  runs: ComparedRun[];
  notRun: NotCompared[];
}

/** What is compared: key, what it is called, how it is made of a run's counters. */
export const COSTS: readonly {
  key: string;
  title: string;
  of: (counters: Record<string, number>) => number;
}[] = [
  counter('invalidations', 'invalidations'),
  counter('invalidatedPages', 'pages invalidated'),
  counter('faultRetries', 'faults repeated'),
  counter('tlbFlushes', 'TLB flushes'),
  counter('rmpLookups', 'RMP look-ups'),
  counter('rmpUpdates', 'RMP updates'),
  counter('psmash', 'RMP splits (PSMASH)'),
  counter('directmapSplits', 'directmap splits'),
  counter('directmapRestores', 'directmap restores'),
  counter('directmap2MLost', 'directmap: 2M mappings lost'),
  counter('bytesAllocatedPeak', 'bytes allocated at most'),
  {
    key: 'bytesAllocatedTwice',
    title: 'bytes allocated twice at most',
    of: ({ twiceAllocatedGfnsPeak }) => (twiceAllocatedGfnsPeak ?? 0) * 4096,
  },
  counter('movesRefused', 'moves refused'),
  counter('longestLockHold', 'longest hold of a spinning lock, steps'),
  counter('steps', 'steps of C'),
];

function counter(key: string, title: string) {
  return { key, title, of: (counters: Record<string, number>) => counters[key] ?? 0 };
}

/**
 * @param kernelOf the kernel of a design; a text: why there is none
 * @param maxSteps of each run
 */
export function compareDesigns(
  scenario: Scenario,
  kernelOf: (scenario: Scenario) => KernelCode | string,
  maxSteps?: number,
): Comparison {
  const comparison: Comparison = { scenario: scenario.title, rows: scenario.rows, runs: [], notRun: [] };
  const add = (wanted: Scenario, variant?: Variant): void => {
    const named = { design: wanted.design, ...(variant && { variant: variant.name }) };
    const kernel = kernelOf(wanted);
    if (typeof kernel === 'string') {
      comparison.notRun.push({ ...named, notRun: kernel });
      return;
    }
    try {
      const result = runScenario({ scenario: wanted, kernel }, maxSteps === undefined ? {} : { maxSteps });
      comparison.runs.push({ ...named, ...comparedRun(result) });
    } catch (error) {
      if (!(error instanceof NotRunnable)) throw error;
      comparison.notRun.push({ ...named, notRun: error.message });
    }
  };
  const others = scenario.designs.filter((design) => design !== scenario.design && design !== 'tree');
  for (const design of [scenario.design, ...others]) add({ ...scenario, design });
  for (const variant of scenario.variants) add(withVariant(scenario, variant.name)!, variant);
  return comparison;
}

function comparedRun({ outcome, message, hazards, counters, expectations }: RunResult) {
  return {
    outcome,
    ...(message !== undefined && { message }),
    hazards,
    costs: Object.fromEntries(COSTS.map(({ key, of }) => [key, of(counters)])),
    differences: expectations
      .filter(({ ok, of }) => !ok && of === 'actors')
      .map(({ what, expected, actual }) => `${what}: expected ${expected}, got ${actual}`),
  };
}
