/**
 * The syntax tree that the rest of the server works on: small plain data, freed of tree-sitter.
 * Field names are short because a file's trees are stored as JSON in the cache.
 *
 * A position `p` packs line and column of a place inside of one function or macro: see `positionOf`.
 */

/** `(line - first line of the function) * 1024 + column`, both counted from 0; columns beyond 1023 are cut. */
export type Position = number;

export const packPosition = (lineOffset: number, column: number): Position =>
  lineOffset * 1024 + Math.min(column, 1023);
export const lineOffsetOf = (p: Position): number => Math.floor(p / 1024);
export const columnOf = (p: Position): number => p % 1024;

/**
 * A type as written, without qualifiers: `struct kvm*`, `gfn_t`, `unsigned long`. A `*` a pointer or array level;
 * `()` a function that gives what stands before it: `int()*` is a pointer to one.
 */
export type TypeText = string;

export type Expression =
  | { k: 'id'; n: string }
  | { k: 'num'; v: string }
  | { k: 'str' }
  | { k: 'call'; f: Expression; a: Expression[]; p: Position }
  | { k: 'field'; o: Expression; n: string; arrow: boolean }
  | { k: 'index'; o: Expression; i: Expression }
  | { k: 'unary'; op: '&' | '*' | '!' | '-' | '+' | '~'; x: Expression }
  /** `++x`, and `post`: `x++`. */
  | { k: 'update'; op: '++' | '--'; post?: true; x: Expression }
  | { k: 'binary'; op: string; l: Expression; r: Expression }
  | { k: 'assign'; op: string; l: Expression; r: Expression; p: Position }
  | { k: 'cond'; c: Expression; t: Expression | null; e: Expression }
  | { k: 'cast'; t: TypeText; x: Expression }
  | { k: 'comma'; l: Expression; r: Expression }
  | { k: 'block'; s: Statement[] }
  /** Only in expanded macros: an argument where the parameter stood. Its calls belong to the place of the macro's use. */
  | { k: 'arg'; x: Expression }
  | { k: 'init'; items: Initialiser[]; t?: TypeText }
  | { k: 'type'; t: TypeText }
  | { k: 'sizeof' }
  | { k: 'other' };

/** One item of an initialiser list; `d` is the designator: field names and `[]` for array indices. */
export interface Initialiser {
  d?: string[];
  x: Expression;
  p: Position;
}

export type Statement =
  | { k: 'expr'; x: Expression; p: Position }
  | { k: 'decl'; n: string; t: TypeText; i?: Expression; static?: true; cleanup?: string; p: Position }
  | { k: 'block'; s: Statement[]; end: Position }
  | { k: 'if'; c: Expression; t: Statement; e?: Statement; p: Position }
  | { k: 'while'; c: Expression; b: Statement; p: Position }
  | { k: 'do'; c: Expression; b: Statement; p: Position }
  | { k: 'for'; i?: Statement; c?: Expression; u?: Expression; b: Statement; p: Position }
  | { k: 'foreach'; macro: string; a: Expression[]; b: Statement; p: Position }
  | { k: 'switch'; c: Expression; b: Statement; p: Position }
  | { k: 'case'; v: Expression | null; s: Statement[]; p: Position }
  | { k: 'return'; x?: Expression; p: Position }
  | { k: 'break' | 'continue'; p: Position }
  | { k: 'goto'; label: string; p: Position }
  | { k: 'label'; n: string; s: Statement | null; p: Position };

/** Calls `visit` for every expression in a tree, outermost first. */
export function visitExpressions(
  node: Expression | undefined | null,
  visit: (expression: Expression) => void,
): void {
  if (!node) return;
  visit(node);
  switch (node.k) {
    case 'call':
      visitExpressions(node.f, visit);
      for (const argument of node.a) visitExpressions(argument, visit);
      return;
    case 'field':
      return visitExpressions(node.o, visit);
    case 'index':
      visitExpressions(node.o, visit);
      return visitExpressions(node.i, visit);
    case 'unary':
    case 'update':
    case 'cast':
      return visitExpressions(node.x, visit);
    case 'binary':
    case 'assign':
    case 'comma':
      visitExpressions(node.l, visit);
      return visitExpressions(node.r, visit);
    case 'cond':
      visitExpressions(node.c, visit);
      visitExpressions(node.t, visit);
      return visitExpressions(node.e, visit);
    case 'block':
      for (const statement of node.s) visitStatement(statement, visit);
      return;
    case 'init':
      for (const item of node.items) visitExpressions(item.x, visit);
      return;
    default:
  }
}

/** Calls `visit` for every expression below a statement, and `enter` for every statement. */
export function visitStatement(
  node: Statement | undefined | null,
  visit: (expression: Expression) => void,
  enter?: (statement: Statement) => void,
): void {
  if (!node) return;
  enter?.(node);
  switch (node.k) {
    case 'expr':
      return visitExpressions(node.x, visit);
    case 'decl':
      return visitExpressions(node.i, visit);
    case 'block':
      for (const statement of node.s) visitStatement(statement, visit, enter);
      return;
    case 'if':
      visitExpressions(node.c, visit);
      visitStatement(node.t, visit, enter);
      return visitStatement(node.e, visit, enter);
    case 'while':
    case 'do':
    case 'switch':
      visitExpressions(node.c, visit);
      return visitStatement(node.b, visit, enter);
    case 'for':
      visitStatement(node.i, visit, enter);
      visitExpressions(node.c, visit);
      visitExpressions(node.u, visit);
      return visitStatement(node.b, visit, enter);
    case 'foreach':
      for (const argument of node.a) visitExpressions(argument, visit);
      return visitStatement(node.b, visit, enter);
    case 'case':
      visitExpressions(node.v, visit);
      for (const statement of node.s) visitStatement(statement, visit, enter);
      return;
    case 'return':
      return visitExpressions(node.x, visit);
    case 'label':
      return visitStatement(node.s, visit, enter);
    default:
  }
}
