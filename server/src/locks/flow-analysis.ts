/** Lock states along the paths of one function. */
import { negativeKey, partsOf } from './condition-text.js';
import { type FlowGraph, type FlowNode, resultKey, type SetNode, type Truthiness } from './flow-graph.js';
import {
  acquired,
  atEntry,
  downgraded,
  ENTRY_STATE,
  type LockName,
  type LockState,
  makeState,
  released,
  withFact,
  withoutFacts,
} from './lock-state.js';
import { knownFrom } from './number-facts.js';
import { atCall, isThroughPointer, pathOf } from './parameter-paths.js';
import { RelevantKeys } from './relevant-keys.js';
import type { Outcome } from './summary.js';

/** Beyond this a node's states are merged by forgetting what is known of flags; beyond twice this locks are followed one by one. */
const MAX_STATES = 40;
const MAX_STEPS = 400_000;

export interface FlowResult {
  /** States before each node. */
  before: readonly (readonly LockState[])[];
  exits: readonly Exit[];
  /** The function was too large to follow to the end. */
  incomplete: boolean;
}

interface Exit {
  node: number;
  state: LockState;
  result: Truthiness;
}

/** Effects of the calls at a flow node, put into the caller's terms. */
export type CallEffects = (node: Extract<FlowNode, { kind: 'call' }>) => readonly Outcome[] | undefined;

const NOTHING: ReadonlyMap<string, boolean> = new Map();

class FlowRun {
  private readonly before: Map<string, LockState>[];
  private readonly pending: { node: number; state: LockState }[] = [];
  private readonly exits: Exit[] = [];
  private readonly relevant: RelevantKeys;
  private readonly touched = new Map<string, readonly string[]>();
  /** Too many combinations of locks came to one node. */
  exploded = false;

  /** @param only the lock that is followed, where it isn't all */
  constructor(
    private readonly graph: FlowGraph,
    private readonly effects: CallEffects,
    private readonly parameters: ReadonlyMap<string, number>,
    private readonly given: ReadonlyMap<string, boolean>,
    private readonly only?: LockName,
  ) {
    this.before = graph.nodes.map(() => new Map());
    this.relevant = new RelevantKeys({
      graph,
      outcomes: effects,
      parameters,
      concerns: only,
      given: given.keys(),
    });
  }

  run(): FlowResult {
    this.arrive(0, this.given.size > 0 ? makeState(ENTRY_STATE.locks, this.given) : ENTRY_STATE);
    let steps = 0;
    while (this.pending.length > 0 && steps++ < MAX_STEPS && !this.exploded) {
      const { node, state } = this.pending.pop()!;
      this.step(node, state);
    }
    return {
      before: this.before.map((states) => [...states.values()]),
      exits: this.exits,
      incomplete: this.graph.truncated || this.pending.length > 0,
    };
  }

  private arrive(node: number | undefined, state: LockState): void {
    if (node === undefined) return;
    const states = this.before[node]!;
    const kept = states.size < MAX_STATES ? state : withoutFacts(state);
    if (states.has(kept.key)) return;
    if (states.size > MAX_STATES * 2) {
      this.exploded = true;
      return;
    }
    states.set(kept.key, kept);
    this.pending.push({ node, state: kept });
  }

  private step(index: number, state: LockState): void {
    const node = this.graph.nodes[index]!;
    switch (node.kind) {
      case 'branch':
        return this.branch(node, state);
      case 'exit':
        this.exits.push({ node: index, state, result: node.result });
        return;
      case 'set':
        for (const after of this.assign(node, state)) this.arrive(node.next[0], after);
        return;
      case 'assume':
        return this.assume(node, state);
      case 'lock':
        return this.lock(index, node, state);
      case 'call':
        return this.call(index, node, state);
      default:
        for (const next of node.next) this.arrive(next, state);
    }
  }

  // ---- what is known of conditions

  private known(state: LockState, key: string): boolean | undefined {
    const direct = state.facts.get(key);
    if (direct !== undefined || state.facts.size === 0) return direct;
    const { subject, kind, constant } = partsOf(key);
    if (kind === 'true')
      return this.relevant.about(key).some((other) => state.facts.get(other) && isNotZero(other))
        ? true
        : knownFrom(state.facts, this.relevant.about(key), key);
    const needsMore = kind !== 'below' && (kind !== 'equal' || isNotZero(key));
    if (state.facts.get(subject) === false && needsMore) return false;
    // What equals one constant equals no other.
    const isAnother =
      kind === 'equal' &&
      this.relevant.about(subject).some((other) => state.facts.get(other) && isOther(other, constant));
    return isAnother ? false : knownFrom(state.facts, this.relevant.about(subject), key);
  }

