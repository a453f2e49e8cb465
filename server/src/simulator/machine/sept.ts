/**
 * TDX private memory: Secure EPT leaves and the module's count of who owns a page (PAMT). The calls are the module's
 * SEAMCALLs and the guest's accept; their order and status codes follow the Intel TDX Module Base Architecture
 * Specification, chapters "Secure EPT" and "Physical Memory Management", and the ABI specification's pages of the calls.
 * Not modelled: the Secure EPT's own pages (TDH.MEM.SEPT.*), measurement, migration, module locks (inject
 * TDX_OPERAND_BUSY instead).
 */
import type { Contents } from './contents.js';
import { MachineError } from './errors.js';
import {
  type Injections,
  TDX_CODES,
  type TdxCall,
  type TdxCodeName,
  type TdxResult,
  tdxResult,
} from './instructions.js';
import type { Journal } from './journal.js';
import type { Pages } from './pages.js';
import type { PamtCell, SeptCell, SeptEntryState } from './state.js';
import { Table, type Tables } from './tables.js';
import { alignDown, isAligned, type Level, nextLower, PAGES_OF } from './units.js';
import type { Vms } from './vms.js';

export class Sept {
  constructor(
    private readonly tables: Tables,
    private readonly parts: {
      pamt: Table<PamtCell>;
      contents: Contents;
      pages: Pages;
      vms: Vms;
      injections: Injections;
      journal: Journal;
      enabled: boolean;
    },
  ) {}

