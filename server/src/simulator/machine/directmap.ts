/**
 * The kernel's own mapping of all memory, by 1G, 2M and 4K pages. Splitting, unmapping and restoring are primitives
 * (set_memory_4k, set_direct_map_*_noflush and friends in arch/x86/mm/pat/set_memory.c); when to use them is the
 * kernel's matter.
 */
import { MachineError } from './errors.js';
import type { Journal } from './journal.js';
import type { DirectmapCell } from './state.js';
import type { Table } from './tables.js';
import { alignDown, hexFrame, isAligned, type Level, nextLower, PAGES_OF, PAGES_OF_2M } from './units.js';

export class Directmap {
  constructor(
    private readonly table: Table<DirectmapCell>,
    private readonly memory: { start: number; pages: number },
    private readonly journal: Journal,
  ) {}

  /** Maps all memory by the largest pages that fit, as the boot code does; no event is made. */
  boot(): void {
    const end = this.memory.start + this.memory.pages;
    for (let pfn = this.memory.start; pfn < end; ) {
      const level = bootLevel(pfn, end);
      this.table.map.set(pfn, PAGES_OF[level], { level, present: true });
      pfn += PAGES_OF[level];
    }
  }

  /** Throws `outside-memory`. */
  at(pfn: number): DirectmapCell {
    const cell = this.table.get(pfn);
    if (!cell)
      throw new MachineError(
        'outside-memory',
        `pfn ${hexFrame(pfn)} is not in memory, so the directmap doesn't map it`,
      );
    return cell;
  }

  /** First pfn and pages of the mapping around a pfn. */
  mappingAround(pfn: number): { start: number; pages: number } {
    const pages = PAGES_OF[this.at(pfn).level];
    return { start: alignDown(pfn, pages), pages };
  }

  /** Splits the mapping around a pfn down to a level, step by step: out of 1G come 2M mappings, one of them goes on. */
  split(pfn: number, level: Level): void {
    for (let cell = this.at(pfn); PAGES_OF[cell.level] > PAGES_OF[level]; cell = this.at(pfn)) {
      const lower = nextLower(cell.level);
      const start = alignDown(pfn, PAGES_OF[cell.level]);
      this.journal.counters.directmapSplits++;
      this.journal.record({ kind: 'directmap-split', pfn: start, from: cell.level, to: lower });
      this.table.write(start, PAGES_OF[cell.level], { level: lower, present: cell.present });
      if (lower === '4K') this.journal.counters.directmap2MLost++;
    }
  }

  /**
   * Makes a range present or not. Mappings that reach beyond it are split first, as changing page attributes does
   * (__change_page_attr).
   */
  setPresent(pfn: number, pages: number, present: boolean): void {
    this.splitAtEdge(pfn);
    this.splitAtEdge(pfn + pages);
    for (const { start, count, value } of this.table.runs(pfn, pages)) {
      if (!value) throw new MachineError('outside-memory', `pfn ${hexFrame(start)} is not in memory`);
      this.table.write(start, count, { level: value.level, present });
    }
  }

  /**
   * Puts a larger mapping back where all of it is mapped one level lower, and alike: 512 times 4K present becomes 2M,
   * 512 times 2M becomes 1G. Returns whether it did. Whether the pages behind it may share a mapping is for the caller
   * to know.
   */
  collapse(pfn: number, level: '2M' | '1G'): boolean {
    const start = alignDown(pfn, PAGES_OF[level]);
    const lower = nextLower(level);
    const runs = this.table.runs(start, PAGES_OF[level]);
    if (!runs.every(({ value }) => value?.present && value.level === lower)) return false;
    this.journal.counters.directmapRestores++;
    if (level === '2M') this.journal.counters.directmap2MLost--;
    this.table.write(start, PAGES_OF[level], { level, present: true });
    this.journal.record({ kind: 'directmap-restore', pfn: start, to: level });
    return true;
  }

  /** Whether all of a 2M range is mapped by 4K pages in the same way. */
  isUniform(pfn: number): boolean {
    const runs = this.table.runs(alignDown(pfn, PAGES_OF_2M), PAGES_OF_2M);
    return runs.length === 1 && runs[0]?.value !== undefined;
  }

  /** Mappings by level, as the Direct Map lines of /proc/meminfo count them (there in kB). */
  mappings(): Record<Level, number> {
    const counts: Record<Level, number> = { '4K': 0, '2M': 0, '1G': 0 };
    for (const { count, value } of this.table.map.extents())
      counts[value.level] += count / PAGES_OF[value.level];
    return counts;
  }

  /** Pages that no host access can reach. */
  unmappedPages(): number {
    let pages = 0;
    for (const { count, value } of this.table.map.extents()) if (!value.present) pages += count;
    return pages;
  }

  private splitAtEdge(pfn: number): void {
    if (pfn <= this.memory.start || pfn >= this.memory.start + this.memory.pages) return;
    while (!isAligned(pfn, PAGES_OF[this.at(pfn).level])) this.split(pfn, nextLower(this.at(pfn).level));
  }
}

function bootLevel(pfn: number, end: number): Level {
  for (const level of ['1G', '2M'] as const)
    if (isAligned(pfn, PAGES_OF[level]) && pfn + PAGES_OF[level] <= end) return level;
  return '4K';
}
