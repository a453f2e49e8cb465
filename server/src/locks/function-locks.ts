/** Lock flow of all functions that touch locks, bottom-up: a callee's summary is part of its callers' flow. */
import { columnOf, type Position } from '../kernel-c/syntax.js';
import type { CallEdge, CallSite, FunctionNode } from '../program/model.js';
import { bodyOf, type Program } from '../program/program.js';
import { analyseFlow, type CallEffects, type Constants, type FlowResult, factsOf } from './flow-analysis.js';
import { FlowBuilder, lineOf } from './flow-builder.js';
import { assignedNames, type FlowGraph, type FlowNode } from './flow-graph.js';
import { LockFocus } from './lock-focus.js';
import type { LockNames } from './lock-names.js';
import {
  ENTRY_STATE,
  type Holding,
  type LockName,
  type LockState,
  parameterOf,
  renamed,
} from './lock-state.js';
import { lockPrimitive } from './primitives.js';
import { describeSummary, NEUTRAL, type Outcome, type Summary, summarise } from './summary.js';

/** A function is looked at again when a callee's summary changes; recursion ends here. */
const MAX_ROUNDS = 6;

/** A function's flow, for those who ask about its calls. */
interface Graph {
  flow: Flow;
  /** Call nodes by site key. */
  calls: ReadonlyMap<string, readonly number[]>;
}

interface Flow {
  node: FunctionNode;
  graph: FlowGraph;
  names: LockNames;
  parameters: ReadonlyMap<string, number>;
  unassigned: ReadonlyMap<string, number>;
  result: FlowResult;
  rounds: number;
}

/** A function's flow for those who ask about its lines: states before each node, and what its calls do to locks. */
export interface FlowView {
  graph: FlowGraph;
  before: FlowResult['before'];
  effects: CallEffects;
}

/** Lock states before the calls of one function that touches locks. */
export interface FunctionLocks {
  summary: Summary;
  /** By `siteKey`; a call that no path reaches has none. */
  sites: ReadonlyMap<string, readonly LockState[]>;
  incomplete: boolean;
}

/** Lines count from the function's first: keys stay when the function moves. */
const siteKeyAt = (lineOffset: number, column: number, callee: string) => `${lineOffset}:${column}:${callee}`;
const siteKey = (node: FunctionNode, site: CallSite): string =>
  siteKeyAt(site.line - node.facts.firstLine, site.column, site.name ?? '*');

const ONLY_ENTRY: readonly LockState[] = [ENTRY_STATE];

const CHANGES_LOCKS: ReadonlySet<string> = new Set(['acquire', 'release', 'try', 'downgrade']);

function changesLocks(mentions: ReadonlySet<string>): boolean {
  for (const word of mentions) {
    const primitive = lockPrimitive(word);
    if (!primitive || CHANGES_LOCKS.has(primitive.op)) return true;
  }
  return false;
}

export class LockFlows {
  private readonly flows = new Map<string, Flow>();
  private readonly summaries = new Map<string, Summary>();
  private readonly locks = new Map<string, FunctionLocks>();
  /** Answers of `statesBefore`; forgotten as soon as any flow is another. */
  private edgeStates = new WeakMap<CallEdge, readonly LockState[]>();
  private readonly graphs = new Map<string, Graph>();
  private readonly focus: LockFocus | undefined;

  /** @param focus locks that will be asked about: others are then followed as far as these need it */
  constructor(
    private readonly program: Program,
    focus?: readonly LockName[],
  ) {
    this.focus = focus && new LockFocus(program.symbols, focus);
    this.start();
  }

  private start(): void {
    this.analyseAll([...this.program.functions()].filter((node) => this.touchesLocks(node)));
  }

  /**
   * Looks again at functions whose text changed, and at callers that this concerns: true when there were such.
   * @param removed functions that are no more
   */
  update(changed: readonly FunctionNode[], removed: readonly FunctionNode[]): boolean {
    if (this.focus?.learn(changed)) {
      this.locks.clear();
      this.summaries.clear();
      this.start();
      return true;
    }
    const callers = this.forgetCallers([...changed, ...removed]);
    for (const node of [...changed, ...removed]) this.forget(node);
    const again = new Set([...changed, ...callers]);
    const spread = this.analyseAll([...again].filter((node) => this.mayTouchLocks(node)));
    return spread || callers.length > 0;
  }

