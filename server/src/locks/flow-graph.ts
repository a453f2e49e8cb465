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
    /** `ifHeld`: a scope's end releases only what its guard had got. */
    | { kind: 'lock'; primitive: LockPrimitive; lock: LockName; arguments: readonly Expression[]; ifHeld?: true }
    | SetNode
    | { kind: 'branch'; key?: string; whenTrue?: boolean; whenFalse?: boolean }
    | { kind: 'exit'; result: Truthiness }
  );

export interface SetNode {
  kind: 'set';
  name: string;
  value: Truthiness;
  /** `flag |= value`, `flag &= value`. */
  op?: 'or' | 'and';
  /** The constant that is stored, as it is written. */
  constant?: string;
  /** An initialiser: all members that it doesn't name are zero. */
  members?: true;
  /** Its address was given away: the variable may be another, its members are taken to stay. */
  lent?: true;
}

export interface FlowGraph {
  /** Node 0 is the entry. */
  nodes: FlowNode[];
  /** For each tested key, the node ranges [from, to) that the test decides about. */
  decides: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  /** The function was too large to be laid out to its end. */
  truncated: boolean;
}

/** Key of a call's result. */
export const resultKey = (node: number): string => `#${node}`;

/** The node whose result a key stands for; undefined for other keys. */
export const resultNode = (key: string): number | undefined => (key.startsWith('#') ? Number(key.slice(1)) : undefined);
