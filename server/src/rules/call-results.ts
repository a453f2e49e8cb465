/** What becomes of a call's result: looked at, asserted, handed to the caller, or dropped. */
import {
  type Expression,
  type Position,
  type Statement,
  visitExpressions,
  visitStatement,
} from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';

/** `voided`: dropped by `(void)`, on purpose. `overwritten`: stored, and the variable set anew before anyone looks. */
export type ResultUse = 'used' | 'asserted' | 'returned' | 'dropped' | 'voided' | 'overwritten';

export interface Words {
  isAssertion(name: string): boolean;
  /** Macros whose value is that of the call inside. */
  isTransparent(name: string): boolean;
}

const nameOf = (callee: Expression): string | undefined => {
  const inner = unwrap(callee);
  return inner.k === 'id' ? inner.n : undefined;
};

/** What becomes of the result of the call at `p` in a function's body. */
export function resultUse(body: readonly Statement[], p: Position, words: Words): ResultUse {
  for (const statement of allStatements(body)) {
    const values = ownValues(statement);
    for (const value of values) {
      if (!holds(value, p)) continue;
      if (statement.k === 'return') return 'returned';
      if (statement.k === 'decl') return variableUse(body, statement.n, p, words);
      return useIn(value, p, statement.k === 'expr', body, words);
    }
  }
  return 'used';
}

/** @param bare is the value of `expression` itself dropped? */
function useIn(
  expression: Expression,
  p: Position,
  bare: boolean,
  body: readonly Statement[],
  words: Words,
): ResultUse {
  const node = unwrap(expression);
  switch (node.k) {
    case 'call': {
      if (node.p === p && !node.a.some((argument) => holds(argument, p))) return bare ? 'dropped' : 'used';
      const name = nameOf(node.f);
      if (name !== undefined && words.isTransparent(name)) {
        const inner = node.a.find((argument) => holds(argument, p));
        if (inner) return useIn(inner, p, bare, body, words);
      }
      return name !== undefined && words.isAssertion(name) ? 'asserted' : 'used';
    }
    case 'cast':
      return bare && node.t === 'void' && isCall(node.x, p, words)
        ? 'voided'
        : useIn(node.x, p, bare, body, words);
    case 'assign': {
      const target = unwrap(node.l);
      if (!bare || !isCall(node.r, p, words)) return 'used';
      return target.k === 'id' ? variableUse(body, target.n, p, words) : 'used';
    }
    case 'comma':
      return holds(node.l, p) ? useIn(node.l, p, true, body, words) : useIn(node.r, p, bare, body, words);
    default:
      return 'used';
  }
}

function isCall(expression: Expression, p: Position, words: Words): boolean {
  const node = unwrap(expression);
  if (node.k === 'cast') return isCall(node.x, p, words);
  if (node.k !== 'call') return false;
  const name = nameOf(node.f);
  if (name !== undefined && words.isTransparent(name))
    return node.a.some((argument) => isCall(argument, p, words));
  return node.p === p;
}

/** Calls at one place: only the outermost has that place for its own. */
function holds(expression: Expression, p: Position): boolean {
  let found = false;
  visitExpressions(expression, (node) => {
    if (node.k === 'call' && node.p === p) found = true;
  });
  return found;
}

function variableUse(body: readonly Statement[], name: string, p: Position, words: Words): ResultUse {
  const next = followingStatements(body, p);
  for (const statement of next ?? []) {
    if (!mentionsIn(statement, name)) continue;
    if (!isOverwriting(statement, name)) break;
    return 'overwritten';
  }
  const isReturned = allStatements(body).some(
    (statement) => statement.k === 'return' && statement.x && mentions(statement.x, name),
  );
  let reads = 0;
  let asserted = 0;
  for (const statement of allStatements(body))
    for (const value of ownValues(statement)) {
      const own = readsOf(value, name);
      reads += own;
      const call = unwrap(value);
      const callee = call.k === 'call' ? nameOf(call.f) : undefined;
      if (own > 0 && callee !== undefined && words.isAssertion(callee)) asserted++;
    }
  if (reads === 0) return 'dropped';
  if (asserted > 0) return 'asserted';
  return isReturned ? 'returned' : 'used';
}

/** The statements behind the one with the call, in its own block. */
function followingStatements(body: readonly Statement[], p: Position): readonly Statement[] | undefined {
  const lists: (readonly Statement[])[] = [body];
  for (const statement of allStatements(body)) {
    if (statement.k === 'block' || statement.k === 'case') lists.push(statement.s);
  }
  for (const list of lists) {
    const index = list.findIndex(
      (statement) => ownValues(statement).some((value) => holds(value, p)) && statement.k !== 'if',
    );
    if (index >= 0) return list.slice(index + 1);
  }
  return undefined;
}

function isOverwriting(statement: Statement, name: string): boolean {
  if (statement.k !== 'expr') return false;
  const node = unwrap(statement.x);
  const target = node.k === 'assign' && node.op === '=' ? unwrap(node.l) : undefined;
  return node.k === 'assign' && target?.k === 'id' && target.n === name && !mentions(node.r, name);
}

function mentions(expression: Expression, name: string): boolean {
  let found = false;
  visitExpressions(expression, (node) => {
    if (node.k === 'id' && node.n === name) found = true;
  });
  return found;
}

function mentionsIn(statement: Statement, name: string): boolean {
  let found = false;
  visitStatement(statement, (node) => {
    if (node.k === 'id' && node.n === name) found = true;
  });
  return found;
}

/** How often a variable is read: being assigned to is not. */
function readsOf(expression: Expression, name: string): number {
  let all = 0;
  let written = 0;
  visitExpressions(expression, (node) => {
    if (node.k === 'id' && node.n === name) all++;
    const target = node.k === 'assign' && node.op === '=' ? unwrap(node.l) : undefined;
    if (target?.k === 'id' && target.n === name) written++;
  });
  return all - written;
}

function allStatements(body: readonly Statement[]): Statement[] {
  const found: Statement[] = [];
  for (const statement of body)
    visitStatement(
      statement,
      () => {},
      (inner) => found.push(inner),
    );
  return found;
}

/** Expressions that stand in a statement itself, not in those below it. */
function ownValues(statement: Statement): Expression[] {
  switch (statement.k) {
    case 'expr':
      return [statement.x];
    case 'decl':
      return statement.i ? [statement.i] : [];
    case 'if':
    case 'while':
    case 'do':
    case 'switch':
      return [statement.c];
    case 'for':
      return [statement.c, statement.u].filter((one) => one !== undefined);
    case 'foreach':
      return statement.a;
    case 'return':
      return statement.x ? [statement.x] : [];
    default:
      return [];
  }
}
