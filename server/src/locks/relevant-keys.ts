/** Which flags and conditions of a function are worth following: those that tie lock operations together. */
import { mentions, negativeKey, partsOf } from './condition-text.js';
import { type FlowGraph, type FlowNode, resultNode } from './flow-graph.js';
import type { LockName } from './lock-state.js';
import { atCall, isThroughPointer, pathOf } from './parameter-paths.js';
import type { Outcome } from './summary.js';

/** More facts than these at a time multiply states without telling more. */
const MAX_RELEVANT = 8;

type CallNode = Extract<FlowNode, { kind: 'call' }>;
type CallOutcomes = (node: CallNode) => readonly Outcome[] | undefined;

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

  all(keys: Iterable<string>): Set<string> {
    const found = new Set<string>();
    for (const key of keys) found.add(this.of(key));
    return found;
  }
}

/** What is found out about keys in one look at the graph. */
interface Traits {
  /** Set to constants, as flags are. */
  told: Set<string>;
  /** Set to results of calls that change locks. */
  results: Set<string>;
  /** Handed to calls that go by them, or set by such calls. */
  shared: Set<string>;
  returned: Set<string>;
  /** Stored through pointers for the caller to see. */
  stored: Set<string>;
  /** Known from what is done with the value. */
  assumed: Set<string>;
}

interface Decisions {
  /** Keys that decide about locks, and at how many places their groups do. */
  deciding: Set<string>;
  places: Map<string, Set<number>>;
  /** Keys that decide about leaving, and groups that do so where no lock changes. */
  leaving: Set<string>;
  leavingAlone: Set<string>;
}

export interface RelevanceInput {
  graph: FlowGraph;
  /** Outcomes of calls that change locks. */
  outcomes: CallOutcomes;
  /** Parameters by name. */
  parameters: ReadonlyMap<string, number>;
  /** The only lock that is followed, where it isn't all. */
  concerns?: LockName | undefined;
  /** Keys whose truth is known from outside. */
  given: Iterable<string>;
}

export class RelevantKeys {
  private readonly keys = new Set<string>();
  private readonly related = new Map<string, string[]>();
  private readonly asked = new Set<number>();

