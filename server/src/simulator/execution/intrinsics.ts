/** Library functions that gcc knows by itself, done at once: no step, no frame. */
import { Hazard } from './hazard.js';
import type { Memory } from './memory.js';

/** Arguments as triples: lower half, upper half, origin of an unknown value. The result goes to `memory.result`. */
export type Intrinsic = (memory: Memory, args: readonly number[]) => void;

function known(memory: Memory, args: readonly number[]): void {
  for (let i = 2; i < args.length; i += 3)
    if (args[i]) memory.unknownUsed(args[i]!, 'an argument of a memory function');
}

function sizeFrom(args: readonly number[], index: number): number {
  const size = args[index * 3]! >>> 0;
  if (args[index * 3 + 1] !== 0 || size > 1 << 26)
    throw new Hazard(
      'out-of-bounds',
      `a memory function over ${args[index * 3 + 1]! >>> 0} * 2^32 + ${size} bytes`,
    );
  return size;
}

function give(memory: Memory, l: number, h: number): void {
  memory.result[0] = l;
  memory.result[1] = h;
  memory.result[2] = 0;
}

const byteAt = (memory: Memory, args: readonly number[], pointer: number, i: number): number => {
  const byte = memory.load((args[pointer * 3]! + i) | 0, args[pointer * 3 + 1]!, 1, false, 0);
  if (memory.result[2]) memory.unknownUsed(memory.result[2]!, 'a comparison of memory');
  return byte;
};

function copy(memory: Memory, args: readonly number[]): void {
  known(memory, args);
  memory.copy(args[0]!, args[1]!, args[3]!, args[4]!, sizeFrom(args, 2));
  give(memory, args[0]!, args[1]!);
}

function compare(memory: Memory, args: readonly number[], size: number, stopAtNul: boolean): void {
  known(memory, args);
  let difference = 0;
  for (let i = 0; i < size; i++) {
    const a = byteAt(memory, args, 0, i);
    const b = byteAt(memory, args, 1, i);
    difference = a - b;
    if (difference !== 0 || (stopAtNul && a === 0)) break;
  }
  give(memory, Math.sign(difference), difference < 0 ? -1 : 0);
}

function length(memory: Memory, args: readonly number[], pointer: number): number {
  for (let i = 0; ; i++) if (byteAt(memory, args, pointer, i) === 0) return i;
}

function find(memory: Memory, args: readonly number[], size: number, stopAtNul: boolean): void {
  known(memory, args);
  for (let i = 0; i < size; i++) {
    const byte = byteAt(memory, args, 0, i);
    if (byte === (args[3]! & 255)) {
      give(memory, (args[0]! + i) | 0, args[1]!);
      return;
    }
    if (stopAtNul && byte === 0) break;
  }
  give(memory, 0, 0);
}

const NO_END = 1 << 26;

export const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  memcpy: copy,
  memmove: copy,
  memset(memory, args) {
    known(memory, args);
    memory.fill(args[0]!, args[1]!, args[3]! & 255, sizeFrom(args, 2));
    give(memory, args[0]!, args[1]!);
  },
  memcmp: (memory, args) => compare(memory, args, sizeFrom(args, 2), false),
  strcmp: (memory, args) => compare(memory, args, NO_END, true),
  strncmp: (memory, args) => compare(memory, args, sizeFrom(args, 2), true),
  strlen(memory, args) {
    known(memory, args);
    give(memory, length(memory, args, 0), 0);
  },
  strcpy(memory, args) {
    known(memory, args);
    memory.copy(args[0]!, args[1]!, args[3]!, args[4]!, length(memory, args, 1) + 1);
    give(memory, args[0]!, args[1]!);
  },
  strncpy(memory, args) {
    known(memory, args);
    const size = sizeFrom(args, 2);
    const used = Math.min(size, length(memory, args, 1) + 1);
    memory.copy(args[0]!, args[1]!, args[3]!, args[4]!, used);
    if (size > used) memory.fill((args[0]! + used) | 0, args[1]!, 0, size - used);
    give(memory, args[0]!, args[1]!);
  },
  strchr: (memory, args) => find(memory, args, NO_END, true),
  memchr: (memory, args) => find(memory, args, sizeFrom(args, 2), false),
};