  /**
   * Forgets every function whose locks rest on what these did, and returns them. Looked at again one by one they would
   * hold each other to what was: summaries grow from nothing, they don't shrink around a cycle.
   */
  private forgetCallers(functions: readonly FunctionNode[]): FunctionNode[] {
    const resting = new Map<string, FunctionNode>();
    const pending = functions.filter((node) => this.summaries.get(node.id)?.neutral === false);
    while (pending.length > 0) {
      for (const { caller } of this.program.callsTo(pending.pop()!)) {
        if (resting.has(caller.id)) continue;
        resting.set(caller.id, caller);
        if (this.summaries.get(caller.id)?.neutral === false) pending.push(caller);
      }
    }
    for (const node of resting.values()) this.forget(node);
    return [...resting.values()];
  }

  private forget(node: FunctionNode): void {
    this.locks.delete(node.id);
    this.summaries.delete(node.id);
  }

  private touchesLocks(node: FunctionNode): boolean {
    const unit = this.program.unit(node);
    return unit !== undefined && changesLocks(unit.mentions) && this.focus?.concerns(node) !== false;
  }

  private mayTouchLocks(node: FunctionNode): boolean {
    if (this.touchesLocks(node)) return true;
    return this.program
      .callsFrom(node)
      .some(({ callee }) => callee && this.summaries.get(callee.id)?.neutral === false);
  }

  private analyseAll(functions: readonly FunctionNode[]): boolean {
    const { program } = this;
    this.edgeStates = new WeakMap();
    this.graphs.clear();
    let spread = false;
    const queue = [...functions];
    const queued = new Set(queue.map((node) => node.id));
    while (queue.length > 0) {
      const node = queue.shift()!;
      queued.delete(node.id);
      if (!this.analyse(node)) continue;
      spread = true;
      for (const { caller } of program.callsTo(node)) {
        if (!queued.has(caller.id) && (this.flows.get(caller.id)?.rounds ?? 0) < MAX_ROUNDS) {
          queued.add(caller.id);
          queue.push(caller);
        }
      }
    }
    for (const flow of this.flows.values()) this.locks.set(flow.node.id, this.siteStates(flow));
    this.flows.clear();
    return spread;
  }

  /** Analyses a function; true when its summary changed. */
  private analyse(node: FunctionNode): boolean {
    const flow = this.flowOf(node);
    flow.rounds++;
    flow.result = analyseFlow(flow.graph, this.effectsOf(flow), flow.parameters);
    const summary = summarise(flow.result, flow.graph, node.facts.parameters);
    const before = this.summaries.get(node.id) ?? NEUTRAL;
    this.summaries.set(node.id, summary);
    return describeSummary(before) !== describeSummary(summary);
  }

  private flowOf(node: FunctionNode): Flow {
    let flow = this.flows.get(node.id);
    if (!flow) {
      const builder = new FlowBuilder(this.program.symbols, node, bodyOf(node));
      const graph = builder.build();
      const unassigned = new Map<string, number>();
      for (const [index, parameter] of node.facts.parameters.entries()) unassigned.set(parameter.name, index);
      const parameters = new Map(unassigned);
      for (const name of assignedNames(graph)) unassigned.delete(name);
      flow = {
        node,
        graph,
        names: builder.names,
        parameters,
        unassigned,
        result: { before: [], exits: [], incomplete: false },
        rounds: 0,
      };
      this.flows.set(node.id, flow);
    }
    return flow;
  }

  /** Edges of a function by the place and name of their call. */
  private edgesByKey(node: FunctionNode): Map<string, CallEdge[]> {
    const edges = new Map<string, CallEdge[]>();
    for (const edge of this.program.callsFrom(node)) {
      const key = siteKey(node, edge.site);
      const list = edges.get(key);
      if (list) list.push(edge);
      else edges.set(key, [edge]);
    }
    return edges;
  }

  private effectsOf(
    flow: Flow,
  ): (node: Extract<FlowNode, { kind: 'call' }>) => readonly Outcome[] | undefined {
    const edges = this.edgesByKey(flow.node);
    const known = new Map<FlowNode, readonly Outcome[] | undefined>();
    return (call) => {
      if (!known.has(call))
        known.set(
          call,
          this.outcomesOf(flow, call, edges.get(this.keyOf(flow.node, call.p, call.callee)) ?? []),
        );
      return known.get(call);
    };
  }

