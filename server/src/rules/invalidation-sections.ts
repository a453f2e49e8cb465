/**
 * Where an invalidation is begun and ended: functions that do both, wrappers that leave one half to their callers, and
 * those that handed-over callbacks make into either.
 */
import type { Position } from '../kernel-c/syntax.js';
import { type Outcome, summarise } from '../locks/summary.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import { type Handed, HandedValues, handedCalls } from './handed-callbacks.js';
import { begins, ends } from './invalidation-table.js';
import {
  type CallNode,
  depthOf,
  type Effect,
  edgesOfCall,
  type LockNode,
  type SectionFlow,
  sectionFlow,
} from './section-flow.js';

/** 1: begins, -1: ends. */
export type Sign = 1 | -1;

/** A way out of a function on which begins and ends don't balance. */
export interface Imbalance {
  sign: Sign;
  /** The begin that isn't ended, or the end that nothing began. */
  at: Position;
  /** Where the function is left. */
  exit: Position;
}

export interface Reading {
  node: FunctionNode;
  /** Calls that begin or end, in the order of the text. */
  calls: readonly { sign: Sign; name: string; p: Position; of: FunctionNode | undefined }[];
  imbalances: readonly Imbalance[];
  /** All imbalances have this sign; 0 where there are none, or where something unseen ties them together. */
  sign: Sign | 0;
  /** There is no way out on which it balances. */
  everywhere: boolean;
  /** The result or a parameter tells callers whether it balances. */
  told: readonly Outcome[] | undefined;
  /** A second end right behind an end, or a second begin whose end callers can't know of. */
  twice: boolean;
}

interface Wrapper {
  sign: Sign;
  outcomes: readonly Outcome[] | undefined;
}

const SECTION = 'invalidation';
/** Callers' callers that are followed until somebody is found who does the other half. */
const MAX_LEVELS = 4;
const MAX_FUNCTIONS = 400;

export class InvalidationSections {
  private readonly wrappers = new Map<string, Wrapper>();
  private readonly handing = new Map<string, readonly Handed[]>();
  private readonly readings = new Map<string, Reading>();

  /** @param settled functions whose imbalance is their own affair: callers see nothing of it */
  constructor(
    private readonly program: Program,
    settled: ReadonlySet<string>,
  ) {
    const pending: FunctionNode[] = [];
    const levels = new Map<string, number>();
    const add = (node: FunctionNode, level: number) => {
      if (isPrimitive(node) || program.symbols.truthOf(node) === 'false') return;
      if (!levels.has(node.id)) levels.set(node.id, level);
      if (levels.size <= MAX_FUNCTIONS && level <= MAX_LEVELS && !pending.includes(node)) pending.push(node);
    };
    for (const name of [...begins, ...ends]) {
      for (const edge of edgesTo(program, name)) {
        if (edge.site.name === undefined) this.noteHanding(edge.caller, add);
        add(edge.caller, 0);
      }
    }
    for (let rounds = 0; pending.length > 0 && rounds < 4 * MAX_FUNCTIONS; rounds++) {
      const node = pending.shift()!;
      const before = this.wrappers.get(node.id);
      const reading = this.read(node);
      this.readings.set(node.id, reading);
      const wrapper = settled.has(node.id) ? undefined : wrapperOf(reading);
      if (wrapper) this.wrappers.set(node.id, wrapper);
      else this.wrappers.delete(node.id);
      if (wrapper?.sign === before?.sign) continue;
      for (const edge of program.callsTo(node)) {
        if (edge.site.name === undefined) this.noteHanding(edge.caller, add);
        add(edge.caller, (levels.get(node.id) ?? 0) + 1);
      }
    }
  }

  /** A function that calls what it is handed; its callers decide what that is. */
  private noteHanding(node: FunctionNode, add: (node: FunctionNode, level: number) => void): void {
    if (this.handing.has(node.id)) return;
    const handed = handedCalls(node);
    if (handed.length === 0) return;
    this.handing.set(node.id, handed);
    for (const edge of this.program.callsTo(node)) add(edge.caller, 0);
  }

  get all(): Iterable<Reading> {
    return this.readings.values();
  }

  isWrapper(node: FunctionNode): boolean {
    return this.wrappers.has(node.id);
  }

  signOf(node: FunctionNode): Sign | undefined {
    return this.wrappers.get(node.id)?.sign;
  }

  /** Does some caller, or a caller of it, do the other half? */
  hasOtherHalf(node: FunctionNode, level = 0): boolean {
    const sign = this.signOf(node);
    if (sign === undefined) return false;
    return this.program.callsTo(node).some(({ caller }) => {
      const reading = this.readings.get(caller.id);
      if (!reading || caller.id === node.id) return false;
      if (reading.calls.some((call) => call.sign === -sign))
        return this.read(caller, node).imbalances.some((one) => one.sign === -sign);
      return level < MAX_LEVELS && this.signOf(caller) === sign && this.hasOtherHalf(caller, level + 1);
    });
  }

