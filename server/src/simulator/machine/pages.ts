/** Who has which page: the allocator's other side, with what goes wrong when pages are given back. */
import { Buddy, type BuddySnapshot } from './buddy.js';
import { MachineError } from './errors.js';
import type { HazardKind } from './hazards.js';
import type { Journal } from './journal.js';
import { reportOutsideSlot, type SlotUse } from './slots.js';
import type { DirectmapCell, PageState, PamtCell, RmpCell } from './state.js';
import type { Table } from './tables.js';
import { alignDown, checkFrame, checkRange, hexFrame, isAligned, MAX_ORDER, PAGE_SIZE } from './units.js';

export interface AllocationRequest {
  /** Buddy order: 0 is 4K, 9 is 2M, 18 is 1G. */
  order: number;
  owner: string;
  /** The file whose page cache gets it, with the index (in pages) of its first page. */
  file?: { name: string; index: number };
  unmovable?: boolean;
  /** This very block; fails unless all of it is free. */
  pfn?: number;
}

/** The other parts' word on a page that is to be freed. */
export interface PageTables {
  page: Table<PageState>;
  rmp: Table<RmpCell>;
  pamt: Table<PamtCell>;
  directmap: Table<DirectmapCell>;
}

export class Pages {
  private readonly buddy = new Buddy();
  /** Told when the free blocks are changed. */
  watch: ((change: 'allocate' | 'free') => void) | undefined;

  constructor(
    /** The frames of the machine: `start` to `start + pages - 1`. */
    readonly memory: { start: number; pages: number },
    private readonly tables: PageTables,
    private readonly journal: Journal,
  ) {
    this.buddy.addRange(memory.start, memory.pages);
  }

  /**
   * Allocates a block; its contents stay what they were. Returns its first pfn, `undefined` when no block is free.
   * Throws MachineError `bad-order`, or `misaligned` for a wanted pfn that can't start such a block.
   */
  allocate(request: AllocationRequest): number | undefined {
    const { order, owner, file, unmovable } = request;
    checkOrder(order);
    if (request.pfn !== undefined && !isAligned(request.pfn, 2 ** order))
      throw new MachineError(
        'misaligned',
        `pfn ${hexFrame(request.pfn)} can't start a block of order ${order}`,
      );
    const pfn = this.takeBlock(order, request.pfn);
    this.watch?.('allocate');
    if (pfn === undefined) return undefined;
    const counters = this.journal.counters;
    counters.allocations++;
    this.countBytes(2 ** order);
    this.tables.page.write(pfn, 2 ** order, {
      status: 'allocated',
      order,
      owner,
      ...(file ? { file: file.name, indexDelta: file.index - pfn } : {}),
      ...(unmovable ? { unmovable } : {}),
    });
    return pfn;
  }

  /**
   * Frees a block as the kernel would, whatever state it is in: what is wrong with that becomes a hazard, and the
   * page becomes free all the same. Only what can't be freed (free already, part of a block) stays as it is.
   * Returns whether it is free now. Source of the checks: mail row A2; free_pages_prepare in mm/page_alloc.c.
   */
  free(pfn: number, order: number): boolean {
    checkOrder(order);
    this.checkInside(pfn, 2 ** order);
    const state = this.tables.page.get(pfn);
    if (!this.mayFree(pfn, order, state)) return false;
    this.watch?.('free');
    this.reportUnfit(pfn, 2 ** order);
    this.journal.counters.frees++;
    // A part that was leaked or taken out of use meanwhile stays so.
    const runs = this.tables.page.runs(pfn, 2 ** order).filter(({ value }) => value?.status === 'allocated');
    this.countBytes(-runs.reduce((pages, { count }) => pages + count, 0));
    for (const run of runs) this.release(run.start, run.count, run.value);
    return true;
  }

  /**
   * Makes an allocated block blocks of a smaller order, as split_huge_page does; owner and file index stay.
   * Throws `not-allocated`.
   */
  split(pfn: number, order: number): void {
    checkOrder(order);
    const state = this.allocated(pfn);
    if (state.order <= order) return;
    const start = alignDown(pfn, 2 ** state.order);
    for (const run of this.tables.page.runs(start, 2 ** state.order))
      if (run.value) this.tables.page.write(run.start, run.count, { ...run.value, order });
  }

  /** Hands an allocated block to somebody else, or takes it out of its file (`file: undefined`). Throws `not-allocated`. */
  setOwner(pfn: number, owner: string, file?: { name: string; index: number }): void {
    const { order } = this.allocated(pfn);
    const start = alignDown(pfn, 2 ** order);
    for (const run of this.tables.page.runs(start, 2 ** order)) {
      if (!run.value) continue;
      const { file: _file, indexDelta: _index, ...state } = run.value;
      const place = file ? { file: file.name, indexDelta: file.index - start } : {};
      this.tables.page.write(run.start, run.count, { ...state, owner, ...place });
    }
  }

