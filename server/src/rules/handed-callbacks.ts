/**
 * Functions that call what they were handed, as a parameter or as a member of a parameter:
 * `range->on_lock(kvm)` where `range` is a parameter. Which function that is, each caller's text tells.
 */
import { type Expression, type Statement, visitStatement } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import type { FunctionNode } from '../program/model.js';
import { bodyOf } from '../program/program.js';

/** What is called of what was handed: a parameter, or a member of what it points to. */
export interface Handed {
  parameter: number;
  member?: string;
}

/** What a function calls of what it was handed. */
export function handedCalls(node: FunctionNode): Handed[] {
  const indices = new Map(node.facts.parameters.map(({ name }, index) => [name, index]));
  const found = new Map<string, Handed>();
  for (const statement of bodyOf(node))
    visitStatement(statement, (expression) => {
      if (expression.k !== 'call') return;
      const handed = handedBy(expression.f, indices);
      if (handed) found.set(`${handed.parameter}.${handed.member ?? ''}`, handed);
    });
  return [...found.values()];
}

function handedBy(callee: Expression, indices: ReadonlyMap<string, number>): Handed | undefined {
  let inner = unwrap(callee);
  while (inner.k === 'unary' && inner.op === '*') inner = unwrap(inner.x);
  if (inner.k === 'id') {
    const parameter = indices.get(inner.n);
    return parameter === undefined ? undefined : { parameter };
  }
  const owner = inner.k === 'field' ? unwrap(inner.o) : undefined;
  const parameter = owner?.k === 'id' ? indices.get(owner.n) : undefined;
  return inner.k !== 'field' || parameter === undefined ? undefined : { parameter, member: inner.n };
}

/** What a function's text puts into its variables' members and function pointers. */
export class HandedValues {
  /** By `variable` or `variable.member`; null where texts differ or can't be told. */
  private readonly values = new Map<string, string | null>();
  private readonly parameters: ReadonlyMap<string, number>;

  constructor(node: FunctionNode, body: readonly Statement[] = bodyOf(node)) {
    this.parameters = new Map(node.facts.parameters.map(({ name }, index) => [name, index]));
    for (const statement of body)
      visitStatement(
        statement,
        (expression) => {
          if (expression.k === 'assign') this.assigned(expression.l, expression.r);
        },
        (inner) => {
          if (inner.k === 'decl' && inner.i) this.stored(inner.n, inner.i);
        },
      );
  }

  private assigned(target: Expression, value: Expression): void {
    const inner = unwrap(target);
    if (inner.k === 'id') this.stored(inner.n, value);
    const owner = inner.k === 'field' ? unwrap(inner.o) : undefined;
    if (inner.k === 'field' && owner?.k === 'id') this.note(`${owner.n}.${inner.n}`, value);
  }

  private stored(name: string, value: Expression): void {
    const inner = uncast(value);
    if (inner.k !== 'init') return this.note(name, value);
    for (const { d, x } of inner.items) if (d?.length === 1) this.note(`${name}.${d[0]}`, x);
  }

  private note(place: string, value: Expression): void {
    const name = functionName(value) ?? null;
    this.values.set(place, this.values.has(place) && this.values.get(place) !== name ? null : name);
  }

  /** The function that an argument hands over, or what of the function's own parameters it hands on. */
  of(argument: Expression | undefined, member: string | undefined): string | Handed | undefined {
    if (!argument) return undefined;
    let inner = uncast(argument);
    if (inner.k === 'unary' && inner.op === '&') inner = uncast(inner.x);
    if (inner.k === 'init') {
      const item = inner.items.find(({ d }) => d?.length === 1 && d[0] === member);
      return item && functionName(item.x);
    }
    if (inner.k !== 'id') return undefined;
    const known = this.values.get(member === undefined ? inner.n : `${inner.n}.${member}`);
    if (known !== undefined) return known ?? undefined;
    const parameter = this.parameters.get(inner.n);
    if (parameter !== undefined) return { parameter, ...(member !== undefined && { member }) };
    return member === undefined ? inner.n : undefined;
  }
}

function uncast(value: Expression): Expression {
  let inner = unwrap(value);
  while (inner.k === 'cast') inner = unwrap(inner.x);
  return inner;
}

function functionName(value: Expression): string | undefined {
  let inner = uncast(value);
  if (inner.k === 'unary' && inner.op === '&') inner = uncast(inner.x);
  return inner.k === 'id' ? inner.n : undefined;
}
