/** A function's lines: which of the wanted locks are held on each, and where they are taken and released. */
import type { FunctionNode } from '../program/model.js';
import type { LockContext, LockContexts } from './contexts.js';
import { lineOf } from './flow-builder.js';
import type { FlowNode } from './flow-graph.js';
import type { FlowView } from './function-locks.js';
import { ENTRY_STATE, type Holding, type LockName, type LockState, makeState } from './lock-state.js';
import { atCall } from './parameter-paths.js';
import type { LockMode } from './primitives.js';
import type { Outcome } from './summary.js';

/** Consecutive lines, counted from 1, on which a lock is held in the same way. */
export interface HeldLines {
  lock: LockName;
  /** Sorted. Several: one on some ways, another on others. */
  modes: readonly LockMode[];
  when: LockContext['when'];
  first: number;
  last: number;
}

/** A line, counted from 1, that takes a lock or releases it. */
export interface LockEvent {
  lock: LockName;
  line: number;
  what: 'taken' | 'released' | 'downgraded';
  /** Sorted; of a release as far as known. */
  modes: readonly LockMode[];
  /** What the outcome hangs on, where that isn't certain: the call's value, or something that can't be named here. */
  condition?: 'non-zero' | 'zero' | 'got' | 'held' | 'unknown';
  /** The called function that does it. */
  through?: string;
}

export interface FunctionLines {
  held: readonly HeldLines[];
  events: readonly LockEvent[];
}

/** Every mode of `LockMode`. */
const MODES: Readonly<Record<LockMode, true>> = {
  mutex: true,
  rcu: true,
  read: true,
  spin: true,
  srcu: true,
  write: true,
};

/** What a lock may be at a function's entry. */
interface AtEntry {
  modes: readonly LockMode[];
  when: 'never' | 'sometimes' | 'always';
}

type Held = Pick<HeldLines, 'modes' | 'when'>;

/**
 * What holds of a text that is several functions, as a template's is: what some of them hold is held sometimes.
 * @param parts at least one
 */
export function together(parts: readonly FunctionLines[]): FunctionLines {
  const [first, ...others] = parts;
  if (!first || others.length === 0) return first ?? { held: [], events: [] };
  const byLine = new Map<string, HeldLines[]>();
  for (const held of parts.flatMap((part) => part.held))
    for (let line = held.first; line <= held.last; line++) {
      const key = `${held.lock} ${line}`;
      byLine.set(key, [...(byLine.get(key) ?? []), { ...held, first: line, last: line }]);
    }
  const runs: HeldLines[] = [];
  for (const lines of [...byLine.values()].sort(byLockAndLine)) {
    const line = lines[0]!;
    const modes = [...new Set(lines.flatMap((one) => one.modes))].sort();
    const always = lines.length === parts.length && lines.every(({ when }) => when === 'always');
    const held: Held = { modes, when: always ? 'always' : 'sometimes' };
    const run = runs[runs.length - 1];
    if (run && run.lock === line.lock && run.last === line.first - 1 && isSame(run, held))
      run.last = line.last;
    else runs.push({ ...line, ...held });
  }
  const events = new Map(parts.flatMap((part) => part.events.map((event) => [JSON.stringify(event), event])));
  return { held: runs, events: [...events.values()].sort((a, b) => a.line - b.line) };
}

function byLockAndLine([a]: readonly HeldLines[], [b]: readonly HeldLines[]): number {
  return a && b ? a.lock.localeCompare(b.lock) || a.first - b.first : 0;
}

export class LockLines {
  /** By function id and lock names; good until the program changes. */
  private readonly known = new Map<string, FunctionLines>();

  constructor(private readonly contexts: LockContexts) {}

  /** @param locks the locks that are wanted */
  of(node: FunctionNode, locks: readonly LockName[]): FunctionLines {
    const key = `${node.id} ${locks.join()}`;
    let lines = this.known.get(key);
    if (!lines) {
      lines = new FunctionReader(this.contexts, node).read(locks);
      this.known.set(key, lines);
    }
    return lines;
  }
}

