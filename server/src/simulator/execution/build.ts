/** Makes typed expressions: C's conversions become casts, what is constant is computed. */
import type { ArithmeticOperator, ComparisonOperator, Expr } from './ast.js';
import { CodeError, type Loc } from './tokens.js';
import {
  asInt,
  type CType,
  commonType,
  enumInt,
  INT,
  type IntType,
  isScalar,
  LONG,
  pointerTo,
  promoted,
  sameType,
  sizeOf,
  typeName,
  ULONG,
  VOID,
  VOID_POINTER,
  wrap,
} from './types.js';

export const constant = (v: bigint, t: CType, loc: Loc): Expr => ({ k: 'const', v, t, loc });
export const intConstant = (v: number, loc: Loc): Expr => constant(BigInt(v), INT, loc);

const isConst = (e: Expr): e is Extract<Expr, { k: 'const' }> => e.k === 'const';

/** The value of an integer constant expression, or undefined. */
export const constantValue = (e: Expr): bigint | undefined => (isConst(e) ? e.v : undefined);

/** `0`, or `(void *)0`. */
export function isNullConstant(e: Expr): boolean {
  return isConst(e) && e.v === 0n && (e.t.k !== 'ptr' || e.t.to.k === 'void');
}

/** An operand's value: arrays become pointers to their first element, functions pointers to themselves. */
export function value(e: Expr): Expr {
  if (e.t.k === 'array') {
    const t = pointerTo(e.t.of);
    return isLvalue(e) && e.k !== 'error' ? { ...addressOf(e, e.loc), t } : { k: 'addr', e, t, loc: e.loc };
  }
  if (e.t.k === 'fn')
    return e.k === 'deref' ? { ...e.e, t: pointerTo(e.t) } : { k: 'addr', e, t: pointerTo(e.t), loc: e.loc };
  return e;
}

export function isLvalue(e: Expr): boolean {
  switch (e.k) {
    case 'local':
    case 'global':
    case 'deref':
    case 'str':
    case 'literal':
    case 'error':
      return true;
    case 'member':
      return isLvalue(e.e);
    default:
      return false;
  }
}

/** `&e`, with constant offsets folded: `&((struct s *)0)->m` is a constant. */
export function addressOf(e: Expr, loc: Loc): Expr {
  const t = pointerTo(e.t);
  if (e.k === 'deref') return { ...e.e, t };
  if (e.k === 'member') {
    if (e.bit) throw new CodeError(loc, 'the address of a bit-field');
    if (isLvalue(e.e)) return moved(addressOf(e.e, loc), e.offset, t, loc);
  }
  if (e.k === 'fn' || isLvalue(e)) return { k: 'addr', e, t, loc };
  throw new CodeError(loc, 'the address of something that is no object');
}

/** A pointer moved by a constant number of bytes. */
export function moved(pointer: Expr, by: number, t: CType, loc: Loc): Expr {
  if (by === 0) return { ...pointer, t };
  if (isConst(pointer)) return constant(wrap(ULONG, pointer.v + BigInt(by)), t, loc);
  if (pointer.k === 'offset') return { ...pointer, by: pointer.by + by, t };
  return { k: 'offset', e: pointer, by, t, loc };
}

/** `e` as a value of another type, as an assignment or cast converts it. */
export function convert(operand: Expr, t: CType): Expr {
  const e = value(operand);
  const { loc } = e;
  if (e.k === 'error') return { ...e, t };
  if (t.k === 'void') return { k: 'cast', e, t, loc };
  if (t.k === 'float' || e.t.k === 'float') throw new CodeError(loc, 'floating point is not executed');
  if (sameType(t, e.t)) return t === e.t ? e : { ...e, t };
  if (t.k === 'agg' || e.t.k === 'agg' || !isScalar(t) || !isScalar(e.t))
    throw new CodeError(loc, `a conversion from ${typeName(e.t)} to ${typeName(t)}`);
  const target = asInt(t, loc) ?? ULONG;
  if (isConst(e)) return constant(wrap(target, e.v), t, loc);
  if (t.k === 'ptr' && e.t.k === 'ptr') return { ...e, t };
  return { k: 'cast', e, t, loc };
}

export function intTypeOf(e: Expr, what: string): IntType {
  if (e.t.k === 'float') throw new CodeError(e.loc, 'floating point is not executed');
  const type = asInt(e.t, e.loc);
  if (!type) throw new CodeError(e.loc, `${what} wants an integer, not ${typeName(e.t)}`);
  return type;
}

/** Width of the bit-field whose value an expression is: gcc gives such a value a type of that width. */
function fieldWidth(e: Expr): number | undefined {
  switch (e.k) {
    case 'member':
      return e.bit?.width;
    case 'comma':
      return fieldWidth(e.r);
    case 'assign':
    case 'opassign':
      return fieldWidth(e.l);
    case 'incdec':
      return fieldWidth(e.e);
    default:
      return undefined;
  }
}

