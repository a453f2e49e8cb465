/** Threads and their frames: plain data beside the compiled code they point to. */
import type { CompiledFunction } from './compile-function.js';
import type { Hazard } from './hazard.js';
import type { ModelledFrame, Plain } from './modelled.js';

/** A function of the C program with the code made of it. */
export interface Code {
  readonly compiled: CompiledFunction;
  readonly run: (thread: Thread, frame: Frame) => number;
  /** 1 for each case whose step has begun once. */
  readonly executed: Uint8Array;
}

export interface Frame {
  k: 'c';
  code: Code;
  /** Offset of the frame in memory. */
  fp: number;
  /** The case at which it goes on. */
  pc: number;
  /** Where a struct that it returns goes. */
  into: number;
  /** Offset of the first variadic argument. */
  variadic: number;
  /** Bytes with the variadic arguments. */
  size: number;
}

export type ThreadState = 'ready' | 'blocked' | 'ended' | 'failed';

export interface Thread {
  readonly id: number;
  readonly name: string;
  state: ThreadState;
  /** Outermost first. */
  frames: (Frame | ModelledFrame)[];
  /** Why it is blocked. */
  why: string;
  hazard?: Hazard;
  /** What its function returned, when it has ended; upper and lower half, origin of an unknown value. */
  returned?: { l: number; h: number; p: number };
  /** Offset of its stack, and of the first free byte on it. */
  readonly stack: number;
  top: number;
}

/** A thread at one time. */
export interface SavedThread {
  thread: Thread;
  state: ThreadState;
  frames: readonly (Frame | ModelledFrame)[];
  why: string;
  hazard: Hazard | undefined;
  returned: { l: number; h: number; p: number } | undefined;
  top: number;
}

const copyOf = (frame: Frame | ModelledFrame): Frame | ModelledFrame =>
  frame.k === 'c' ? { ...frame } : { ...frame, state: copyOfPlain(frame.state) };

/** As structuredClone does it, which is slow for the few values that models keep. */
function copyOfPlain(value: Plain): Plain {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOfPlain);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOfPlain(one)]));
}

export function saveThread(thread: Thread): SavedThread {
  const { state, why, hazard, returned, top } = thread;
  return { thread, state, frames: thread.frames.map(copyOf), why, hazard, returned, top };
}

export function restoreThread(saved: SavedThread): Thread {
  const { thread, state, why, hazard, returned, top } = saved;
  thread.state = state;
  thread.frames = saved.frames.map(copyOf);
  thread.why = why;
  thread.top = top;
  if (hazard) thread.hazard = hazard;
  else delete thread.hazard;
  if (returned) thread.returned = returned;
  else delete thread.returned;
  return thread;
}
