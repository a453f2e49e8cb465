/**
 * Which locks are held when a function is entered, before a line and at a call, over the known call sites,
 * and by which shortest path each came to be held.
 */
import { columnOf } from '../kernel-c/syntax.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { BodyChange, Program } from '../program/program.js';
import { FeasiblePaths } from './feasible-path.js';
import { lineOf } from './flow-builder.js';
import { LockFlows } from './function-locks.js';
import type { LockName, LockState } from './lock-state.js';
import { type Acquisition, type HeldCall, type Link, OneLock } from './one-lock.js';
import { LOCK_WORDS, type LockMode } from './primitives.js';

export { LOCK_WORDS };

/** A lock at a function's entry or before a line. */
export interface LockContext {
  lock: LockName;
  mode: LockMode;
  /** `always`: in whatever mode, the lock is held at every known call site. */
  when: 'always' | 'sometimes';
  /** Number of call sites that bring it in this mode. */
  paths: number;
}

/** One step of a witness path; lines and columns count from 1. */
export interface PathStep {
  function: string;
  file: string;
  line: number;
  column: number;
  via: string;
  text: string;
}

/** How a lock came to be held at a call: taken in `holder`, then down `edges`. */
export interface Witness {
  holder: FunctionNode;
  acquisition: Acquisition;
  edges: readonly CallEdge[];
}

const MAX_PATH = 200;

/** Locks named by what a function was given, and marks of locks taken back: nothing that a callee could name. */
const isRelative = (lock: LockName) => lock.startsWith('$') || lock.startsWith('~');

export class LockContexts {
  readonly flows: LockFlows;
  /** Made when first asked for: findings need one lock, a hover all. */
  private readonly locks = new Map<LockName, OneLock>();
  private feasible: FeasiblePaths | undefined;
  private heldCalls: Map<LockName, HeldCall[]> | undefined;

  /** @param focus the only locks that will be asked about; nothing: any */
  constructor(
    private readonly program: Program,
    focus?: readonly LockName[],
  ) {
    this.flows = new LockFlows(program, focus);
  }

  /**
   * Takes in changed function bodies, where function pointers stay what they were. Contexts flow anew only where a call
   * or the locks at a call are others.
   * @returns whether they stay what they were
   */
  update({ functions, removed }: BodyChange): boolean {
    const before = functions.map(({ node, edgesBefore, firstLineBefore }) =>
      this.flows.signature(node, edgesBefore, firstLineBefore),
    );
    const summaryChanged = this.flows.update(
      functions.map(({ node }) => node),
      removed,
    );
    const same =
      removed.length === 0 &&
      !summaryChanged &&
      !functions.some(({ node }) => this.program.isConsulted(node)) &&
      functions.every(
        ({ node }, index) =>
          this.flows.signature(node, this.program.callsFrom(node), node.facts.firstLine) === before[index],
      );
    this.heldCalls = undefined;
    this.feasible = undefined;
    if (same)
      for (const { node, edgesBefore } of functions)
        for (const lock of this.locks.values()) lock.relink(edgesBefore, this.program.callsFrom(node));
    else this.locks.clear();
    return same;
  }

  /** Calls under a lock that the calling function itself took, by lock. */
  private get callsUnderLocks(): ReadonlyMap<LockName, readonly HeldCall[]> {
    if (this.heldCalls) return this.heldCalls;
    const calls = new Map<LockName, HeldCall[]>();
    for (const node of this.program.functions()) {
      if (!this.flows.of(node)) continue;
      for (const edge of this.program.callsFrom(node)) {
        for (const state of this.flows.statesBefore(edge)) {
          for (const [lock, holding] of state.locks) {
            if (!holding.held || isRelative(lock)) continue;
            const list = calls.get(lock);
            if (list) list.push({ edge, acquisition: holding });
            else calls.set(lock, [{ edge, acquisition: holding }]);
          }
        }
      }
    }
    this.heldCalls = calls;
    return calls;
  }

