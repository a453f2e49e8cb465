/**
 * Which locks are held when a function is entered, over its known call sites, and by which shortest path.
 * Contexts flow top-down along every kind of call edge.
 */
import { columnOf } from '../kernel-c/syntax.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import { lineOf } from './flow-builder.js';
import { LockFlows } from './function-locks.js';
import type { Holding, LockName, LockState } from './lock-state.js';
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
  acquisition: Extract<Holding, { held: true }>;
  edges: readonly CallEdge[];
}

interface Link {
  edge: CallEdge;
  /** Set where the caller itself took the lock. */
  acquisition?: Extract<Holding, { held: true }>;
  depth: number;
}

/** lock → mode → how it came. */
type Held = Map<LockName, Map<LockMode, Link>>;

export class LockContexts {
  readonly flows: LockFlows;
  private readonly held = new Map<string, Held>();
  /** Functions that may also be entered without a lock that others enter them with. */
  private readonly free = new Map<string, Set<LockName>>();

  constructor(private readonly program: Program) {
    this.flows = new LockFlows(program);
    this.flowDown();
    this.findFree();
  }

  private add(callee: FunctionNode, lock: LockName, mode: LockMode, link: Link): boolean {
    let locks = this.held.get(callee.id);
    if (!locks) this.held.set(callee.id, (locks = new Map()));
    let modes = locks.get(lock);
    if (!modes) locks.set(lock, (modes = new Map()));
    if (modes.has(mode)) return false;
    modes.set(mode, link);
    return true;
  }

  private flowDown(): void {
    let queue: { node: FunctionNode; lock: LockName; mode: LockMode; depth: number }[] = [];
    for (const node of this.program.functions()) {
      if (!this.flows.of(node)) continue;
      for (const edge of this.program.callsFrom(node)) {
        if (!edge.callee) continue;
        for (const state of this.flows.statesAt(node, edge.site)) {
          for (const [lock, holding] of state.locks) {
            if (!holding.held || isRelative(lock)) continue;
            if (this.add(edge.callee, lock, holding.mode, { edge, acquisition: holding, depth: 1 })) queue.push({ node: edge.callee, lock, mode: holding.mode, depth: 1 });
          }
        }
      }
    }
    while (queue.length > 0) {
      const next: typeof queue = [];
      for (const { node, lock, mode, depth } of queue) {
        for (const edge of this.program.callsFrom(node)) {
          if (!edge.callee || !this.leavesUntouched(node, edge, lock)) continue;
          if (this.add(edge.callee, lock, mode, { edge, depth: depth + 1 })) next.push({ node: edge.callee, lock, mode, depth: depth + 1 });
        }
      }
      queue = next;
    }
  }

  /** Can a lock that is held at the caller's entry still be held at the call? */
  private leavesUntouched(caller: FunctionNode, edge: CallEdge, lock: LockName): boolean {
    return this.flows.statesAt(caller, edge.site).some((state) => !state.locks.has(lock));
  }

  private findFree(): void {
    let pending: { node: FunctionNode; lock: LockName }[] = [];
    const mark = (node: FunctionNode, lock: LockName) => {
      let locks = this.free.get(node.id);
      if (!locks) this.free.set(node.id, (locks = new Set()));
      if (locks.has(lock)) return;
      locks.add(lock);
      pending.push({ node, lock });
    };
    for (const node of this.program.functions()) {
      const locks = this.held.get(node.id);
      if (!locks) continue;
      for (const edge of this.program.callsTo(node)) {
        const states = this.flows.statesAt(edge.caller, edge.site);
        const callerHolds = this.held.get(edge.caller.id);
        for (const lock of locks.keys()) {
          const without = states.some((state) => {
            const holding = state.locks.get(lock);
            return holding ? !holding.held : !callerHolds?.has(lock);
          });
          if (without) mark(node, lock);
        }
      }
    }
    while (pending.length > 0) {
      const round = pending;
      pending = [];
      for (const { node, lock } of round) {
        for (const edge of this.program.callsFrom(node)) {
          if (edge.callee && this.held.get(edge.callee.id)?.has(lock) && this.leavesUntouched(node, edge, lock)) mark(edge.callee, lock);
        }
      }
    }
  }

  /** Locks at a function's entry, most certain first. */
  entry(node: FunctionNode): LockContext[] {
    const contexts: LockContext[] = [];
    for (const [lock, modes] of this.held.get(node.id) ?? []) {
      const when = this.free.get(node.id)?.has(lock) ? 'sometimes' : 'always';
      for (const mode of modes.keys()) contexts.push({ lock, mode, when, paths: this.countPaths(node, lock, mode) });
    }
    return contexts.sort((a, b) => a.when.localeCompare(b.when) || a.lock.localeCompare(b.lock));
  }

