/** Lock states along the paths of one function. */
import type { Expression } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import { resultKey, type FlowGraph, type FlowNode, type Truthiness } from './flow-graph.js';
import { acquired, ENTRY_STATE, makeState, netEffects, released, withFact, withoutFacts, type Holding, type LockName, type LockState } from './lock-state.js';

/** What a call may have done: one outcome for each way that the callee returns. */
export interface Outcome {
  effects: ReadonlyMap<LockName, Holding>;
  /** Truth of the returned value on this way, where known. */
  result?: boolean;
  /** Truths of parameters (by index) that lead this way. */
  when: ReadonlyMap<number, boolean>;
}

/** How a function leaves the locks to its caller. */
export interface Summary {
  outcomes: readonly Outcome[];
  /** No outcome has an effect. */
  neutral: boolean;
}

export const NEUTRAL: Summary = { outcomes: [{ effects: new Map(), when: new Map() }], neutral: true };

/** Beyond this a node's states are merged by forgetting what is known of flags. */
const MAX_STATES = 40;
const MAX_RELEVANT = 8;
const MAX_STEPS = 60_000;

export interface FlowResult {
  /** States before each node. */
  before: readonly (readonly LockState[])[];
  exits: readonly { state: LockState; result: Truthiness }[];
  /** The function was too large to follow to the end. */
  incomplete: boolean;
}

/** Effects of the calls at a flow node, put into the caller's terms. */
export type CallEffects = (node: Extract<FlowNode, { kind: 'call' }>) => readonly Outcome[] | undefined;

const isEffect = (node: FlowNode, effects: CallEffects): boolean =>
  node.kind === 'lock'
    ? node.primitive.op === 'acquire' || node.primitive.op === 'release' || node.primitive.op === 'try'
    : node.kind === 'call' && effects(node) !== undefined;

/**
 * Keys that tie lock operations together, and only these are followed: flags that are set to constants, conditions
 * asked at several places that each decide about locks, results of calls that lock, and parameters that decide.
 */
function relevantKeys(graph: FlowGraph, effects: CallEffects, parameters: ReadonlySet<string>): Set<string> {
  const effectful = graph.nodes.map((node) => isEffect(node, effects));
  const relevant = new Set<string>();
  if (!effectful.includes(true)) return relevant;
  const constants = new Set<string>();
  const results = new Set<string>();
  for (const node of graph.nodes) {
    if (node.kind !== 'set') continue;
    if (typeof node.value === 'boolean') constants.add(node.name);
    else if (node.value?.from.startsWith('#') && effectful[Number(node.value.from.slice(1))]) results.add(node.name);
  }
  const ranked: { key: string; rank: number }[] = [];
  for (const [key, ranges] of graph.decides) {
    const deciding = new Set(ranges.filter(([from, to]) => effectful.slice(from, to).includes(true)).map(([from]) => from)).size;
    if (results.has(key)) ranked.push({ key, rank: 0 });
    else if (constants.has(key) && (deciding > 0 || ranges.some((range) => leaves(graph, range)))) ranked.push({ key, rank: deciding > 0 ? 1 : 3 });
    else if (deciding > 1 || (deciding === 1 && parameters.has(key))) ranked.push({ key, rank: 2 });
    else if (parameters.has(key) && ranges.some((range) => leaves(graph, range))) ranked.push({ key, rank: 4 });
  }
  ranked.sort((a, b) => a.rank - b.rank);
  for (const { key } of ranked.slice(0, MAX_RELEVANT)) relevant.add(key);
  for (const key of results) relevant.add(key);
  // A flag copied from another: `unlock = taken;`.
  for (const node of graph.nodes) {
    if (node.kind === 'set' && relevant.has(node.name) && node.value !== undefined && typeof node.value !== 'boolean' && !node.value.from.startsWith('#')) relevant.add(node.value.from);
  }
  return relevant;
}

/** Does a path go from inside a range to somewhere else than right behind it: a return, a goto, a break? */
function leaves(graph: FlowGraph, [from, to]: readonly [number, number]): boolean {
  for (let i = from; i < to; i++) {
    const node = graph.nodes[i]!;
    if (node.kind === 'exit' || node.next.some((next) => next < from || next > to)) return true;
  }
  return false;
}