  /** TDH.MEM.PAGE.ADD: before the TD runs; the page is mapped at once, with a copy of the source's contents (host's key). */
  add(vm: string, gfn: number, pfn: number, sourcePfn: number): TdxResult {
    return this.call('TDH.MEM.PAGE.ADD', vm, gfn, pfn, () => {
      const refused = this.refuseInstall(vm, gfn, pfn, '4K');
      if (refused) return refused;
      this.install(vm, gfn, pfn, '4K', 'mapped');
      this.parts.contents.copy(sourcePfn, pfn, 0, this.parts.vms.get(vm).key);
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.MEM.PAGE.AUG: the page waits for the guest's accept. */
  augment(vm: string, gfn: number, pfn: number, level: Level): TdxResult {
    return this.call('TDH.MEM.PAGE.AUG', vm, gfn, pfn, () => {
      const refused = this.refuseInstall(vm, gfn, pfn, level);
      if (refused) return refused;
      this.parts.journal.counters.septAugments++;
      this.install(vm, gfn, pfn, level, 'pending');
      return 'TDX_SUCCESS';
    });
  }

  /** TDG.MEM.PAGE.ACCEPT, by the guest: the page is mapped and filled with zeros under the TD's key. */
  accept(vm: string, gfn: number, level: Level): TdxResult {
    return this.call('TDG.MEM.PAGE.ACCEPT', vm, gfn, undefined, () => {
      const cell = this.table(vm).get(gfn);
      if (!isAligned(gfn, PAGES_OF[level])) return 'TDX_OPERAND_INVALID';
      if (!cell) return 'TDX_EPT_WALK_FAILED';
      if (cell.level !== level) return 'TDX_PAGE_SIZE_MISMATCH';
      if (cell.state === 'mapped') return 'TDX_PAGE_ALREADY_ACCEPTED';
      if (cell.state !== 'pending') return 'TDX_EPT_ENTRY_STATE_INCORRECT';
      this.setState(vm, gfn, cell, 'mapped');
      this.parts.contents.fill(gfn + cell.pfnDelta, PAGES_OF[level], 'zero', this.parts.vms.get(vm).key);
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.MEM.RANGE.BLOCK: no new translations; those in TLBs live on. */
  block(vm: string, gfn: number, level: Level): TdxResult {
    return this.call('TDH.MEM.RANGE.BLOCK', vm, gfn, undefined, () => {
      const cell = this.leafAt(vm, gfn, level);
      if (typeof cell === 'string') return cell;
      if (isBlocked(cell)) return 'TDX_GPA_RANGE_ALREADY_BLOCKED';
      this.setState(vm, gfn, cell, cell.state === 'pending' ? 'pending-blocked' : 'blocked');
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.MEM.RANGE.UNBLOCK: translations again, once no vCPU has one from before the block. */
  unblock(vm: string, gfn: number, level: Level): TdxResult {
    return this.call('TDH.MEM.RANGE.UNBLOCK', vm, gfn, undefined, () => {
      const cell = this.leafAt(vm, gfn, level);
      if (typeof cell === 'string') return cell;
      const refused = this.refuseBlocked(vm, cell);
      if (refused) return refused;
      this.setState(vm, gfn, cell, cell.state === 'blocked' ? 'mapped' : 'pending');
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.MEM.TRACK: a new epoch; vCPUs are in it from their next flush on. */
  track(vm: string): TdxResult {
    return this.call('TDH.MEM.TRACK', vm, undefined, undefined, () => {
      const record = this.parts.vms.get(vm);
      this.parts.vms.put({ ...record, epoch: record.epoch + 1 });
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.MEM.PAGE.REMOVE: a blocked leaf goes, once no vCPU can have it in its TLB; the page is the host's again, contents and all. */
  remove(vm: string, gfn: number, level: Level): TdxResult {
    return this.call('TDH.MEM.PAGE.REMOVE', vm, gfn, undefined, () => {
      const cell = this.leafAt(vm, gfn, level);
      if (typeof cell === 'string') return cell;
      const refused = this.refuseBlocked(vm, cell);
      if (refused) return refused;
      this.parts.journal.counters.septRemovals++;
      this.table(vm).write(gfn, PAGES_OF[level], undefined);
      this.parts.pamt.write(gfn + cell.pfnDelta, PAGES_OF[level], undefined);
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.MEM.PAGE.DEMOTE: a blocked large leaf becomes 512 of the next size. */
  demote(vm: string, gfn: number, level: '2M' | '1G'): TdxResult {
    return this.call('TDH.MEM.PAGE.DEMOTE', vm, gfn, undefined, () => {
      const cell = this.leafAt(vm, gfn, level);
      if (typeof cell === 'string') return cell;
      const refused = this.refuseBlocked(vm, cell);
      if (refused) return refused;
      const state = cell.state === 'blocked' ? 'mapped' : 'pending';
      const lower = nextLower(level);
      this.table(vm).write(gfn, PAGES_OF[level], { level: lower, pfnDelta: cell.pfnDelta, state });
      this.parts.pamt.write(gfn + cell.pfnDelta, PAGES_OF[level], { vm, level: lower });
      return 'TDX_SUCCESS';
    });
  }

  /** TDH.PHYMEM.PAGE.RECLAIM: takes a page back from a TD that was torn down. */
  reclaim(pfn: number): TdxResult {
    const owner = this.parts.pamt.get(pfn);
    return this.call('TDH.PHYMEM.PAGE.RECLAIM', owner?.vm, undefined, pfn, () => {
      if (!owner) return 'TDX_PAGE_METADATA_INCORRECT';
      const alive = this.parts.vms.all().find((vm) => vm.id === owner.vm);
      if (alive && !alive.tornDown) return 'TDX_OP_STATE_INCORRECT';
      const start = alignDown(pfn, PAGES_OF[owner.level]);
      this.parts.pamt.write(start, PAGES_OF[owner.level], undefined);
      return 'TDX_SUCCESS';
    });
  }

  /** The TD's key is freed (TDH.MNG.KEY.FREEID): no vCPU runs any more, its pages may be reclaimed. */
  tearDown(vm: string): void {
    this.checkEnabled();
    this.parts.vms.put({ ...this.parts.vms.get(vm), tornDown: true });
  }

  /** Of the leaf around a gfn. */
  at(vm: string, gfn: number): SeptCell | undefined {
    return this.table(vm).get(gfn);
  }

  /** Whether the platform has a Secure EPT at all. */
  get enabled(): boolean {
    return this.parts.enabled;
  }

  /** The TD that a page belongs to. */
  ownerOf(pfn: number): string | undefined {
    return this.parts.pamt.get(pfn)?.vm;
  }

  table(vm: string): Table<SeptCell> {
    return new Table<SeptCell>(this.tables, `sept/${vm}`, (gfn, pages, before, after) => ({
      kind: 'sept',
      vm,
      gfn,
      pages,
      before,
      after,
    }));
  }

  private refuseInstall(vm: string, gfn: number, pfn: number, level: Level): TdxCodeName | undefined {
    const pages = PAGES_OF[level];
    if (!isAligned(gfn, pages) || !isAligned(pfn, pages) || !this.parts.pages.contains(pfn, pages))
      return 'TDX_OPERAND_INVALID';
    if (this.parts.pamt.runs(pfn, pages).some(({ value }) => value)) return 'TDX_PAGE_METADATA_INCORRECT';
    if (
      this.table(vm)
        .runs(gfn, pages)
        .some(({ value }) => value)
    )
      return 'TDX_EPT_ENTRY_NOT_FREE';
    return undefined;
  }

  private refuseBlocked(vm: string, cell: SeptCell): TdxCodeName | undefined {
    if (!isBlocked(cell)) return 'TDX_GPA_RANGE_NOT_BLOCKED';
    const { vcpus } = this.parts.vms.get(vm);
    const blockedAt = cell.blockedAt ?? 0;
    return vcpus.every(({ epoch }) => epoch > blockedAt) ? undefined : 'TDX_TLB_TRACKING_NOT_DONE';
  }

  private install(vm: string, gfn: number, pfn: number, level: Level, state: SeptEntryState): void {
    this.table(vm).write(gfn, PAGES_OF[level], { level, pfnDelta: pfn - gfn, state });
    this.parts.pamt.write(pfn, PAGES_OF[level], { vm, level });
  }

  private setState(vm: string, gfn: number, { level, pfnDelta }: SeptCell, state: SeptEntryState): void {
    const blockedAt = state.endsWith('blocked') ? { blockedAt: this.parts.vms.get(vm).epoch } : {};
    this.table(vm).write(gfn, PAGES_OF[level], { level, pfnDelta, state, ...blockedAt });
  }

  private leafAt(vm: string, gfn: number, level: Level): SeptCell | TdxCodeName {
    if (!isAligned(gfn, PAGES_OF[level])) return 'TDX_OPERAND_INVALID';
    const cell = this.table(vm).get(gfn);
    return cell?.level === level ? cell : 'TDX_EPT_WALK_FAILED';
  }

  private call(
    instruction: TdxCall,
    vm: string | undefined,
    gfn: number | undefined,
    pfn: number | undefined,
    run: () => TdxCodeName,
  ): TdxResult {
    this.checkEnabled();
    const injected = this.parts.injections.take(instruction, pfn);
    const name = injected !== undefined && injected in TDX_CODES ? (injected as TdxCodeName) : run();
    this.parts.journal.record({
      kind: 'instruction',
      instruction,
      ...(vm !== undefined ? { vm } : {}),
      ...(gfn !== undefined ? { gfn } : {}),
      ...(pfn !== undefined ? { pfn } : {}),
      code: TDX_CODES[name],
      name,
    });
    return tdxResult(name);
  }

  private checkEnabled(): void {
    if (!this.parts.enabled)
      throw new MachineError(
        'wrong-platform',
        'this platform has no TDX module: only the platform `tdx` has one',
      );
  }
}

const isBlocked = ({ state }: SeptCell): boolean => state === 'blocked' || state === 'pending-blocked';
