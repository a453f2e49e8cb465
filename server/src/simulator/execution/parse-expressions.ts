/** Expressions, typed as they are read. */
import { BINARY_PRECEDENCE } from '../../kernel-c/operators.js';
import type { ArithmeticOperator, ComparisonOperator, Expr, Local, Stmt } from './ast.js';
import * as build from './build.js';
import { builtinCall } from './builtins.js';
import { characterLiteral, numberLiteral, stringLiteral } from './literals.js';
import { InitialiserParser } from './parse-initialisers.js';
import { CodeError, type Loc, type Token } from './tokens.js';
import {
  alignOf,
  CHAR,
  type CType,
  type FunctionType,
  INT,
  isScalar,
  sameType,
  sizeOf,
  typeName,
  ULONG,
  VOID,
} from './types.js';

const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=']);
const ASSIGNMENTS = new Set(['+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);
const FUNCTION_NAMES = new Set(['__func__', '__FUNCTION__', '__PRETTY_FUNCTION__']);

export abstract class ExpressionParser extends InitialiserParser {
  /** Name of the function whose body is read. */
  protected functionName = '';

  /** Body of a statement expression, its brace taken. */
  abstract statementExpression(loc: Loc): Expr;

  expression(): Expr {
    let l = this.assignmentExpression();
    while (this.is(',')) {
      const { loc } = this.next();
      const r = build.value(this.assignmentExpression());
      l = { k: 'comma', l, r, t: r.t, loc };
    }
    return l;
  }

  assignmentExpression(): Expr {
    const l = this.conditionalExpression();
    const token = this.peek();
    if (token.kind !== 'punc') return l;
    if (token.text === '=') {
      this.next();
      return build.assign(l, this.assignmentExpression(), token.loc);
    }
    if (!ASSIGNMENTS.has(token.text)) return l;
    this.next();
    const r = this.assignmentExpression();
    return build.assignWith(token.text.slice(0, -1) as ArithmeticOperator, l, r, token.loc);
  }

  private conditionalExpression(): Expr {
    const c = this.binary(1);
    if (!this.is('?')) return c;
    const { loc } = this.next();
    if (this.accept(':')) return build.conditional(c, null, this.conditionalExpression(), loc);
    const a = this.expression();
    this.expect(':');
    return build.conditional(c, a, this.conditionalExpression(), loc);
  }

  private binary(minimum: number): Expr {
    let l = this.castExpression();
    for (;;) {
      const token = this.peek();
      const precedence = token.kind === 'punc' ? BINARY_PRECEDENCE[token.text] : undefined;
      if (precedence === undefined || precedence < minimum) return l;
      this.next();
      const { text, loc } = token;
      const r = this.binary(precedence + 1);
      if (text === '&&' || text === '||') l = build.logical(text === '&&' ? 'and' : 'or', l, r, loc);
      else if (COMPARISONS.has(text)) l = build.compare(text as ComparisonOperator, l, r, loc);
      else l = build.arithmetic(text as ArithmeticOperator, l, r, loc);
    }
  }

  private castExpression(): Expr {
    if (!this.is('(') || !this.startsType(1)) return this.unary();
    const { loc } = this.next();
    const type = this.typeName();
    this.expect(')');
    if (this.is('{')) return this.postfix(this.compoundLiteral(type, loc));
    const e = this.castExpression();
    return this.cast(e, type, loc);
  }

  private cast(operand: Expr, type: CType, loc: Loc): Expr {
    if (operand.k === 'error') return { ...operand, t: type };
    if (type.k === 'agg') {
      const e = build.value(operand);
      if (e.t.k === 'agg' && sameType(e.t, type)) return e;
      // GNU: a cast to a union makes one with that member.
      const field =
        type.aggregate.kind === 'union' &&
        type.aggregate.complete(loc).fields.find((one) => sameType(one.type, e.t));
      if (!field) throw new CodeError(loc, `a cast to ${typeName(type)}`);
      const values = [{ offset: field.offset, type: field.type, value: e }];
      return { k: 'literal', local: this.hidden(type, loc), init: { values, whole: false }, t: type, loc };
    }
    const e = build.convert(operand, type);
    // A cast's result is no object, even if the type stays.
    return build.isLvalue(e) ? { k: 'cast', e, t: type, loc } : { ...e, loc };
  }

  protected hidden(type: CType, loc: Loc): Local {
    return { name: '', type, loc, offset: -1 };
  }

  private compoundLiteral(declared: CType, loc: Loc): Expr {
    const { init, type } = this.initialiser(declared);
    return { k: 'literal', local: this.hidden(type, loc), init, t: type, loc };
  }

  private unary(): Expr {
    const token = this.peek();
    const { text, loc } = token;
    if (token.kind === 'punc') {
      switch (text) {
        case '++':
        case '--':
          this.next();
          return build.increment(this.unary(), text === '++' ? 1 : -1, false, loc);
        case '&':
          this.next();
          return this.addressOf(loc);
        case '&&':
          throw new CodeError(loc, 'the address of a label');
        case '*':
          this.next();
          return this.dereference(this.castExpression(), loc);
        case '+':
        case '-':
        case '~':
          this.next();
          return build.unaryArithmetic(
            text === '-' ? 'neg' : text === '~' ? 'not' : 'plus',
            this.castExpression(),
            loc,
          );
        case '!':
          this.next();
          return build.negated(this.castExpression(), loc);
        default:
      }
    }
    if (token.kind === 'id') {
      if (
        text === 'sizeof' ||
        text === '_Alignof' ||
        text === '__alignof__' ||
        text === 'alignof' ||
        text === '__alignof'
      )
        return this.sizeOfExpression();
      if (text === '__extension__') {
        this.next();
        return this.castExpression();
      }
      if (text === '__real__' || text === '__imag__')
        throw new CodeError(loc, 'complex numbers are not executed');
    }
    return this.postfix(this.primary());
  }

  private addressOf(loc: Loc): Expr {
    const e = this.castExpression();
    if (e.k === 'error') return e;
    if (e.k === 'cast' && e.t.k === 'agg') return build.addressOf(e.e, loc);
    return build.addressOf(e, loc);
  }

  private dereference(operand: Expr, loc: Loc): Expr {
    const e = build.value(operand);
    if (e.k === 'error') return e;
    if (e.t.k !== 'ptr') throw new CodeError(loc, `* of ${typeName(e.t)}`);
    return { k: 'deref', e, t: e.t.to, loc };
  }

  private sizeOfExpression(): Expr {
    const { text, loc } = this.next();
    let type: CType;
    let align: number | undefined;
    if (this.is('(') && this.startsType(1)) {
      this.next();
      type = this.typeName();
      this.expect(')');
      if (this.is('{')) type = this.compoundLiteral(type, loc).t;
    } else {
      const e = this.unary();
      if (e.k === 'error') throw e.error;
      if (e.k === 'member' && e.bit) throw new CodeError(loc, 'the size of a bit-field');
      type = e.t;
      if (e.k === 'local') align = e.local.align;
      if (e.k === 'global') {
        e.global.initialiser();
        type = e.global.type;
        align = e.global.align;
      }
    }
    const v = text === 'sizeof' ? sizeOf(type, loc) : Math.max(alignOf(type, loc), align ?? 1);
    return build.constant(BigInt(v), ULONG, loc);
  }

  private postfix(first: Expr): Expr {
    let e = first;
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'punc') return e;
      const { loc } = token;
      switch (token.text) {
        case '(':
          e = this.call(e, loc);
          break;
        case '[': {
          this.next();
          const index = this.expression();
          this.expect(']');
          if (e.k === 'error') break;
          const base = build.value(e);
          const [pointer, i] = base.t.k === 'ptr' ? [base, index] : [build.value(index), base];
          e = this.dereference(build.pointerPlus(pointer, build.value(i), 1, loc), loc);
          break;
        }
        case '.':
          this.next();
          e = this.member(e, this.name());
          break;
        case '->':
          this.next();
          e = this.member(this.dereference(e, loc), this.name());
          break;
        case '++':
        case '--':
          this.next();
          e = build.increment(e, token.text === '++' ? 1 : -1, true, loc);
          break;
        default:
          return e;
      }
    }
  }

  private member(e: Expr, { text, loc }: Token): Expr {
    if (e.k === 'error') return e;
    if (e.t.k !== 'agg') throw new CodeError(loc, `member ${text} of ${typeName(e.t)}`);
    const field = e.t.aggregate.field(text, loc);
    if (!field) throw new CodeError(loc, `${e.t.aggregate.name} has no member ${text}`);
    return { k: 'member', e, offset: field.offset, ...(field.bit && { bit: field.bit }), t: field.type, loc };
  }

  protected arguments(): Expr[] {
    this.expect('(');
    const args: Expr[] = [];
    if (this.accept(')')) return args;
    do args.push(this.assignmentExpression());
    while (this.accept(','));
    this.expect(')');
    return args;
  }

  private call(callee: Expr, loc: Loc): Expr {
    const args = this.arguments();
    if (callee.k === 'error') return callee;
    const f = build.value(callee);
    if (f.t.k !== 'ptr' || f.t.to.k !== 'fn') throw new CodeError(loc, `a call of ${typeName(callee.t)}`);
    return this.callOf(f, f.t.to, args, callee.loc);
  }

  protected callOf(f: Expr, type: FunctionType, args: Expr[], loc: Loc): Expr {
    const fixed = type.parameters.length;
    if (!type.unknown && (args.length < fixed || (args.length > fixed && !type.variadic)))
      throw new CodeError(loc, `a call with ${args.length} arguments where ${fixed} are wanted`);
    const passed = args.map((arg, index) => {
      const parameter = type.parameters[index];
      if (arg.k === 'error') return arg;
      if (!parameter) return build.promotedArgument(arg);
      const transparent = transparentMember(parameter.type, arg);
      if (transparent) return transparent;
      return parameter.type.k === 'agg' ? build.value(arg) : build.convert(arg, parameter.type);
    });
    return { k: 'call', f, args: passed, type, t: type.returns, loc };
  }

  private primary(): Expr {
    const token = this.peek();
    const { text, loc } = token;
    switch (token.kind) {
      case 'num':
        return numberLiteral(this.next());
      case 'chr':
        return characterLiteral(this.next());
      case 'str': {
        const tokens: Token[] = [];
        while (this.peek().kind === 'str') tokens.push(this.next());
        return stringLiteral(tokens);
      }
      case 'id':
        return this.named();
      default:
    }
    if (text !== '(') throw this.unexpected('an expression');
    this.next();
    if (this.is('{')) {
      const e = this.statementExpression(loc);
      this.expect(')');
      return e;
    }
    const e = this.expression();
    this.expect(')');
    return e;
  }

  private named(): Expr {
    const { text, loc } = this.next();
    if (text === '_Generic') return this.generic(loc);
    if (FUNCTION_NAMES.has(text)) {
      const bytes = new TextEncoder().encode(`${this.functionName}\0`);
      return { k: 'str', bytes, t: { k: 'array', of: CHAR, length: bytes.length }, loc };
    }
    const meaning = this.scope.find(text);
    switch (meaning?.k) {
      case 'local':
        return { k: 'local', local: meaning.local, t: meaning.local.type, loc };
      case 'global':
        return { k: 'global', global: meaning.global, t: meaning.global.type, loc };
      case 'fn':
        return { k: 'fn', fn: meaning.fn, t: meaning.fn.type, loc };
      case 'constant':
        return build.constant(meaning.v, meaning.t, loc);
      default:
    }
    if (text.startsWith('__builtin_')) {
      const e = this.builtin(text, loc);
      if (e) return e;
    }
    const found = this.names.constantNamed(text);
    if (found) return build.constant(found.v, found.t, loc);
    const global = this.names.globalNamed(text);
    if (global) return { k: 'global', global, t: global.type, loc };
    const fn = this.names.functionNamed(text);
    if (fn) return { k: 'fn', fn, t: fn.type, loc };
    if (text === 'asm' || text === '__asm__') throw new CodeError(loc, 'inline assembly');
    throw new CodeError(loc, `unknown identifier ${text}`);
  }

  private generic(loc: Loc): Expr {
    this.expect('(');
    const control = build.value(this.assignmentExpression());
    if (control.k === 'error') throw control.error;
    let chosen: number | undefined;
    let fallback: number | undefined;
    while (this.accept(',')) {
      if (this.accept('default')) {
        this.expect(':');
        fallback = this.at;
      } else {
        const type = this.typeName();
        this.expect(':');
        if (sameType(type, control.t)) chosen ??= this.at;
      }
      this.skipTo(',', ')');
    }
    this.expect(')');
    const behind = this.at;
    const at = chosen ?? fallback;
    if (at === undefined) throw new CodeError(loc, `_Generic has no case for ${typeName(control.t)}`);
    this.at = at;
    const e = this.assignmentExpression();
    this.at = behind;
    return e;
  }

  /** Builtins that take types or decide at once; undefined for functions that just have such a name. */
  private builtin(name: string, loc: Loc): Expr | undefined {
    switch (name) {
      case '__builtin_types_compatible_p': {
        this.expect('(');
        const a = this.typeName();
        this.expect(',');
        const b = this.typeName();
        this.expect(')');
        return build.intConstant(sameType(a, b) ? 1 : 0, loc);
      }
      case '__builtin_choose_expr': {
        this.expect('(');
        const first = this.constant('the condition of __builtin_choose_expr') !== 0n;
        this.expect(',');
        if (!first) this.skipTo(',');
        let e = first ? this.assignmentExpression() : undefined;
        this.expect(',');
        if (first) this.skipTo(')');
        else e = this.assignmentExpression();
        this.expect(')');
        return e;
      }
      case '__builtin_offsetof':
        return this.offsetOf(loc);
      case '__builtin_va_arg': {
        this.expect('(');
        const list = this.assignmentExpression();
        this.expect(',');
        const t = this.typeName();
        this.expect(')');
        return { k: 'builtin', name: 'va_arg', args: [list], t, loc };
      }
      case '__builtin_constant_p': {
        this.expect('(');
        const e = this.orError(() => this.expression(), ')');
        this.expect(')');
        return build.intConstant(build.constantValue(e) !== undefined || e.k === 'str' ? 1 : 0, loc);
      }
      default: {
        const args = this.arguments();
        const failed = args.find((arg) => arg.k === 'error');
        if (failed) return failed;
        return builtinCall(name.slice('__builtin_'.length), args, loc, (plain) => {
          const fn = this.names.functionNamed(plain);
          if (!fn) throw new CodeError(loc, `the builtin ${name} is not executed`);
          const f: Expr = {
            k: 'addr',
            e: { k: 'fn', fn, t: fn.type, loc },
            t: { k: 'ptr', to: fn.type },
            loc,
          };
          return this.callOf(f, fn.type, args, loc);
        });
      }
    }
  }

  private offsetOf(loc: Loc): Expr {
    this.expect('(');
    const type = this.typeName();
    this.expect(',');
    const base: Expr = { k: 'const', v: 0n, t: { k: 'ptr', to: type }, loc };
    let e: Expr = this.member({ k: 'deref', e: base, t: type, loc }, this.name());
    while (!this.is(')')) {
      if (this.accept('.')) e = this.member(e, this.name());
      else {
        this.expect('[');
        const index = this.expression();
        this.expect(']');
        e = this.dereference(
          build.pointerPlus(build.value(foldedAddress(e, loc)), build.value(index), 1, loc),
          loc,
        );
      }
    }
    this.expect(')');
    return build.convert(build.addressOf(e, loc), ULONG);
  }
}

/** An array member's address as a pointer to its first element, folded where it is constant. */
function foldedAddress(e: Expr, loc: Loc): Expr {
  if (e.t.k !== 'array') throw new CodeError(loc, 'an index into something that is no array');
  return { ...build.addressOf(e, loc), t: { k: 'ptr', to: e.t.of } };
}

/** An argument for a `union { T *a; U *b; } __attribute__((transparent_union))` parameter. */
function transparentMember(type: CType, arg: Expr): Expr | undefined {
  if (type.k !== 'agg' || type.aggregate.kind !== 'union') return undefined;
  const e = build.value(arg);
  if (e.t.k === 'agg' || !isScalar(e.t)) return undefined;
  const { fields } = type.aggregate.complete(arg.loc);
  const field = fields.find((one) => sameType(one.type, e.t)) ?? fields[0];
  if (!field || field.type.k === 'agg') return undefined;
  const values = [{ offset: 0, type: field.type, value: build.convert(e, field.type) }];
  const local: Local = { name: '', type, loc: arg.loc, offset: -1 };
  return { k: 'literal', local, init: { values, whole: false }, t: type, loc: arg.loc };
}

export type { Stmt };
export { INT, VOID };
