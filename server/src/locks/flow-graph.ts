/** Control flow of one function as far as locks care: calls, lock operations, flags and branches. */
import type { Expression, Position } from '../kernel-c/syntax.js';
import type { LockName } from './lock-state.js';
import type { LockPrimitive } from './primitives.js';

/** What is known of a value's truth when a function runs. */
export type Truthiness = boolean | { from: string; negated: boolean } | undefined;

interface Node {
  p: Position;
  /** Indices of the nodes that may follow; of a branch the first when it holds, the second when not. */
  next: number[];
}

export type FlowNode = Node &
  (
    | { kind: 'pass' }
    /** `callee` is the called name, or `*` for a call through a pointer. */
    | { kind: 'call'; callee: string; arguments: readonly Expression[] }
    | { kind: 'lock'; primitive: LockPrimitive; lock: LockName; arguments: readonly Expression[] }
    | { kind: 'set'; name: string; value: Truthiness }
    | { kind: 'branch'; key?: string; whenTrue?: boolean; whenFalse?: boolean }
    | { kind: 'exit'; result: Truthiness }
  );

export interface FlowGraph {
  /** Node 0 is the entry. */
  nodes: FlowNode[];
  /** For each tested key, the node ranges [from, to) that the test decides about. */
  decides: ReadonlyMap<string, readonly (readonly [number, number])[]>;
}

/** Key of a call's result. */
export const resultKey = (node: number): string => `#${node}`;
