/** A thread that reads files: bytes in, facts as JSON out. Bundled by itself, as dist/worker.js. */
import { parentPort, workerData } from 'node:worker_threads';
import { configurationOf } from '../kernel-c/conditions.js';
import { loadParser } from '../kernel-c/parser.js';
import { FileReader } from './file-reader.js';
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

const reader = new FileReader(parser, task.tree, task.paths, configuration);

for (const index of indices()) {
  if (Atomics.load(shared, Shared.Cancelled) !== 0) break;
  Atomics.store(shared, Shared.Current + slot, index + 1);
  try {
    const result = reader.read(index);
    add(result);
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
