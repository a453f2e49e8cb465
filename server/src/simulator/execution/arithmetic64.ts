/**
 * 64-bit integers as two int32 halves. Each function returns the lower half and leaves the upper one in `high[0]`;
 * additions, logic and shifts by constants are written into the compiled code instead.
 */
import { Hazard } from './hazard.js';

export const high = new Int32Array(1);

const TWO_32 = 4294967296;

export function multiply(al: number, ah: number, bl: number, bh: number): number {
  const a0 = al & 0xffff;
  const a1 = al >>> 16;
  const b0 = bl & 0xffff;
  const b1 = bl >>> 16;
  // None of these sums passes 2^32: (2^16 - 1)^2 + 2^16 - 1 is below it.
  const first = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const second = (Math.imul(a0, b1) + (first & 0xffff)) | 0;
  const upper = (Math.imul(a1, b1) + (first >>> 16) + (second >>> 16)) | 0;
  high[0] = (upper + Math.imul(ah, bl) + Math.imul(al, bh)) | 0;
  return Math.imul(al, bl);
}

const asSigned = (l: number, h: number): bigint => (BigInt(h) << 32n) | BigInt(l >>> 0);
const asUnsigned = (l: number, h: number): bigint => (BigInt(h >>> 0) << 32n) | BigInt(l >>> 0);

function put(value: bigint): number {
  high[0] = Number(BigInt.asIntN(32, value >> 32n));
  return Number(BigInt.asIntN(32, value));
}

function checkDivisor(l: number, h: number): void {
  if ((l | h) === 0) throw new Hazard('divide-by-zero', 'a division by zero');
}

/** Doubles are exact below 2^53. */
const isSafe = (h: number): boolean => h >>> 21 === 0;

function putSafe(value: number): number {
  high[0] = (value / TWO_32) | 0;
  return value | 0;
}

export function divide(al: number, ah: number, bl: number, bh: number, signed: boolean): number {
  checkDivisor(bl, bh);
  if (isSafe(ah) && isSafe(bh)) {
    const a = ah * TWO_32 + (al >>> 0);
    const b = bh * TWO_32 + (bl >>> 0);
    return putSafe((a - (a % b)) / b);
  }
  return signed ? put(asSigned(al, ah) / asSigned(bl, bh)) : put(asUnsigned(al, ah) / asUnsigned(bl, bh));
}

export function remainder(al: number, ah: number, bl: number, bh: number, signed: boolean): number {
  checkDivisor(bl, bh);
  if (isSafe(ah) && isSafe(bh)) return putSafe((ah * TWO_32 + (al >>> 0)) % (bh * TWO_32 + (bl >>> 0)));
  return signed ? put(asSigned(al, ah) % asSigned(bl, bh)) : put(asUnsigned(al, ah) % asUnsigned(bl, bh));
}

export function divide32(a: number, b: number, signed: boolean): number {
  if (b === 0) throw new Hazard('divide-by-zero', 'a division by zero');
  return signed ? (a / b) | 0 : ((a >>> 0) / (b >>> 0)) | 0;
}

export function remainder32(a: number, b: number, signed: boolean): number {
  if (b === 0) throw new Hazard('divide-by-zero', 'a division by zero');
  return signed ? (a % b) | 0 : ((a >>> 0) % (b >>> 0)) | 0;
}

/** A shift's distance, which C wants to be below the width. */
export function distance(l: number, h: number, bits: number): number {
  if (h !== 0 || l >>> 0 >= bits)
    throw new Hazard('shift', `a shift by ${asSigned(l, h)} of a value of ${bits} bits`);
  return l;
}

export function shiftLeft(l: number, h: number, n: number): number {
  if (n === 0) {
    high[0] = h;
    return l;
  }
  if (n >= 32) {
    high[0] = l << (n - 32);
    return 0;
  }
  high[0] = (h << n) | (l >>> (32 - n));
  return l << n;
}

export function shiftRight(l: number, h: number, n: number, signed: boolean): number {
  if (n === 0) {
    high[0] = h;
    return l;
  }
  if (n >= 32) {
    high[0] = signed ? h >> 31 : 0;
    return signed ? h >> (n - 32) : (h >>> (n - 32)) | 0;
  }
  high[0] = signed ? h >> n : h >>> n;
  return (l >>> n) | (h << (32 - n));
}
