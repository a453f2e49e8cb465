/** Locks of include/linux/cleanup.h: held from their declaration to the end of the scope, however that is left. */
import type { Expression, Position } from '../kernel-c/syntax.js';
import type { FunctionNode } from '../program/model.js';
import type { Symbols } from '../program/symbols.js';
import { resultKey } from './flow-graph.js';
import { type Ends, GraphWriter } from './graph-writer.js';
import type { LockNames } from './lock-names.js';
import { guardPrimitive, type LockPrimitive } from './primitives.js';

export interface OpenGuard {
  primitive: LockPrimitive;
  lock: string;
}

export class GuardedScopes extends GraphWriter {
  protected readonly guards: OpenGuard[] = [];

  constructor(
    protected readonly symbols: Symbols,
    protected readonly node: FunctionNode,
    readonly names: LockNames,
  ) {
    super();
  }

  protected scope(inside: () => void, end: Position): void {
    const depth = this.guards.length;
    inside();
    this.releaseGuards(depth, end);
    this.guards.length = depth;
  }

  protected releaseGuards(downTo: number, p: Position): void {
    for (let i = this.guards.length - 1; i >= downTo; i--) this.releaseGuard(this.guards[i]!, this.at(p));
  }

  protected releaseGuard({ primitive, lock }: OpenGuard, p: Position): void {
    if (this.current.length === 0) return;
    this.append({
      kind: 'lock',
      primitive: { ...primitive, op: 'release' },
      lock,
      arguments: [],
      ifHeld: true,
      p,
      next: [],
    });
  }

  /**
   * Opens a guard in the current scope.
   * @returns key of the result that says whether it was got, for a class that may fail
   */
  protected openGuard(name: string, args: readonly Expression[], p: Position): string | undefined {
    const primitive = guardPrimitive(name);
    const pointer = args[0];
    if (!primitive) return undefined;
    const lock =
      primitive.lockArgument === null ? (primitive.global ?? name) : pointer && this.names.of(pointer);
    if (lock === undefined) return undefined;
    const index = this.append({ kind: 'lock', primitive, lock, arguments: args, p: this.at(p), next: [] });
    this.guards.push({ primitive, lock });
    return primitive.op === 'try' ? resultKey(index) : undefined;
  }

  /** A guard and the statements that it is for; `whenMissed` is what happens where it wasn't got. */
  protected guarded(
    name: string,
    args: readonly Expression[],
    inside: () => void,
    end: Position,
    p: Position,
    whenMissed?: () => void,
  ): void {
    let missed: Ends = [];
    this.scope(() => {
      const got = this.openGuard(name, args, p);
      if (got !== undefined) {
        const { t, f } = this.test(got, true, false, this.at(p));
        this.current = f;
        whenMissed?.();
        missed = this.current;
        this.current = t;
      }
      inside();
    }, end);
    this.current = [...this.current, ...missed];
  }
}