  /** @param without a callee that is taken to do nothing */
  private read(node: FunctionNode, without?: FunctionNode): Reading {
    const { program } = this;
    const calls: { sign: Sign; name: string; p: Position; of: FunctionNode | undefined }[] = [];
    const values = new HandedValues(node);
    const edges = program.callsFrom(node);
    const effectOf = (inner: CallNode | LockNode): Effect => {
      if (inner.kind === 'lock') return undefined;
      const at = edgesOfCall(node, inner, edges);
      const found = this.effectOfCall(node, inner, at, values, without);
      if (!found) return undefined;
      if (!calls.some(({ p, name }) => p === inner.p && name === found.name))
        calls.push({ sign: found.sign, name: found.name, p: inner.p, of: found.of });
      return found.outcomes
        ? { outcomes: found.outcomes }
        : { section: SECTION, op: found.sign === 1 ? 'enter' : 'leave', nests: true };
    };
    const written = sectionFlow(program, node, effectOf);
    const balanced: Reading = {
      node,
      calls,
      imbalances: [],
      sign: 0,
      everywhere: false,
      told: undefined,
      twice: false,
    };
    if (calls.length === 0 || written.result.incomplete) return balanced;
    const found = imbalancesOf(written);
    if (found.length === 0) return balanced;
    // Two loops over one list run equally often, whatever the flow of control says: both readings must agree.
    const flat = sectionFlow(program, node, effectOf, { loopsOnce: true });
    const flatFound = imbalancesOf(flat);
    const imbalances = found.filter((one) =>
      flatFound.some((other) => other.exit === one.exit && other.sign === one.sign),
    );
    const signs = new Set(imbalances.map((one) => one.sign));
    if (imbalances.length === 0 || signs.size > 1) return balanced;
    const [sign] = signs as Set<Sign>;
    const everywhere = flat.result.exits.every(({ state }) => depthOf(state, SECTION) !== 0);
    const { outcomes } = summarise(written.result, written.graph, node.facts.parameters);
    const told = !everywhere && outcomes.some(({ effects }) => effects.has(SECTION)) ? outcomes : undefined;
    return { ...balanced, imbalances, sign: sign!, everywhere, told, twice: isDoneTwice(flat, written) };
  }

  private effectOfCall(
    caller: FunctionNode,
    call: CallNode,
    edges: readonly CallEdge[],
    values: HandedValues,
    without: FunctionNode | undefined,
  ): { sign: Sign; name: string; of?: FunctionNode; outcomes?: readonly Outcome[] } | undefined {
    const direct = signOfName(call.callee);
    if (direct) return { sign: direct, name: call.callee };
    const targets = edges.filter(({ callee }) => callee && callee.id !== caller.id);
    if (targets.length === 0 && call.callee !== '*') return undefined;
    const isHanded = call.callee === '*' && this.handing.has(caller.id);
    if (isHanded) return undefined;
    // Through a pointer it must be the same whatever is called.
    const effects = targets.map(({ callee, calleeName }) => {
      const sign = signOfName(calleeName);
      if (sign) return { sign, name: calleeName };
      if (callee!.id === without?.id) return undefined;
      const handed = this.handedEffect(callee!, call, values, without);
      if (handed) return { ...handed, of: callee! };
      const wrapper = this.wrappers.get(callee!.id);
      return (
        wrapper && {
          sign: wrapper.sign,
          name: calleeName,
          of: callee!,
          ...(wrapper.outcomes && { outcomes: wrapper.outcomes }),
        }
      );
    });
    const [first] = effects;
    return first && effects.every((effect) => effect?.sign === first.sign) ? first : undefined;
  }

  private handedEffect(
    callee: FunctionNode,
    call: CallNode,
    values: HandedValues,
    without: FunctionNode | undefined,
  ): { sign: Sign; name: string } | undefined {
    for (const { parameter, member } of this.handing.get(callee.id) ?? []) {
      const handed = values.of(call.arguments[parameter], member);
      if (typeof handed !== 'string') continue;
      const target = this.program.symbols.fn(handed, callee.file);
      const sign =
        signOfName(handed) ??
        (target && target.id !== without?.id ? this.wrappers.get(target.id)?.sign : undefined);
      if (sign) return { sign, name: handed };
    }
    return undefined;
  }
}

export const signOfName = (name: string): Sign | undefined =>
  begins.has(name) ? 1 : ends.has(name) ? -1 : undefined;

export const isPrimitive = (node: FunctionNode): boolean => signOfName(node.name) !== undefined;

/** Call edges to every definition of a name, or to the name where it has none. */
export function edgesTo(program: Program, name: string): readonly CallEdge[] {
  const nodes = program.symbols.functionsByName.get(name) ?? [];
  return nodes.length > 0 ? nodes.flatMap((node) => program.callsTo(node)) : program.callsToName(name);
}

function imbalancesOf({ graph, result }: SectionFlow): Imbalance[] {
  const found: Imbalance[] = [];
  for (const { node, state } of result.exits) {
    const depth = depthOf(state, SECTION);
    const holding = state.locks.get(SECTION);
    if (depth === 0 || !holding) continue;
    const one: Imbalance = { sign: depth > 0 ? 1 : -1, at: holding.at, exit: graph.nodes[node]!.p };
    if (!found.some(({ sign, at, exit }) => sign === one.sign && at === one.at && exit === one.exit))
      found.push(one);
  }
  return found;
}

/** Beyond what one caller's other half can make up for. */
function isDoneTwice(flat: SectionFlow, written: SectionFlow): boolean {
  const begunTwice = ({ result }: SectionFlow) =>
    result.exits.some(({ state }) => depthOf(state, SECTION) > 1);
  if (begunTwice(flat) && begunTwice(written)) return true;
  return flat.graph.nodes.some((node, index) => {
    const before = flat.result.before[index] ?? [];
    return (
      node.kind === 'lock' &&
      node.lock === SECTION &&
      node.primitive.op === 'release' &&
      before.length > 0 &&
      before.every((state) => depthOf(state, SECTION) < 0)
    );
  });
}

/** What callers see of a function that leaves an invalidation begun, or ends theirs. */
function wrapperOf({ sign, calls, everywhere, told }: Reading): Wrapper | undefined {
  if (sign === 0) return undefined;
  const isMixed = calls.some((call) => call.sign !== sign);
  if (everywhere) return { sign, outcomes: undefined };
  if (told) return { sign, outcomes: told };
  return isMixed ? undefined : { sign, outcomes: undefined };
}