class FunctionReader {
  private readonly flow: FlowView | undefined;
  private readonly statesByLine: ReadonlyMap<number, readonly LockState[]>;

  constructor(
    private readonly contexts: LockContexts,
    private readonly node: FunctionNode,
  ) {
    this.flow = contexts.flows.flowIn(node);
    this.statesByLine = this.flow ? this.firstStates(this.flow) : new Map();
  }

  read(locks: readonly LockName[]): FunctionLines {
    return {
      held: locks.flatMap((lock) => this.heldLines(lock)),
      events: this.flow ? this.events(this.flow, new Set(locks)) : [],
    };
  }

  /** States before the first thing that each line does, with the names of locks that were given by pointer. */
  private firstStates({ graph, before }: FlowView): Map<number, readonly LockState[]> {
    const byLine = new Map<number, readonly LockState[]>();
    graph.nodes.forEach((inner, index) => {
      const line = lineOf(this.node, inner.p);
      const states = before[index]!;
      if (index > 0 && states.length > 0 && !byLine.has(line))
        byLine.set(line, this.contexts.flows.withNames(this.node, states));
    });
    return byLine;
  }

  private atEntry(lock: LockName): AtEntry {
    const { contexts, node } = this;
    const when = contexts.whenHeld(node, lock);
    const modes =
      when === 'never' ? [] : allModes.filter((mode) => contexts.witnessOfEntry(node, lock, mode));
    return { modes, when };
  }

  private heldLines(lock: LockName): HeldLines[] {
    const { firstLine, line, endLine } = this.node.facts;
    const entry = this.atEntry(lock);
    const runs: HeldLines[] = [];
    // What a line without anything to do is held like is what comes next.
    let held = this.flow ? undefined : heldIn([ENTRY_STATE], lock, entry);
    for (let at = endLine; at > line || at > firstLine; at--) {
      const states = this.statesByLine.get(at);
      if (states) held = heldIn(states, lock, entry);
      const run = runs[0];
      if (!held) continue;
      if (run && run.first === at + 1 && isSame(run, held)) run.first = at;
      else runs.unshift({ lock, ...held, first: at, last: at });
    }
    return runs;
  }

  private events({ graph, before, effects }: FlowView, wanted: ReadonlySet<LockName>): LockEvent[] {
    const events = new Map<string, LockEvent>();
    graph.nodes.forEach((inner, index) => {
      if (before[index]!.length === 0) return;
      const found =
        inner.kind === 'lock'
          ? lockEvents(inner, before[index]!)
          : inner.kind === 'call'
            ? callEvents(inner, effects(inner) ?? [])
            : [];
      for (const { lock, ...rest } of found) {
        for (const name of this.namesOf(lock)) {
          if (!wanted.has(name)) continue;
          const event = { lock: name, line: lineOf(this.node, inner.p), ...rest };
          const key = `${event.line} ${name} ${event.what}`;
          events.set(key, joined(events.get(key), event));
        }
      }
    });
    return [...events.values()].sort((a, b) => a.line - b.line);
  }

  /** The names of a lock: of one that was given by pointer those that callers give it. */
  private namesOf(lock: LockName): LockName[] {
    const state = makeState(new Map([[lock, { held: false, at: 0 } satisfies Holding]]), new Map());
    const states = this.contexts.flows.withNames(this.node, [state]);
    return [...new Set(states.flatMap(({ locks }) => [...locks.keys()]))];
  }
}

const allModes = Object.keys(MODES).sort() as LockMode[];

const isSame = (a: Held, b: Held): boolean => a.when === b.when && a.modes.join() === b.modes.join();

/** How a lock is held in any of these states; undefined where it isn't. */
function heldIn(states: readonly LockState[], lock: LockName, entry: AtEntry): Held | undefined {
  const modes = new Set<LockMode>();
  let always = true;
  for (const { locks } of states) {
    const holding = locks.get(lock);
    if (holding?.held) modes.add(holding.mode);
    else if (holding) always = false;
    else {
      for (const mode of entry.modes) modes.add(mode);
      if (entry.when !== 'always') always = false;
    }
  }
  return modes.size === 0 ? undefined : { modes: [...modes].sort(), when: always ? 'always' : 'sometimes' };
}