/** A bit-field narrower than int is promoted to int. */
function promotedType(e: Expr, what: string): IntType {
  const type = intTypeOf(e, what);
  const width = fieldWidth(e);
  if (width !== undefined) {
    if (width < 32 || (width === 32 && type.signed)) return INT;
    if (width === 32 && type.size === 8)
      return { ...type, size: 4, rank: 3, name: 'unsigned int', signed: false };
    // Beyond int gcc computes with the field's own width (clang doesn't): only what can't overflow is let through.
    if (width < type.size * 8 && type.size === 8 && /(?:[-+*|^]|<<|unary operator)$/.test(what))
      throw new CodeError(
        e.loc,
        `${what} on a bit-field of ${width} bits, which compilers disagree about: cast it`,
      );
  }
  return promoted(type);
}

function compute(op: ArithmeticOperator, l: bigint, r: bigint, t: IntType, loc: Loc): bigint | undefined {
  switch (op) {
    case '+':
      return wrap(t, l + r);
    case '-':
      return wrap(t, l - r);
    case '*':
      return wrap(t, l * r);
    case '/':
    case '%':
      if (r === 0n) return undefined;
      return wrap(t, op === '/' ? l / r : l % r);
    case '&':
      return wrap(t, l & r);
    case '|':
      return wrap(t, l | r);
    case '^':
      return wrap(t, l ^ r);
    case '<<':
    case '>>':
      if (r < 0n || r >= BigInt(t.size * 8)) return undefined;
      return wrap(t, op === '<<' ? l << r : l >> r);
    default:
      throw new CodeError(loc, `operator ${op}`);
  }
}

/** `l op r` on integers, or pointer arithmetic. */
export function arithmetic(op: ArithmeticOperator, left: Expr, right: Expr, loc: Loc): Expr {
  const l = value(left);
  const r = value(right);
  if (l.k === 'error' || r.k === 'error') return l.k === 'error' ? l : r;
  if (op === '+' || op === '-') {
    if (l.t.k === 'ptr' && r.t.k === 'ptr' && op === '-') {
      const scale = sizeOf(l.t.to, loc);
      if (isConst(l) && isConst(r)) return constant(wrap(LONG, l.v - r.v) / BigInt(scale || 1), LONG, loc);
      return { k: 'ptrdiff', l, r, scale, t: LONG, loc };
    }
    if (l.t.k === 'ptr') return pointerPlus(l, r, op === '-' ? -1 : 1, loc);
    if (r.t.k === 'ptr' && op === '+') return pointerPlus(r, l, 1, loc);
  }
  const shift = op === '<<' || op === '>>';
  const a = promotedType(l, `operator ${op}`);
  const b = promotedType(r, `operator ${op}`);
  const t = shift ? a : commonType(a, b);
  const x = convert(l, t);
  const y = shift ? convert(r, b) : convert(r, t);
  if (isConst(x) && isConst(y)) {
    const v = compute(op, x.v, y.v, t, loc);
    if (v !== undefined) return constant(v, t, loc);
  }
  // `x * 0` of something that isn't constant stays what it is: kernel macros ask whether it is constant.
  return { k: 'bin', op, l: x, r: y, t, loc };
}

export function pointerPlus(p: Expr, index: Expr, sign: 1 | -1, loc: Loc): Expr {
  if (p.t.k !== 'ptr') throw new CodeError(loc, `pointer arithmetic on ${typeName(p.t)}`);
  const type = intTypeOf(index, 'pointer arithmetic');
  const scale = sizeOf(p.t.to, loc) * sign;
  const i = convert(index, type.signed ? LONG : ULONG);
  if (isConst(i)) {
    const by = i.v * BigInt(scale);
    if (by >= -0x4000_0000n && by <= 0x4000_0000n) return moved(p, Number(by), p.t, loc);
  }
  return { k: 'ptradd', p, i, scale, t: p.t, loc };
}

export function compare(op: ComparisonOperator, left: Expr, right: Expr, loc: Loc): Expr {
  let l = value(left);
  let r = value(right);
  if (l.k === 'error' || r.k === 'error') return { ...(l.k === 'error' ? l : r), t: INT };
  if (l.t.k === 'ptr' || r.t.k === 'ptr') {
    l = convert(l, ULONG);
    r = convert(r, ULONG);
  } else {
    const t = commonType(promotedType(l, `operator ${op}`), promotedType(r, `operator ${op}`));
    l = convert(l, t);
    r = convert(r, t);
  }
  if (isConst(l) && isConst(r)) {
    const [a, b] = [l.v, r.v];
    const holds =
      op === '=='
        ? a === b
        : op === '!='
          ? a !== b
          : op === '<'
            ? a < b
            : op === '>'
              ? a > b
              : op === '<='
                ? a <= b
                : a >= b;
    return intConstant(holds ? 1 : 0, loc);
  }
  return { k: 'cmp', op, l, r, t: INT, loc };
}

/** A value to be tested against zero. */
export function condition(e: Expr): Expr {
  const c = value(e);
  if (c.k === 'error' || isScalar(c.t)) return c;
  throw new CodeError(c.loc, `${typeName(c.t)} as a condition`);
}

