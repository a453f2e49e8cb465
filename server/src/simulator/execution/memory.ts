/**
 * The memory of the C program: one flat space of bytes, with a state for each byte, saved by pages of 4 KiB.
 *
 * An address is 64 bits: the upper half tells the space, the lower half is the offset in it. Addresses of other spaces
 * (the directmap of the modelled machine, user memory) go to an `ExternalMemory`.
 */
import { Hazard } from './hazard.js';
import { Byte, PAGE_SHIFT, PagedBytes, type SavedPages } from './paged-bytes.js';

/** Upper half of this space's addresses, as int32: 0xffffc900_00000000 is where the kernel's vmalloc area is. */
export const SPACE = 0xffffc900 | 0;
export const SPACE_BASE = 0xffffc900_00000000n;

export const KNOWN_16 = 0x0303;
export const KNOWN_32 = 0x03030303;

/** Memory outside of the C program's own: what it reads and writes there is the modelled machine's business. */
export interface ExternalMemory {
  /** Little-endian value, or undefined where there is no such memory. */
  load(address: bigint, size: number): bigint | undefined;
  /** False where there is no such memory. */
  store(address: bigint, size: number, value: bigint): boolean;
}

/** A heap object, a global or a stack, for messages. */
export interface MemoryObject {
  start: number;
  /** Bytes. */
  size: number;
  /** `kzalloc in kvm_gmem_create (virt/kvm/guest_memfd.c:412)`. */
  origin: string;
  freedAt?: string;
}

/** All of the memory at one time; shares what didn't change with its neighbours. */
export interface MemoryImage {
  readonly chunks: SavedPages;
  readonly objects: readonly MemoryObject[];
  readonly heapTop: number;
}

const MEGABYTE = 1 << 20;

/** Where what lies; the heap has the rest. */
export const LAYOUT = {
  globals: 1 << 16,
  stacks: 2 * MEGABYTE,
  heap: 4 * MEGABYTE,
};

export const DEFAULT_HEAP = 28 * MEGABYTE;