  private countPaths(node: FunctionNode, lock: LockName, mode: LockMode): number {
    return this.program.callsTo(node).filter((edge) => this.mayHold(edge.caller, edge, lock, mode)).length;
  }

  private mayHold(caller: FunctionNode, edge: CallEdge, lock: LockName, mode: LockMode): boolean {
    return this.flows.statesAt(caller, edge.site).some((state) => {
      const holding = state.locks.get(lock);
      return holding ? holding.held && holding.mode === mode : this.held.get(caller.id)?.get(lock)?.has(mode) === true;
    });
  }

  /** Is `lock` held at entry: `never`, `sometimes` or `always`, over the known call sites? */
  whenHeld(node: FunctionNode, lock: LockName): 'never' | 'sometimes' | 'always' {
    if (!this.held.get(node.id)?.has(lock)) return 'never';
    return this.free.get(node.id)?.has(lock) ? 'sometimes' : 'always';
  }

  private combine(node: FunctionNode, states: readonly LockState[]): LockContext[] {
    const found = new Map<LockName, { modes: Set<LockMode>; everywhere: boolean }>();
    const entry = this.entry(node);
    const names = new Set(entry.map((context) => context.lock));
    for (const state of states) for (const name of state.locks.keys()) if (!name.startsWith('~')) names.add(name);
    for (const lock of names) {
      const modes = new Set<LockMode>();
      let everywhere = true;
      for (const state of states) {
        const holding = state.locks.get(lock);
        if (holding?.held) modes.add(holding.mode);
        else if (holding) everywhere = false;
        else {
          const inherited = entry.filter((context) => context.lock === lock);
          for (const context of inherited) modes.add(context.mode);
          if (inherited.length === 0 || inherited[0]!.when === 'sometimes') everywhere = false;
        }
      }
      if (modes.size > 0) found.set(lock, { modes, everywhere });
    }
    return [...found].flatMap(([lock, { modes, everywhere }]) => [...modes].map((mode): LockContext => ({ lock, mode, when: everywhere ? 'always' : 'sometimes', paths: states.length })));
  }

  /** Locks held just before a line of a function. */
  beforeLine(node: FunctionNode, line: number): LockContext[] {
    return this.combine(node, this.flows.statesBeforeLine(node, line));
  }

  /** Locks held at a call. */
  atCall(edge: CallEdge): LockContext[] {
    return this.combine(edge.caller, this.flows.statesAt(edge.caller, edge.site));
  }

  /** The shortest way in which a lock comes to be held at a call, or undefined where it never is. */
  witnessAt(edge: CallEdge, lock: LockName): Witness | undefined {
    const states = this.flows.statesAt(edge.caller, edge.site);
    for (const state of states) {
      const holding = state.locks.get(lock);
      if (holding?.held) return { holder: edge.caller, acquisition: holding, edges: [edge] };
    }
    if (!states.some((state) => !state.locks.has(lock))) return undefined;
    const above = this.witnessOfEntry(edge.caller, lock);
    return above && { ...above, edges: [...above.edges, edge] };
  }

  /** The shortest way in which a lock comes to be held at a function's entry. */
  witnessOfEntry(node: FunctionNode, lock: LockName, mode?: LockMode): Witness | undefined {
    const edges: CallEdge[] = [];
    let current = node;
    for (let steps = 0; steps < 200; steps++) {
      const modes = this.held.get(current.id)?.get(lock);
      const links = modes ? (mode === undefined ? [...modes.values()] : [modes.get(mode)].filter((link) => link !== undefined)) : [];
      const link = links.sort((a, b) => a.depth - b.depth)[0];
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
  holdersAbove(edge: CallEdge, lock: LockName, limit: number): CallEdge[] {
    const found: CallEdge[] = [];
    const seen = new Set<string>();
    const pending: CallEdge[] = [edge];
    while (pending.length > 0 && found.length < limit) {
      const current = pending.shift()!;
      const states = this.flows.statesAt(current.caller, current.site);
      if (states.some((state) => state.locks.get(lock)?.held)) found.push(current);
      if (!states.some((state) => !state.locks.has(lock)) || seen.has(current.caller.id) || !this.held.get(current.caller.id)?.has(lock)) continue;
      seen.add(current.caller.id);
      pending.push(...this.program.callsTo(current.caller).filter((above) => this.mayCarry(above, lock)));
    }
    return found;
  }

  private mayCarry(edge: CallEdge, lock: LockName): boolean {
    return this.flows.statesAt(edge.caller, edge.site).some((state) => {
      const holding = state.locks.get(lock);
      return holding ? holding.held : this.held.get(edge.caller.id)?.has(lock) === true;
    });
  }
}

const isRelative = (lock: LockName) => lock.startsWith('$') || lock.startsWith('~');

const VERB: Record<LockMode, string> = { read: 'taken for read', write: 'taken for write', spin: 'taken', mutex: 'taken', srcu: 'read-locked', rcu: 'read-locked' };

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
