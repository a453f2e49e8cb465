/**
 * The machine under a simulated kernel: page allocator, RMP, directmap, nested page tables with guest TLBs, Secure EPT
 * and memory contents. It knows hardware and memory management, and nothing of C, KVM or scenarios; it does no I/O and
 * imports nothing else of the project. README.md beside this file describes it.
 */
import { Backing } from './backing.js';
import type { BuddySnapshot } from './buddy.js';
import { Contents } from './contents.js';
import type { Counters } from './counters.js';
import { type Digest, digestOf, hex, plus } from './digest.js';
import { Directmap } from './directmap.js';
import { MachineError } from './errors.js';
import type { MachineEvent, Place } from './events.js';
import { type FrameTables, newFrameTables } from './frame-tables.js';
import { type GuestAccess, type GuestResult, guestAccess } from './guest-access.js';
import {
  type PvalidateRequest,
  type PvalidateResult,
  pvalidate,
  type RmpadjustRequest,
  type RmpqueryRequest,
  type RmpqueryResult,
  rmpadjust,
  rmpquery,
} from './guest-rmp.js';
import type { NestedFault, WalkParts } from './guest-walk.js';
import type { Hazard } from './hazards.js';
import { type HostAccess, type HostResult, hostAccess, hostFill } from './host-access.js';
import { type Injection, Injections, type SnpResult } from './instructions.js';
import { Journal, type JournalSnapshot } from './journal.js';
import { Npt } from './npt.js';
import { Pages } from './pages.js';
import { PLATFORMS, type Platform, type PlatformName } from './platform.js';
import { Rmp } from './rmp.js';
import { Sept } from './sept.js';
import type { Space } from './state.js';
import { Tables, type TablesSnapshot, type TableWatch } from './tables.js';
import { MAX_ORDER } from './units.js';
import { type VmRecord, Vms } from './vms.js';

export interface MachineOptions {
  platform: PlatformName;
  /** Pages of 4 KiB. */
  pages: number;
  /** First pfn, 0 if not given. */
  firstPfn?: number;
}

/** A state to return to; taking and restoring one shares everything that doesn't change. */
export interface MachineSnapshot {
  readonly tables: TablesSnapshot;
  readonly buddy: BuddySnapshot;
  readonly vms: ReadonlyMap<string, VmRecord>;
  readonly injections: readonly Injection[];
  readonly journal: JournalSnapshot;
}

/** 4 TiB: more than any scenario needs, and far below where frame numbers stop being exact. */
const MOST_PAGES = 2 ** 30;

export class Machine {
  readonly platform: Platform;
  readonly pages: Pages;
  readonly rmp: Rmp;
  readonly directmap: Directmap;
  readonly sept: Sept;
  readonly contents: Contents;
  readonly backing: Backing;
  readonly vms: Vms;
  /** The tables by pfn, for views: what writes to them bypasses every rule. */
  readonly frames: FrameTables;
  private readonly journal = new Journal();
  private readonly tables = new Tables(this.journal);
  private readonly injections = new Injections();

  /** Throws MachineError `bad-memory`. */
  constructor({ platform, pages, firstPfn = 0 }: MachineOptions) {
    if (!Number.isInteger(pages) || pages < 1 || pages > MOST_PAGES)
      throw new MachineError(
        'bad-memory',
        `a machine of ${pages} pages can't be built: 1 to ${MOST_PAGES} (4 TiB)`,
      );
    if (!Number.isInteger(firstPfn) || firstPfn < 0 || firstPfn > MOST_PAGES)
      throw new MachineError('bad-memory', `memory can't begin at pfn ${firstPfn}`);
    const memory = { start: firstPfn, pages };
    const { journal, injections } = this;
    this.platform = PLATFORMS[platform];
    const { rmp: hasRmp, sept: hasSept } = this.platform;
    this.frames = newFrameTables(this.tables);
    const { page, rmp, pamt, directmap, content } = this.frames;
    this.vms = new Vms(journal);
    this.contents = new Contents(content);
    this.directmap = new Directmap(directmap, memory, journal);
    this.directmap.boot();
    this.pages = new Pages(memory, { page, rmp, pamt, directmap }, journal);
    this.rmp = new Rmp(rmp, memory, injections, journal, hasRmp);
    const { contents, vms } = this;
    this.sept = new Sept(this.tables, {
      pamt,
      contents,
      pages: this.pages,
      vms,
      injections,
      journal,
      enabled: hasSept,
    });
    this.backing = new Backing(this.tables, journal);
  }

