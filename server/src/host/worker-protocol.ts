/** What the threads that read files say to each other. */
import type { GrammarFiles } from '../kernel-c/parser.js';
import type { ConfigurationData } from './configuration.js';

/**
 * Shared 32-bit numbers. Workers take their next file by counting up, so nobody has to hand files out; and what each
 * one is at stays readable when it is gone.
 */
export enum Shared {
  /** Index of the next file that nobody has taken. */
  Next = 0,
  /** Not 0: stop. */
  Cancelled = 1,
  /** From here on, for each worker: 1 + the index of the file it reads, or 0. */
  Current = 2,
}

/** Given to a worker when it starts. */
export interface WorkerTask {
  tree: string;
  configuration: ConfigurationData;
  grammarFiles: GrammarFiles;
  /** Paths relative to the tree. */
  paths: string[];
  /** Files to read before taking others: those that a worker before this one took along when it died. */
  first: number[];
  shared: Int32Array;
  /** For each path: 1 + the slot of the worker that took it, or 0. */
  owners: Int32Array;
  /** Which of the `Shared.Current` numbers is this worker's. */
  slot: number;
}

/** What became of one file. */
export interface FileResult {
  /** Index into the task's paths. */
  index: number;
  /** `FileFacts` as `encodeFacts` writes them; without it the file could not be read. */
  facts?: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the file's bytes, in hex; empty without facts. */
  hash: string;
  /** Bytes. */
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  /** Milliseconds since 1970, taken before the file was read. */
  readAt: number;
  /** Why there are no facts. */
  problem?: string;
}

export interface WorkerMessage {
  results: FileResult[];
}

/** What is said of a file that has no facts. */
export function failedResult(index: number, problem: string): FileResult {
  return { index, hash: '', size: 0, mtimeMs: 0, ctimeMs: 0, readAt: 0, problem };
}