type Event = Omit<LockEvent, 'line'>;

function lockEvents(
  { primitive, lock, ifHeld }: Extract<FlowNode, { kind: 'lock' }>,
  before: readonly LockState[],
): Event[] {
  const modes: LockMode[] = primitive.mode ? [primitive.mode] : [];
  switch (primitive.op) {
    case 'acquire':
      return [{ lock, what: 'taken', modes }];
    case 'downgrade':
      return [{ lock, what: 'downgraded', modes: ['read'] }];
    case 'try': {
      // A guard's outcome is no value that stands in the text.
      const isGuard = primitive.name.startsWith('guard(');
      return [
        {
          lock,
          what: 'taken',
          modes,
          condition: isGuard ? 'got' : primitive.result === 'zero-held' ? 'zero' : 'non-zero',
        },
      ];
    }
    case 'release': {
      const holds = before.filter(({ locks }) => locks.get(lock)?.held).length;
      if (ifHeld && holds === 0) return [];
      const release: Event = { lock, what: 'released', modes };
      return [ifHeld && holds < before.length ? { ...release, condition: 'held' } : release];
    }
    default:
      return [];
  }
}

/** Can a call with these arguments end in this way? */
function isPossible(call: Extract<FlowNode, { kind: 'call' }>, { when }: Outcome): boolean {
  for (const [path, wanted] of when) {
    const truth = atCall(path, call.arguments);
    if (typeof truth === 'boolean' && truth !== wanted) return false;
  }
  return true;
}

function callEvents(call: Extract<FlowNode, { kind: 'call' }>, outcomes: readonly Outcome[]): Event[] {
  const possible = outcomes.filter((outcome) => isPossible(call, outcome));
  const locks = new Set(possible.flatMap(({ effects }) => [...effects.keys()]));
  return [...locks].flatMap((lock) => [
    ...eventOf(lock, 'taken', possible, (outcome) => outcome.effects.get(lock)?.held === true),
    ...eventOf(lock, 'released', possible, (outcome) => outcome.effects.get(lock)?.held === false),
  ]);
}

function eventOf(
  lock: LockName,
  what: 'taken' | 'released',
  outcomes: readonly Outcome[],
  does: (outcome: Outcome) => boolean,
): Event[] {
  const doing = outcomes.filter(does);
  if (doing.length === 0) return [];
  const holdings = doing.map(({ effects }) => effects.get(lock)!);
  const modes = new Set(holdings.flatMap((holding) => (holding.held ? [holding.mode] : [])));
  const through = holdings.map((holding) => (holding.held ? holding.through : undefined)).find(Boolean);
  const others = outcomes.filter((outcome) => !does(outcome));
  return [
    {
      lock,
      what,
      modes: [...modes].sort(),
      ...(through !== undefined && { through }),
      ...(others.length > 0 && { condition: conditionOf(doing, others) }),
    },
  ];
}

/** The value that tells the ways that do something from those that don't. */
function conditionOf(doing: readonly Outcome[], others: readonly Outcome[]): LockEvent['condition'] {
  const all = (outcomes: readonly Outcome[], result: boolean) =>
    outcomes.every((outcome) => outcome.result === result);
  if (all(doing, true) && all(others, false)) return 'non-zero';
  if (all(doing, false) && all(others, true)) return 'zero';
  return 'unknown';
}

/** Several nodes at one place: a macro's loop, or several ways out of a scope. */
function joined(before: LockEvent | undefined, event: LockEvent): LockEvent {
  if (!before) return event;
  const { condition: _, ...certain } = before;
  const modes = [...new Set([...before.modes, ...event.modes])].sort();
  return before.condition === event.condition
    ? { ...before, modes }
    : { ...certain, modes, condition: 'unknown' };
}
