/**
 * Hashes that don't depend on the order of changes: a map's digest is the sum of its entries' hashes, so it is
 * kept up to date entry by entry and a whole machine is hashed without walking it.
 */

/** Two 32-bit lanes, added lane by lane. */
export interface Digest {
  readonly low: number;
  readonly high: number;
}

export const EMPTY_DIGEST: Digest = { low: 0, high: 0 };

/** Two multiplicative hashes with different constants (the finaliser is MurmurHash3's), 64 bits together. */
export function digestOf(text: string): Digest {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x9e3779b1);
    high = Math.imul(high ^ code, 0x5f356495);
  }
  return { low: finish(low ^ (high >>> 13)), high: finish(high ^ (low >>> 16)) };
}

function finish(lane: number): number {
  let x = lane;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

export const plus = (a: Digest, b: Digest): Digest => ({
  low: (a.low + b.low) | 0,
  high: (a.high + b.high) | 0,
});

export const minus = (a: Digest, b: Digest): Digest => ({
  low: (a.low - b.low) | 0,
  high: (a.high - b.high) | 0,
});

/** 16 hexadecimal digits. */
export const hex = (digest: Digest): string =>
  [digest.high, digest.low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
