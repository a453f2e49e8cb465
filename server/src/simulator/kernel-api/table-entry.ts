/** A row of the table of modelled functions. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from './kernel.js';

export interface ModelEntry {
  /** Where the function's contract is said: a kernel-doc, a file of the kernel, a manual. */
  source: string;
  /** Others may go first here. */
  preemption?: boolean;
  run: (kernel: Kernel, call: ModelledCall) => Outcome;
}

export type ModelTable = Readonly<Record<string, ModelEntry>>;

/** A row of a table. @throws Error where it has none of that name */
export function entryOf(table: ModelTable, name: string): ModelEntry {
  const entry = table[name];
  if (!entry) throw new Error(`nothing models ${name}`);
  return entry;
}

/** Some rows of a table. */
export const entriesOf = (table: ModelTable, ...names: string[]): ModelTable =>
  Object.fromEntries(names.map((name) => [name, entryOf(table, name)]));

const EINVAL = 22;
export const ENOMEM = 12n;
export const EFAULT = 14n;
export const EBADF = 9n;

/** Numbers of include/uapi/asm-generic/errno-base.h and errno.h, as scenarios name them. */
export const ERRNO: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL,
  ENOTTY: 25,
  ENOSPC: 28,
  ESPIPE: 29,
  EOPNOTSUPP: 95,
};

/** `EINVAL` for -22; `undefined` for what is no errno. */
export function errnoName(result: bigint): string | undefined {
  if (result >= 0n || result < -4095n) return undefined;
  const number = Number(-result);
  return Object.entries(ERRNO).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