  /** Every lock that is somewhere held at a call. */
  get lockNames(): Iterable<LockName> {
    return this.callsUnderLocks.keys();
  }

  private lock(name: LockName): OneLock {
    let lock = this.locks.get(name);
    if (!lock) {
      lock = new OneLock(this.program, this.flows, name, this.callsUnderLocks.get(name) ?? []);
      this.locks.set(name, lock);
    }
    return lock;
  }

  /** Locks at a function's entry, most certain first. */
  entry(node: FunctionNode): LockContext[] {
    const contexts: LockContext[] = [];
    for (const name of this.callsUnderLocks.keys()) {
      const lock = this.lock(name);
      const when = lock.when(node);
      if (when === 'never') continue;
      for (const mode of lock.modes(node)!.keys()) {
        const paths = this.program.callsTo(node).filter((edge) => lock.mayHold(edge, mode)).length;
        contexts.push({ lock: name, mode, when, paths });
      }
    }
    return contexts.sort((a, b) => a.when.localeCompare(b.when) || a.lock.localeCompare(b.lock));
  }

  /** Is `lock` held at entry: `never`, `sometimes` or `always`, over the known call sites? */
  whenHeld(node: FunctionNode, lock: LockName): 'never' | 'sometimes' | 'always' {
    return this.lock(lock).when(node);
  }

  /** Functions in which a lock may be held: entered with it, or taking it. */
  functionsUnder(lock: LockName): FunctionNode[] {
    const own = new Map(
      (this.callsUnderLocks.get(lock) ?? []).map(({ edge }) => [edge.caller.id, edge.caller]),
    );
    for (const node of this.lock(lock).functions) own.set(node.id, node);
    return [...own.values()];
  }

  private combine(
    node: FunctionNode,
    states: readonly LockState[],
    names: Iterable<LockName>,
  ): LockContext[] {
    const contexts: LockContext[] = [];
    for (const name of names) {
      const lock = this.lock(name);
      const inherited = lock.modes(node);
      const modes = new Set<LockMode>();
      let everywhere = true;
      for (const state of states) {
        const holding = state.locks.get(name);
        if (holding?.held) modes.add(holding.mode);
        else if (holding) everywhere = false;
        else {
          for (const mode of inherited?.keys() ?? []) modes.add(mode);
          if (lock.when(node) !== 'always') everywhere = false;
        }
      }
      for (const mode of modes)
        contexts.push({ lock: name, mode, when: everywhere ? 'always' : 'sometimes', paths: states.length });
    }
    return contexts;
  }

  /** Locks held just before a line of a function. */
  beforeLine(node: FunctionNode, line: number): LockContext[] {
    const states = this.flows.statesBeforeLine(node, line);
    const names = new Set(this.callsUnderLocks.keys());
    for (const state of states)
      for (const name of state.locks.keys()) if (!name.startsWith('~')) names.add(name);
    return this.combine(node, states, names);
  }

  /** A lock at a call; empty where it is never held there. */
  atCall(edge: CallEdge, lock: LockName): LockContext[] {
    return this.combine(edge.caller, this.flows.statesBefore(edge), [lock]);
  }

  /** The shortest way in which a lock comes to be held at a call, or undefined where it never is. */
  witnessAt(edge: CallEdge, lock: LockName): Witness | undefined {
    const states = this.flows.statesBefore(edge);
    for (const state of states) {
      const holding = state.locks.get(lock);
      if (holding?.held) return { holder: edge.caller, acquisition: holding, edges: [edge] };
    }
    if (!states.some((state) => !state.locks.has(lock))) return undefined;
    const above = this.witnessOfEntry(edge.caller, lock);
    return above && { ...above, edges: [...above.edges, edge] };
  }