  private outcomesOf(
    flow: Flow,
    call: Extract<FlowNode, { kind: 'call' }>,
    edges: readonly CallEdge[],
  ): readonly Outcome[] | undefined {
    const outcomes: Outcome[] = [];
    let effective = false;
    for (const { callee } of edges) {
      const summary = (callee && callee.id !== flow.node.id && this.summaries.get(callee.id)) || NEUTRAL;
      if (!summary.neutral) effective = true;
      for (const outcome of summary.outcomes) outcomes.push(this.inCallersTerms(flow, call, callee, outcome));
    }
    return effective ? outcomes : undefined;
  }

  private inCallersTerms(
    flow: Flow,
    call: Extract<FlowNode, { kind: 'call' }>,
    callee: FunctionNode | null,
    outcome: Outcome,
  ): Outcome {
    const effects = new Map<LockName, Holding>();
    for (const [lock, holding] of outcome.effects) {
      const parameter = parameterOf(lock);
      const argument = parameter === undefined ? undefined : call.arguments[parameter];
      const name = parameter === undefined ? lock : argument && flow.names.of(argument);
      if (name !== undefined)
        effects.set(name, holding.held ? { ...holding, through: callee?.name ?? call.callee } : holding);
    }
    return { ...outcome, effects };
  }

  private keyOf(node: FunctionNode, p: Position, callee: string): string {
    return siteKeyAt(lineOf(node, p) - node.facts.firstLine, columnOf(p) + 1, callee);
  }

  private siteStates(flow: Flow): FunctionLocks {
    const sites = new Map<string, readonly LockState[]>();
    flow.graph.nodes.forEach((node, index) => {
      const callee =
        node.kind === 'call' ? node.callee : node.kind === 'lock' ? node.primitive.name : undefined;
      if (callee === undefined) return;
      const key = this.keyOf(flow.node, node.p, callee);
      const states = distinctLocks(flow.result.before[index] ?? []);
      const before = sites.get(key);
      sites.set(key, before ? distinctLocks([...before, ...states]) : states);
    });
    return {
      summary: this.summaries.get(flow.node.id) ?? NEUTRAL,
      sites,
      incomplete: flow.result.incomplete,
    };
  }

  /** What contexts flow along: the edges of a function with the lock states before each. */
  signature(node: FunctionNode, edges: readonly CallEdge[], firstLine: number): string {
    return edges
      .map((edge) => {
        const states = this.statesAt(node, edge.site, firstLine).map((state) =>
          state.key.slice(0, state.key.indexOf('|')),
        );
        return `${edge.callee?.id ?? ''} ${states.sort().join(' ')}`;
      })
      .join('\n');
  }

  of(node: FunctionNode): FunctionLocks | undefined {
    return this.locks.get(node.id);
  }

  private graph(node: FunctionNode): Graph {
    let known = this.graphs.get(node.id);
    if (!known) {
      const flow = this.flowOf(node);
      this.flows.delete(node.id);
      const calls = new Map<string, number[]>();
      flow.graph.nodes.forEach((inner, index) => {
        if (inner.kind !== 'call') return;
        const key = this.keyOf(node, inner.p, inner.callee);
        calls.set(key, [...(calls.get(key) ?? []), index]);
      });
      known = { flow, calls };
      this.graphs.set(node.id, known);
    }
    return known;
  }

  graphOf(node: FunctionNode): FlowGraph {
    return this.graph(node).flow.graph;
  }

  /** Indices of the nodes of an edge's call in its caller's flow graph. */
  callNodes(edge: CallEdge): readonly number[] {
    return this.graph(edge.caller).calls.get(siteKey(edge.caller, edge.site)) ?? [];
  }

  /**
   * States before an edge's call when the caller's parameters have these values; none where that rules the call out,
   * undefined where the call isn't found in the flow graph.
   */
  statesUnder(edge: CallEdge, constants: Constants): readonly LockState[] | undefined {
    const nodes = this.callNodes(edge);
    if (nodes.length === 0) return undefined;
    const { flow } = this.graph(edge.caller);
    const given = factsOf(flow.graph, constants);
    const { before, incomplete } = analyseFlow(flow.graph, this.effectsOf(flow), flow.parameters, given);
    return incomplete ? undefined : nodes.flatMap((index) => before[index]!);
  }

