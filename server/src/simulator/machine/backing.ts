/**
 * Which page backs a gfn on its private and on its shared side, as the kernel model reports it: two pages for one gfn
 * are memory taken twice (mail row E4). The page of the side that isn't in use is normal while a conversion is on its
 * way; that it is *allocated* while the guest uses the other side is the accident that F_SEAL_AUTO_ALLOCATE prevents.
 */
import type { Journal } from './journal.js';
import type { BackingCell, Side } from './state.js';
import { Table, type Tables } from './tables.js';
import { hexFrame, PAGE_SIZE } from './units.js';

export class Backing {
  constructor(
    private readonly tables: Tables,
    private readonly journal: Journal,
  ) {}

  /** Notes that pages from `pfn` on back the gfns. `wanted`: the side that the guest uses; allocating the other is a hazard if the wanted one has a page. */
  note(vm: string, gfn: number, pages: number, side: Side, pfn: number, wanted?: Side): void {
    this.change(vm, gfn, pages, side, { pfnDelta: pfn - gfn });
    if (wanted === undefined || wanted === side) return;
    const twice = this.countBoth(vm, gfn, pages);
    if (twice === 0) return;
    this.journal.hazard({
      kind: 'double-allocation',
      message: `${twice} page(s) from gfn ${hexFrame(gfn)} of ${vm} get a ${side} page while the guest uses their ${wanted} one: ${twice * PAGE_SIZE} bytes are taken twice`,
      effect: 'memory',
      row: 'E4',
      vm,
      gfn,
      pfn,
      pages: twice,
    });
  }

  /** The pages of that side were given back. */
  clear(vm: string, gfn: number, pages: number, side: Side): void {
    this.change(vm, gfn, pages, side, undefined);
  }

  /** A VM's pages back nothing any more. */
  clearAll(vm: string): void {
    for (const side of ['private', 'shared'] as const) {
      for (const { start, count } of [...this.table(vm, side).map.extents()])
        this.clear(vm, start, count, side);
    }
  }

  /** pfn that backs a gfn on a side. */
  pfn(vm: string, gfn: number, side: Side): number | undefined {
    const cell = this.table(vm, side).get(gfn);
    return cell && gfn + cell.pfnDelta;
  }

  table(vm: string, side: Side): Table<BackingCell> {
    return new Table<BackingCell>(this.tables, `backing/${vm}/${side}`, (gfn, pages, before, after) => ({
      kind: 'backing',
      vm,
      side,
      gfn,
      pages,
      before,
      after,
    }));
  }

  private change(vm: string, gfn: number, pages: number, side: Side, value: BackingCell | undefined): void {
    const { counters } = this.journal;
    counters.twiceAllocatedGfns -= this.countBoth(vm, gfn, pages);
    this.table(vm, side).write(gfn, pages, value);
    counters.twiceAllocatedGfns += this.countBoth(vm, gfn, pages);
    counters.twiceAllocatedGfnsPeak = Math.max(counters.twiceAllocatedGfnsPeak, counters.twiceAllocatedGfns);
  }

  private countBoth(vm: string, gfn: number, pages: number): number {
    let both = 0;
    const shared = this.table(vm, 'shared');
    for (const run of this.table(vm, 'private').runs(gfn, pages)) {
      if (!run.value) continue;
      for (const other of shared.runs(run.start, run.count)) if (other.value) both += other.count;
    }
    return both;
  }
}