  private truthIn(state: LockState, value: Truthiness): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value;
    if (value === 'error') return true;
    const known = this.known(state, value.from);
    return known === undefined ? undefined : known !== value.negated;
  }

  private isNegative(state: LockState, value: Truthiness): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value === undefined ? undefined : false;
    if (value === 'error') return true;
    return value.negated ? false : this.known(state, negativeKey(value.from));
  }

  private branch(node: Extract<FlowNode, { kind: 'branch' }>, state: LockState): void {
    const { key } = node;
    const follow = (slot: number, truth: boolean | undefined) => {
      if (key === undefined || truth === undefined) return this.arrive(node.next[slot], state);
      const known = this.known(state, key);
      if (known !== undefined && known !== truth) return;
      if (key.startsWith('#')) return this.arrive(node.next[slot], withFact(state, key, undefined));
      this.arrive(node.next[slot], this.relevant.has(key) ? withFact(state, key, truth) : state);
    };
    follow(0, node.whenTrue);
    follow(1, node.whenFalse);
  }

  private assume({ facts, next }: Extract<FlowNode, { kind: 'assume' }>, state: LockState): void {
    let after = state;
    for (const [key, truth] of facts) {
      if (this.known(after, key) === !truth) return;
      after = this.noting(after, key, truth);
    }
    this.arrive(next[0], after);
  }

  private forget(state: LockState, name: string, lent: boolean): LockState {
    const place = lent ? `&${name}` : name;
    const keys = this.touched.get(place) ?? this.relevant.touchedBy(name, lent);
    this.touched.set(place, keys);
    let next = state;
    for (const key of keys) next = withFact(this.rememberingEntry(next, key), key, undefined);
    return next;
  }

  /** What the caller gave counts for the caller, also after the function has stored something else. */
  private rememberingEntry(state: LockState, key: string): LockState {
    const path = pathOf(key, this.parameters);
    if (path === undefined || !isThroughPointer(path) || state.facts.has(changedKey(key))) return state;
    const truth = state.facts.get(key);
    const marked = withFact(state, changedKey(key), true);
    return truth === undefined ? marked : withFact(marked, atEntry(key), truth);
  }

  /** The state with a fact, if it is one that is followed. */
  private noting(state: LockState, key: string, truth: boolean | undefined): LockState {
    return truth === undefined || !this.relevant.has(key) ? state : withFact(state, key, truth);
  }

  private assign(node: SetNode, state: LockState): LockState[] {
    const { name, value } = node;
    const copied = typeof value === 'object' && !node.op ? value.from : undefined;
    // Of a copy and what it was copied from one tells the other: each truth is a way of its own.
    const isOpen =
      copied !== undefined &&
      this.relevant.has(name) &&
      this.relevant.has(copied) &&
      this.known(state, copied) === undefined;
    if (!isOpen) return [this.assigned(node, state)];
    return [true, false].map((truth) => this.assigned(node, withFact(state, copied, truth)));
  }

  private assigned(node: SetNode, state: LockState): LockState {
    const { name, value } = node;
    const from = typeof value === 'object' && value.from.startsWith('#') ? value.from : undefined;
    const truth = this.truthIn(state, value);
    const negative = this.isNegative(state, value);
    const read =
      from === undefined ? state : withFact(withFact(state, from, undefined), negativeKey(from), undefined);
    if (this.relevant.size === 0) return read;
    if (node.op) return this.combine(node, truth, read);
    let next = this.forget(read, name, false);
    if (node.members) for (const key of this.relevant.membersOf(name)) next = withFact(next, key, false);
    next = this.noting(next, name, truth);
    next = this.noting(next, negativeKey(name), negative);
    for (const key of this.relevant.about(name))
      next = this.noting(next, key, whatConstantTells(key, node.constant, truth));
    return next;
  }

  /** `flag |= value`, `flag &= value`: what is set stays set, and bits that aren't named stay as they are. */
  private combine({ name, op, constant }: SetNode, truth: boolean | undefined, state: LockState): LockState {
    if (op === '++' || op === '--') return this.counted(name, op, state);
    if (constant !== undefined && op !== 'and') {
      const bit = this.relevant
        .about(name)
        .find((key) => partsOf(key).kind === 'bit' && partsOf(key).constant === constant);
      const others = bit === undefined ? state : withFact(state, bit, op === 'or');
      return op === 'or' ? this.noting(others, name, true) : others;
    }
    const neutral = op === 'and';
    if (truth === neutral || this.known(state, name) === !neutral) return state;
    return this.noting(this.forget(state, name, false), name, truth === undefined ? undefined : !neutral);
  }

  /** A counter one further. It is taken not to pass its type's ends. */
  private counted(name: string, op: '++' | '--', state: LockState): LockState {
    const isSet = this.known(state, name);
    const isNegative = this.known(state, negativeKey(name));
    const next = this.forget(state, name, false);
    const becomes = (set: boolean | undefined, negative: boolean | undefined) =>
      this.noting(this.noting(next, name, set), negativeKey(name), negative);
    if (op === '++') {
      if (isSet === false || isNegative === false) return becomes(true, false);
      return isSet && isNegative === undefined ? becomes(true, undefined) : next;
    }
    if (isSet === false || isNegative) return becomes(true, true);
    return isSet && isNegative === false ? becomes(undefined, false) : next;
  }

  // ---- what changes locks

  private lock(index: number, node: Extract<FlowNode, { kind: 'lock' }>, state: LockState): void {
    const { primitive, lock } = node;
    const next = node.next[0];
    const mode = primitive.mode ?? 'spin';
    if (this.only !== undefined && lock !== this.only) return this.arrive(next, state);
    switch (primitive.op) {
      case 'acquire':
        return this.arrive(next, acquired(state, lock, mode, node.p));
      case 'release':
        return this.arrive(
          next,
          node.ifHeld && !state.locks.get(lock)?.held ? state : released(state, lock, node.p),
        );
      case 'downgrade':
        return this.arrive(next, downgraded(state, lock));
      case 'try': {
        const heldWhen = primitive.result !== 'zero-held';
        const got = acquired(state, lock, mode, node.p);
        if (!this.relevant.asksFor(index)) {
          this.arrive(next, got);
          return this.arrive(next, state);
        }
        this.arrive(next, withFact(got, resultKey(index), heldWhen));
        return this.arrive(next, withFact(state, resultKey(index), !heldWhen));
      }
      default:
        return this.arrive(next, state);
    }
  }

  private call(index: number, node: Extract<FlowNode, { kind: 'call' }>, state: LockState): void {
    const outcomes = this.effects(node);
    const next = node.next[0];
    const concerned =
      outcomes && (this.only === undefined || outcomes.some(({ effects }) => effects.has(this.only!)));
    if (!concerned) return this.arrive(next, this.afterLending(node, state));
    const asked = this.relevant.asksFor(index);
    for (const outcome of outcomes) {
      const allowed = this.withArguments(node, outcome, state);
      if (!allowed) continue;
      let after = this.afterLending(node, allowed);
      for (const [path, truth] of outcome.sets)
        after = this.stored(after, atCall(path, node.arguments), truth);
      for (const [lock, holding] of outcome.effects) {
        if (this.only !== undefined && lock !== this.only) continue;
        after = holding.held
          ? acquired(after, lock, holding.mode, node.p, holding.through)
          : released(after, lock, node.p);
      }
      if (asked) {
        if (outcome.result !== undefined) after = withFact(after, resultKey(index), outcome.result);
        if (outcome.negative !== undefined)
          after = withFact(after, negativeKey(resultKey(index)), outcome.negative);
      }
      this.arrive(next, after);
    }
  }

  private afterLending({ lent = [] }: Extract<FlowNode, { kind: 'call' }>, state: LockState): LockState {
    if (this.relevant.size === 0) return state;
    return lent.reduce((after, name) => this.forget(after, name, true), state);
  }

  private stored(state: LockState, place: Truthiness, truth: boolean): LockState {
    if (typeof place !== 'object') return state;
    return this.noting(this.forget(state, place.from, false), place.from, truth !== place.negated);
  }

  /** The state with what an outcome says of the arguments; undefined where they can't lead to it: `unlock(kvm, false)`. */
  private withArguments(
    node: Extract<FlowNode, { kind: 'call' }>,
    outcome: Outcome,
    state: LockState,
  ): LockState | undefined {
    let after = state;
    for (const [path, wanted] of outcome.when) {
      const truth = atCall(path, node.arguments);
      const known = this.truthIn(after, truth);
      if (known !== undefined && known !== wanted) return undefined;
      if (known === undefined && typeof truth === 'object')
        after = this.noting(after, truth.from, wanted !== truth.negated);
    }
    return after;
  }
}