  /** States of a function that was given a lock by pointer: one for each lock that a caller gives it. */
  withNames(node: FunctionNode, states: readonly LockState[]): readonly LockState[] {
    const given = states
      .flatMap((state) => [...state.locks.keys()])
      .find((lock) => parameterOf(lock) !== undefined);
    if (given === undefined) return states;
    const names = [...this.givenLocks(node, parameterOf(given)!, new Set())];
    if (names.length === 0) return states;
    return this.withNames(
      node,
      names.flatMap((name) => states.map((state) => renamed(state, given, name))),
    );
  }

  /** Locks that callers hand to a parameter. */
  private givenLocks(node: FunctionNode, parameter: number, seen: Set<string>): Set<LockName> {
    const found = new Set<LockName>();
    if (seen.has(`${node.id}#${parameter}`)) return found;
    seen.add(`${node.id}#${parameter}`);
    for (const edge of this.program.callsTo(node)) {
      const { graph, names } = this.graph(edge.caller).flow;
      for (const index of this.callNodes(edge)) {
        const call = graph.nodes[index];
        const argument = call?.kind === 'call' ? call.arguments[parameter] : undefined;
        const name = argument && names.of(argument);
        const further = name === undefined ? undefined : parameterOf(name);
        if (further !== undefined)
          for (const one of this.givenLocks(edge.caller, further, seen)) found.add(one);
        else if (name !== undefined) found.add(name);
      }
    }
    return found;
  }

  /** Does a parameter keep its value throughout the function? */
  isUnassigned(node: FunctionNode, parameter: string): boolean {
    return this.graph(node).flow.unassigned.has(parameter);
  }

  /** States before an edge's call. */
  statesBefore(edge: CallEdge): readonly LockState[] {
    if (!this.locks.has(edge.caller.id)) return ONLY_ENTRY;
    let states = this.edgeStates.get(edge);
    if (!states)
      this.edgeStates.set(
        edge,
        (states = this.withNames(edge.caller, this.statesAt(edge.caller, edge.site))),
      );
    return states;
  }

  /** States before a call, relative to the function's entry; none when no path leads to it. */
  statesAt(node: FunctionNode, site: CallSite, firstLine = node.facts.firstLine): readonly LockState[] {
    const locks = this.locks.get(node.id);
    if (!locks) return ONLY_ENTRY;
    const exact = locks.sites.get(siteKeyAt(site.line - firstLine, site.column, site.name ?? '*'));
    if (exact) return exact;
    const prefix = `${site.line - firstLine}:${site.column}:`;
    const near: LockState[] = [];
    for (const [key, states] of locks.sites) if (key.startsWith(prefix)) near.push(...states);
    return near.length > 0 ? distinctLocks(near) : ONLY_ENTRY;
  }

  /** The flow of a function that touches locks; undefined for one that doesn't. */
  flowIn(node: FunctionNode): FlowView | undefined {
    if (!this.locks.has(node.id)) return undefined;
    const flow = this.flowOf(node);
    this.flows.clear();
    const effects = this.effectsOf(flow);
    const { before } = analyseFlow(flow.graph, effects, flow.parameters);
    return { graph: flow.graph, before, effects };
  }

  /** States just before a line (from 1), relative to the function's entry. */
  statesBeforeLine(node: FunctionNode, line: number): readonly LockState[] {
    const flow = this.flowIn(node);
    if (!flow) return ONLY_ENTRY;
    let nearest = Number.POSITIVE_INFINITY;
    let states: readonly LockState[] = [];
    flow.graph.nodes.forEach((inner, index) => {
      const at = lineOf(node, inner.p);
      const before = flow.before[index]!;
      if (index === 0 || at < line || at >= nearest || before.length === 0) return;
      nearest = at;
      states = before;
    });
    return this.withNames(node, distinctLocks(states));
  }
}

function distinctLocks(states: readonly LockState[]): readonly LockState[] {
  const seen = new Map<string, LockState>();
  for (const state of states) {
    const key = state.key.slice(0, state.key.indexOf('|'));
    if (!seen.has(key)) seen.set(key, state);
  }
  return [...seen.values()];
}
