/** What the compiler asks of the machine that the code is for: addresses and numbers. */
import type { FunctionSymbol, GlobalVariable } from './symbols.js';

export interface CompileHost {
  /** Offset of a global variable in the program's memory; it gets memory and its first value if it has none. */
  placeOf(global: GlobalVariable): number;
  /** Offset of a string literal. */
  placeOfString(bytes: Uint8Array): number;
  /** Number of a function in the machine's table. */
  indexOf(fn: FunctionSymbol): number;
  /** Is it done by the machine at once, without a call: `memcpy`? */
  isIntrinsic(fn: FunctionSymbol): boolean;
  /** Is every access outside of frames to be told to the memory's `watch`? */
  readonly watched: boolean;
  isModelled(name: string): boolean;
}

/** Upper half of functions' addresses, as int32, and the lower half of the first one's. */
export const CODE_SPACE = 0xffffffff | 0;
export const CODE_START = 0x81000000 | 0;
/** Bytes between two functions. */
export const CODE_STEP = 16;
