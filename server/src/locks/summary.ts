/** How a function leaves the locks to its caller. */
import type { FlowResult } from './flow-analysis.js';
import { type Holding, type LockName, netEffects } from './lock-state.js';

/** What a call may have done: one outcome for each way that the callee returns. */
export interface Outcome {
  effects: ReadonlyMap<LockName, Holding>;
  /** Truth of the returned value on this way, where known. */
  result?: boolean;
  /** Truths of parameters (by index) that lead this way. */
  when: ReadonlyMap<number, boolean>;
}

export interface Summary {
  outcomes: readonly Outcome[];
  /** No outcome has an effect. */
  neutral: boolean;
}

export const NEUTRAL: Summary = { outcomes: [{ effects: new Map(), when: new Map() }], neutral: true };

function effectText(effects: ReadonlyMap<LockName, Holding>): string {
  return [...effects].map(([lock, holding]) => `${lock}=${holding.held ? holding.mode : '-'}`).sort().join();
}

/** What callers see: the distinct effects of all exits. `unassigned` are parameters that keep their value. */
export function summarise(result: FlowResult, unassigned: ReadonlyMap<string, number>): Summary {
  const outcomes = new Map<string, Outcome>();
  for (const { state, result: truth } of result.exits) {
    const effects = netEffects(state);
    const when = new Map<number, boolean>();
    for (const [name, known] of state.facts) {
      const index = unassigned.get(name);
      if (index !== undefined) when.set(index, known);
    }
    const known = typeof truth === 'boolean' ? truth : undefined;
    const key = `${effectText(effects)}|${known}|${[...when].sort().join()}`;
    if (!outcomes.has(key)) outcomes.set(key, known === undefined ? { effects, when } : { effects, result: known, when });
  }
  const list = withoutAmbiguous([...outcomes.values()]);
  const neutral = list.every((outcome) => outcome.effects.size === 0);
  return neutral ? NEUTRAL : { outcomes: list, neutral };
}

/**
 * A function that leaves a lock changed on some ways only must tell its caller which: by its result or a parameter.
 * Where nothing tells, the ways are tied together by something that isn't followed, and no effect is the truth.
 */
function withoutAmbiguous(outcomes: readonly Outcome[]): Outcome[] {
  const quiet = outcomes.filter(({ effects }) => effects.size === 0);
  const contradicts = (a: Outcome, b: Outcome) => [...a.when].some(([index, truth]) => b.when.has(index) && b.when.get(index) !== truth);
  const alsoQuiet = (outcome: Outcome, result: boolean) =>
    quiet.some((other) => (other.result === undefined || other.result === result) && !contradicts(other, outcome));
  const results = ({ result }: Outcome) => (result === undefined ? [true, false] : [result]);
  const kept = outcomes.filter((outcome) => outcome.effects.size === 0 || !results(outcome).every((result) => alsoQuiet(outcome, result)));
  return kept.length > 0 ? kept : [...outcomes];
}

/** Equal texts mean equal summaries to callers. */
export function describeSummary(summary: Summary): string {
  return summary.outcomes
    .map(({ effects, result, when }) => `${effectText(effects)}/${result}/${[...when].sort()}`)
    .sort()
    .join(';');
}
