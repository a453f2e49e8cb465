/** Typed C: every expression knows its type, conversions are explicit, constants are folded. */

import type { FunctionSymbol, GlobalVariable } from './symbols.js';
import type { CodeError, Loc } from './tokens.js';
import type { CType, FunctionType, IntType } from './types.js';

/** A variable of a function's frame. */
export interface Local {
  name: string;
  type: CType;
  loc: Loc;
  /** Bytes from the frame's start; set when the function is compiled. */
  offset: number;
  align?: number;
  /** `__attribute__((cleanup(f)))`: called with its address when its scope is left. */
  cleanup?: Expr;
}

/** One value put into an object: `offset` bytes from its start. */
export interface InitialValue {
  offset: number;
  type: CType;
  bit?: { at: number; width: number };
  value: Expr;
}

/** An initialiser taken apart: what isn't named is zero. */
export interface Initialiser {
  values: InitialValue[];
  /** The initialiser is one expression for the whole object, not a list: nothing else to be zeroed. */
  whole: boolean;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';
export type ComparisonOperator = '==' | '!=' | '<' | '>' | '<=' | '>=';

export type Expr = { t: CType; loc: Loc } & (
  | { k: 'const'; v: bigint }
  | { k: 'str'; bytes: Uint8Array }
  | { k: 'local'; local: Local }
  | { k: 'global'; global: GlobalVariable }
  | { k: 'fn'; fn: FunctionSymbol }
  | { k: 'deref'; e: Expr }
  | { k: 'member'; e: Expr; offset: number; bit?: { at: number; width: number } }
  | { k: 'addr'; e: Expr }
  /** A pointer moved by a constant number of bytes. */
  | { k: 'offset'; e: Expr; by: number }
  | { k: 'neg' | 'not' | 'lnot'; e: Expr }
  /** Operands have the type of the result; a shift's right one has its own. */
  | { k: 'bin'; op: ArithmeticOperator; l: Expr; r: Expr }
  /** Operands have the same type. */
  | { k: 'cmp'; op: ComparisonOperator; l: Expr; r: Expr }
  /** `i` is `long` or `unsigned long`; `scale` in bytes, negative for a subtraction. */
  | { k: 'ptradd'; p: Expr; i: Expr; scale: number }
  | { k: 'ptrdiff'; l: Expr; r: Expr; scale: number }
  | { k: 'and' | 'or'; l: Expr; r: Expr }
  /** `a` is null in `c ?: b`. */
  | { k: 'cond'; c: Expr; a: Expr | null; b: Expr }
  | { k: 'assign'; l: Expr; r: Expr }
  /** `l = (type of l)((calculated) l op r)`; for a pointer `r` is the index and `scale` its bytes. */
  | { k: 'opassign'; op: ArithmeticOperator; l: Expr; r: Expr; calculated: CType; scale: number }
  | { k: 'incdec'; e: Expr; by: number; post: boolean }
  | { k: 'cast'; e: Expr }
  | { k: 'comma'; l: Expr; r: Expr }
  | { k: 'call'; f: Expr; args: Expr[]; type: FunctionType }
  /** `({ … })`; `last` is the value. */
  | { k: 'stmts'; body: Stmt[]; last: Expr | null }
  | { k: 'literal'; local: Local; init: Initialiser }
  | { k: 'builtin'; name: string; args: Expr[]; calculated?: IntType }
  /** What can't be executed; an error when it is reached. */
  | { k: 'error'; error: CodeError }
);

export type ExprOf<K extends Expr['k']> = Extract<Expr, { k: K }>;

export type Stmt = { loc: Loc } & (
  | { k: 'expr'; e: Expr }
  | { k: 'decl'; local: Local; init: Initialiser | null }
  | { k: 'block'; body: Stmt[]; end: Loc }
  | { k: 'if'; c: Expr; t: Stmt; e: Stmt | null }
  | { k: 'while'; c: Expr; body: Stmt }
  | { k: 'do'; c: Expr; body: Stmt }
  | { k: 'for'; init: Stmt[]; c: Expr | null; step: Expr | null; body: Stmt }
  | { k: 'switch'; e: Expr; body: Stmt }
  | { k: 'case'; lo: bigint; hi: bigint }
  | { k: 'default' }
  | { k: 'label'; name: string }
  | { k: 'goto'; name: string }
  | { k: 'break' | 'continue' }
  | { k: 'empty' }
  | { k: 'return'; e: Expr | null }
);
