/**
 * Reads many files on several threads. The threads live as long as one call, so that their memory goes back; one that
 * dies costs the file it was at, and another one takes its place.
 */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { configurationOf } from '../kernel-c/conditions.js';
import { loadParser } from '../kernel-c/parser.js';
import type { BundleFiles } from './bundle-files.js';
import type { ConfigurationData } from './configuration.js';
import { FileReader } from './file-reader.js';
import type { ScopeFile } from './scope.js';
import { errorCode } from './tree.js';
import {
  type FileResult,
  failedResult,
  Shared,
  type WorkerMessage,
  type WorkerTask,
} from './worker-protocol.js';

/** More threads than this compete for memory bandwidth and hold 60 MB each. */
const MOST_WORKERS = 4;

/** Below this many bytes of C a further thread costs more to start than it saves. */
const BYTES_WORTH_A_WORKER = 256 * 1024;

/**
 * Processors from which on threads are quicker. Each compiles the reader's code for itself, which takes as long as
 * reading a scope does, and two processors are most often two halves of one.
 */
const WORTH_THREADS = 4;

/** For one thread; the largest file that is read takes a quarter of it. */
const HEAP_MEGABYTES = 512;

export interface ReadOptions {
  tree: string;
  configuration: ConfigurationData;
  bundle: BundleFiles;
  /** Threads; 0 or nothing: as many as the machine has processors, at most 4. */
  workers?: number;
  /** May this thread read, where threads gain nothing? Only for those who have nothing else to do, such as a command. */
  readHere?: boolean;
  /** Called once for every file, in no particular order. */
  onResult(file: ScopeFile, result: FileResult): void;
  signal?: AbortSignal;
  /** A thread that is at one file for longer is ended. Milliseconds. */
  fileTimeoutMs?: number;
}

/** How long this thread reads before it looks at timers and signals. Milliseconds. */
const BREATH_MS = 30;

const DEFAULT_TIMEOUT_MS = 60_000;

export function workerCount(wanted: number | undefined, bytes: number): number {
  if (wanted) return Math.max(1, Math.floor(wanted));
  const worthwhile = Math.ceil(bytes / BYTES_WORTH_A_WORKER);
  return Math.max(1, Math.min(availableParallelism(), MOST_WORKERS, worthwhile));
}

/**
 * Reads every file of the list; `onResult` has been called for each when the promise resolves.
 * Rejects with the signal's reason when it is aborted, and when no thread can be started at all.
 */
export async function readFiles(files: readonly ScopeFile[], options: ReadOptions): Promise<void> {
  options.signal?.throwIfAborted();
  if (files.length === 0) return;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  // Big ones first: nobody is left with one when the others are done.
  const queue = [...files].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
  const readHere = options.readHere === true && !options.workers && availableParallelism() < WORTH_THREADS;
  await new Pool(queue, options, readHere ? 1 : workerCount(options.workers, bytes)).run(readHere);
}

class Pool {
  private readonly shared: Int32Array;
  /** For each file: 1 + the slot of the worker that took it, or 0. */
  private readonly owners: Int32Array;
  private readonly paths: string[];
  private readonly pending: Set<number>;
  private readonly workers: (Worker | undefined)[];
  /** For each worker: the file it was at when the watchdog came by, and since when. */
  private readonly seen: { current: number; since: number }[];
  /** What to say of files whose worker was ended on purpose. */
  private readonly problems = new Map<number, string>();
  private resolve!: () => void;
  private reject!: (reason: unknown) => void;
  private finished = false;

  constructor(
    private readonly files: readonly ScopeFile[],
    private readonly options: ReadOptions,
    count: number,
  ) {
    this.shared = new Int32Array(new SharedArrayBuffer(4 * (Shared.Current + count)));
    this.owners = new Int32Array(new SharedArrayBuffer(4 * files.length));
    this.paths = files.map((file) => file.path);
    this.pending = new Set(files.keys());
    this.workers = new Array<Worker | undefined>(count).fill(undefined);
    this.seen = this.workers.map(() => ({ current: 0, since: 0 }));
  }

