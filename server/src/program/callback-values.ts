/**
 * Which function a pointer is on one way through the program. `range->handler` is all that anyone ever put into that
 * member; in a function whose callers build their ranges themselves, it is what those callers put in. Values are
 * followed through parameters, local structs and constant tables; whatever is stored elsewhere may be anything.
 */
import table from '../../../grammars/callbacks.json' with { type: 'json' };
import {
  columnOf,
  type Expression,
  lineOffsetOf,
  type Statement,
  visitStatement,
} from '../kernel-c/syntax.js';
import { unwrap } from './expansion.js';
import type { CallEdge, CallSite, FunctionNode } from './model.js';
import type { Symbols } from './symbols.js';

export type CallbackValue =
  | { k: 'function'; name: string }
  /** A struct, or a pointer to one. */
  | { k: 'record'; members: ReadonlyMap<string, CallbackValue> }
  /** What a parameter of the function at hand is, or a member of that. */
  | { k: 'parameter'; name: string; path: readonly string[] };

/** Callbacks by parameter name. */
export type CallbackValues = ReadonlyMap<string, CallbackValue>;

export const NO_VALUES: CallbackValues = new Map();

const MAX_STEPS = 8;
const MAX_CALLERS_ABOVE = 6;
/** Deeper members are nobody's callbacks. */
const MAX_MEMBERS_DEEP = 3;

/** Is it known of these two that one never calls the other through this member (grammars/callbacks.json)? */
function isKnownNever({ caller, slot, calleeName }: CallEdge): boolean {
  return table.never.some(
    (row) =>
      row.slot === slot &&
      row.target === calleeName &&
      row.callers.some((name) =>
        name.endsWith('*') ? caller.name.startsWith(name.slice(0, -1)) : caller.name === name,
      ),
  );
}

/** A value's text: the same for equal values. */
export function describeValue(value: CallbackValue): string {
  switch (value.k) {
    case 'function':
      return value.name;
    case 'parameter':
      return `$${[value.name, ...value.path].join('.')}`;
    case 'record':
      return `{${[...value.members]
        .map(([name, member]) => `${name}=${describeValue(member)}`)
        .sort()
        .join()}}`;
  }
}

export const describeValues = (values: CallbackValues): string =>
  [...values]
    .map(([name, value]) => `${name}=${describeValue(value)}`)
    .sort()
    .join();

function member(value: CallbackValue | undefined, name: string): CallbackValue | undefined {
  if (value?.k === 'record') return value.members.get(name);
  return value?.k === 'parameter' ? { ...value, path: [...value.path, name] } : undefined;
}

/** What a function's text says of its pointers. */
class Body {
  private readonly stored = new Map<string, (Expression | undefined)[]>();
  /** Calls by their place. */
  private readonly calls = new Map<string, Extract<Expression, { k: 'call' }>[]>();
  private readonly known = new Map<string, CallbackValue | undefined>();
  private readonly locals = new Set<string>();

  constructor(
    private readonly symbols: Symbols,
    private readonly node: FunctionNode,
  ) {
    for (const { name } of node.facts.parameters) this.locals.add(name);
    for (const statement of JSON.parse(node.facts.body) as Statement[])
      visitStatement(
        statement,
        (expression) => this.note(expression),
        (inner) => {
          if (inner.k !== 'decl') return;
          this.locals.add(inner.n);
          if (inner.i) this.store(inner.n, inner.i);
        },
      );
  }

  private store(place: string, value: Expression | undefined): void {
    const list = this.stored.get(place);
    if (list) list.push(value);
    else this.stored.set(place, [value]);
  }

  private note(expression: Expression): void {
    if (expression.k === 'call') {
      const key = `${lineOffsetOf(expression.p)}:${columnOf(expression.p) + 1}`;
      this.calls.set(key, [...(this.calls.get(key) ?? []), expression]);
    } else if (expression.k === 'assign') {
      const target = unwrap(expression.l);
      const value = expression.op === '=' ? expression.r : undefined;
      if (target.k === 'id') this.store(target.n, value);
      else if (target.k === 'field') {
        const owner = unwrap(target.o);
        if (owner.k === 'id') this.store(`${owner.n}.${target.n}`, value);
      }
    }
  }

