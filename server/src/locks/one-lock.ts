/** Where one lock is held at entry: contexts flow top-down along every kind of call edge, shortest path first. */
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import type { LockFlows } from './function-locks.js';
import type { Holding, LockName } from './lock-state.js';
import type { LockMode } from './primitives.js';

export type Acquisition = Extract<Holding, { held: true }>;

/** How a function comes to be entered with the lock held. */
export interface Link {
  edge: CallEdge;
  /** Set where the caller itself took the lock. */
  acquisition?: Acquisition;
  depth: number;
}

/** A call that is made with the lock taken in the calling function. */
export interface HeldCall {
  edge: CallEdge;
  acquisition: Acquisition;
}

export class OneLock {
  /** By function id, then mode. */
  private readonly held = new Map<string, Map<LockMode, Link>>();
  /** Functions that may also be entered without the lock that others enter them with. */
  private readonly free = new Set<string>();
  /** Functions that are entered with the lock held. */
  readonly functions: readonly FunctionNode[];

  constructor(
    private readonly program: Program,
    private readonly flows: LockFlows,
    private readonly lock: LockName,
    calls: readonly HeldCall[],
  ) {
    this.functions = this.flowDown(calls);
    this.findFree(this.functions);
  }

  private add(callee: FunctionNode, mode: LockMode, link: Link): boolean {
    let modes = this.held.get(callee.id);
    if (!modes) this.held.set(callee.id, (modes = new Map()));
    if (modes.has(mode)) return false;
    modes.set(mode, link);
    return true;
  }

  private flowDown(calls: readonly HeldCall[]): FunctionNode[] {
    const reached = new Map<string, FunctionNode>();
    let queue: { node: FunctionNode; mode: LockMode; depth: number }[] = [];
    const visit = (edge: CallEdge, mode: LockMode, link: Link, into: typeof queue) => {
      if (!edge.callee || !this.add(edge.callee, mode, link)) return;
      reached.set(edge.callee.id, edge.callee);
      into.push({ node: edge.callee, mode, depth: link.depth });
    };
    const { callbacks } = this.program;
    for (const { edge, acquisition } of calls)
      if (callbacks.mayEverCall(edge)) visit(edge, acquisition.mode, { edge, acquisition, depth: 1 }, queue);
    while (queue.length > 0) {
      const next: typeof queue = [];
      for (const { node, mode, depth } of queue) {
        for (const edge of this.program.callsFrom(node)) {
          if (edge.callee && this.leavesUntouched(edge) && callbacks.mayEverCall(edge))
            visit(edge, mode, { edge, depth: depth + 1 }, next);
        }
      }
      queue = next;
    }
    return [...reached.values()];
  }

  /** Can the lock, held at the caller's entry, still be held at the call? */
  private leavesUntouched(edge: CallEdge): boolean {
    return this.flows.statesBefore(edge).some((state) => !state.locks.has(this.lock));
  }

  private findFree(reached: readonly FunctionNode[]): void {
    let pending = reached.filter((node) =>
      this.program.callsTo(node).some((edge) => this.comesWithout(edge)),
    );
    for (const node of pending) this.free.add(node.id);
    while (pending.length > 0) {
      const next: FunctionNode[] = [];
      for (const node of pending) {
        for (const edge of this.program.callsFrom(node)) {
          const { callee } = edge;
          if (!callee || this.free.has(callee.id) || !this.held.has(callee.id) || !this.leavesUntouched(edge))
            continue;
          this.free.add(callee.id);
          next.push(callee);
        }
      }
      pending = next;
    }
  }

  /** Does a call come without the lock, whatever its caller's callers do? */
  private comesWithout(edge: CallEdge): boolean {
    const callerHolds = this.held.has(edge.caller.id);
    if (!this.program.callbacks.mayEverCall(edge)) return false;
    return this.flows.statesBefore(edge).some((state) => {
      const holding = state.locks.get(this.lock);
      return holding ? !holding.held : !callerHolds;
    });
  }

  modes(node: FunctionNode): ReadonlyMap<LockMode, Link> | undefined {
    return this.held.get(node.id);
  }

  when(node: FunctionNode): 'never' | 'sometimes' | 'always' {
    if (!this.held.has(node.id)) return 'never';
    return this.free.has(node.id) ? 'sometimes' : 'always';
  }

  /** Can a call be made with the lock held, in a mode if one is given? */
  mayHold(edge: CallEdge, mode?: LockMode): boolean {
    const inherited = this.held.get(edge.caller.id);
    if (!this.program.callbacks.mayEverCall(edge)) return false;
    return this.flows.statesBefore(edge).some((state) => {
      const holding = state.locks.get(this.lock);
      if (holding) return holding.held && (mode === undefined || holding.mode === mode);
      return mode === undefined ? inherited !== undefined : inherited?.has(mode) === true;
    });
  }

  /** Links keep to the edges that are, not to those that were. */
  relink(before: readonly CallEdge[], after: readonly CallEdge[]): void {
    before.forEach((edge, index) => {
      if (!edge.callee) return;
      for (const link of this.held.get(edge.callee.id)?.values() ?? [])
        if (link.edge === edge) link.edge = after[index]!;
    });
  }
}