  async run(readHere: boolean): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const { signal } = this.options;
    const abort = () => this.finish(() => this.reject(signal?.reason));
    signal?.addEventListener('abort', abort, { once: true });
    const timeout = this.options.fileTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    const watchdog = setInterval(() => this.watch(timeout), Math.min(1000, timeout));
    try {
      if (readHere) {
        const broken = await this.readHere();
        Atomics.store(this.shared, Shared.Next, this.files.length);
        if (broken.length > 0 && !this.finished) this.start(0, broken);
      } else for (let slot = 0; slot < this.workers.length; slot++) this.start(slot, []);
      await done;
    } finally {
      clearInterval(watchdog);
      signal?.removeEventListener('abort', abort);
      // Nobody needs to wait for their memory to be freed.
      for (const worker of this.workers) void worker?.terminate();
    }
  }

  /**
   * Reads the files on this thread.
   * @returns indices of the files that broke the reader: a worker shall try them, which may break in its turn
   */
  private async readHere(): Promise<number[]> {
    const { tree, configuration, bundle } = this.options;
    const { symbols, closed, key } = configuration;
    const parser = await loadParser(bundle);
    const reader = new FileReader(parser, tree, this.paths, configurationOf(symbols, closed, key));
    const broken: number[] = [];
    let lastBreath = performance.now();
    for (let index = 0; index < this.paths.length && !this.finished; index++) {
      try {
        this.take(reader.read(index));
      } catch {
        broken.push(index);
      }
      if (performance.now() - lastBreath > BREATH_MS) {
        await nextTurn();
        lastBreath = performance.now();
      }
    }
    return broken;
  }

  private finish(settle: () => void): void {
    if (this.finished) return;
    this.finished = true;
    Atomics.store(this.shared, Shared.Cancelled, 1);
    settle();
  }

  private start(slot: number, first: number[]): void {
    const task: WorkerTask = {
      tree: this.options.tree,
      configuration: this.options.configuration,
      grammarFiles: { runtime: this.options.bundle.runtime, grammar: this.options.bundle.grammar },
      paths: this.paths,
      first,
      shared: this.shared,
      owners: this.owners,
      slot,
    };
    Atomics.store(this.shared, Shared.Current + slot, 0);
    this.seen[slot] = { current: 0, since: performance.now() };
    const worker = new Worker(this.options.bundle.worker, {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    });
    this.workers[slot] = worker;
    let failure: unknown;
    worker.on('message', (message: WorkerMessage) => {
      for (const result of message.results) this.take(result);
    });
    worker.on('error', (error) => {
      failure = error;
    });
    // Node delivers what was posted before this event.
    worker.on('exit', () => this.ended(slot, failure));
  }

  private take(result: FileResult): void {
    if (this.finished || !this.pending.delete(result.index)) return;
    try {
      this.options.onResult(this.files[result.index]!, result);
    } catch (error) {
      this.finish(() => this.reject(error));
    }
    if (this.pending.size === 0) this.finish(this.resolve);
  }

  /** A worker is gone: its file is noted, and what it had taken along goes to its successor. */
  private ended(slot: number, failure: unknown): void {
    this.workers[slot] = undefined;
    if (this.finished) return;
    const current = Atomics.exchange(this.shared, Shared.Current + slot, 0) - 1;
    const lost = [...this.pending].filter((index) => this.owners[index] === slot + 1);
    if (current >= 0) {
      const problem = this.problems.get(current) ?? problemOf(failure);
      this.take(failedResult(current, problem));
      if (!this.finished)
        this.start(
          slot,
          lost.filter((index) => index !== current),
        );
    } else if (this.workers.every((worker) => worker === undefined)) {
      // It could not even begin, or files were left that nobody owns.
      this.finish(() => this.reject(failure ?? new Error('the threads that read files ended too early')));
    }
  }

  /** Ends workers that don't get on. */
  private watch(timeoutMs: number): void {
    const now = performance.now();
    for (const [slot, worker] of this.workers.entries()) {
      const current = Atomics.load(this.shared, Shared.Current + slot);
      const seen = this.seen[slot]!;
      if (current !== seen.current) this.seen[slot] = { current, since: now };
      else if (worker && current > 0 && now - seen.since > timeoutMs) {
        this.problems.set(current - 1, `not read: it took longer than ${timeoutMs / 1000} s`);
        void worker.terminate();
      }
    }
  }
}

function problemOf(failure: unknown): string {
  if (errorCode(failure) === 'ERR_WORKER_OUT_OF_MEMORY') return 'not read: reading it took too much memory';
  const reason = failure instanceof Error ? failure.message.split('\n')[0] : 'the thread that read it ended';
  return `not read: ${reason}`;
}