  /** The call that an edge's site is, if the text shows just one there. */
  callAt(site: CallSite): Extract<Expression, { k: 'call' }> | undefined {
    if (site.macro !== undefined) return undefined;
    const calls = this.calls.get(`${site.line - this.node.facts.firstLine}:${site.column}`) ?? [];
    return calls.length === 1 ? calls[0] : undefined;
  }

  value(expression: Expression, steps = MAX_STEPS): CallbackValue | undefined {
    const node = unwrap(expression);
    if (steps === 0) return undefined;
    switch (node.k) {
      case 'id':
        return this.named(node.n, steps - 1);
      case 'field': {
        const owner = unwrap(node.o);
        const own = owner.k === 'id' ? this.onlyStored(`${owner.n}.${node.n}`) : undefined;
        if (own === null) return undefined;
        return own ? this.value(own, steps - 1) : member(this.value(node.o, steps - 1), node.n);
      }
      case 'cast':
        return this.value(node.x, steps - 1);
      case 'unary':
        return node.op === '&' || node.op === '*' ? this.value(node.x, steps - 1) : undefined;
      case 'init':
        return this.record(node, steps - 1);
      default:
        return undefined;
    }
  }

  /** The only thing that is ever stored in a place; undefined where nothing is, null where several are. */
  private onlyStored(place: string): Expression | null | undefined {
    const values = this.stored.get(place);
    if (values === undefined) return undefined;
    return values.length === 1 ? (values[0] ?? null) : null;
  }

  private named(name: string, steps: number): CallbackValue | undefined {
    if (this.known.has(name)) return this.known.get(name);
    // A variable that leads back to itself tells nothing.
    this.known.set(name, undefined);
    const value = this.locals.has(name) ? this.local(name, steps) : this.global(name, steps);
    this.known.set(name, value);
    return value;
  }

  private local(name: string, steps: number): CallbackValue | undefined {
    const stored = this.onlyStored(name);
    if (stored === null) return undefined;
    const isParameter = this.node.facts.parameters.some((parameter) => parameter.name === name);
    if (isParameter) return stored ? undefined : { k: 'parameter', name, path: [] };
    const initial = stored && this.value(stored, steps);
    const members = new Map(initial?.k === 'record' ? initial.members : []);
    for (const place of this.stored.keys()) {
      if (!place.startsWith(`${name}.`)) continue;
      const only = this.onlyStored(place);
      const value = only ? this.value(only, steps) : undefined;
      if (value) members.set(place.slice(name.length + 1), value);
      else members.delete(place.slice(name.length + 1));
    }
    return members.size > 0 && initial?.k !== 'function' && initial?.k !== 'parameter'
      ? { k: 'record', members }
      : initial;
  }

  private global(name: string, steps: number): CallbackValue | undefined {
    if (this.symbols.isFunctionName(name)) return { k: 'function', name };
    const variable = this.symbols.variable(name, this.node.file);
    if (variable?.facts.initialiser === undefined || variable.facts.type.includes('[')) return undefined;
    return this.value(JSON.parse(variable.facts.initialiser) as Expression, steps);
  }

  private record(list: Extract<Expression, { k: 'init' }>, steps: number): CallbackValue | undefined {
    const members = new Map<string, CallbackValue>();
    for (const { d, x } of list.items) {
      if (d?.length !== 1 || d[0] === '[]') continue;
      const value = this.value(x, steps);
      if (value) members.set(d[0]!, value);
    }
    return { k: 'record', members };
  }
}

