/** Memory by 64-bit addresses, for what is written in TypeScript; and what compiled code has calculated here. */
import { high } from './arithmetic64.js';
import { BIT_BUILTINS, overflowResult } from './builtins.js';
import { addressOf, type Memory } from './memory.js';

/** Lower and upper half of 64 bits, as int32. */
const halvesOf = (value: bigint): [number, number] => [
  Number(BigInt.asIntN(32, value)),
  Number(BigInt.asIntN(32, value >> 32n)),
];

export class MachineMemory {
  constructor(readonly memory: Memory) {}

  /** 1, 2, 4 or 8 bytes at an address. @throws Hazard where they have no known value */
  loadUnsigned(address: bigint, size: 1 | 2 | 4 | 8): bigint {
    const { memory } = this;
    memory.watched(...halvesOf(address), size, false);
    memory.load(...halvesOf(address), size, false, 0);
    const [l, h, unknown] = memory.result as unknown as [number, number, number];
    if (unknown) memory.unknownUsed(unknown, `what is at 0x${address.toString(16)}`);
    return BigInt.asUintN(size * 8, addressOf(l, h));
  }

  /** @throws Hazard where nothing may be written */
  storeValue(address: bigint, size: 1 | 2 | 4 | 8, value: bigint): void {
    const [lo, hi] = halvesOf(address);
    const [l, h] = halvesOf(value);
    this.memory.watched(lo, hi, size, true);
    this.memory.store(lo, hi, size, l, h, 0, 0);
  }

  loadBits(address: bigint, bit: number, width: number, signed: boolean): bigint {
    const { memory } = this;
    memory.loadBits(...halvesOf(address), 0, bit, width, signed);
    const [l, h, unknown] = memory.result as unknown as [number, number, number];
    if (unknown) memory.unknownUsed(unknown, `what is at 0x${address.toString(16)}`);
    return signed ? BigInt.asIntN(64, addressOf(l, h)) : addressOf(l, h);
  }

  storeBits(address: bigint, bit: number, width: number, value: bigint): void {
    const [lo, hi] = halvesOf(address);
    const [l, h] = halvesOf(value);
    this.memory.storeBits(lo, hi, 0, bit, width, l, h, 0);
  }

  /** Sets bytes. @throws Hazard where no object is */
  fill(address: bigint, byte: number, size: number): void {
    this.memory.fill(...halvesOf(address), byte, size);
  }

  /** A heap object of zeroes; `origin` tells in messages where it comes from. @throws Hazard out-of-memory */
  allocateZeroed(size: number, align: number, origin: string): bigint {
    const address = this.memory.allocate(size, align, origin);
    this.fill(address, 0, size);
    return address;
  }

  /** The C string at an address. @throws Hazard */
  textAt(address: bigint): string {
    const bytes: number[] = [];
    const [lo, hi] = halvesOf(address);
    for (let i = 0; ; i++) {
      const byte = this.memory.load(lo + i, hi, 1, false, 0);
      if (byte === 0) return new TextDecoder().decode(Uint8Array.from(bytes));
      bytes.push(byte);
    }
  }

  /** One of the bit-counting builtins. */
  bits(name: string, l: number, h: number): number {
    const { operand, compute } = BIT_BUILTINS[name]!;
    const bits = operand.size * 8;
    const result = compute(BigInt.asUintN(bits, addressOf(l, h)), bits);
    high[0] = Number(BigInt.asIntN(32, result >> 32n));
    return Number(BigInt.asIntN(32, result));
  }

  /** 1 if the result doesn't fit; it is left in the memory's `result`. */
  overflow(
    name: string,
    al: number,
    ah: number,
    aSigned: boolean,
    bl: number,
    bh: number,
    bSigned: boolean,
    size: number,
    signed: boolean,
  ): number {
    const a = aSigned ? BigInt.asIntN(64, addressOf(al, ah)) : addressOf(al, ah);
    const b = bSigned ? BigInt.asIntN(64, addressOf(bl, bh)) : addressOf(bl, bh);
    const exact = overflowResult(name, a, b);
    const wrapped = signed ? BigInt.asIntN(size * 8, exact) : BigInt.asUintN(size * 8, exact);
    this.memory.result[0] = Number(BigInt.asIntN(32, wrapped));
    this.memory.result[1] = Number(BigInt.asIntN(32, wrapped >> 32n));
    return wrapped === exact ? 0 : 1;
  }
}
