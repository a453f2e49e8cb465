/** What the modelled part of the kernel remembers outside of C memory: plain data, so that it can be saved with a run. */
import type { Loc } from '../execution/tokens.js';

export type LockKind = 'mutex' | 'spin' | 'rwlock' | 'rwsem' | 'folio';
export type LockMode = 'write' | 'read' | 'spin' | 'mutex';

/** One hold of a lock. */
export interface Hold {
  lock: bigint;
  name: string;
  kind: LockKind;
  mode: LockMode;
  thread: number;
  actor: string;
  /** Where it was taken, in the C. */
  at: { function: string; file: string; line: number };
  /** Steps made when it was taken. */
  step: number;
}

/** Entry of an xarray: one value for a range of indices, both included. */
export interface XaEntry {
  first: bigint;
  last: bigint;
  value: bigint;
}

export interface KernelCounters {
  /** Times that a guest fault had to be repeated. */
  faultRetries: number;
  invalidations: number;
  invalidatedPages: number;
  /** Most steps that one spinning lock was held. */
  longestLockHold: number;
}

/** Something of the modelled kernel that went wrong without ending the run. */
export interface KernelHazard {
  kind: string;
  message: string;
  row?: string;
  pfn?: number;
  gfn?: number;
  actor: string;
  at: Loc | undefined;
  function: string | undefined;
  stack: { function: string; file: string; line: number }[];
  lock?: { name: string; mode: string; acquiredAt: { file: string; line: number; function: string } };
}

/** A nested page table page: which part of the guest it translates. */
export interface TablePage {
  level: number;
  /** First gfn. */
  base: number;
}

/** The values in its maps and lists are replaced, never changed in place: saving copies the containers alone. */
export interface KernelState {
  holds: Hold[];
  /** Readers of an srcu_struct. */
  srcuReaders: Map<bigint, number>;
  arrays: Map<bigint, XaEntry[]>;
  /** struct file by descriptor; 0 where one is reserved. */
  files: Map<number, bigint>;
  /** Works that a thread runs on its way back to user mode. */
  taskWork: Map<number, bigint[]>;
  /** struct page by pfn, and back. */
  pageOfPfn: Map<number, bigint>;
  pfnOfPage: Map<bigint, number>;
  /** Objects that there is one of, by what they are. */
  singletons: Map<string, bigint>;
  /** Objects whose locks have names: address and type. */
  named: { address: bigint; type: string }[];
  /** Name of the scenario's file by its struct inode. */
  fileNames: Map<bigint, string>;
  /** pfn of the VMM's own pages by page number of their address. */
  userPages: Map<bigint, number>;
  notifiers: bigint[];
  /** Actors that a signal waits for. */
  signals: Set<string>;
  /** gfn of the last fault that a thread brought from its guest. */
  faultOf: Map<number, number>;
  tables: Map<number, TablePage>;
  counters: KernelCounters;
  hazards: KernelHazard[];
  log: string[];
  /** What lookup_address points to: nobody reads it. */
  pte: bigint;
}

export const newKernelState = (): KernelState => ({
  holds: [],
  srcuReaders: new Map(),
  arrays: new Map(),
  files: new Map(),
  taskWork: new Map(),
  pageOfPfn: new Map(),
  pfnOfPage: new Map(),
  singletons: new Map(),
  named: [],
  fileNames: new Map(),
  userPages: new Map(),
  notifiers: [],
  signals: new Set(),
  faultOf: new Map(),
  tables: new Map(),
  counters: { faultRetries: 0, invalidations: 0, invalidatedPages: 0, longestLockHold: 0 },
  hazards: [],
  log: [],
  pte: 0n,
});