  /** Gives pages up for good instead of freeing them (snp_leak_pages). Throws `not-allocated`. */
  leak(pfn: number, pages: number): void {
    checkRange(pfn, pages, 'pfn');
    for (const run of this.tables.page.runs(pfn, pages)) {
      if (run.value?.status !== 'allocated')
        throw new MachineError(
          'not-allocated',
          `pfn ${hexFrame(run.start)} isn't allocated, so it can't be leaked`,
        );
      this.journal.counters.pagesLeaked += run.count;
      this.tables.page.write(run.start, run.count, { status: 'leaked', order: 0, owner: run.value.owner });
    }
  }

  /** Keeps free pages from being given out. Throws `not-allocated` where one isn't free. */
  reserve(pfn: number, pages: number, owner: string): void {
    this.checkInside(pfn, pages);
    for (let at = pfn; at < pfn + pages; at++)
      if (!this.buddy.isFree(at))
        throw new MachineError('not-allocated', `pfn ${hexFrame(at)} isn't free, so it can't be reserved`);
    for (let at = pfn; at < pfn + pages; at++) this.buddy.takeAt(at, 0);
    this.tables.page.write(pfn, pages, { status: 'reserved', order: 0, owner });
  }

  /** Memory failure: a free page goes out of use at once, an allocated one when it is freed. */
  poison(pfn: number): void {
    this.checkInside(pfn, 1);
    const state = this.tables.page.get(pfn);
    if (!state) {
      this.buddy.takeAt(pfn, 0);
      this.tables.page.write(pfn, 1, { status: 'poisoned', order: 0, owner: 'memory-failure' });
    } else if (state.status === 'allocated') {
      this.tables.page.write(pfn, 1, { ...state, poisoned: true });
    }
  }

  /**
   * Whether a page may be migrated or reclaimed; a refusal is counted. Pages of a guest would have to be moved by the
   * firmware (mail rows B10, E7): the reason says so.
   */
  mayMove(pfn: number): { ok: true } | { ok: false; reason: string } {
    const state = this.allocated(pfn);
    const refuse = (reason: string): { ok: false; reason: string } => {
      this.journal.counters.movesRefused++;
      return { ok: false, reason };
    };
    if (this.tables.rmp.get(pfn)?.assigned)
      return refuse(
        `pfn ${hexFrame(pfn)} is assigned to a guest in the RMP: only the SNP firmware could move it`,
      );
    if (this.tables.pamt.get(pfn))
      return refuse(`pfn ${hexFrame(pfn)} is a trust domain's: only the TDX module could move it`);
    if (state.unmovable) return refuse(`pfn ${hexFrame(pfn)} of ${state.owner} is unmovable`);
    return { ok: true };
  }

  /** It stays where it is from now on, and in memory (mail row E7). Throws `not-allocated`. */
  setUnmovable(pfn: number): void {
    const state = this.allocated(pfn);
    if (!state.unmovable) this.tables.page.write(pfn, 1, { ...state, unmovable: true });
  }

  /** `undefined`: free. */
  at(pfn: number): PageState | undefined {
    return this.tables.page.get(pfn);
  }

  isFree(pfn: number): boolean {
    return this.contains(pfn) && this.buddy.isFree(pfn);
  }

  contains(pfn: number, pages = 1): boolean {
    return pfn >= this.memory.start && pfn + pages <= this.memory.start + this.memory.pages;
  }

  get freePages(): number {
    return this.buddy.freePages;
  }

  /** Free blocks by order, as /proc/buddyinfo counts them. */
  freeBlocks(): number[] {
    return Array.from({ length: MAX_ORDER + 1 }, (_, order) => this.buddy.count(order));
  }

  /** Starts of the free blocks of an order. */
  freeBlocksOf(order: number): number[] {
    checkOrder(order);
    return this.buddy.blocks(order);
  }

  /**
   * Which part of the free memory can't serve an allocation of that order: 0 none, 1 all (unusable_free_index in
   * mm/vmstat.c).
   */
  fragmentation(order: number): number {
    checkOrder(order);
    return this.freePages === 0 ? 0 : this.freeOutside(order) / this.freePages;
  }

  /** Free pages that are in no free block of that order or a larger one. */
  freeOutside(order: number): number {
    let usable = 0;
    for (let size = order; size <= MAX_ORDER; size++) usable += this.buddy.count(size) * 2 ** size;
    return this.freePages - usable;
  }

  /** Runs of pages of one owner, in order. */
  ownedBy(owner: string): { start: number; count: number; state: PageState }[] {
    return [...this.tables.page.map.extents()]
      .filter(({ value }) => value.owner === owner && value.status === 'allocated')
      .map(({ start, count, value }) => ({ start, count, state: value }));
  }

  /** A hazard for every run of pages that the owner still has. */
  reportLeaks(owner: string, vm?: string): void {
    for (const { start, count, state } of this.ownedBy(owner)) {
      const assigned = this.tables.rmp.get(start)?.assigned ? ', still assigned in the RMP' : '';
      this.journal.hazard({
        kind: 'leak-at-teardown',
        message: `${count} page(s) from pfn ${hexFrame(start)} are still ${owner}'s${state.file ? ` (file ${state.file})` : ''} after teardown${assigned}`,
        effect: 'memory',
        row: 'B6',
        pfn: start,
        pages: count,
        ...(vm ? { vm } : {}),
      });
    }
  }

