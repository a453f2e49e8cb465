/** Control flow of one function as far as locks care: calls, lock operations, flags and branches. */
import type { Expression, Position } from '../kernel-c/syntax.js';
import type { LockName } from './lock-state.js';
import type { LockPrimitive } from './primitives.js';

/**
 * What is known of a value's truth when a function runs. `error`: an error number, or a pointer that carries one;
 * what is merely true is neither.
 */
export type Truthiness = boolean | 'error' | { from: string; negated: boolean } | undefined;

interface Node {
  p: Position;
  /** Indices of the nodes that may follow; of a branch the first when it holds, the second when not. */
  next: number[];
}

export type FlowNode = Node &
  (
    | { kind: 'pass' }
    /** `callee` is the called name, or `*` for a call through a pointer; `lent` are variables that it may change. */
    | { kind: 'call'; callee: string; arguments: readonly Expression[]; lent?: readonly string[] }
    /** `ifHeld`: a scope's end releases only what its guard had got. */
    | {
        kind: 'lock';
        primitive: LockPrimitive;
        lock: LockName;
        arguments: readonly Expression[];
        ifHeld?: true;
      }
    | SetNode
    | { kind: 'branch'; key?: string; whenTrue?: boolean; whenFalse?: boolean }
    /** What must be so for the path to go on: whose lock is taken is no NULL. */
    | { kind: 'assume'; facts: readonly (readonly [key: string, truth: boolean])[] }
    | { kind: 'exit'; result: Truthiness }
  );

export interface SetNode {
  kind: 'set';
  name: string;
  value: Truthiness;
  /** `flag |= value`, `flag &= value`, `flag &= ~value`, `flag++`, `flag--`. */
  op?: 'or' | 'and' | 'andnot' | '++' | '--';
  /** The constant that is stored, or whose bits change, as it is written. */
  constant?: string;
  /** An initialiser: all members that it doesn't name are zero. */
  members?: true;
}

export interface FlowGraph {
  /** Node 0 is the entry. */
  nodes: FlowNode[];
  /** For each tested key, the node ranges [from, to) that the test decides about. */
  decides: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  /** The function was too large to be laid out to its end. */
  truncated: boolean;
}

/** Names of variables that are set or lent somewhere in a function. */
export function assignedNames(graph: FlowGraph): Set<string> {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.kind === 'set') names.add(node.name);
    else if (node.kind === 'call') for (const name of node.lent ?? []) names.add(name);
  }
  return names;
}

/** Key of a call's result. */
export const resultKey = (node: number): string => `#${node}`;

/** The node whose result a key speaks of; undefined for other keys. */
export function resultNode(key: string): number | undefined {
  return key.startsWith('#') ? Number.parseInt(key.slice(1), 10) : undefined;
}