function truthIn(state: LockState, value: Truthiness): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  const known = state.facts.get(value.from);
  return known === undefined ? undefined : known !== value.negated;
}

class FlowRun {
  private readonly before: Map<string, LockState>[];
  private readonly pending: { node: number; state: LockState }[] = [];
  private readonly exits: { state: LockState; result: Truthiness }[] = [];
  private readonly relevant: Set<string>;

  constructor(
    private readonly graph: FlowGraph,
    private readonly effects: CallEffects,
    parameters: ReadonlySet<string>,
    /** What is known at entry; then nothing but that is followed. */
    private readonly known: ReadonlyMap<string, boolean> | undefined = undefined,
  ) {
    this.before = graph.nodes.map(() => new Map());
    this.relevant = known ? new Set(known.keys()) : relevantKeys(graph, effects, parameters);
  }

  reaches(targets: ReadonlySet<number>): boolean {
    this.run();
    for (const target of targets) if (this.before[target]!.size > 0) return true;
    return false;
  }

  run(): FlowResult {
    this.arrive(0, this.known ? makeState(new Map(), this.known) : ENTRY_STATE);
    let steps = 0;
    while (this.pending.length > 0 && steps++ < MAX_STEPS) {
      const { node, state } = this.pending.pop()!;
      this.step(node, state);
    }
    return { before: this.before.map((states) => [...states.values()]), exits: this.exits, incomplete: this.pending.length > 0 };
  }

  private arrive(node: number | undefined, state: LockState): void {
    if (node === undefined) return;
    const states = this.before[node]!;
    const kept = states.size < MAX_STATES ? state : withoutFacts(state);
    if (states.has(kept.key) || states.size > MAX_STATES * 2) return;
    states.set(kept.key, kept);
    this.pending.push({ node, state: kept });
  }

  private step(index: number, state: LockState): void {
    const node = this.graph.nodes[index]!;
    switch (node.kind) {
      case 'branch':
        return this.branch(node, state);
      case 'exit':
        this.exits.push({ state, result: truthIn(state, node.result) });
        return;
      case 'set':
        return this.arrive(node.next[0], this.assign(node, state));
      case 'lock':
        return this.lock(index, node, state);
      case 'call':
        return this.call(index, node, state);
      default:
        for (const next of node.next) this.arrive(next, state);
    }
  }

  private branch(node: Extract<FlowNode, { kind: 'branch' }>, state: LockState): void {
    const { key } = node;
    const follow = (slot: number, truth: boolean | undefined) => {
      if (key === undefined || truth === undefined) return this.arrive(node.next[slot], state);
      const known = state.facts.get(key);
      if (known !== undefined && known !== truth) return;
      if (key.startsWith('#')) return this.arrive(node.next[slot], withFact(state, key, undefined));
      this.arrive(node.next[slot], this.relevant.has(key) ? withFact(state, key, truth) : state);
    };
    follow(0, node.whenTrue);
    follow(1, node.whenFalse);
  }

  private assign(node: Extract<FlowNode, { kind: 'set' }>, state: LockState): LockState {
    if (!this.relevant.has(node.name)) return state;
    const truth = truthIn(state, node.value);
    let next = withFact(state, node.name, truth);
    const from = node.value !== undefined && typeof node.value !== 'boolean' ? node.value.from : '';
    if (from.startsWith('#')) next = withFact(next, from, undefined);
    // What was derived from the variable's old value is no longer known.
    for (const key of next.facts.keys()) if (key !== node.name && mentions(key, node.name)) next = withFact(next, key, undefined);
    return next;
  }