/** Number of the origins that have none of their own. */
const MANY_UNKNOWNS = 255;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class Memory extends PagedBytes {
  /** Results of slow accesses: lower half, upper half, number of the unknown value's origin or 0. */
  readonly result = new Int32Array(3);
  /** Names of unknown values, by number: 0 is none. */
  readonly unknowns: string[] = [''];
  /** Told of accesses to globals and the heap; only by code that was compiled for it (`MachineOptions.watched`). */
  watch: ((at: number, size: number, write: boolean) => void) | undefined;
  external: ExternalMemory = { load: () => undefined, store: () => false };
  /** Sorted by address: heap objects are never given the same place twice. */
  private objects: MemoryObject[] = [];
  private sharedObjects = false;
  private readonly globals: MemoryObject[] = [];
  private heapTop: number = LAYOUT.heap;
  private globalTop: number = LAYOUT.globals;

  /** @param heapSize bytes */
  constructor(heapSize = DEFAULT_HEAP) {
    super(LAYOUT.heap + heapSize);
  }

  // ---- objects

  /** Room for a global variable, uninitialised. Offset in the space. */
  allocateGlobal(size: number, align: number, origin: string): number {
    const start = Math.ceil(this.globalTop / Math.max(align, 8)) * Math.max(align, 8);
    if (start + size + 16 > LAYOUT.stacks) throw new Hazard('out-of-memory', `no room for global ${origin}`);
    this.globalTop = start + size + 16;
    this.globals.push({ start, size, origin });
    this.setState(start, size, Byte.Uninitialised);
    return start;
  }

  /**
   * A heap object; its bytes are uninitialised.
   * @throws Hazard out-of-memory
   */
  allocate(size: number, align: number, origin: string): bigint {
    const step = Math.max(align, 16);
    const start = Math.ceil(this.heapTop / step) * step;
    if (start + size + 32 > this.end)
      throw new Hazard('out-of-memory', `no room for ${size} bytes: ${origin}`);
    this.heapTop = start + size + 16;
    this.ownObjects().push({ start, size, origin });
    this.setState(start, size, Byte.Uninitialised);
    return SPACE_BASE + BigInt(start);
  }

  /** @throws Hazard bad-free, use-after-free */
  free(address: bigint, at: string): void {
    const start = Number(address - SPACE_BASE);
    const index = this.indexOfObject(start);
    const object = this.objects[index];
    if (!object || object.start !== start)
      throw new Hazard(
        'bad-free',
        `${hex(address)} is freed, which is no allocated object${this.where(address)}`,
      );
    if (object.freedAt !== undefined)
      throw new Hazard(
        'use-after-free',
        `${hex(address)} is freed twice: ${object.origin}, freed ${object.freedAt}`,
      );
    this.ownObjects()[index] = { ...object, freedAt: at };
    this.setState(start, object.size, Byte.None);
  }

  /** The heap object that an address lies in, freed or not. */
  objectAt(address: bigint): MemoryObject | undefined {
    const at = Number(address - SPACE_BASE);
    const object = this.objects[this.indexOfObject(at)];
    return object && at < object.start + Math.max(object.size, 1) ? object : undefined;
  }

  /** Heap objects that aren't freed. */
  *liveObjects(): Iterable<MemoryObject> {
    for (const object of this.objects) if (object.freedAt === undefined) yield object;
  }

  private ownObjects(): MemoryObject[] {
    if (this.sharedObjects) {
      this.objects = [...this.objects];
      this.sharedObjects = false;
    }
    return this.objects;
  }

  private indexOfObject(at: number): number {
    let low = 0;
    let high = this.objects.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.objects[middle]!.start <= at) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  // ---- what is at an address, for messages

  /** `, 8 bytes behind the 24 bytes from kzalloc in f (a.c:3)`; empty where nothing is known. */
  where(address: bigint): string {
    const at = Number(address - SPACE_BASE);
    if (at < 0 || at > this.end) return '';
    if (at >= LAYOUT.stacks && at < LAYOUT.heap) return ', on a stack';
    const object =
      at >= LAYOUT.heap
        ? this.objects[this.indexOfObject(at)]
        : this.globals.reduce<MemoryObject | undefined>(
            (found, one) => (one.start <= at ? one : found),
            undefined,
          );
    if (!object) return '';
    const behind = at - (object.start + object.size);
    const place = behind >= 0 ? `${behind} bytes behind` : `at byte ${at - object.start} of`;
    const freed = object.freedAt === undefined ? '' : `, freed ${object.freedAt}`;
    return `, ${place} the ${object.size} bytes of ${object.origin}${freed}`;
  }

  private complain(lo: number, hi: number, size: number, action: string): never {
    const address = addressOf(lo, hi);
    const what = `${size} byte${size === 1 ? '' : 's'} at ${hex(address)}`;
    if (address < 0x10000n)
      throw new Hazard('null-dereference', `${action} of ${what}: a null pointer is followed`);
    if (hi !== SPACE) {
      const error = address >= 0xffffffff_fffff001n ? ' (an error pointer)' : '';
      throw new Hazard('bad-address', `${action} of ${what}${error}: there is no such memory`);
    }
    const at = lo >>> 0;
    const object = this.objects[this.indexOfObject(at)];
    const isFreed = object?.freedAt !== undefined && at < object.start + object.size;
    throw new Hazard(
      isFreed ? 'use-after-free' : 'out-of-bounds',
      `${action} of ${what}${this.where(address)}`,
    );
  }

  unknownUsed(origin: number, how: string): never {
    throw new Hazard('unknown-value', `${how} depends on what is not modelled: ${this.unknownName(origin)}`);
  }

  unknownName(origin: number): string {
    return this.unknowns[origin] ?? 'several unmodelled values';
  }

  /** The number of an unknown value's origin. A byte of memory holds it: the last one stands for all that come after. */
  unknownNumber(name: string): number {
    const known = this.unknowns.indexOf(name);
    if (known > 0) return known;
    return this.unknowns.length >= MANY_UNKNOWNS ? MANY_UNKNOWNS : this.unknowns.push(name) - 1;
  }

  /** An access that `watch` is told of, unless it is to a stack: nobody else's business. */
  watched(lo: number, hi: number, size: number, write: boolean): void {
    const at = lo >>> 0;
    if (this.watch && hi === SPACE && size > 0 && !(at >= LAYOUT.stacks && at < LAYOUT.heap))
      this.watch(at, size, write);
  }

  // ---- scalars, when the quick way isn't possible

  /** Loads 1, 2, 4 or 8 bytes into `result`, returns the lower half. `pointer`: origin of an unknown address. */
  load(lo: number, hi: number, size: number, signed: boolean, pointer: number): number {
    if (pointer) this.unknownUsed(pointer, 'the address that is read');
    const { result } = this;
    result[1] = 0;
    result[2] = 0;
    if (hi !== SPACE) {
      const value = this.external.load(addressOf(lo, hi), size);
      if (value === undefined) this.complain(lo, hi, size, 'read');
      this.setResult(value, size, signed);
      return result[0]!;
    }
    const at = lo >>> 0;
    let unknown = false;
    for (let i = at; i < at + size; i++) {
      const state = this.s8[i];
      if (state === Byte.Known) continue;
      if (state === Byte.Unknown) unknown = true;
      else if (state === Byte.Uninitialised)
        throw new Hazard(
          'uninitialised',
          `read of ${size} bytes at ${hex(addressOf(lo, hi))} that nothing was written to${this.where(addressOf(lo, hi))}`,
        );
      else this.complain(lo, hi, size, 'read');
    }
    if (unknown) {
      result[0] = 0;
      result[2] = this.originAt(at, size);
      return 0;
    }
    let low = 0;
    for (let i = Math.min(size, 4) - 1; i >= 0; i--) low = (low << 8) | this.m8[at + i]!;
    if (size === 8) {
      let high = 0;
      for (let i = 7; i >= 4; i--) high = (high << 8) | this.m8[at + i]!;
      result[1] = high;
    } else if (signed && size < 4) low = (low << (32 - size * 8)) >> (32 - size * 8);
    result[0] = low;
    return low;
  }

  private originAt(at: number, size: number): number {
    for (let i = 0; i < size; i++) if (this.s8[at + i] === Byte.Unknown) return this.m8[at + i]! || 255;
    return 255;
  }

  private setResult(value: bigint, size: number, signed: boolean): void {
    const wrapped = signed ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value);
    this.result[0] = Number(BigInt.asIntN(32, wrapped));
    this.result[1] = size === 8 ? Number(BigInt.asIntN(32, wrapped >> 32n)) : 0;
  }

  /** Stores 1, 2, 4 or 8 bytes. `unknown`, `pointer`: origins of an unknown value and address. */
  store(
    lo: number,
    hi: number,
    size: number,
    low: number,
    high: number,
    unknown: number,
    pointer: number,
  ): void {
    if (pointer) this.unknownUsed(pointer, 'the address that is written');
    if (hi !== SPACE) {
      if (unknown) this.unknownUsed(unknown, 'a value written to the machine');
      const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
      if (!this.external.store(addressOf(lo, hi), size, BigInt.asUintN(size * 8, value)))
        this.complain(lo, hi, size, 'write');
      return;
    }
    const at = lo >>> 0;
    for (let i = at; i < at + size; i++) if (!this.s8[i]) this.complain(lo, hi, size, 'write');
    if (unknown) {
      this.m8.fill(unknown & 255, at, at + size);
      this.s8.fill(Byte.Unknown, at, at + size);
    } else {
      for (let i = 0; i < Math.min(size, 4); i++) this.m8[at + i] = low >>> (i * 8);
      for (let i = 4; i < size; i++) this.m8[at + i] = high >>> ((i - 4) * 8);
      this.s8.fill(Byte.Known, at, at + size);
    }
    this.dirty[at >>> PAGE_SHIFT] = 1;
    this.dirty[(at + size - 1) >>> PAGE_SHIFT] = 1;
  }

  /** Puts a value into a frame whose pages are marked as written; `at` is aligned. */
  storeOwn(at: number, size: number, low: number, high: number, unknown: number): void {
    if (unknown === 0 && (size === 8 || size === 4)) {
      const index = at >> 2;
      this.m32[index] = low;
      this.s32[index] = KNOWN_32;
      if (size === 4) return;
      this.m32[index + 1] = high;
      this.s32[index + 1] = KNOWN_32;
      return;
    }
    this.store(at, SPACE, size, low, high, unknown, 0);
  }

  // ---- bit-fields

  /** Loads `width` bits that begin `bit` bits behind an address. */
  loadBits(lo: number, hi: number, pointer: number, bit: number, width: number, signed: boolean): number {
    const bytes = (bit + width + 7) >> 3;
    this.watched(lo, hi, bytes, false);
    let value = 0n;
    let unknown = 0;
    for (let i = 0; i < bytes; i++) {
      const low = this.load(lo + i, hi, 1, false, pointer);
      unknown ||= this.result[2]!;
      value |= BigInt(low) << BigInt(8 * i);
    }
    value >>= BigInt(bit);
    const wrapped = signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
    this.result[0] = unknown ? 0 : Number(BigInt.asIntN(32, wrapped));
    this.result[1] = unknown ? 0 : Number(BigInt.asIntN(32, wrapped >> 32n));
    this.result[2] = unknown;
    return this.result[0]!;
  }

  /** Stores bits; their neighbours stay, and are zero where nothing was written yet. */
  storeBits(
    lo: number,
    hi: number,
    pointer: number,
    bit: number,
    width: number,
    low: number,
    high: number,
    unknown: number,
  ): void {
    const bytes = (bit + width + 7) >> 3;
    this.watched(lo, hi, bytes, true);
    const mask = ((1n << BigInt(width)) - 1n) << BigInt(bit);
    const value = (((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) << BigInt(bit)) & mask;
    for (let i = 0; i < bytes; i++) {
      const shift = BigInt(8 * i);
      const own = Number((mask >> shift) & 255n);
      let before = 0;
      const isFresh = hi === SPACE && this.s8[(lo + i) >>> 0] === Byte.Uninitialised;
      if (own !== 255 && !isFresh) {
        before = this.load(lo + i, hi, 1, false, pointer);
        unknown ||= this.result[2]!;
      }
      const byte = (before & ~own) | Number((value >> shift) & 255n);
      this.store(lo + i, hi, 1, byte, 0, unknown, pointer);
    }
  }

  // ---- stretches of bytes

  /** Copies bytes with their states; overlap is allowed. Between spaces it goes byte by byte. */
  copy(toLo: number, toHi: number, fromLo: number, fromHi: number, size: number): void {
    if (size === 0) return;
    this.watched(fromLo, fromHi, size, false);
    this.watched(toLo, toHi, size, true);
    if (toHi !== SPACE || fromHi !== SPACE) {
      for (let i = 0; i < size; i++) {
        const low = this.load(fromLo + i, fromHi, 1, false, 0);
        this.store(toLo + i, toHi, 1, low, 0, this.result[2]!, 0);
      }
      return;
    }
    const to = toLo >>> 0;
    const from = fromLo >>> 0;
    this.checkObject(from, size, 'read');
    this.checkObject(to, size, 'write');
    this.m8.copyWithin(to, from, from + size);
    this.s8.copyWithin(to, from, from + size);
    this.touch(to, size);
  }

  private checkObject(at: number, size: number, action: string): void {
    for (let i = at; i < at + size; i++) if (!this.s8[i]) this.complain(i, SPACE, at + size - i, action);
  }

  /** Sets bytes. */
  fill(lo: number, hi: number, byte: number, size: number): void {
    if (size === 0) return;
    this.watched(lo, hi, size, true);
    if (hi !== SPACE) {
      for (let i = 0; i < size; i++) this.store(lo + i, hi, 1, byte, 0, 0, 0);
      return;
    }
    const at = lo >>> 0;
    this.checkObject(at, size, 'write');
    this.m8.fill(byte, at, at + size);
    this.s8.fill(Byte.Known, at, at + size);
    this.touch(at, size);
  }

  /** Makes the bytes of an object unknown. */
  fillUnknown(at: number, size: number, origin: number): void {
    this.m8.fill(origin & 255, at, at + size);
    this.s8.fill(Byte.Unknown, at, at + size);
    this.touch(at, size);
  }

  // ---- saving

  /** The memory as it is now. Costs what was written since the last time. */
  save(): MemoryImage {
    this.sharedObjects = true;
    return { chunks: this.savePages(), objects: this.objects, heapTop: this.heapTop };
  }

  /** Makes the memory what it was. Costs what differs. */
  restore(image: MemoryImage): void {
    this.restorePages(image.chunks);
    this.objects = image.objects as MemoryObject[];
    this.sharedObjects = true;
    this.heapTop = image.heapTop;
  }

  /** 64 bits for stacks and heap: the same for the same values, whatever lies in bytes without one. */
  hash(): bigint {
    const { low, high } = this.hashPages(LAYOUT.stacks, this.heapTop | 0);
    return addressOf(low, high);
  }
}

/** The 64-bit address of two halves. */
export function addressOf(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
