/** Which code runs without a call, a jump or a step of its own: it is compiled into plain expressions and `if`s. */
import type { Expr, Initialiser, Stmt } from './ast.js';
import { constantValue } from './build.js';

export class Purity {
  private readonly known = new WeakMap<Expr, boolean>();

  constructor(private readonly isIntrinsic: (call: Extract<Expr, { k: 'call' }>) => boolean) {}

  expr(e: Expr): boolean {
    let pure = this.known.get(e);
    if (pure === undefined) this.known.set(e, (pure = this.decide(e)));
    return pure;
  }

  private decide(e: Expr): boolean {
    switch (e.k) {
      case 'const':
      case 'str':
      case 'local':
      case 'global':
      case 'fn':
      case 'error':
        return true;
      case 'deref':
      case 'member':
      case 'addr':
      case 'offset':
      case 'neg':
      case 'not':
      case 'lnot':
      case 'incdec':
      case 'cast':
        return this.expr(e.e);
      case 'bin':
      case 'cmp':
      case 'ptrdiff':
      case 'and':
      case 'or':
      case 'assign':
      case 'opassign':
      case 'comma':
        return this.expr(e.l) && this.expr(e.r);
      case 'ptradd':
        return this.expr(e.p) && this.expr(e.i);
      case 'cond':
        return this.expr(e.c) && (e.a === null || this.expr(e.a)) && this.expr(e.b);
      case 'call':
        return this.isIntrinsic(e) && e.args.every((arg) => this.expr(arg));
      case 'stmts':
        return e.body.every((statement) => this.stmt(statement)) && (e.last === null || this.expr(e.last));
      case 'literal':
        return this.initialiser(e.init);
      case 'builtin':
        return e.args.every((arg) => this.expr(arg));
    }
  }

  initialiser(init: Initialiser | null): boolean {
    return init === null || init.values.every(({ value }) => this.expr(value));
  }

  stmt(s: Stmt): boolean {
    switch (s.k) {
      case 'expr':
        return this.expr(s.e);
      case 'decl':
        return !s.local.cleanup && this.initialiser(s.init);
      case 'block':
        return s.body.every((inner) => this.stmt(inner));
      case 'if':
        return this.expr(s.c) && this.stmt(s.t) && (s.e === null || this.stmt(s.e));
      case 'do':
        return constantValue(s.c) === 0n && this.stmt(s.body);
      case 'empty':
        return true;
      default:
        return false;
    }
  }
}

/** Can a jump lead into a statement? */
export function hasLabel(s: Stmt): boolean {
  switch (s.k) {
    case 'label':
    case 'case':
    case 'default':
      return true;
    case 'block':
      return s.body.some(hasLabel);
    case 'if':
      return hasLabel(s.t) || (s.e !== null && hasLabel(s.e));
    case 'while':
    case 'do':
    case 'for':
    case 'switch':
      return hasLabel(s.body);
    default:
      return false;
  }
}