  /**
   * The shortest way on which the constants handed down let the call be reached, or undefined where there is none.
   * @param avoid functions that the way may not lead through
   * @param from only ways that begin with this call
   */
  feasibleWitness(
    edge: CallEdge,
    lock: LockName,
    avoid: (node: FunctionNode) => boolean,
    from?: CallEdge,
  ): Witness | undefined {
    const quick = this.witnessAt(edge, lock);
    if (!quick || (quick.edges.length === 1 && !from)) return quick;
    this.feasible ??= new FeasiblePaths(this.program, this.flows);
    return this.feasible.witness(edge, lock, this.lock(lock), avoid, from);
  }

  /** The shortest way in which a lock comes to be held at a function's entry. */
  witnessOfEntry(node: FunctionNode, lock: LockName, mode?: LockMode): Witness | undefined {
    const edges: CallEdge[] = [];
    let current = node;
    while (edges.length < MAX_PATH) {
      const link = shortest(this.lock(lock).modes(current), mode);
      if (!link) return undefined;
      edges.unshift(link.edge);
      if (link.acquisition) return { holder: link.edge.caller, acquisition: link.acquisition, edges };
      current = link.edge.caller;
    }
    return undefined;
  }

  /** How a lock comes to be held just before a line. `edges` may be empty: it was taken in the function itself. */
  witnessBeforeLine(node: FunctionNode, line: number, lock: LockName, mode: LockMode): Witness | undefined {
    for (const state of this.flows.statesBeforeLine(node, line)) {
      const holding = state.locks.get(lock);
      if (holding?.held && holding.mode === mode) return { holder: node, acquisition: holding, edges: [] };
    }
    return this.witnessOfEntry(node, lock, mode);
  }

  /** Every call, in a function that itself took the lock, from which a call is reached with it held. */
  holdersAbove(edge: CallEdge, name: LockName, limit: number): CallEdge[] {
    const lock = this.lock(name);
    const found: CallEdge[] = [];
    const seen = new Set<string>();
    const pending: CallEdge[] = [edge];
    while (pending.length > 0 && found.length < limit) {
      const current = pending.shift()!;
      const states = this.flows.statesBefore(current);
      if (states.some((state) => state.locks.get(name)?.held)) found.push(current);
      if (
        !states.some((state) => !state.locks.has(name)) ||
        seen.has(current.caller.id) ||
        lock.when(current.caller) === 'never'
      )
        continue;
      seen.add(current.caller.id);
      pending.push(...this.program.callsTo(current.caller).filter((above) => lock.mayHold(above)));
    }
    return found;
  }
}

function shortest(
  modes: ReadonlyMap<LockMode, Link> | undefined,
  mode: LockMode | undefined,
): Link | undefined {
  if (mode !== undefined) return modes?.get(mode);
  let best: Link | undefined;
  for (const link of modes?.values() ?? []) if (!best || link.depth < best.depth) best = link;
  return best;
}

const VERB: Record<LockMode, string> = {
  read: 'taken for read',
  write: 'taken for write',
  spin: 'taken',
  mutex: 'taken',
  srcu: 'read-locked',
  rcu: 'read-locked',
};

/** A witness as steps that a reader can click: the acquisition first, then every call down to the last edge's. */
export function witnessSteps(witness: Witness, lock: LockName): PathStep[] {
  const { holder, acquisition } = witness;
  const first: PathStep = {
    function: holder.name,
    file: holder.file,
    line: lineOf(holder, acquisition.at),
    column: columnOf(acquisition.at) + 1,
    via: 'lock',
    text: `${lock} ${VERB[acquisition.mode]}${acquisition.through ? ` by ${acquisition.through}()` : ''}`,
  };
  return [
    first,
    ...witness.edges.map((edge) => ({
      function: edge.caller.name,
      file: edge.caller.file,
      line: edge.site.line,
      column: edge.site.column,
      via: edge.via,
      text: `calls ${edge.calleeName}()${edge.slot ? ` through ${edge.slot}` : edge.site.macro ? ` by ${edge.site.macro}` : ''}`,
    })),
  ];
}
