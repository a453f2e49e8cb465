/**
 * Is there really a way from where a lock is taken to a call? Along the way constants are handed down as arguments,
 * and a call that such a constant rules out is not on it: `gfn_to_pfn(slot, gfn, true)` never gets to what follows
 * `if (atomic) return`. So are callbacks: a walk with one visitor doesn't call another's. Asked only for calls that
 * would be reported.
 */
import type { Expression } from '../kernel-c/syntax.js';
import { type CallbackValues, describeValues, NO_VALUES } from '../program/callback-values.js';
import { unwrap } from '../program/expansion.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import type { Witness } from './contexts.js';
import type { Constant, Constants } from './flow-analysis.js';
import type { FlowNode } from './flow-graph.js';
import type { LockFlows } from './function-locks.js';
import type { LockName, LockState } from './lock-state.js';
import type { OneLock } from './one-lock.js';

const NOTHING: Constants = new Map();

/** More than this many ways are not looked at one by one; then the call is taken as reachable. */
const MAX_WAYS = 3_000;

interface Way {
  node: FunctionNode;
  constants: Constants;
  callbacks: CallbackValues;
  edge: CallEdge;
  before: Way | undefined;
}

const keyOf = (node: FunctionNode, constants: Constants) =>
  `${node.id}|${[...constants].map(([name, { text }]) => `${name}=${text}`).sort()}`;

export class FeasiblePaths {
  private readonly reached = new Map<string, boolean>();

  constructor(
    private readonly program: Program,
    private readonly flows: LockFlows,
  ) {}

  /**
   * The shortest way with consistent constants from an acquisition of the lock down to a call.
   * @param avoid functions that no way may lead through
   * @param from only ways that begin with this call
   */
  witness(
    sink: CallEdge,
    name: LockName,
    lock: OneLock,
    avoid: (node: FunctionNode) => boolean,
    from?: CallEdge,
  ): Witness | undefined {
    const { callbacks } = this.program;
    const cone = this.coneAbove(sink, lock, avoid);
    const seen = new Set<string>();
    let ways: Way[] = [];
    for (const edge of cone) {
      if (from && edge !== from) continue;
      const acquisition = this.acquisitionAt(edge, name);
      if (!acquisition) continue;
      if (!callbacks.mayEverCall(edge)) continue;
      if (edge === sink) return { holder: edge.caller, acquisition, edges: [edge] };
      if (edge.callee)
        ways.push({
          node: edge.callee,
          constants: this.constantsAt(edge, NOTHING),
          callbacks: callbacks.handed(edge, NO_VALUES),
          edge,
          before: undefined,
        });
    }
    const byCaller = new Map<string, CallEdge[]>();
    for (const edge of cone) byCaller.set(edge.caller.id, [...(byCaller.get(edge.caller.id) ?? []), edge]);
    let looked = 0;
    while (ways.length > 0) {
      const next: Way[] = [];
      for (const way of ways) {
        const key = `${keyOf(way.node, way.constants)}|${describeValues(way.callbacks)}`;
        if (seen.has(key)) continue;
        seen.add(key);
        if (++looked > MAX_WAYS) return this.asWitness({ ...way, edge: sink, before: way }, name);
        for (const edge of byCaller.get(way.node.id) ?? []) {
          if (!callbacks.mayCall(edge, way.callbacks)) continue;
          if (!this.reaches(edge, name, way.constants, edge === sink)) continue;
          const further: Way = {
            node: edge.callee ?? way.node,
            constants: edge === sink ? NOTHING : this.constantsAt(edge, way.constants),
            callbacks: edge === sink ? NO_VALUES : callbacks.handed(edge, way.callbacks),
            edge,
            before: way,
          };
          if (edge === sink) return this.asWitness(further, name);
          next.push(further);
        }
      }
      ways = next;
    }
    return undefined;
  }

  private asWitness(way: Way, name: LockName): Witness | undefined {
    const edges: CallEdge[] = [];
    for (let at: Way | undefined = way; at; at = at.before) edges.unshift(at.edge);
    const acquisition = this.acquisitionAt(edges[0]!, name);
    return acquisition && { holder: edges[0]!.caller, acquisition, edges };
  }

