/**
 * Sections of a function that aren't locks: from one call to another. They are followed like locks, with the same
 * care for flags, error paths and results.
 */
import { columnOf, type Position, type Statement } from '../kernel-c/syntax.js';
import { analyseFlow, type FlowResult } from '../locks/flow-analysis.js';
import { FlowBuilder, lineOf } from '../locks/flow-builder.js';
import type { FlowGraph, FlowNode } from '../locks/flow-graph.js';
import type { LockState } from '../locks/lock-state.js';
import type { LockMode, LockPrimitive } from '../locks/primitives.js';
import type { Outcome } from '../locks/summary.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import { bodyOf, type Program } from '../program/program.js';
import type { Symbols } from '../program/symbols.js';

export type CallNode = Extract<FlowNode, { kind: 'call' }>;
export type LockNode = Extract<FlowNode, { kind: 'lock' }>;

/** What a node of the flow does to the sections that are asked about. */
export type Effect =
  | { section: string; op: 'enter' | 'leave'; nests: boolean }
  | { outcomes: readonly Outcome[] }
  | undefined;

export interface SectionFlow {
  graph: FlowGraph;
  result: FlowResult;
}

/** A section that nests is a counter; one that doesn't is entered or not. */
export const sectionMode = (nests: boolean): LockMode => (nests ? 'srcu' : 'spin');

const primitiveOf = ({ op, nests }: { op: 'enter' | 'leave'; nests: boolean }): LockPrimitive => ({
  name: op,
  op: op === 'enter' ? 'acquire' : 'release',
  mode: sectionMode(nests),
  lockArgument: null,
  maySleep: false,
});

interface Graphs {
  written: WeakMap<FunctionNode['facts'], FlowGraph>;
  loopsOnce: WeakMap<FunctionNode['facts'], FlowGraph>;
}

/** An edit replaces a function's facts, a new macro all symbols: what stays need not be built again. */
const graphs = new WeakMap<Symbols, Graphs>();

function graphOf(symbols: Symbols, node: FunctionNode, loopsOnce: boolean): FlowGraph {
  let known = graphs.get(symbols);
  if (!known) {
    known = { written: new WeakMap(), loopsOnce: new WeakMap() };
    graphs.set(symbols, known);
  }
  const byFacts = loopsOnce ? known.loopsOnce : known.written;
  let graph = byFacts.get(node.facts);
  if (!graph) {
    const body = loopsOnce ? bodyOf(node).map(once) : bodyOf(node);
    graph = new FlowBuilder(symbols, node, body).build();
    byFacts.set(node.facts, graph);
  }
  return graph;
}

/**
 * Follows sections through a function.
 * @param effectOf what a call or lock operation does; asked once for each node
 * @param loopsOnce reads each loop as running exactly once: two loops over one list then run equally often
 */
export function sectionFlow(
  program: Program,
  node: FunctionNode,
  effectOf: (node: CallNode | LockNode) => Effect,
  { loopsOnce = false } = {},
): SectionFlow {
  const built = graphOf(program.symbols, node, loopsOnce);
  const outcomes = new Map<FlowNode, readonly Outcome[]>();
  const nodes = built.nodes.map((inner): FlowNode => {
    if (inner.kind !== 'call' && inner.kind !== 'lock') return inner;
    const effect = effectOf(inner);
    if (effect && 'outcomes' in effect) {
      if (inner.kind === 'call') outcomes.set(inner, effect.outcomes);
      return inner;
    }
    if (effect)
      return {
        kind: 'lock',
        p: inner.p,
        next: inner.next,
        primitive: primitiveOf(effect),
        lock: effect.section,
        arguments: inner.arguments,
      };
    return inner.kind === 'lock' ? { kind: 'pass', p: inner.p, next: inner.next } : inner;
  });
  const graph: FlowGraph = { ...built, nodes };
  const parameters = new Map(node.facts.parameters.map(({ name }, index) => [name, index]));
  return { graph, result: analyseFlow(graph, (call) => outcomes.get(call), parameters) };
}

/** Edges of a call node among those of its function: at its place, by its name where it has one. */
export function edgesOfCall(
  node: FunctionNode,
  call: { callee: string; p: Position },
  edges: readonly CallEdge[],
): CallEdge[] {
  const [line, column] = [lineOf(node, call.p), columnOf(call.p) + 1];
  return edges.filter(
    ({ site, calleeName }) =>
      site.line === line &&
      site.column === column &&
      (call.callee === '*' || site.name === undefined || [site.name, calleeName].includes(call.callee)),
  );
}

/** How often a section is open beyond how often it was at entry: 0 where it is as it was, -1 where it was left. */
export function depthOf(state: LockState, section: string): number {
  const holding = state.locks.get(section);
  if (!holding) return 0;
  if (!holding.held) return -1;
  return state.locks.has(`~${section}`) ? 0 : 1 + (holding.depth ?? 0);
}

const GUARD_LOOPS: ReadonlySet<string> = new Set(['scoped_guard', 'scoped_cond_guard']);

/** A loop's body as `do … while (0)`: breaks and continues keep their meaning. */
function body(of: Statement, p: number): Statement {
  return { k: 'do', c: { k: 'num', v: '0' }, b: once(of), p };
}

/** A statement with every loop in it run exactly once; endless loops stay what they are. */
function once(node: Statement): Statement {
  switch (node.k) {
    case 'block':
      return { ...node, s: node.s.map(once) };
    case 'if':
      return { ...node, t: once(node.t), ...(node.e && { e: once(node.e) }) };
    case 'switch':
      return { ...node, b: once(node.b) };
    case 'case':
      return { ...node, s: node.s.map(once) };
    case 'label':
      return { ...node, s: node.s && once(node.s) };
    case 'while':
      return node.c.k === 'num' ? { ...node, b: once(node.b) } : body(node.b, node.p);
    case 'do':
      return { ...node, b: once(node.b) };
    case 'for': {
      if (!node.c) return { ...node, b: once(node.b) };
      const inner = body(node.b, node.p);
      return node.i ? { k: 'block', s: [node.i, inner], end: node.p } : inner;
    }
    case 'foreach':
      return GUARD_LOOPS.has(node.macro) ? { ...node, b: once(node.b) } : body(node.b, node.p);
    default:
      return node;
  }
}
