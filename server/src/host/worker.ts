/** A thread that reads files: bytes in, facts as JSON out. Bundled by itself, as dist/worker.js. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { configurationOf } from '../kernel-c/conditions.js';
import { readFacts } from '../kernel-c/file-facts.js';
import { loadParser } from '../kernel-c/parser.js';
import { encodeFacts } from './facts-codec.js';
import { readSource, UnreadableFile } from './source-file.js';
import { reasonOf } from './tree.js';
import {
  type FileResult,
  failedResult,
  Shared,
  type WorkerMessage,
  type WorkerTask,
} from './worker-protocol.js';

/** Results are sent in parcels, of so many bytes or so often: each message costs both threads time. */
const PARCEL_BYTES = 1 << 20;
const PARCEL_MS = 100;

const task = workerData as WorkerTask;
const { shared, owners, slot } = task;

let parcel: FileResult[] = [];
let parcelBytes = 0;
let lastSent = performance.now();

function send(): void {
  if (parcel.length === 0) return;
  const message: WorkerMessage = { results: parcel };
  parentPort?.postMessage(
    message,
    parcel.flatMap((result) => (result.facts ? [result.facts.buffer] : [])),
  );
  parcel = [];
  parcelBytes = 0;
  lastSent = performance.now();
}

function add(result: FileResult): void {
  parcel.push(result);
  parcelBytes += result.facts?.length ?? 0;
  if (parcelBytes >= PARCEL_BYTES || performance.now() - lastSent >= PARCEL_MS) send();
}

function* indices(): Iterable<number> {
  for (const index of task.first) yield index;
  for (;;) {
    const index = Atomics.add(shared, Shared.Next, 1);
    if (index >= task.paths.length) return;
    Atomics.store(owners, index, slot + 1);
    yield index;
  }
}

const parser = await loadParser(task.grammarFiles);
const { symbols, closed, key } = task.configuration;
const configuration = configurationOf(symbols, closed, key);

function read(index: number): FileResult {
  const readAt = Date.now();
  let source: ReturnType<typeof readSource>;
  try {
    source = readSource(join(task.tree, task.paths[index]!));
  } catch (error) {
    const reason = error instanceof UnreadableFile ? error.message : reasonOf(error);
    return failedResult(index, `not read: ${reason}`);
  }
  const { text, hash, size, mtimeMs, ctimeMs } = source;
  const facts = encodeFacts(readFacts(parser, text, configuration));
  return { index, facts, hash, size, mtimeMs, ctimeMs, readAt };
}

for (const index of indices()) {
  if (Atomics.load(shared, Shared.Cancelled) !== 0) break;
  Atomics.store(shared, Shared.Current + slot, index + 1);
  try {
    add(read(index));
  } catch (error) {
    // A slip of our own code costs its file. After anything else, such as an abort inside of WASM, the parser's memory
    // can't be trusted: another worker takes over.
    if (error instanceof TypeError) add(failedResult(index, `not read: ${error.message}`));
    else {
      send();
      throw error;
    }
  }
}
Atomics.store(shared, Shared.Current + slot, 0);
send();