  private lock(index: number, node: Extract<FlowNode, { kind: 'lock' }>, state: LockState): void {
    const { primitive, lock } = node;
    const next = node.next[0];
    const mode = primitive.mode ?? 'spin';
    switch (primitive.op) {
      case 'acquire':
        return this.arrive(next, acquired(state, lock, mode, node.p));
      case 'release':
        return this.arrive(next, released(state, lock, node.p));
      case 'downgrade':
        return this.arrive(next, state.locks.get(lock)?.held ? acquired(state, lock, 'read', node.p) : state);
      case 'try': {
        const heldWhen = primitive.result !== 'zero-held';
        this.arrive(next, withFact(acquired(state, lock, mode, node.p), resultKey(index), heldWhen));
        return this.arrive(next, withFact(state, resultKey(index), !heldWhen));
      }
      default:
        return this.arrive(next, state);
    }
  }

  private call(index: number, node: Extract<FlowNode, { kind: 'call' }>, state: LockState): void {
    const outcomes = this.effects(node);
    const next = node.next[0];
    if (!outcomes) return this.arrive(next, state);
    const byResult = outcomes.some((outcome) => outcome.result !== outcomes[0]!.result);
    for (const outcome of outcomes) {
      if (!this.argumentsAgree(node.arguments, outcome, state)) continue;
      let after = state;
      for (const [lock, holding] of outcome.effects) after = holding.held ? acquired(after, lock, holding.mode, node.p, holding.through) : released(after, lock, node.p);
      this.arrive(next, byResult && outcome.result !== undefined ? withFact(after, resultKey(index), outcome.result) : after);
    }
  }

  /** Can this outcome come from these arguments? `unlock(kvm, false)` never takes the way that needs true. */
  private argumentsAgree(args: readonly Expression[], outcome: Outcome, state: LockState): boolean {
    for (const [index, truth] of outcome.when) {
      const value = args[index] && unwrap(args[index]);
      if (!value) continue;
      const known =
        value.k === 'num'
          ? Number(value.v.replace(/[uUlL]+$/, '')) !== 0
          : value.k === 'id'
            ? value.n === 'true'
              ? true
              : value.n === 'false' || value.n === 'NULL'
                ? false
                : state.facts.get(value.n)
            : undefined;
      if (known !== undefined && known !== truth) return false;
    }
    return true;
  }
}

/** Does a condition's text use a variable? */
function mentions(text: string, variable: string): boolean {
  const at = text.indexOf(variable);
  if (at < 0) return false;
  const before = text[at - 1];
  const after = text[at + variable.length];
  return !(before && /[\w.]/.test(before)) && !(after && /\w/.test(after));
}

/** @param parameters names of parameters that keep their value */
export function analyseFlow(graph: FlowGraph, effects: CallEffects, parameters: ReadonlySet<string>): FlowResult {
  return new FlowRun(graph, effects, parameters).run();
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
    const key = `${[...effects].map(([lock, holding]) => `${lock}=${holding.held ? holding.mode : '-'}`).sort()}|${known}|${[...when].join()}`;
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
  const contradicts = (a: Outcome, b: Outcome) => [...a.when].some(([index, truth]) => b.when.has(index) && b.when.get(index) !== truth);
  const kept = outcomes.filter(
    (outcome) => outcome.effects.size === 0 || !outcomes.some((other) => other.effects.size === 0 && other.result === outcome.result && !contradicts(other, outcome)),
  );
  return kept.length > 0 ? kept : [...outcomes];
}

/**
 * Is one of the nodes reached when parameters have these values?
 * @param constants by parameter name: the value's text and truth, as far as known
 */
export function reachesUnder(graph: FlowGraph, constants: ReadonlyMap<string, { text: string; truth: boolean | undefined }>, targets: ReadonlySet<number>): boolean {
  const facts = new Map<string, boolean>();
  for (const node of graph.nodes) {
    if (node.kind !== 'branch' || node.key === undefined) continue;
    const plain = constants.get(node.key);
    if (plain?.truth !== undefined) facts.set(node.key, plain.truth);
    const [, name, op, text] = /^(\w+)(==|!=)(\w+)$/.exec(node.key) ?? [];
    const compared = name === undefined ? undefined : constants.get(name);
    if (compared) facts.set(node.key, (compared.text === text) === (op === '=='));
  }
  if (facts.size === 0) return true;
  return new FlowRun(graph, () => undefined, new Set(), facts).reaches(targets);
}
