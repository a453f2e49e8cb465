/** Lock states along the paths of one function. */
import { sidesOf } from './condition-text.js';
import { type FlowGraph, type FlowNode, resultKey, type SetNode, type Truthiness } from './flow-graph.js';
import { acquired, downgraded, ENTRY_STATE, type LockName, type LockState, makeState, released, withFact, withoutFacts } from './lock-state.js';
import { RelevantKeys, truthOfArgument } from './relevant-keys.js';
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
  private readonly touched = new Map<SetNode, readonly string[]>();
  /** Too many combinations of locks came to one node. */
  exploded = false;

  /** @param only the lock that is followed, where it isn't all */
  constructor(
    private readonly graph: FlowGraph,
    private readonly effects: CallEffects,
    parameters: ReadonlySet<string>,
    private readonly given: ReadonlyMap<string, boolean>,
    private readonly only?: LockName,
  ) {
    this.before = graph.nodes.map(() => new Map());
    this.relevant = new RelevantKeys(graph, effects, parameters, only, given.keys());
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
        this.exits.push({ node: index, state, result: this.truthIn(state, node.result) });
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

  // ---- what is known of conditions

  private known(state: LockState, key: string): boolean | undefined {
    const direct = state.facts.get(key);
    if (direct !== undefined || state.facts.size === 0) return direct;
    const sides = sidesOf(key);
    if (!sides) return this.relevant.comparing(key).some((other) => state.facts.get(other) && isNonZero(other)) ? true : undefined;
    // What equals one constant equals no other.
    const elsewhere = this.relevant.comparing(sides.subject).some((other) => other !== key && state.facts.get(other) && isOther(other, sides.constant));
    return elsewhere || (state.facts.get(sides.subject) === false && isNonZero(key)) ? false : undefined;
  }

  private truthIn(state: LockState, value: Truthiness): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value;
    const known = this.known(state, value.from);
    return known === undefined ? undefined : known !== value.negated;
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

  private touchedBy(node: SetNode): readonly string[] {
    let keys = this.touched.get(node);
    if (!keys) this.touched.set(node, (keys = this.relevant.touchedBy(node)));
    return keys;
  }

  private assign(node: SetNode, state: LockState): LockState {
    const { name, value, op, constant } = node;
    const from = typeof value === 'object' ? value.from : '';
    const unread = from.startsWith('#') ? withFact(state, from, undefined) : state;
    if (this.relevant.size === 0) return unread;
    let truth = this.truthIn(state, value);
    if (op) {
      // `flag |= false` and `flag &= true` change nothing, and what is set stays set.
      const neutral = op === 'and';
      if (truth === neutral || this.known(state, name) === !neutral) return unread;
      truth = truth === undefined ? undefined : !neutral;
    }
    let next = unread;
    for (const key of this.touchedBy(node)) next = withFact(next, key, undefined);
    if (node.members) for (const key of this.relevant.membersOf(name)) next = withFact(next, key, false);
    if (truth !== undefined && this.relevant.has(name)) next = withFact(next, name, truth);
    if (constant !== undefined) {
      for (const key of this.relevant.comparing(name)) {
        const compared = sidesOf(key)!.constant;
        if (compared === constant) next = withFact(next, key, true);
        else if (isOther(key, constant)) next = withFact(next, key, false);
      }
    }
    return next;
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
        return this.arrive(next, node.ifHeld && !state.locks.get(lock)?.held ? state : released(state, lock, node.p));
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
    const concerned = outcomes && (this.only === undefined || outcomes.some(({ effects }) => effects.has(this.only!)));
    if (!concerned) return this.arrive(next, state);
    const asked = this.relevant.asksFor(index);
    for (const outcome of outcomes) {
      let after = this.withArguments(node, outcome, state);
      if (!after) continue;
      for (const [lock, holding] of outcome.effects) {
        if (this.only !== undefined && lock !== this.only) continue;
        after = holding.held ? acquired(after, lock, holding.mode, node.p, holding.through) : released(after, lock, node.p);
      }
      this.arrive(next, asked && outcome.result !== undefined ? withFact(after, resultKey(index), outcome.result) : after);
    }
  }

  /** The state with what an outcome says of the arguments; undefined where they can't lead to it: `unlock(kvm, false)`. */
  private withArguments(node: Extract<FlowNode, { kind: 'call' }>, outcome: Outcome, state: LockState): LockState | undefined {
    let after = state;
    for (const [index, wanted] of outcome.when) {
      const truth = truthOfArgument(node.arguments[index]);
      const known = this.truthIn(after, truth);
      if (known !== undefined && known !== wanted) return undefined;
      if (known === undefined && typeof truth === 'object' && this.relevant.has(truth.from)) after = withFact(after, truth.from, wanted !== truth.negated);
    }
    return after;
  }
}

/** Is the constant of an equality another number, or another name, than this one? A name may stand for a number. */
function isOther(key: string, constant: string): boolean {
  const own = sidesOf(key)!.constant;
  return own !== constant && isNumber(own) === isNumber(constant);
}

const isNumber = (text: string): boolean => /^-?\d/.test(text);

function isNonZero(key: string): boolean {
  const constant = sidesOf(key)?.constant ?? '';
  return isNumber(constant) && !/^-?0[xX]?0*[uUlL]*$/.test(constant);
}

/**
 * @param parameters names of parameters that keep their value
 * @param given truths that are known at entry
 */
export function analyseFlow(graph: FlowGraph, effects: CallEffects, parameters: ReadonlySet<string>, given: ReadonlyMap<string, boolean> = NOTHING): FlowResult {
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
    else if (node.kind === 'call') for (const outcome of effects(node) ?? []) for (const name of outcome.effects.keys()) names.add(name);
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
    const states = merge(runs.map((run) => run.exits.filter((exit) => exit.node === index).map((exit) => exit.state)));
    const result = typeof node.result === 'boolean' ? node.result : undefined;
    return states.map((state): Exit => ({ node: index, state, result }));
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
    const sides = node.kind === 'branch' && node.key !== undefined ? sidesOf(node.key) : undefined;
    const compared = sides && constants.get(sides.subject);
    if (node.kind !== 'branch' || !sides || !compared) continue;
    if (compared.text === sides.constant) facts.set(node.key!, true);
    else if (isNumber(compared.text) === isNumber(sides.constant)) facts.set(node.key!, false);
  }
  return facts;
}
