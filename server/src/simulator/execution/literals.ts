/** Number, character and string literals. */

import type { Expr } from './ast.js';
import { constant } from './build.js';
import { CodeError, type Loc, type Token } from './tokens.js';
import { CHAR, INT, type IntType, LLONG, LONG, UINT, ULLONG, ULONG } from './types.js';

export function numberLiteral(token: Token): Expr {
  const { text, loc } = token;
  const match = /^(0[xX][\da-fA-F]+|0[bB][01]+|\d+)([uUlL]*)$/.exec(text);
  if (!match) {
    if (/^[\d.]/.test(text) && /[.eEpP]/.test(text))
      throw new CodeError(loc, `floating point is not executed: ${text}`);
    throw new CodeError(loc, `${text} is no number`);
  }
  const digits = match[1]!;
  const suffix = match[2]!.toLowerCase();
  const isDecimal = !/^0./.test(digits);
  const v = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (v >= 1n << 64n) throw new CodeError(loc, `${text} is too large for any integer type`);
  const unsigned = suffix.includes('u');
  const longs = suffix.replace(/[^l]/g, '').length;
  const candidates: IntType[] = [];
  if (longs < 1) candidates.push(INT, UINT);
  if (longs < 2) candidates.push(LONG, ULONG);
  candidates.push(LLONG, ULLONG);
  const fitting = candidates.find((type) => {
    if (unsigned && type.signed) return false;
    if (!unsigned && !type.signed && isDecimal) return false;
    return v < 1n << BigInt(type.size * 8 - (type.signed ? 1 : 0));
  });
  return constant(v, fitting ?? ULLONG, loc);
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  '0': 0,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  e: 27,
  '\\': 92,
  "'": 39,
  '"': 34,
  '?': 63,
};

/** Bytes of a literal's inside, UTF-8. */
function bytesOf(text: string, loc: Loc): number[] {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      const point = text.codePointAt(i)!;
      if (point > 0xffff) i++;
      bytes.push(...encoder.encode(String.fromCodePoint(point)));
      continue;
    }
    const rest = text.slice(i + 1);
    const numeric = /^(?:x([\da-fA-F]+)|([0-7]{1,3}))/.exec(rest);
    if (numeric) {
      bytes.push(
        (numeric[1] !== undefined ? Number.parseInt(numeric[1], 16) : Number.parseInt(numeric[2]!, 8)) & 0xff,
      );
      i += numeric[0].length;
      continue;
    }
    const code = ESCAPES[rest[0] ?? ''];
    if (code === undefined) throw new CodeError(loc, `the escape \\${rest[0] ?? ''} in a literal`);
    bytes.push(code);
    i++;
  }
  return bytes;
}

export function characterLiteral(token: Token): Expr {
  if (token.text[0] !== "'") throw new CodeError(token.loc, 'a wide character');
  const bytes = bytesOf(token.text.slice(1, -1), token.loc);
  let v = 0n;
  for (const byte of bytes) v = (v << 8n) | BigInt(byte);
  return constant(bytes.length === 1 ? BigInt.asIntN(8, v) : BigInt.asIntN(32, v), INT, token.loc);
}

/** Adjacent string literals as one array of char, with its final NUL. */
export function stringLiteral(tokens: readonly Token[]): Extract<Expr, { k: 'str' }> {
  const bytes: number[] = [];
  for (const { text, loc } of tokens) {
    if (text[0] !== '"') throw new CodeError(loc, 'a wide string');
    for (const byte of bytesOf(text.slice(1, -1), loc)) bytes.push(byte);
  }
  bytes.push(0);
  const all = Uint8Array.from(bytes);
  return { k: 'str', bytes: all, t: { k: 'array', of: CHAR, length: all.length }, loc: tokens[0]!.loc };
}
