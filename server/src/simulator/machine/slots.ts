/** Whether pages lie where a memslot says its memory is (mail rows C1, C2). */
import type { Journal } from './journal.js';
import type { PageState } from './state.js';
import type { Table } from './tables.js';
import { hexFrame } from './units.js';

/** A memslot's place in its file, in pages. */
export interface SlotBounds {
  id: number;
  baseGfn: number;
  pages: number;
  file: string;
  /** Index in the file that backs `baseGfn`. */
  index: number;
}

/** Pages that are to be used for a slot's gfns from `gfn` on. */
export interface SlotUse {
  vm: string;
  gfn: number;
  pfn: number;
  pages: number;
  slot: SlotBounds;
}

/**
 * A hazard for pages that are not the slot's: of another file or outside of the slot's part of it (a backing that rounds
 * down to its page size, mail row C2), or not the page that belongs to the gfn.
 */
export function reportOutsideSlot(pages: Table<PageState>, journal: Journal, use: SlotUse): boolean {
  const { vm, gfn, pfn, slot } = use;
  const last = slot.index + slot.pages;
  const report = (start: number, count: number, what: string): void => {
    journal.hazard({
      kind: 'page-outside-slot',
      message: `pfn ${hexFrame(start)}, used for gfn ${hexFrame(gfn + start - pfn)} of ${vm}, ${what}; slot ${slot.id} is ${slot.file}, pages ${hexFrame(slot.index)} to ${hexFrame(last - 1)}`,
      effect: 'memory',
      row: 'C2',
      vm,
      pfn: start,
      gfn: gfn + start - pfn,
      pages: count,
    });
  };
  let outside = false;
  for (const { start, count, value } of pages.runs(pfn, use.pages)) {
    if (value?.file === undefined || value.indexDelta === undefined) continue;
    const index = start + value.indexDelta;
    const wanted = slot.index + (gfn + start - pfn - slot.baseGfn);
    if (value.file !== slot.file) report(start, count, `is of file ${value.file}`);
    else if (index < slot.index || index + count > last)
      report(
        start,
        count,
        `is page ${hexFrame(index)} (+${count}) of the file, not all of it inside of the slot`,
      );
    else if (index !== wanted)
      report(start, count, `is page ${hexFrame(index)} of the file instead of page ${hexFrame(wanted)}`);
    else continue;
    outside = true;
  }
  return outside;
}
