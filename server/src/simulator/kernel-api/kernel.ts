/**
 * The modelled part of a kernel around the C that is executed: what the functions of the table (table.ts) work on. It binds
 * the C's memory to the machine: the directmap's addresses are the machine's pages, nested page tables in them are the
 * machine's nested page tables. It knows kernel functions, and nothing of scenarios.
 */
import { Hazard } from '../execution/hazard.js';
import type { Machine as CMachine } from '../execution/machine.js';
import type { ModelledCall } from '../execution/modelled.js';
import { type CObject, typeNamed } from '../execution/objects.js';
import { sizeOf } from '../execution/types.js';
import type { Machine as Hardware } from '../machine/machine.js';
import type { SlotBounds } from '../machine/slots.js';
import { alignDown, PAGE_SIZE } from '../machine/units.js';
import { ENTRY_FILE } from './entry.js';
import { type KernelState, type LockMode, newKernelState, type XaEntry } from './state.js';
import { TableMirror } from './table-mirror.js';

/** page_offset_base of a kernel with four page table levels: Documentation/arch/x86/x86_64/mm.rst. */
export const DIRECTMAP = 0xffff888000000000n;
const PAGE_SHIFT = 12n;

/** What a modelled function tells the story. */
export type Note =
  | { kind: 'lock'; change: '+' | '-'; name: string; mode: string }
  | { kind: 'log'; text: string }
  | { kind: 'guest'; text: string };

/** What a guest does while its vCPU runs; the scenario gives it. */
export interface GuestProgram {
  /** Goes on with the vCPU's program until it faults, or is done. */
  run(vcpu: number): { kind: 'fault'; gpa: bigint; errorCode: bigint } | { kind: 'done' } | { kind: 'again' };
}

/** Memory that C reads and that is no page of the machine: a table of the processor. */
export interface Region {
  base: bigint;
  /** Bytes. */
  size: bigint;
  load(offset: bigint, size: number): bigint;
}

export class Kernel {
  /** Set up once for a run: what they show is the machine's state. */
  readonly regions: Region[] = [];
  c!: CMachine;
  /** A lock is wanted, or given back; for who explores interleavings. */
  onLock: ((lock: bigint, mode: LockMode, wanted: boolean) => void) | undefined;
  /** What the models work on, when somebody looks at each access to the state. */
  watchState: ((state: KernelState) => KernelState) | undefined;
  private own: KernelState = newKernelState();
  private seen: KernelState = this.own;
  guest: GuestProgram | undefined;
  onNote: (note: Note, call: ModelledCall) => void = () => undefined;
  /** Which errno a function is to fail with at this call; the scenario's injected faults. */
  injected: (name: string, call: ModelledCall) => number | undefined = () => undefined;
  /** The memslot around a gfn, as the VMM has asked for it. */
  slotOf: (gfn: number) => SlotBounds | undefined = () => undefined;
  readonly mirror: TableMirror;
  private readonly constants = new Map<string, bigint>();
  private readonly sizes = new Map<string, number>();

  constructor(
    readonly hardware: Hardware,
    readonly vm: string,
  ) {
    this.mirror = new TableMirror(this);
  }

  get state(): KernelState {
    return this.seen;
  }

  set state(state: KernelState) {
    this.own = state;
    this.seen = this.watchState?.(state) ?? state;
  }

  /** The state itself, to be saved; looking at it is seen by nobody. */
  get plainState(): KernelState {
    return this.own;
  }

  /** The C that this kernel's functions are called by. To be called once. */
  attach(c: CMachine): void {
    this.c = c;
    c.memory.external = {
      load: (address, size) => this.load(address, size),
      store: (address, size, value) => this.store(address, size, value),
    };
  }

  /** A constant of the executed kernel's headers, as entry.ts lists them. */
  constant(name: string): bigint {
    let value = this.constants.get(name);
    if (value === undefined) {
      const { address } = this.c.addressOfGlobal(`__lens_${name}`, ENTRY_FILE);
      value = this.c.loadUnsigned(address, 8);
      this.constants.set(name, value);
    }
    return value;
  }

  object(address: bigint, type: string): CObject {
    return this.c.object(address, type, ENTRY_FILE);
  }

  /** A zeroed heap object of a type. */
  allocate(type: string, origin: string): CObject {
    return this.object(this.c.allocateZeroed(this.sizeOf(type), 16, origin), type);
  }

  /** An object that there is one of, made when it is first asked for; all its members are zero. */
  singleton(what: string, type: string): CObject {
    const known = this.state.singletons.get(what);
    if (known !== undefined) return this.object(known, type);
    const made = this.allocate(type, what);
    this.state.singletons.set(what, made.address);
    return made;
  }

  sizeOf(type: string): number {
    let size = this.sizes.get(type);
    if (size === undefined) {
      size = sizeOf(typeNamed(this.c, type, ENTRY_FILE), { file: ENTRY_FILE, line: 1, column: 1 });
      this.sizes.set(type, size);
    }
    return size;
  }

  // ---- pages

  /** struct page of a frame; made when it is first asked for, as a part of the block that the frame is in. */
  pageOf(pfn: number): bigint {
    this.hardware.pages.checkInside(pfn, 1);
    let address = this.state.pageOfPfn.get(pfn);
    if (address === undefined) {
      address = this.allocate('struct page', `struct page of pfn 0x${pfn.toString(16)}`).address;
      this.state.pageOfPfn.set(pfn, address);
      this.state.pfnOfPage.set(address, pfn);
      const block = this.hardware.pages.at(pfn);
      if (block?.status === 'allocated' && block.order > 0) this.setBlock(pfn, block.order);
    }
    return address;
  }