  constructor(private readonly input: RelevanceInput) {
    const { graph, outcomes, concerns } = input;
    const effects = graph.nodes.map((node) => effectOf(node, outcomes, concerns));
    const given = new Set(input.given);
    this.noteAsked();
    if (given.size === 0 && !effects.some((effect) => effect !== undefined)) return;
    this.choose(effects, given);
    for (const key of this.keys) {
      const { subject } = partsOf(key);
      const list = this.related.get(subject);
      if (list) list.push(key);
      else this.related.set(subject, [key]);
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
    return this.asked.has(node);
  }

  /** Keys that say something of a value, itself among them. */
  about(subject: string): readonly string[] {
    return this.related.get(subject) ?? [];
  }

  /**
   * Keys that may be true no longer once a variable is another.
   * @param lent its address was given away: its members are taken to stay
   */
  touchedBy(name: string, lent: boolean): string[] {
    const pointee = name.startsWith('*') ? `${name.slice(1)}.` : undefined;
    return [...this.keys].filter(
      (key) =>
        (mentions(key, name) && !(lent && key.startsWith(`${name}.`))) ||
        (pointee !== undefined && key.startsWith(pointee)),
    );
  }

  /** Keys that are members of a variable, or of what it points to. */
  membersOf(name: string): string[] {
    const owner = `${name.replace(/^\*/, '')}.`;
    return [...this.keys].filter((key) => key.startsWith(owner) && /^[\w.]+$/.test(key));
  }

  private noteAsked(): void {
    const note = (key: string) => {
      const node = resultNode(key);
      if (node !== undefined) this.asked.add(node);
    };
    for (const node of this.input.graph.nodes) {
      if (node.kind === 'branch' && node.key !== undefined) note(node.key);
      else if (node.kind === 'set' && typeof node.value === 'object') note(node.value.from);
      else if (node.kind === 'exit' && typeof node.result === 'object') note(node.result.from);
    }
  }

  private traits(effects: readonly (Effect | undefined)[], groups: Groups): Traits {
    const { graph, parameters } = this.input;
    const traits: Traits = {
      told: new Set(),
      results: new Set(),
      shared: new Set(),
      returned: new Set(),
      stored: new Set(),
      assumed: new Set(),
    };
    for (const node of graph.nodes) {
      if (node.kind === 'exit' && typeof node.result === 'object')
        traits.returned.add(node.result.from).add(negativeKey(node.result.from));
      else if (node.kind === 'call') this.noteShared(node, traits);
      else if (node.kind === 'assume') for (const [key] of node.facts) traits.assumed.add(key);
      if (node.kind !== 'set') continue;
      const { name, value } = node;
      if (typeof value === 'object') {
        const result = resultNode(value.from);
        if (result === undefined) groups.join(name, value.from);
        else if (effects[result]) traits.results.add(name);
      } else if (value !== undefined || node.constant !== undefined) {
        traits.told.add(name);
        const path = pathOf(name, parameters);
        if (path !== undefined && isThroughPointer(path)) traits.stored.add(name);
      }
      if (node.members)
        for (const key of graph.decides.keys()) if (key.startsWith(`${name}.`)) traits.told.add(key);
    }
    return traits;
  }

  private noteShared(node: CallNode, traits: Traits): void {
    for (const { when, sets } of this.input.outcomes(node) ?? []) {
      for (const path of [...when.keys(), ...sets.keys()]) {
        const truth = atCall(path, node.arguments);
        if (typeof truth === 'object') traits.shared.add(truth.from);
      }
    }
  }

  private choose(effects: readonly (Effect | undefined)[], given: ReadonlySet<string>): void {
    const { graph, parameters } = this.input;
    const groups = new Groups();
    const traits = this.traits(effects, groups);
    for (const key of [...graph.decides.keys(), ...traits.shared]) {
      const { subject, kind } = partsOf(key);
      if (kind !== 'true') groups.join(key, subject);
    }
    const told = groups.all(traits.told);
    const wanted = groups.all([...given, ...traits.shared, ...traits.results]);
    const returned = groups.all(traits.returned);
    const parameterGroups = groups.all(parameters.keys());
    const isFromCaller = (key: string) =>
      parameterGroups.has(groups.of(key)) || pathOf(key, parameters) !== undefined;
    const { deciding, places, leaving, leavingAlone } = this.decisions(effects, groups);

    const ranked: { key: string; rank: number }[] = [];
    const rankOf = (key: string): number | undefined => {
      const group = groups.of(key);
      const count = places.get(group)?.size ?? 0;
      if (wanted.has(group)) return 0;
      if (told.has(group) && count > 0) return 1;
      if (deciding.has(key) && (count > 1 || leavingAlone.has(group) || isFromCaller(key))) return 2;
      if (traits.stored.has(key)) return 3;
      if (told.has(group) && (leaving.has(key) || traits.returned.has(key))) return 3;
      if ((returned.has(group) || isFromCaller(key)) && leaving.has(key)) return 4;
      if (traits.returned.has(key) && traits.assumed.has(key)) return 4;
      return undefined;
    };
    for (const key of new Set([
      ...graph.decides.keys(),
      ...traits.results,
      ...traits.returned,
      ...traits.stored,
      ...traits.shared,
    ])) {
      const rank = rankOf(key);
      if (rank !== undefined) ranked.push({ key, rank });
    }
    ranked.sort((a, b) => a.rank - b.rank);
    for (const { key } of ranked.slice(0, MAX_RELEVANT)) this.keys.add(key);
    for (const key of [...traits.results, ...given]) this.keys.add(key);
    this.addSources();
  }

  private decisions(effects: readonly (Effect | undefined)[], groups: Groups): Decisions {
    const { graph } = this.input;
    const deciding = new Set<string>();
    const places = new Map<string, Set<number>>();
    const leaving = new Set<string>();
    const leavingAlone = new Set<string>();
    for (const [key, ranges] of graph.decides) {
      const group = groups.of(key);
      const own = places.get(group) ?? new Set();
      places.set(group, own);
      for (const range of ranges) {
        const leads = leaves(graph, range);
        if (leads) leaving.add(key);
        if (isUnbalanced(effects, range)) {
          own.add(range[0]);
          deciding.add(key);
        } else if (leads) leavingAlone.add(group);
      }
    }
    return { deciding, places, leaving, leavingAlone };
  }

  /** A flag copied from another: `unlock = taken;`. */
  private addSources(): void {
    for (let grown = true; grown; ) {
      grown = false;
      for (const node of this.input.graph.nodes) {
        if (node.kind !== 'set' || typeof node.value !== 'object' || !this.keys.has(node.name)) continue;
        const { from } = node.value;
        if (resultNode(from) !== undefined || this.keys.has(from)) continue;
        this.keys.add(from);
        grown = true;
      }
    }
  }
}

function effectOf(
  node: FlowNode,
  outcomes: CallOutcomes,
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
function isUnbalanced(
  effects: readonly (Effect | undefined)[],
  [from, to]: readonly [number, number],
): boolean {
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