export function logical(k: 'and' | 'or', left: Expr, right: Expr, loc: Loc): Expr {
  const l = condition(left);
  const r = condition(right);
  const decides = k === 'and' ? 0n : 1n;
  if (isConst(l)) {
    const holds = l.v === 0n ? 0n : 1n;
    if (holds === decides) return constant(decides, INT, loc);
    if (isConst(r)) return intConstant(r.v === 0n ? 0 : 1, loc);
  }
  return { k, l, r, t: INT, loc };
}

export function negated(e: Expr, loc: Loc): Expr {
  const c = condition(e);
  if (isConst(c)) return intConstant(c.v === 0n ? 1 : 0, loc);
  return { k: 'lnot', e: c, t: INT, loc };
}

export function unaryArithmetic(k: 'neg' | 'not' | 'plus', operand: Expr, loc: Loc): Expr {
  const e = value(operand);
  if (e.k === 'error') return e;
  const t = promotedType(e, 'a unary operator');
  const x = convert(e, t);
  if (k === 'plus') return { ...x, loc };
  if (isConst(x)) return constant(wrap(t, k === 'neg' ? -x.v : ~x.v), t, loc);
  return { k, e: x, t, loc };
}

/** `c ? a : b`, or `c ?: b` where `a` is null. */
export function conditional(c: Expr, a: Expr | null, b: Expr, loc: Loc): Expr {
  const test = condition(c);
  const yes = a === null ? value(c) : value(a);
  const no = value(b);
  const t = conditionalType(yes, no, loc);
  if (isConst(test)) {
    const chosen = test.v !== 0n ? yes : no;
    return t.k === 'agg' || t.k === 'void' ? chosen : convert(chosen, t);
  }
  const as = (e: Expr): Expr => (t.k === 'agg' || (t.k === 'void' && e.t.k === 'void') ? e : convert(e, t));
  return { k: 'cond', c: test, a: a === null ? null : as(yes), b: as(no), t, loc };
}

function conditionalType(a: Expr, b: Expr, loc: Loc): CType {
  if (a.k === 'error') return b.t;
  if (b.k === 'error') return a.t;
  if (a.t.k === 'void' || b.t.k === 'void') return VOID;
  if (a.t.k === 'ptr' && b.t.k === 'ptr') {
    if (isNullConstant(a)) return b.t;
    if (isNullConstant(b)) return a.t;
    if (a.t.to.k === 'void' || b.t.to.k === 'void') return VOID_POINTER;
    return a.t;
  }
  if (a.t.k === 'ptr') return a.t;
  if (b.t.k === 'ptr') return b.t;
  if (sameType(a.t, b.t) && a.t.k === 'agg') return a.t;
  if (a.t.k === 'agg' || b.t.k === 'agg')
    throw new CodeError(loc, `a conditional of ${typeName(a.t)} and ${typeName(b.t)}`);
  return commonType(promotedType(a, '?:'), promotedType(b, '?:'));
}

export function assign(l: Expr, r: Expr, loc: Loc): Expr {
  if (l.k === 'error') return l;
  if (!isLvalue(l)) throw new CodeError(loc, 'an assignment to something that is no object');
  const from = value(r);
  const converted = l.t.k === 'agg' && sameType(l.t, from.t) ? from : convert(from, l.t);
  return { k: 'assign', l, r: converted, t: l.t, loc };
}

export function assignWith(op: ArithmeticOperator, l: Expr, right: Expr, loc: Loc): Expr {
  if (l.k === 'error') return l;
  if (!isLvalue(l)) throw new CodeError(loc, 'an assignment to something that is no object');
  const r = value(right);
  if (l.t.k === 'ptr') {
    const type = intTypeOf(r, 'pointer arithmetic');
    const scale = sizeOf(l.t.to, loc) * (op === '-' ? -1 : 1);
    return {
      k: 'opassign',
      op,
      l,
      r: convert(r, type.signed ? LONG : ULONG),
      calculated: l.t,
      scale,
      t: l.t,
      loc,
    };
  }
  const a = promotedType(l, `operator ${op}=`);
  const b = promotedType(r, `operator ${op}=`);
  const shift = op === '<<' || op === '>>';
  const calculated = shift ? a : commonType(a, b);
  return { k: 'opassign', op, l, r: convert(r, shift ? b : calculated), calculated, scale: 0, t: l.t, loc };
}

export function increment(e: Expr, delta: 1 | -1, post: boolean, loc: Loc): Expr {
  if (e.k === 'error') return e;
  if (!isLvalue(e)) throw new CodeError(loc, 'an increment of something that is no object');
  if (e.t.k !== 'ptr') intTypeOf(e, 'an increment');
  const by = e.t.k === 'ptr' ? sizeOf(e.t.to, loc) * delta : delta;
  return { k: 'incdec', e, by, post, t: e.t, loc };
}

/** The type an argument has where no parameter says one. */
export function promotedArgument(e: Expr): Expr {
  const v = value(e);
  if (v.t.k === 'int' || v.t.k === 'enum') return convert(v, promotedType(v, 'an argument'));
  return v;
}

export { enumInt };