  /** Which block a page is a part of: its head knows the order, the others know the head. */
  private setBlock(pfn: number, order: number): void {
    const page = this.object(this.pageOf(pfn), 'struct page');
    const head = alignDown(pfn, 2 ** order);
    page.set('order', head === pfn ? order : 0);
    page.set('compound_head', head === pfn ? 0n : this.pageOf(head));
  }

  /** @throws Hazard where no struct page is */
  pfnOf(page: bigint): number {
    const pfn = this.state.pfnOfPage.get(page);
    if (pfn === undefined) throw new Hazard('bad-address', `0x${page.toString(16)} is no struct page`);
    return pfn;
  }

  /** A block of pages with one reference; `undefined` when there is none. */
  allocatePages(owner: string, order: number): number | undefined {
    const pfn = this.hardware.pages.allocate({ order, owner });
    if (pfn === undefined) return undefined;
    const page = this.object(this.pageOf(pfn), 'struct page');
    page.set('flags', 0);
    page.set('mapping', 0);
    page.set('index', 0);
    page.set('_refcount.counter', 1);
    if (order > 0) for (const known of this.knownPages(pfn, 2 ** order)) this.setBlock(known, order);
    return pfn;
  }

  /** Gives a block back; what is wrong with that is a hazard of the machine. */
  freePages(pfn: number, order: number): void {
    if (order > 0) for (const known of this.knownPages(pfn, 2 ** order)) this.setBlock(known, 0);
    this.hardware.pages.free(pfn, order);
  }

  /** Makes a block single pages, which get nothing of its state but the owner. */
  splitPages(pfn: number, order: number): void {
    this.hardware.pages.split(pfn, 0);
    for (const known of this.knownPages(pfn, 2 ** order)) this.setBlock(known, 0);
  }

  /** Frames of a range that have a struct page. */
  private knownPages(pfn: number, pages: number): number[] {
    const { pageOfPfn } = this.state;
    if (pages > pageOfPfn.size) return [...pageOfPfn.keys()].filter((one) => one >= pfn && one < pfn + pages);
    return Array.from({ length: pages }, (_, i) => pfn + i).filter((one) => pageOfPfn.has(one));
  }

  directmapOf = (pfn: number): bigint => DIRECTMAP + (BigInt(pfn) << PAGE_SHIFT);

  /** Frame and offset of an address in the directmap; `undefined` outside of it. */
  frameAt(address: bigint): { pfn: number; offset: number } | undefined {
    const at = Number(address - DIRECTMAP);
    const pfn = Math.floor(at / PAGE_SIZE);
    return at >= 0 && this.hardware.pages.contains(pfn) ? { pfn, offset: at % PAGE_SIZE } : undefined;
  }

  private load(address: bigint, size: number): bigint | undefined {
    const frame = this.frameAt(address);
    if (!frame) {
      const region = this.regions.find(({ base, size: bytes }) => address >= base && address < base + bytes);
      return region?.load(address - region.base, size);
    }
    const result = this.hardware.host({ ...frame, length: size });
    if (result.outcome !== 'ok') throw this.hardwareHazard();
    return result.bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  private store(address: bigint, size: number, value: bigint): boolean {
    const frame = this.frameAt(address);
    if (!frame) return false;
    const bytes = Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(i * 8)) & 255n));
    this.hostWrite(frame.pfn, bytes, frame.offset);
    this.mirror.written(frame.pfn, frame.offset, value);
    return true;
  }

  /** A write by kernel code through the directmap. @throws Hazard where hardware refuses it: the host is down */
  hostWrite(pfn: number, write: Uint8Array | { pattern: string }, offset = 0): void {
    if (this.hardware.host({ pfn, offset, write }).outcome !== 'ok') throw this.hardwareHazard();
  }

  /** The same for many pages from one on. @throws Hazard */
  hostFill(pfn: number, pages: number, pattern: string): void {
    if (this.hardware.hostFill(pfn, pages, pattern).outcome !== 'ok') throw this.hardwareHazard();
  }

  /** The machine's last hazard, as one that stops the C. */
  hardwareHazard(): Hazard {
    const { kind, message } = this.hardware.hazards.at(-1)!;
    return new HardwareHazard(kind, message);
  }

  // ---- xarrays

  find(array: bigint, from: bigint, max: bigint): XaEntry | undefined {
    const entries = this.state.arrays.get(array) ?? [];
    const entry = entries[firstFrom(entries, from)];
    return entry && entry.first <= max ? entry : undefined;
  }

  /** One entry for all indices of a range, both included; 0 removes. Returns what the first one had. */
  storeRange(array: bigint, first: bigint, last: bigint, value: bigint): bigint {
    const entries = this.state.arrays.get(array) ?? [];
    const from = firstFrom(entries, first);
    let to = from;
    while (to < entries.length && entries[to]!.first <= last) to++;
    const [head, tail] = [entries[from], entries[to - 1]];
    const middle: XaEntry[] = [];
    if (to > from && head!.first < first) middle.push({ ...head!, last: first - 1n });
    if (value !== 0n) middle.push({ first, last, value });
    if (to > from && tail!.last > last) middle.push({ ...tail!, first: last + 1n });
    this.state.arrays.set(array, entries.slice(0, from).concat(middle, entries.slice(to)));
    return head && head.first <= first ? head.value : 0n;
  }

  note(note: Note, call: ModelledCall): void {
    this.onNote(note, call);
  }
}

/** Position of the first entry that reaches an index, or lies behind it. */
function firstFrom(entries: readonly XaEntry[], index: bigint): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.last < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A hazard that the machine has recorded already: the C stops there, and it is not told twice. */
export class HardwareHazard extends Hazard {}
