/** Which flags and conditions of a function are worth following: those that tie lock operations together. */
import type { Expression } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import { conditionText, constantOf, mentions, sidesOf } from './condition-text.js';
import { type FlowGraph, type FlowNode, resultNode, type SetNode, type Truthiness } from './flow-graph.js';
import type { LockName } from './lock-state.js';
import type { Outcome } from './summary.js';

/** What a call's argument is true by. */
export function truthOfArgument(expression: Expression | undefined): Truthiness {
  const node = expression && unwrap(expression);
  if (!node) return undefined;
  const constant = constantOf(node);
  if (constant !== undefined) return constant !== 0;
  if (node.k === 'unary' && node.op === '&') return true;
  if (node.k === 'unary' && node.op === '!') {
    const inner = truthOfArgument(node.x);
    return typeof inner === 'boolean' ? !inner : inner && { from: inner.from, negated: !inner.negated };
  }
  const text = conditionText(node);
  return text === undefined ? undefined : { from: text, negated: false };
}

/** More facts than these at a time multiply states without telling more. */
const MAX_RELEVANT = 8;

interface Effect {
  /** What the node does to a lock, where that can be counted; calls and attempts can't. */
  lock?: LockName;
  change: number;
}

/** Keys that stand for one value: copies of it, and comparisons of it with constants. */
class Groups {
  private readonly parents = new Map<string, string>();

  of(key: string): string {
    let root = key;
    for (let up = this.parents.get(root); up !== undefined; up = this.parents.get(root)) root = up;
    return root;
  }

  join(a: string, b: string): void {
    const [left, right] = [this.of(a), this.of(b)];
    if (left !== right) this.parents.set(left, right);
  }
}

export class RelevantKeys {
  private readonly keys = new Set<string>();
  /** Equality keys by what they ask about. */
  private readonly equalities = new Map<string, string[]>();
  private readonly results = new Set<number>();

  /**
   * @param outcomes of calls that change locks
   * @param concerns the only lock that is followed, where it isn't all
   * @param given keys whose truth is known from outside
   */
  constructor(
    private readonly graph: FlowGraph,
    outcomes: (node: Extract<FlowNode, { kind: 'call' }>) => readonly Outcome[] | undefined,
    private readonly parameters: ReadonlySet<string>,
    concerns: LockName | undefined,
    given: Iterable<string>,
  ) {
    const effects = graph.nodes.map((node) => effectOf(node, outcomes, concerns));
    const isGiven = new Set(given);
    this.noteResults();
    if (isGiven.size === 0 && !effects.some((effect) => effect !== undefined)) return;
    this.choose(effects, isGiven, argumentKeys(graph, outcomes));
    for (const key of this.keys) {
      const sides = sidesOf(key);
      if (!sides) continue;
      const list = this.equalities.get(sides.subject);
      if (list) list.push(key);
      else this.equalities.set(sides.subject, [key]);
    }
  }

  has(key: string): boolean {
    return this.keys.has(key);
  }

  get size(): number {
    return this.keys.size;
  }

  /** Does anything ask for the result of this node? */
  asksFor(node: number): boolean {
    return this.results.has(node);
  }

  /** Comparisons of a value with constants. */
  comparing(subject: string): readonly string[] {
    return this.equalities.get(subject) ?? [];
  }

  /** Keys that may be true no longer once a variable is another. */
  touchedBy({ name, lent }: SetNode): string[] {
    return [...this.keys].filter((key) => mentions(key, name) && !(lent && key.startsWith(`${name}.`)));
  }

  /** Keys that are members of a variable. */
  membersOf(name: string): string[] {
    return [...this.keys].filter((key) => key.startsWith(`${name}.`) && /^[\w.]+$/.test(key));
  }

  private noteResults(): void {
    const note = (key: string | undefined) => {
      const node = key === undefined ? undefined : resultNode(key);
      if (node !== undefined) this.results.add(node);
    };
    for (const node of this.graph.nodes) {
      if (node.kind === 'branch') note(node.key);
      else if (node.kind === 'set' && typeof node.value === 'object') note(node.value.from);
      else if (node.kind === 'exit' && typeof node.result === 'object') note(node.result.from);
    }
  }

