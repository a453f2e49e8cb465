/**
 * A map from frame numbers to values, kept as extents: neighbours with equal values are one extent, so 32 GiB that
 * look alike cost one entry. Extents are always merged as far as they go: equal contents are equal extents, and
 * `digest` is a function of the contents alone.
 */
import { type Digest, digestOf, EMPTY_DIGEST, minus, plus } from './digest.js';
import { newSortedMap, type SortedMap } from './sorted-map.js';

/** `count` frames from `start` on that have one value; `undefined`: none is set. */
export interface Run<V> {
  start: number;
  count: number;
  value: V | undefined;
}

interface Extent<V> {
  count: number;
  value: V;
  /** The value as text; equal values have equal keys. */
  key: string;
  digest: Digest;
}

export interface ExtentMapSnapshot<V> {
  readonly tree: SortedMap<Extent<V>>;
  readonly digest: Digest;
  readonly frames: number;
}

export class ExtentMap<V> {
  private tree: SortedMap<Extent<V>> = newSortedMap();
  private sum = EMPTY_DIGEST;
  private covered = 0;
  private saved: ExtentMapSnapshot<V> | undefined;
  /** Told of every access; `Infinity` frames: of all of the map. */
  watch: ((start: number, count: number, write: boolean) => void) | undefined;

  /** `keyOf` must give equal texts for equal values only. */
  constructor(private readonly keyOf: (value: V) => string) {}

  get(at: number): V | undefined {
    return this.extentAt(at)?.value;
  }

  /** The whole extent around a frame. */
  extentAt(at: number): { start: number; count: number; value: V } | undefined {
    this.watch?.(at, 1, false);
    const found = this.tree.getPairOrNextLower(at);
    if (!found || found[0] + found[1].count <= at) return undefined;
    return { start: found[0], count: found[1].count, value: found[1].value };
  }

  /** The range cut into runs of one value, gaps included, in order. */
  runs(start: number, count: number): Run<V>[] {
    this.watch?.(start, count, false);
    const end = start + count;
    const found: Run<V>[] = [];
    let next = start;
    const add = (from: number, to: number, value: V | undefined): void => {
      if (to > from) found.push({ start: from, count: to - from, value });
    };
    for (const [from, extent] of this.overlapping(start, end)) {
      add(next, Math.max(from, start), undefined);
      next = Math.min(from + extent.count, end);
      add(Math.max(from, start), next, extent.value);
    }
    add(next, end, undefined);
    return found;
  }

  /** Sets a range, or clears it; returns what it held where that differs from the new value. */
  set(start: number, count: number, value: V | undefined): Run<V>[] {
    this.watch?.(start, count, true);
    const key = value === undefined ? undefined : this.keyOf(value);
    const changed = this.runs(start, count).filter(
      (run) => (run.value === undefined ? undefined : this.keyOf(run.value)) !== key,
    );
    if (changed.length === 0) return changed;
    this.saved = undefined;
    let from = start;
    let to = start + count;
    const rest: [number, number, Extent<V>][] = [];
    // One frame more on either side: neighbours with the same value are merged.
    for (const [at, extent] of this.overlapping(start - 1, to + 1)) {
      this.remove(at, extent);
      const end = at + extent.count;
      if (extent.key === key) {
        from = Math.min(from, at);
        to = Math.max(to, end);
      } else {
        if (at < start) rest.push([at, Math.min(end, start), extent]);
        if (end > start + count) rest.push([Math.max(at, start + count), end, extent]);
      }
    }
    for (const [at, end, extent] of rest) this.insert(at, end - at, extent.value, extent.key);
    if (value !== undefined && key !== undefined) this.insert(from, to - from, value, key);
    return changed;
  }

  /** Every extent, in order. */
  *extents(): Generator<{ start: number; count: number; value: V }> {
    this.watch?.(0, Number.POSITIVE_INFINITY, false);
    for (const [start, { count, value }] of this.tree.entries()) yield { start, count, value };
  }

  /** How many frames have a value. */
  get frames(): number {
    return this.covered;
  }

  /** How many extents they make. */
  get size(): number {
    return this.tree.size;
  }

  get digest(): Digest {
    return this.sum;
  }

  /** Constant time; shares everything with the map until either changes. */
  snapshot(): ExtentMapSnapshot<V> {
    this.saved ??= { tree: this.tree.clone(), digest: this.sum, frames: this.covered };
    return this.saved;
  }

  restore(snapshot: ExtentMapSnapshot<V>): void {
    this.tree = snapshot.tree.clone();
    this.sum = snapshot.digest;
    this.covered = snapshot.frames;
    this.saved = snapshot;
  }

  private overlapping(start: number, end: number): [number, Extent<V>][] {
    const found: [number, Extent<V>][] = [];
    const before = this.tree.getPairOrNextLower(start);
    if (before && before[0] < start && before[0] + before[1].count > start) found.push(before);
    this.tree.forRange(start, end, false, (at, extent) => {
      found.push([at, extent]);
    });
    return found;
  }

  private insert(start: number, count: number, value: V, key: string): void {
    const digest = digestOf(`${start}:${count}:${key}`);
    this.tree.set(start, { count, value, key, digest });
    this.sum = plus(this.sum, digest);
    this.covered += count;
  }

  private remove(start: number, extent: Extent<V>): void {
    this.tree.delete(start);
    this.sum = minus(this.sum, extent.digest);
    this.covered -= extent.count;
  }
}
