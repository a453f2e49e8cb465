/** At which places of compiled functions a step has begun: coverage, which is saved and restored with a state. */

const CHUNK = 1 << 14;

export class ExecutedPlaces {
  private readonly chunks: Uint8Array[] = [];
  private used = CHUNK;
  private last: Uint8Array[] = [];

  /** Room for a function's places, all 0. */
  add(places: number): Uint8Array {
    if (this.used + places > CHUNK) {
      this.chunks.push(new Uint8Array(Math.max(CHUNK, places)));
      this.used = 0;
    }
    const start = this.used;
    this.used += places;
    return this.chunks.at(-1)!.subarray(start, start + places);
  }

  /** Shares what is as it was when last saved: most steps have been made before. */
  save(): readonly Uint8Array[] {
    this.last = this.chunks.map((chunk, index) => {
      const before = this.last[index];
      return before && isSame(before, chunk) ? before : chunk.slice();
    });
    return this.last;
  }

  restore(saved: readonly Uint8Array[]): void {
    this.chunks.forEach((chunk, index) => {
      const then = saved[index];
      if (then) chunk.set(then);
      else chunk.fill(0);
    });
    this.last = [...saved];
  }
}

/** Chunks are whole words: a quarter of the comparisons. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const [x, y] = [a, b].map(
    ({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, length >> 2),
  );
  for (let i = 0; i < x!.length; i++) if (x![i] !== y![i]) return false;
  for (let i = a.length & ~3; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
