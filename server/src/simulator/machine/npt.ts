/**
 * One VM's nested page table, leaf by leaf, and its vCPUs' TLBs. Zapping a leaf doesn't touch the TLBs: they stay stale
 * until they are flushed, as on hardware.
 */
import { MachineError } from './errors.js';
import type { Journal } from './journal.js';
import type { Pages } from './pages.js';
import type { SlotBounds } from './slots.js';
import { backingOf, type MappingCell, type Space } from './state.js';
import { Table, type Tables } from './tables.js';
import { alignDown, checkAligned, checkRange, hexFrame, type Level, nextLower, PAGES_OF } from './units.js';

export interface MapRequest {
  gfn: number;
  pfn: number;
  level: Level;
  writable?: boolean;
  executable?: boolean;
  /** On TDX only `shared`: private memory is mapped by the module. */
  space?: Space;
  /** The memslot it is for: a page of its file outside of the slot is a hazard (mail row C2). */
  slot?: SlotBounds;
}

/** A leaf as a reader sees it. */
export interface Leaf {
  gfn: number;
  pfn: number;
  level: Level;
  writable: boolean;
  executable: boolean;
}

export class Npt {
  constructor(
    readonly vm: string,
    private readonly tables: Tables,
    private readonly pages: Pages,
    private readonly journal: Journal,
  ) {}

  /**
   * Installs a leaf; whatever leaves it overlaps go first. Throws `misaligned`, or `outside-memory`. Hazards: the page is
   * free (`free-page-mapped`), or not the slot's (`page-outside-slot`).
   */
  map(request: MapRequest): void {
    const { gfn, pfn, level, writable = true, executable = true, space = 'npt' } = request;
    checkAligned(gfn, level, 'gfn');
    checkAligned(pfn, level, 'pfn');
    this.pages.checkInside(pfn, PAGES_OF[level]);
    this.zap(gfn, PAGES_OF[level], space);
    this.reportUnfit(request);
    this.journal.counters.nptMaps++;
    const table = this.table(space);
    // Of a large page that has several owners every part remembers its own.
    for (let done = 0; done < PAGES_OF[level]; ) {
      const run = this.pages.runOfBacking(pfn + done, PAGES_OF[level] - done);
      const backing = backingOf(run.state);
      table.write(gfn + done, run.count, { level, pfnDelta: pfn - gfn, writable, executable, backing });
      done += run.count;
    }
  }

  /**
   * Removes every leaf that overlaps the range, whole leaves only, and says which frames were mapped. The caller owes a
   * TLB flush.
   */
  zap(gfn: number, pages: number, space: Space = 'npt'): { gfn: number; pages: number }[] {
    checkRange(gfn, pages, 'gfn');
    const table = this.table(space);
    const zapped: { gfn: number; pages: number }[] = [];
    const { start, end } = wholeLeaves(table, gfn, pages);
    for (const { start: at, count, value } of table.runs(start, end - start)) {
      if (!value) continue;
      this.journal.counters.nptZaps += Math.max(1, count / PAGES_OF[value.level]);
      table.write(at, count, undefined);
      zapped.push({ gfn: at, pages: count });
    }
    return zapped;
  }

  /** Makes the leaf around a gfn leaves of the next smaller size, mapped alike. Throws `not-mapped`. */
  split(gfn: number, space: Space = 'npt'): void {
    const table = this.table(space);
    const cell = table.get(gfn);
    if (!cell) throw new MachineError('not-mapped', `gfn ${hexFrame(gfn)} of ${this.vm} is not mapped`);
    if (cell.level === '4K') return;
    const start = alignDown(gfn, PAGES_OF[cell.level]);
    for (const run of table.runs(start, PAGES_OF[cell.level]))
      if (run.value) table.write(run.start, run.count, { ...run.value, level: nextLower(cell.level) });
  }

  /** Changes what a mapped range allows; leaves that aren't mapped stay so. */
  protect(
    gfn: number,
    pages: number,
    allow: { writable?: boolean; executable?: boolean },
    space: Space = 'npt',
  ): void {
    checkRange(gfn, pages, 'gfn');
    const table = this.table(space);
    for (const { start, count, value } of table.runs(gfn, pages))
      if (value) table.write(start, count, { ...value, ...allow });
  }

  /** The leaf around a gfn. */
  leaf(gfn: number, space: Space = 'npt'): Leaf | undefined {
    const cell = this.table(space).get(gfn);
    if (!cell) return undefined;
    const first = alignDown(gfn, PAGES_OF[cell.level]);
    const { level, writable, executable } = cell;
    return { gfn: first, pfn: first + cell.pfnDelta, level, writable, executable };
  }

  table(space: Space): Table<MappingCell> {
    const { vm } = this;
    return new Table<MappingCell>(this.tables, `npt/${vm}/${space}`, (gfn, pages, before, after) => ({
      kind: 'npt',
      vm,
      space,
      gfn,
      pages,
      before,
      after,
    }));
  }

  tlb(vcpu: number, space: Space): Table<MappingCell> {
    const { vm } = this;
    return new Table<MappingCell>(this.tables, `tlb/${vm}/${vcpu}/${space}`, (gfn, pages, before, after) => ({
      kind: 'tlb',
      vm,
      vcpu,
      space,
      gfn,
      pages,
      before,
      after,
    }));
  }

  /** Takes every entry of a range, or all, out of a TLB; returns how many frames that were. */
  flushTlb(vcpu: number, space: Space, range?: { gfn: number; pages: number }): number {
    const tlb = this.tlb(vcpu, space);
    if (range) {
      const { start, end } = wholeLeaves(tlb, range.gfn, range.pages);
      const changed = tlb.write(start, end - start, undefined);
      return changed.reduce((sum, run) => sum + run.count, 0);
    }
    const extents = [...tlb.map.extents()];
    for (const { start, count } of extents) tlb.write(start, count, undefined);
    return extents.reduce((sum, { count }) => sum + count, 0);
  }

  private reportUnfit({ gfn, pfn, level, slot }: MapRequest): void {
    for (let done = 0; done < PAGES_OF[level]; ) {
      const run = this.pages.runOfBacking(pfn + done, PAGES_OF[level] - done);
      if (run.state?.status !== 'allocated')
        this.journal.hazard({
          kind: 'free-page-mapped',
          message: `gfn ${hexFrame(gfn + done)} of ${this.vm} is mapped to pfn ${hexFrame(run.start)}, which is ${run.state?.status ?? 'free'}`,
          effect: 'memory',
          row: 'A8',
          vm: this.vm,
          pfn: run.start,
          gfn: gfn + done,
          pages: run.count,
        });
      done += run.count;
    }
    if (slot) this.pages.reportOutsideSlot({ vm: this.vm, gfn, pfn, pages: PAGES_OF[level], slot });
  }
}

/** The range widened to the leaves that it cuts. */
function wholeLeaves(table: Table<MappingCell>, gfn: number, pages: number): { start: number; end: number } {
  const first = table.get(gfn);
  const last = table.get(gfn + pages - 1);
  return {
    start: first ? alignDown(gfn, PAGES_OF[first.level]) : gfn,
    end: last ? alignDown(gfn + pages - 1, PAGES_OF[last.level]) + PAGES_OF[last.level] : gfn + pages,
  };
}