  /** Who acts from now on, and where in the C; events and hazards carry it. */
  actAs(actor: string, at?: Place): void {
    this.journal.actor = actor;
    this.journal.at = at;
  }

  /** A guest. `key` is its ASID (SNP) or key id (TDX), 0 without encryption. Throws `duplicate`. */
  createVm(id: string, { key, vcpus }: { key: number; vcpus: number }): void {
    this.vms.create(id, key, vcpus);
  }

  /**
   * The guest is gone with its tables and TLBs. Its pages stay whose they are: in the allocator, in the RMP, and on TDX
   * the domain's until they are reclaimed. Throws `unknown-vm`.
   */
  destroyVm(id: string): void {
    this.flushRemote(id);
    const npt = this.npt(id);
    for (const space of this.spaces()) {
      for (const { start, count } of [...npt.table(space).map.extents()]) npt.zap(start, count, space);
    }
    for (const { start, count } of [...this.sept.table(id).map.extents()])
      this.sept.table(id).write(start, count, undefined);
    this.backing.clearAll(id);
    this.vms.remove(id);
  }

  /** Its nested page table. Throws `unknown-vm`. */
  npt(vm: string): Npt {
    this.vms.get(vm);
    return new Npt(vm, this.tables, this.pages, this.journal);
  }

  /** One access by the host. Throws `outside-memory`, `bad-offset`. */
  host(access: HostAccess): HostResult {
    const { pages, rmp, sept, directmap, contents, journal } = this;
    return hostAccess({ pages, rmp, sept, directmap, contents, journal }, access);
  }

  /** Many pages filled through the directmap, as clear_huge_page does; ends at the first fault. Throws `outside-memory`. */
  hostFill(pfn: number, pages: number, pattern: string): HostResult {
    const { pages: all, rmp, sept, directmap, contents, journal } = this;
    return hostFill({ pages: all, rmp, sept, directmap, contents, journal }, { pfn, pages, pattern });
  }

  /** One access by a guest. Throws `unknown-vm`, `unknown-vcpu`, `bad-offset`. */
  guest(access: GuestAccess): GuestResult {
    const { pages, contents } = this;
    return guestAccess({ ...this.walkParts(access), pages, contents }, access);
  }

  /** PVALIDATE by a guest. Throws `wrong-platform`, `unknown-vm`, `unknown-vcpu`. */
  pvalidate(request: PvalidateRequest): PvalidateResult {
    const { injections } = this;
    const rmpTable = this.frames.rmp;
    this.rmp.requireEnabled();
    return pvalidate({ ...this.walkParts(request), injections, rmpTable }, request);
  }

  /** RMPADJUST by a guest. Throws `wrong-platform`, `unknown-vm`, `unknown-vcpu`. */
  rmpadjust(request: RmpadjustRequest): (SnpResult & { outcome: 'done' }) | NestedFault {
    const { injections } = this;
    const rmpTable = this.frames.rmp;
    this.rmp.requireEnabled();
    return rmpadjust({ ...this.walkParts(request), injections, rmpTable }, request);
  }

  /** RMPQUERY by a guest. Throws `wrong-platform`, `unknown-vm`, `unknown-vcpu`. */
  rmpquery(request: RmpqueryRequest): RmpqueryResult {
    const { injections } = this;
    this.rmp.requireEnabled();
    return rmpquery({ ...this.walkParts(request), injections, rmpTable: this.frames.rmp }, request);
  }

  /** kvm_flush_remote_tlbs: all vCPUs' TLBs of a VM; returns how many frames they had cached. */
  flushRemote(vm: string, reason: 'remote' | 'asid' = 'remote'): number {
    const vcpus = this.vms.get(vm).vcpus.map(({ id }) => id);
    return this.flush(vm, vcpus, reason);
  }

  flushVcpu(vm: string, vcpu: number): number {
    this.vms.vcpu(vm, vcpu);
    return this.flush(vm, [vcpu], 'vcpu');
  }

  /** All entries that were made under an ASID or key id. */
  flushAsid(asid: number): number {
    const tagged = this.vms.all().filter(({ key }) => key === asid);
    return tagged.reduce((frames, { id }) => frames + this.flushRemote(id, 'asid'), 0);
  }

  /** kvm_flush_remote_tlbs_range; doesn't count as the flush that TDX tracking waits for. */
  flushRange(vm: string, gfn: number, pages: number): number {
    const vcpus = this.vms.get(vm).vcpus.map(({ id }) => id);
    return this.flush(vm, vcpus, 'range', { gfn, pages });
  }

