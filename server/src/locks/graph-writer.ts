/** A flow graph in the making: nodes, and the open ends that the next node is linked to. */
import type { Position } from '../kernel-c/syntax.js';
import type { FlowGraph, FlowNode, SetNode, Truthiness } from './flow-graph.js';

/** More than any function that was written by a person has. */
const MAX_NODES = 100_000;

export interface End {
  node: number;
  slot: number;
}
export type Ends = readonly End[];

/** Ends of a condition: where it holds, where it doesn't. */
export interface Test {
  t: Ends;
  f: Ends;
}

export class GraphWriter {
  protected readonly nodes: FlowNode[] = [];
  /** Where the next node comes from; empty: it can't be reached. */
  protected current: Ends = [];
  private readonly decides = new Map<string, [number, number][]>();
  private truncated = false;
  /** Where the macro being put in place is written, or -1. */
  protected useAt: Position = -1;

  protected graph(): FlowGraph {
    return { nodes: this.nodes, decides: this.decides, truncated: this.truncated };
  }

  /** Place of a node: in a macro's expansion that of its use. */
  protected at(p: Position): Position {
    return this.useAt >= 0 ? this.useAt : p;
  }

  /** Place of what was written last. */
  protected here(): Position {
    const end = this.current[0];
    return end ? this.nodes[end.node]!.p : 0;
  }

  protected link(ends: Ends, target: number): void {
    for (const { node, slot } of ends) this.nodes[node]!.next[slot] = target;
  }

  /** Adds a node behind the given ends, and no other node behind it. */
  protected addAfter(ends: Ends, node: FlowNode): number {
    const index = this.nodes.length;
    this.nodes.push(node);
    this.link(ends, index);
    return index;
  }

  /** Adds a node behind the current ends, and goes on from it. */
  protected append(node: FlowNode): number {
    if (this.nodes.length >= MAX_NODES) {
      this.truncated = true;
      return this.nodes.length - 1;
    }
    const index = this.addAfter(this.current, node);
    this.current = [{ node: index, slot: 0 }];
    return index;
  }

  protected pass(p: Position): number {
    return this.append({ kind: 'pass', p, next: [] });
  }

  protected set(
    name: string,
    value: Truthiness,
    p: Position,
    more: Partial<Pick<SetNode, 'op' | 'constant' | 'members'>> = {},
  ): void {
    this.append({ kind: 'set', name, value, ...more, p: this.at(p), next: [] });
  }

  protected decided(truth: boolean): Test {
    return truth ? { t: this.current, f: [] } : { t: [], f: this.current };
  }

  /** A branch on a key. `undefined` on a side: nothing is known of the key there. */
  protected test(
    key: string | undefined,
    whenTrue: boolean | undefined,
    whenFalse: boolean | undefined,
    p: Position,
  ): Test {
    const node: FlowNode = { kind: 'branch', p, next: [] };
    if (key !== undefined) node.key = key;
    if (whenTrue !== undefined) node.whenTrue = whenTrue;
    if (whenFalse !== undefined) node.whenFalse = whenFalse;
    const index = this.append(node);
    return { t: [{ node: index, slot: 0 }], f: [{ node: index, slot: 1 }] };
  }

  /** The tests in nodes [from, inside) decide about the nodes [inside, now). */
  protected noteDecisions(from: number, inside: number): void {
    for (let i = from; i < inside; i++) {
      const node = this.nodes[i]!;
      if (node.kind === 'branch' && node.key !== undefined) this.noteDecision(node.key, inside);
    }
  }

  protected noteDecision(key: string, inside: number): void {
    const range: [number, number] = [inside, this.nodes.length];
    const ranges = this.decides.get(key);
    if (ranges) ranges.push(range);
    else this.decides.set(key, [range]);
  }
}