/** Mark of a condition that the function has changed on this way. */
const changedKey = (key: string): string => `~${key}`;

const isNumber = (text: string): boolean => /^-?\d/.test(text);

/** Is an equality with another number, or another name, than this one? A name may stand for a number. */
function isOther(key: string, constant: string): boolean {
  const own = partsOf(key);
  return own.kind === 'equal' && own.constant !== constant && isNumber(own.constant) === isNumber(constant);
}

/** Is a value of which this key is true other than zero? */
function isNotZero(key: string): boolean {
  const { kind, constant } = partsOf(key);
  if (kind === 'negative' || kind === 'bit') return true;
  if (kind === 'below') return false;
  return kind === 'equal' && isNumber(constant) && !/^-?0[xX]?0*[uUlL]*$/.test(constant);
}

/** What a key says of a variable that was just given a constant, or zero. */
function whatConstantTells(
  key: string,
  constant: string | undefined,
  truth: boolean | undefined,
): boolean | undefined {
  const own = partsOf(key);
  if (own.kind === 'below') {
    const value = truth === false ? 0 : constant === undefined ? Number.NaN : Number(constant);
    return Number.isNaN(value) ? undefined : value < Number(own.constant);
  }
  if (own.kind === 'bit') return truth === false ? false : constant === own.constant ? true : undefined;
  if (own.kind !== 'equal' || constant === undefined) return undefined;
  return own.constant === constant ? true : isOther(key, constant) ? false : undefined;
}

