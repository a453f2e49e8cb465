/** gcc's `__builtin_…` functions that kernel code uses. */
import type { Expr } from './ast.js';
import { constant, convert, intConstant, intTypeOf, value } from './build.js';
import { CodeError, type Loc } from './tokens.js';
import { INT, type IntType, LONG, UINT, ULONG, USHORT, VOID, VOID_POINTER, wrap } from './types.js';

interface BitBuiltin {
  operand: IntType;
  result: IntType;
  compute(v: bigint, bits: number): bigint;
}

const countOnes = (v: bigint): bigint => BigInt(v.toString(2).replaceAll('0', '').length);
const trailing = (v: bigint, bits: number): bigint => {
  for (let n = 0; n < bits; n++) if ((v >> BigInt(n)) & 1n) return BigInt(n);
  return BigInt(bits);
};
const leading = (v: bigint, bits: number): bigint => BigInt(v === 0n ? bits : bits - v.toString(2).length);
const swapped = (v: bigint, bits: number): bigint => {
  let out = 0n;
  for (let n = 0; n < bits; n += 8) out |= ((v >> BigInt(n)) & 0xffn) << BigInt(bits - 8 - n);
  return out;
};

const table: Record<string, BitBuiltin> = {};
for (const [suffix, operand] of [
  ['', UINT],
  ['l', ULONG],
  ['ll', ULONG],
] as const) {
  const add = (name: string, compute: BitBuiltin['compute']) => {
    table[`${name}${suffix}`] = { operand, result: INT, compute };
  };
  add('ffs', (v, bits) => (v === 0n ? 0n : trailing(v, bits) + 1n));
  add('ctz', trailing);
  add('clz', leading);
  add('popcount', countOnes);
  add('parity', (v) => countOnes(v) & 1n);
}
for (const operand of [USHORT, UINT, ULONG])
  table[`bswap${operand.size * 8}`] = { operand, result: operand, compute: swapped };

/** Builtins on one integer: what they are called without `__builtin_` → what they compute. */
export const BIT_BUILTINS: Readonly<Record<string, BitBuiltin>> = table;

const OVERFLOWS = new Set(['add_overflow', 'sub_overflow', 'mul_overflow']);

/** The infinitely precise result of `…_overflow`. */
export function overflowResult(name: string, a: bigint, b: bigint): bigint {
  return name === 'add_overflow' ? a + b : name === 'sub_overflow' ? a - b : a * b;
}

/**
 * A call of `__builtin_name`.
 * @param plain makes a call of the library function of that name: `memcpy`
 */
export function builtinCall(name: string, args: Expr[], loc: Loc, plain: (name: string) => Expr): Expr {
  const arg = (index: number): Expr => {
    const found = args[index];
    if (!found) throw new CodeError(loc, `__builtin_${name} wants more arguments`);
    return value(found);
  };
  const bits = BIT_BUILTINS[name];
  if (bits) {
    const e = convert(arg(0), bits.operand);
    if (e.k === 'const')
      return constant(bits.compute(wrap({ ...bits.operand }, e.v), bits.operand.size * 8), bits.result, loc);
    return { k: 'builtin', name, args: [e], t: bits.result, loc };
  }
  if (OVERFLOWS.has(name)) {
    const target = arg(2);
    if (target.t.k !== 'ptr') throw new CodeError(loc, `__builtin_${name} wants a pointer`);
    const calculated = intTypeOf({ ...target, t: target.t.to } as Expr, name);
    intTypeOf(arg(0), name);
    intTypeOf(arg(1), name);
    return { k: 'builtin', name, args: [arg(0), arg(1), target], calculated, t: INT, loc };
  }
  switch (name) {
    case 'expect':
    case 'expect_with_probability':
      return convert(arg(0), LONG);
    case 'assume_aligned':
      return convert(arg(0), VOID_POINTER);
    case 'object_size':
    case 'dynamic_object_size': {
      const kind = arg(1);
      return constant(kind.k === 'const' && kind.v >= 2n ? 0n : wrap(ULONG, -1n), ULONG, loc);
    }
    case 'return_address':
    case 'frame_address':
      return constant(0n, VOID_POINTER, loc);
    case 'extract_return_addr':
      return arg(0);
    case 'prefetch':
      return convert(arg(0), VOID);
    case 'is_constant_evaluated':
      return intConstant(0, loc);
    case 'unreachable':
    case 'trap':
      return { k: 'builtin', name, args: [], t: VOID, loc };
    case 'va_start':
    case 'va_end':
    case 'va_copy':
      return { k: 'builtin', name, args: args.slice(0, name === 'va_copy' ? 2 : 1), t: VOID, loc };
    default:
      return plain(name);
  }
}
