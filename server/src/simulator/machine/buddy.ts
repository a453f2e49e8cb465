/**
 * The free side of a buddy allocator: blocks of 2^order pages that start at a multiple of their size, merged with
 * their buddy as soon as both are free (mm/page_alloc.c, __free_one_page). So the free blocks follow from the free
 * pages alone. Deterministic: the smallest block that fits, of these the lowest.
 */
import { newSortedMap, type SortedMap } from './sorted-map.js';
import { MAX_ORDER } from './units.js';

export interface BuddySnapshot {
  readonly byOrder: readonly SortedMap<true>[];
  readonly freePages: number;
}

export class Buddy {
  private byOrder: SortedMap<true>[] = Array.from({ length: MAX_ORDER + 1 }, () => newSortedMap<true>());
  private pages = 0;
  private saved: BuddySnapshot | undefined;

  get freePages(): number {
    return this.pages;
  }

  /** Adds free pages that lie anywhere. */
  addRange(start: number, count: number): void {
    for (const [pfn, order] of blocksOf(start, count)) this.put(pfn, order);
  }

  /** Adds a free block, merging it with its buddies as far as they are free. */
  put(pfn: number, order: number): void {
    this.saved = undefined;
    this.pages += 2 ** order;
    let start = pfn;
    let size = order;
    for (; size < MAX_ORDER; size++) {
      const pages = 2 ** size;
      const buddy = (start / pages) % 2 === 0 ? start + pages : start - pages;
      if (!this.of(size).delete(buddy)) break;
      start = Math.min(start, buddy);
    }
    this.of(size).set(start, true);
  }

  /** A block of that order; `undefined` where none is free. */
  take(order: number): number | undefined {
    for (let size = order; size <= MAX_ORDER; size++) {
      const start = this.of(size).minKey();
      if (start !== undefined) {
        this.carve(start, size, start, order);
        return start;
      }
    }
    return undefined;
  }

  /** That very block; false where not all of it is free. */
  takeAt(pfn: number, order: number): boolean {
    for (let size = order; size <= MAX_ORDER; size++) {
      const start = pfn - (pfn % 2 ** size);
      if (this.of(size).has(start)) {
        this.carve(start, size, pfn, order);
        return true;
      }
    }
    return false;
  }

  isFree(pfn: number): boolean {
    return this.byOrder.some((blocks, size) => blocks.has(pfn - (pfn % 2 ** size)));
  }

  /** Free blocks of exactly that order. */
  count(order: number): number {
    return this.of(order).size;
  }

  /** Starts of the free blocks of an order, lowest first. */
  blocks(order: number): number[] {
    return this.of(order).keysArray();
  }

  snapshot(): BuddySnapshot {
    this.saved ??= { byOrder: this.byOrder.map((blocks) => blocks.clone()), freePages: this.pages };
    return this.saved;
  }

  restore(snapshot: BuddySnapshot): void {
    this.byOrder = snapshot.byOrder.map((blocks) => blocks.clone());
    this.pages = snapshot.freePages;
    this.saved = snapshot;
  }

  /** Takes a block out of a larger one; the halves that aren't needed stay free. */
  private carve(from: number, size: number, pfn: number, order: number): void {
    this.saved = undefined;
    this.of(size).delete(from);
    let start = from;
    for (let rest = size - 1; rest >= order; rest--) {
      const upper = start + 2 ** rest;
      if (pfn >= upper) {
        this.of(rest).set(start, true);
        start = upper;
      } else {
        this.of(rest).set(upper, true);
      }
    }
    this.pages -= 2 ** order;
  }

  private of(order: number): SortedMap<true> {
    return this.byOrder[order]!;
  }
}

/** A range as the largest aligned blocks that make it up. */
export function blocksOf(start: number, count: number): [pfn: number, order: number][] {
  const blocks: [number, number][] = [];
  const end = start + count;
  for (let pfn = start; pfn < end; ) {
    let order = 0;
    while (order < MAX_ORDER && pfn % 2 ** (order + 1) === 0 && pfn + 2 ** (order + 1) <= end) order++;
    blocks.push([pfn, order]);
    pfn += 2 ** order;
  }
  return blocks;
}
