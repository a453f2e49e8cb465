/** How a function leaves the locks to its caller. */
import { mentions, negativeKey } from './condition-text.js';
import type { FlowResult } from './flow-analysis.js';
import { assignedNames, type FlowGraph, type Truthiness } from './flow-graph.js';
import { entryKey, type Holding, type LockName, type LockState, netEffects } from './lock-state.js';
import { isThroughPointer, type ParameterPath, pathOf } from './parameter-paths.js';

/** What a call may have done: one outcome for each way that the callee returns. */
export interface Outcome {
  effects: ReadonlyMap<LockName, Holding>;
  /** Is the returned value other than zero, on this way, and is it an error? As far as known. */
  result?: boolean;
  negative?: boolean;
  /** What holds at the call for this way to be taken. */
  when: ReadonlyMap<ParameterPath, boolean>;
  /** What is stored through pointers. */
  sets: ReadonlyMap<ParameterPath, boolean>;
}

export interface Summary {
  outcomes: readonly Outcome[];
  /** No outcome has an effect. */
  neutral: boolean;
}

export const NEUTRAL: Summary = {
  outcomes: [{ effects: new Map(), when: new Map(), sets: new Map() }],
  neutral: true,
};

function effectText(effects: ReadonlyMap<LockName, Holding>): string {
  return [...effects]
    .map(([lock, holding]) => `${lock}=${holding.held ? holding.mode : '-'}`)
    .sort()
    .join();
}

const factText = (facts: ReadonlyMap<string, boolean>): string =>
  [...facts]
    .map(([key, truth]) => `${key}${truth ? '+' : '-'}`)
    .sort()
    .join();

function outcomeText({ effects, result, negative, when, sets }: Outcome): string {
  return `${effectText(effects)}/${result}/${negative}/${factText(when)}/${factText(sets)}`;
}

/** What callers see: the distinct effects of all exits. */
export function summarise(
  result: FlowResult,
  graph: FlowGraph,
  parameters: readonly { name: string }[],
): Summary {
  if (result.exits.every(({ state }) => netEffects(state).size === 0)) return NEUTRAL;
  const assigned = [...assignedNames(graph)];
  const indices = new Map(parameters.map(({ name }, index) => [name, index]));
  const outcomes = new Map<string, Outcome>();
  for (const { state, result: value } of result.exits) {
    const when = new Map<ParameterPath, boolean>();
    const sets = new Map<ParameterPath, boolean>();
    for (const [key, truth] of state.facts) {
      const before = entryKey(key);
      const given = before === undefined ? undefined : pathOf(before, indices);
      if (given !== undefined) when.set(given, truth);
      const path = pathOf(key, indices);
      if (path === undefined) continue;
      if (!assigned.some((name) => mentions(key, name))) when.set(path, truth);
      else if (isThroughPointer(path) && !isOverwritten(key, assigned)) sets.set(path, truth);
    }
    const outcome: Outcome = { effects: netEffects(state), ...resultOf(state, value), when, sets };
    const key = outcomeText(outcome);
    if (!outcomes.has(key)) outcomes.set(key, outcome);
  }
  const list = withoutAmbiguous([...outcomes.values()]);
  return list.every((outcome) => outcome.effects.size === 0) ? NEUTRAL : { outcomes: list, neutral: false };
}

/** Does the pointer that a key leads through become another one? Then the caller's is not meant any more. */
function isOverwritten(key: string, assigned: readonly string[]): boolean {
  const root = /[A-Za-z_]\w*/.exec(key)?.[0];
  return root !== undefined && assigned.includes(root);
}

function resultOf(state: LockState, value: Truthiness): { result?: boolean; negative?: boolean } {
  if (value === undefined) return {};
  if (value === 'error') return { result: true, negative: true };
  if (typeof value === 'boolean') return { result: value, negative: false };
  const truth = state.facts.get(value.from);
  const negative = value.negated || truth === false ? false : state.facts.get(negativeKey(value.from));
  const result = negative ? true : truth === undefined ? undefined : truth !== value.negated;
  return { ...(result !== undefined && { result }), ...(negative !== undefined && { negative }) };
}

/** The kinds of values that a caller can tell apart. */
function resultsOf({ result, negative }: Outcome): string[] {
  if (result === false) return ['zero'];
  const nonZero = negative === undefined ? ['positive', 'error'] : [negative ? 'error' : 'positive'];
  return result ? nonZero : ['zero', ...nonZero];
}

/**
 * A function that leaves a lock changed on some ways only must tell its caller which: by its result or a parameter.
 * Where nothing tells, the ways are tied together by something that isn't followed, and no effect is the truth.
 */
function withoutAmbiguous(outcomes: readonly Outcome[]): Outcome[] {
  const quiet = outcomes.filter(({ effects }) => effects.size === 0);
  const differ = (a: ReadonlyMap<string, boolean>, b: ReadonlyMap<string, boolean>) =>
    [...a].some(([key, truth]) => b.has(key) && b.get(key) !== truth);
  const alsoQuiet = (outcome: Outcome, value: string) =>
    quiet.some(
      (other) =>
        resultsOf(other).includes(value) &&
        !differ(other.when, outcome.when) &&
        !differ(other.sets, outcome.sets),
    );
  const kept = outcomes.filter(
    (outcome) =>
      outcome.effects.size === 0 || !resultsOf(outcome).every((value) => alsoQuiet(outcome, value)),
  );
  return kept.length > 0 ? kept : [...outcomes];
}

/** Equal texts mean equal summaries to callers. */
export const describeSummary = (summary: Summary): string =>
  summary.outcomes.map(outcomeText).sort().join(';');