  private choose(effects: readonly (Effect | undefined)[], given: ReadonlySet<string>, handedOn: ReadonlySet<string>): void {
    const { graph, parameters } = this;
    const groups = new Groups();
    const constants = new Set<string>();
    const results = new Set<string>();
    const zeroed: string[] = [];
    const returned = new Set<string>();
    for (const node of graph.nodes) {
      if (node.kind === 'exit' && typeof node.result === 'object') returned.add(node.result.from);
      if (node.kind !== 'set') continue;
      if (typeof node.value === 'boolean' || node.constant !== undefined) constants.add(node.name);
      else if (node.members) zeroed.push(`${node.name}.`);
      else if (typeof node.value === 'object') {
        const result = resultNode(node.value.from);
        if (result === undefined) groups.join(node.name, node.value.from);
        else if (effects[result]) results.add(node.name);
      }
    }
    for (const key of graph.decides.keys()) {
      const sides = sidesOf(key);
      if (sides) groups.join(key, sides.subject);
    }
    const isConstant = (key: string) => constants.has(key) || zeroed.some((prefix) => key.startsWith(prefix));
    const isTold = grouped(groups, [...graph.decides.keys(), ...constants], isConstant);
    const isResult = grouped(groups, results, () => true);
    const isParameter = grouped(groups, parameters, () => true);
    const isWanted = grouped(groups, [...given, ...handedOn], () => true);
    const isReturned = grouped(groups, returned, () => true);

    const deciding = new Map<string, Set<number>>();
    const leaving = new Set<string>();
    const ownDecides = new Set<string>();
    for (const [key, ranges] of graph.decides) {
      const group = groups.of(key);
      let places = deciding.get(group);
      if (!places) deciding.set(group, (places = new Set()));
      for (const range of ranges) {
        if (isUnbalanced(effects, range)) {
          places.add(range[0]);
          ownDecides.add(key);
        }
        if (leaves(graph, range)) leaving.add(key);
      }
    }
    const ranked: { key: string; rank: number }[] = [];
    const candidates = new Set([...graph.decides.keys(), ...results, ...returned, ...given, ...handedOn]);
    for (const key of candidates) {
      const group = groups.of(key);
      const places = deciding.get(group)?.size ?? 0;
      let rank: number | undefined;
      if (isWanted.has(group) || isResult.has(group)) rank = 0;
      else if (isTold.has(group) && places > 0) rank = 1;
      else if (ownDecides.has(key) && (places > 1 || isParameter.has(group))) rank = 2;
      else if (isTold.has(group) && (leaving.has(key) || returned.has(key))) rank = 3;
      else if ((isReturned.has(group) || isParameter.has(group)) && leaving.has(key)) rank = 4;
      if (rank !== undefined) ranked.push({ key, rank });
    }
    ranked.sort((a, b) => a.rank - b.rank);
    for (const { key } of ranked.slice(0, MAX_RELEVANT)) this.keys.add(key);
    for (const key of [...results, ...given]) this.keys.add(key);
    this.addSources();
  }

  /** A flag copied from another: `unlock = taken;`. */
  private addSources(): void {
    for (let grown = true; grown; ) {
      grown = false;
      for (const node of this.graph.nodes) {
        if (node.kind !== 'set' || typeof node.value !== 'object' || !this.keys.has(node.name)) continue;
        const { from } = node.value;
        if (resultNode(from) !== undefined || this.keys.has(from)) continue;
        this.keys.add(from);
        grown = true;
      }
    }
  }
}

function grouped(groups: Groups, keys: Iterable<string>, which: (key: string) => boolean): Set<string> {
  const found = new Set<string>();
  for (const key of keys) if (which(key)) found.add(groups.of(key));
  return found;
}

/** Keys that calls are given as arguments which decide what they do to locks. */
function argumentKeys(graph: FlowGraph, outcomes: (node: Extract<FlowNode, { kind: 'call' }>) => readonly Outcome[] | undefined): Set<string> {
  const keys = new Set<string>();
  for (const node of graph.nodes) {
    if (node.kind !== 'call') continue;
    for (const outcome of outcomes(node) ?? []) {
      for (const index of outcome.when.keys()) {
        const truth = truthOfArgument(node.arguments[index]);
        if (typeof truth === 'object') keys.add(truth.from);
      }
    }
  }
  return keys;
}

function effectOf(
  node: FlowNode,
  outcomes: (node: Extract<FlowNode, { kind: 'call' }>) => readonly Outcome[] | undefined,
  concerns: LockName | undefined,
): Effect | undefined {
  if (node.kind === 'call') {
    const known = outcomes(node);
    const counts = known && (concerns === undefined || known.some(({ effects }) => effects.has(concerns)));
    return counts ? { change: 0 } : undefined;
  }
  if (node.kind !== 'lock' || (concerns !== undefined && node.lock !== concerns)) return undefined;
  switch (node.primitive.op) {
    case 'acquire':
      return { lock: node.lock, change: 1 };
    case 'release':
      return { lock: node.lock, change: -1 };
    case 'try':
      return { change: 0 };
    default:
      return undefined;
  }
}

/** May the locks be others behind a range than before it? */
function isUnbalanced(effects: readonly (Effect | undefined)[], [from, to]: readonly [number, number]): boolean {
  const changes = new Map<LockName, number>();
  for (let i = from; i < to; i++) {
    const effect = effects[i];
    if (!effect) continue;
    if (effect.lock === undefined) return true;
    changes.set(effect.lock, (changes.get(effect.lock) ?? 0) + effect.change);
  }
  for (const change of changes.values()) if (change !== 0) return true;
  return false;
}

/** Does a path go from inside a range to somewhere else than right behind it: a return, a goto, a break? */
function leaves(graph: FlowGraph, [from, to]: readonly [number, number]): boolean {
  for (let i = from; i < to; i++) {
    const node = graph.nodes[i]!;
    if (node.kind === 'exit' || node.next.some((next) => next < from || next > to)) return true;
  }
  return false;
}