  private acquisitionAt(edge: CallEdge, name: LockName): Witness['acquisition'] | undefined {
    for (const state of this.flows.statesBefore(edge)) {
      const holding = state.locks.get(name);
      if (holding?.held) return holding;
    }
    return undefined;
  }

  /** The sink and every call under the lock from which it may be reached, nearest first. */
  private coneAbove(sink: CallEdge, lock: OneLock, avoid: (node: FunctionNode) => boolean): CallEdge[] {
    const cone = [sink];
    const seen = new Set<string>();
    for (let at = 0; at < cone.length; at++) {
      const { caller } = cone[at]!;
      if (seen.has(caller.id) || lock.when(caller) === 'never' || avoid(caller)) continue;
      seen.add(caller.id);
      for (const edge of this.program.callsTo(caller)) if (lock.mayHold(edge)) cone.push(edge);
    }
    return cone;
  }

  /** Does a path through the caller, on which the lock stays as it was, lead to the call when its parameters have these values? */
  private reaches(edge: CallEdge, name: LockName, constants: Constants, isSink: boolean): boolean {
    const stays = (states: readonly LockState[]) => states.some((state) => !state.locks.has(name));
    if (!stays(this.flows.statesBefore(edge))) return false;
    // Functions that don't lock were not looked at yet: the call itself might stand behind a return.
    if (constants.size === 0 && !isSink) return true;
    const key = `${keyOf(edge.caller, constants)}|${edge.site.line}:${edge.site.column}|${name}`;
    let known = this.reached.get(key);
    if (known === undefined) {
      const states = this.flows.statesUnder(edge, constants);
      known = states === undefined || stays(states);
      this.reached.set(key, known);
    }
    return known;
  }

  /** Constants that a call hands to the called function's parameters. */
  private constantsAt(edge: CallEdge, constants: Constants): Constants {
    const parameters = edge.callee?.facts.parameters ?? [];
    if (parameters.length === 0) return NOTHING;
    const graph = this.flows.graphOf(edge.caller);
    const calls = this.flows.callNodes(edge).map((index) => graph.nodes[index]!);
    const found = new Map<string, Constant>();
    const [call] = calls;
    if (calls.length !== 1 || call?.kind !== 'call') return found;
    parameters.forEach((parameter, index) => {
      const constant = this.constantOf(edge.caller, call, index, constants);
      if (constant) found.set(parameter.name, constant);
    });
    return found;
  }

  private constantOf(
    caller: FunctionNode,
    call: Extract<FlowNode, { kind: 'call' }>,
    index: number,
    constants: Constants,
  ): Constant | undefined {
    const argument = call.arguments[index];
    return argument && this.evaluate(caller, unwrap(argument), constants);
  }

  private evaluate(caller: FunctionNode, value: Expression, constants: Constants): Constant | undefined {
    switch (value.k) {
      case 'num': {
        const number = Number(value.v.replace(/[uUlL]+$/, ''));
        return { text: value.v, truth: Number.isNaN(number) ? undefined : number !== 0 };
      }
      case 'id': {
        if (value.n === 'true') return { text: value.n, truth: true };
        if (value.n === 'false' || value.n === 'NULL') return { text: value.n, truth: false };
        // A parameter that is set on the way is no constant any more; the flow graph says which are.
        if (constants.has(value.n))
          return this.flows.isUnassigned(caller, value.n) ? constants.get(value.n) : undefined;
        return this.program.symbols.isEnumerator(value.n) ? { text: value.n, truth: undefined } : undefined;
      }
      case 'unary': {
        const inner = value.op === '!' ? this.evaluate(caller, unwrap(value.x), constants) : undefined;
        return inner?.truth === undefined ? undefined : { text: String(!inner.truth), truth: !inner.truth };
      }
      case 'cast':
        return this.evaluate(caller, unwrap(value.x), constants);
      default:
        return undefined;
    }
  }
}