/**
 * @param parameters parameters by name
 * @param given truths that are known at entry
 */
export function analyseFlow(
  graph: FlowGraph,
  effects: CallEffects,
  parameters: ReadonlyMap<string, number>,
  given: ReadonlyMap<string, boolean> = NOTHING,
): FlowResult {
  const run = new FlowRun(graph, effects, parameters, given);
  const result = run.run();
  if (!run.exploded) return result;
  const locks = locksIn(graph, effects);
  return sideBySide(
    graph,
    locks.map((lock) => new FlowRun(graph, effects, parameters, given, lock).run()),
  );
}

function locksIn(graph: FlowGraph, effects: CallEffects): LockName[] {
  const names = new Set<LockName>();
  for (const node of graph.nodes) {
    if (node.kind === 'lock') names.add(node.lock);
    else if (node.kind === 'call')
      for (const outcome of effects(node) ?? []) for (const name of outcome.effects.keys()) names.add(name);
  }
  return [...names];
}

/**
 * Runs that followed one lock each, as one result: of each lock every state that it may be in is in some state of
 * the result, though not together with every state of the other locks.
 */
function sideBySide(graph: FlowGraph, runs: readonly FlowResult[]): FlowResult {
  const merge = (parts: readonly (readonly LockState[])[]): LockState[] => {
    const reached = parts.filter((states) => states.length > 0);
    const count = Math.max(0, ...reached.map((states) => states.length));
    return Array.from({ length: count }, (_, i) => {
      const locks = reached.flatMap((states) => [...states[Math.min(i, states.length - 1)]!.locks]);
      return makeState(new Map(locks), NOTHING);
    });
  };
  const exits = graph.nodes.flatMap((node, index) => {
    if (node.kind !== 'exit') return [];
    const states = merge(
      runs.map((run) => run.exits.filter((exit) => exit.node === index).map((exit) => exit.state)),
    );
    return states.map((state): Exit => ({ node: index, state, result: node.result }));
  });
  return {
    before: graph.nodes.map((_, index) => merge(runs.map((run) => run.before[index]!))),
    exits,
    incomplete: runs.some((run) => run.incomplete),
  };
}

/** A constant: its text (an enumerator, a number) and its truth, as far as known. */
export interface Constant {
  text: string;
  truth: boolean | undefined;
}

/** Constants by parameter name. */
export type Constants = ReadonlyMap<string, Constant>;

/** What constants say of the conditions that a function asks. */
export function factsOf(graph: FlowGraph, constants: Constants): ReadonlyMap<string, boolean> {
  const facts = new Map<string, boolean>();
  for (const [name, { truth }] of constants) if (truth !== undefined) facts.set(name, truth);
  for (const node of graph.nodes) {
    if (node.kind !== 'branch' || node.key === undefined) continue;
    const compared = constants.get(partsOf(node.key).subject);
    const truth = compared && whatConstantTells(node.key, compared.text, compared.truth);
    if (truth !== undefined) facts.set(node.key, truth);
  }
  return facts;
}