/** A value with what the parameters are put in their place; without what nobody can call. */
function resolved(
  value: CallbackValue | undefined,
  values: CallbackValues,
  deep = 0,
): CallbackValue | undefined {
  if (value === undefined || deep > MAX_MEMBERS_DEEP) return undefined;
  switch (value.k) {
    case 'function':
      return value;
    case 'parameter': {
      let found = values.get(value.name);
      for (const name of value.path) found = member(found, name);
      return found;
    }
    case 'record': {
      const members = new Map<string, CallbackValue>();
      for (const [name, inner] of value.members) {
        const known = resolved(inner, values, deep + 1);
        if (known) members.set(name, known);
      }
      return members.size > 0 ? { k: 'record', members } : undefined;
    }
  }
}

export class Callbacks {
  private readonly bodies = new WeakMap<FunctionNode['facts'], Body>();
  private readonly possible = new WeakMap<CallEdge, boolean>();

  constructor(
    private readonly symbols: Symbols,
    private readonly callsTo: (node: FunctionNode) => readonly CallEdge[],
    /** Functions on whose text answers rest, by id. */
    private readonly consulted: Set<string>,
  ) {}

  private body(node: FunctionNode): Body {
    let body = this.bodies.get(node.facts);
    if (!body) this.bodies.set(node.facts, (body = new Body(this.symbols, node)));
    return body;
  }

  /** The pointer that an edge's call goes through; undefined where the callee is named, or nothing is known of it. */
  private pointer({ caller, site }: CallEdge): CallbackValue | undefined {
    if (site.name !== undefined || (site.via !== 'ops' && site.via !== 'pointer')) return undefined;
    const body = this.body(caller);
    const call = body.callAt(site);
    return call && body.value(call.f);
  }

  /** Can an edge's call reach its callee when the caller's parameters have these values? */
  mayCall(edge: CallEdge, values: CallbackValues): boolean {
    const pointer = this.pointer(edge);
    const found = pointer && resolved(pointer, values);
    if (found?.k === 'function') return found.name === edge.calleeName;
    return this.mayEverCall(edge);
  }

  /** Is there any caller, as far as all of them are known, for which an edge's call can reach its callee? */
  mayEverCall(edge: CallEdge): boolean {
    let known = this.possible.get(edge);
    if (known === undefined) {
      const pointer = this.pointer(edge);
      known =
        !isKnownNever(edge) &&
        (pointer === undefined || this.mayBe(edge.caller, pointer, edge.calleeName, MAX_CALLERS_ABOVE));
      this.possible.set(edge, known);
    }
    return known;
  }

  private mayBe(node: FunctionNode, value: CallbackValue, name: string, above: number): boolean {
    if (value.k === 'function') return value.name === name;
    if (value.k === 'record' || above === 0) return true;
    const callers = this.callsTo(node);
    if (callers.length === 0) return true;
    return callers.some((edge) => {
      let given = this.argument(edge, value.name);
      for (const step of value.path) given = member(given, step);
      // What a function hands on to itself it was given by somebody else.
      if (edge.caller === node && given && describeValue(given) === describeValue(value)) return false;
      return given === undefined || this.mayBe(edge.caller, given, name, above - 1);
    });
  }

  private argument(edge: CallEdge, parameter: string): CallbackValue | undefined {
    const index = edge.callee?.facts.parameters.findIndex(({ name }) => name === parameter) ?? -1;
    this.consulted.add(edge.caller.id);
    const body = this.body(edge.caller);
    const argument = body.callAt(edge.site)?.a[index];
    return argument && body.value(argument);
  }

  /** What a call hands to its callee's parameters, given what the caller was given. */
  handed(edge: CallEdge, values: CallbackValues): CallbackValues {
    const parameters = edge.callee?.facts.parameters ?? [];
    if (parameters.length === 0) return NO_VALUES;
    const body = this.body(edge.caller);
    const call = body.callAt(edge.site);
    const handed = new Map<string, CallbackValue>();
    parameters.forEach(({ name }, index) => {
      const argument = call?.a[index];
      const value = argument && resolved(body.value(argument), values);
      if (value) handed.set(name, value);
    });
    return handed;
  }
}