  /** Hazards for pages that aren't the slot's; true if there was one. */
  reportOutsideSlot(use: SlotUse): boolean {
    return reportOutsideSlot(this.tables.page, this.journal, use);
  }

  /** The longest run from a pfn on that is one owner's, or nobody's; at most so many pages. */
  runOfBacking(pfn: number, pages: number): { start: number; count: number; state: PageState | undefined } {
    const [first] = this.tables.page.runs(pfn, pages);
    return { start: pfn, count: first?.count ?? pages, state: first?.value };
  }

  snapshot(): BuddySnapshot {
    return this.buddy.snapshot();
  }

  restore(snapshot: BuddySnapshot): void {
    this.buddy.restore(snapshot);
  }

  /** Throws `outside-memory`. */
  checkInside(pfn: number, pages: number): void {
    checkRange(pfn, pages, 'pfn');
    if (!this.contains(pfn, pages))
      throw new MachineError(
        'outside-memory',
        `pfn ${hexFrame(pfn)}+${pages} is not in memory, which is ${hexFrame(this.memory.start)}+${this.memory.pages}`,
      );
  }

  private takeBlock(order: number, wanted: number | undefined): number | undefined {
    if (wanted === undefined) return this.buddy.take(order);
    this.checkInside(wanted, 2 ** order);
    return this.buddy.takeAt(wanted, order) ? wanted : undefined;
  }

  private allocated(pfn: number): PageState {
    checkFrame(pfn, 'pfn');
    const state = this.tables.page.get(pfn);
    if (state?.status !== 'allocated')
      throw new MachineError('not-allocated', `pfn ${hexFrame(pfn)} is ${state?.status ?? 'free'}`);
    return state;
  }

  private mayFree(pfn: number, order: number, state: PageState | undefined): boolean {
    if (state?.status === 'allocated' && state.order === order && isAligned(pfn, 2 ** order)) return true;
    const refuse = (kind: HazardKind, message: string): false => {
      this.journal.hazard({ kind, message, effect: 'memory', pfn, pages: 2 ** order });
      return false;
    };
    if (!state)
      return refuse('double-free', `pfn ${hexFrame(pfn)} (order ${order}) is freed, but it is free already`);
    if (state.status !== 'allocated')
      return refuse('bad-free', `pfn ${hexFrame(pfn)} is freed, but it is ${state.status} (${state.owner})`);
    return refuse(
      'bad-free',
      `pfn ${hexFrame(pfn)} is freed with order ${order}, but it is in a block of order ${state.order} from pfn ${hexFrame(alignDown(pfn, 2 ** state.order))} (${state.owner})`,
    );
  }

  /** A page that the host can't use as it is goes back to the host (mail rows A2, B6). */
  private reportUnfit(pfn: number, pages: number): void {
    for (const { start, count, value } of this.tables.rmp.runs(pfn, pages)) {
      if (!value?.assigned) continue;
      this.journal.hazard({
        kind: 'page-freed-while-assigned',
        message: `${count} page(s) from pfn ${hexFrame(start)} are freed while the RMP has them assigned to ASID ${value.asid}, gfn ${hexFrame(start + value.gfnDelta)}: the next host write to them is an RMP #PF`,
        effect: 'host',
        row: 'A2',
        pfn: start,
        pages: count,
      });
    }
    for (const { start, count, value } of this.tables.pamt.runs(pfn, pages)) {
      if (!value) continue;
      this.journal.hazard({
        kind: 'page-freed-while-assigned',
        message: `${count} page(s) from pfn ${hexFrame(start)} are freed while they are pages of the trust domain ${value.vm}: they were not removed from its Secure EPT or reclaimed`,
        effect: 'host',
        row: 'A12',
        vm: value.vm,
        pfn: start,
        pages: count,
      });
    }
    for (const { start, count, value } of this.tables.directmap.runs(pfn, pages)) {
      if (!value || value.present) continue;
      this.journal.hazard({
        kind: 'page-freed-without-directmap',
        message: `${count} page(s) from pfn ${hexFrame(start)} are freed without their directmap mapping: their next user gets a page fault`,
        effect: 'host',
        row: 'B6',
        pfn: start,
        pages: count,
      });
    }
  }

  private release(start: number, count: number, state: PageState | undefined): void {
    if (state?.poisoned) {
      this.tables.page.write(start, count, { status: 'poisoned', order: 0, owner: 'memory-failure' });
      return;
    }
    this.tables.page.write(start, count, undefined);
    this.buddy.addRange(start, count);
  }

  private countBytes(pages: number): void {
    const counters = this.journal.counters;
    counters.bytesAllocated += pages * PAGE_SIZE;
    counters.bytesAllocatedPeak = Math.max(counters.bytesAllocatedPeak, counters.bytesAllocated);
  }
}

function checkOrder(order: number): void {
  if (!Number.isInteger(order) || order < 0 || order > MAX_ORDER)
    throw new MachineError('bad-order', `order ${order} doesn't exist: 0 (4K) to ${MAX_ORDER} (1G)`);
}