  /** Tells of every access to the tables, and of every change of the free blocks, from now on; `undefined`: no more. */
  watch(table: TableWatch | undefined, blocks: Pages['watch']): void {
    this.tables.watchAll(table);
    this.pages.watch = blocks;
  }

  /** Makes an instruction or module call fail. */
  inject(injection: Injection): void {
    this.injections.add(injection);
  }

  get counters(): Readonly<Counters> {
    return this.journal.counters;
  }

  get hazards(): readonly Hazard[] {
    return this.journal.hazards;
  }

  /** Number of the last event, 0 before the first. */
  get lastSeq(): number {
    return this.journal.lastSeq;
  }

  /** Events after that number, oldest first; at least the last 50,000 are kept. */
  eventsSince(seq: number): MachineEvent[] {
    return this.journal.eventsSince(seq);
  }

  /** Called with every event from now on; returns how to stop it. */
  onEvent(listener: (event: MachineEvent) => void): () => void {
    return this.journal.onEvent(listener);
  }

  /** Constant time in the machine's size. */
  snapshot(): MachineSnapshot {
    return {
      tables: this.tables.snapshot(),
      buddy: this.pages.snapshot(),
      vms: this.vms.snapshot(),
      injections: this.injections.snapshot(),
      journal: this.journal.snapshot(),
    };
  }

  /** Back to a snapshot of this machine, with its counters, events and hazards; may be repeated. */
  restore(snapshot: MachineSnapshot): void {
    this.tables.restore(snapshot.tables);
    this.pages.restore(snapshot.buddy);
    this.vms.restore(snapshot.vms);
    this.injections.restore(snapshot.injections);
    this.journal.restore(snapshot.journal);
  }

  /**
   * 16 hexadecimal digits of everything that decides what happens next: tables, guests, planned failures. Counters,
   * events and hazards are history and don't count. The same on every machine and Node version; constant time.
   */
  hash(): string {
    let sum: Digest = this.tables.digest();
    for (const vm of this.vms.all()) sum = plus(sum, digestOf(JSON.stringify(['vm', vm])));
    return hex(
      plus(
        sum,
        digestOf(
          JSON.stringify(['machine', this.platform.name, this.pages.memory, this.injections.snapshot()]),
        ),
      ),
    );
  }

  /** Whether two machines are in the same state, by the state itself. */
  equals(other: Machine): boolean {
    return (
      this.hash() === other.hash() && JSON.stringify(this.plainState()) === JSON.stringify(other.plainState())
    );
  }

  /** All of the state as plain data, with stable order; large states make large objects. */
  plainState(): object {
    const vms = this.vms.all().sort((a, b) => (a.id < b.id ? -1 : 1));
    const freeBlocks = Array.from({ length: MAX_ORDER + 1 }, (_, order) => this.pages.freeBlocksOf(order));
    const tables = Object.entries(this.tables.contents()).map(([name, extents]) => [
      name,
      extents.map(({ start, count, value }) => [
        start,
        count,
        Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)),
      ]),
    ]);
    return {
      platform: this.platform.name,
      memory: this.pages.memory,
      vms,
      freeBlocks,
      tables,
      injections: this.injections.snapshot(),
    };
  }

  private flush(
    vm: string,
    vcpus: number[],
    reason: 'remote' | 'asid' | 'vcpu' | 'range',
    range?: { gfn: number; pages: number },
  ): number {
    const npt = this.npt(vm);
    let entries = 0;
    for (const vcpu of vcpus) {
      for (const space of this.spaces()) entries += npt.flushTlb(vcpu, space, range);
      this.journal.counters.tlbFlushes++;
      const record = this.vms.get(vm);
      if (!range) this.vms.putVcpu(vm, { ...this.vms.vcpu(vm, vcpu), epoch: record.epoch });
    }
    this.journal.record({ kind: 'flush', vm, vcpus, reason, entries });
    return entries;
  }

  private spaces(): Space[] {
    return this.platform.sept ? ['private', 'shared'] : ['npt'];
  }

  private walkParts({ vm, vcpu }: { vm: string; vcpu: number }): WalkParts {
    this.vms.vcpu(vm, vcpu);
    const { platform, sept, rmp, journal } = this;
    return { platform, vm: this.vms.get(vm), npt: this.npt(vm), sept, rmp, journal };
  }
}
