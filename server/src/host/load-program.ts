/** From a folder on the disk to a `Program`: what is read, by whom, and what could not be. */
import type { FileFacts } from '../kernel-c/facts.js';
import { loadParser } from '../kernel-c/parser.js';
import { readTemplate } from '../kernel-c/templates.js';
import { Program } from '../program/program.js';
import { templatesOf } from '../program/templates.js';
import type { LoadedConfiguration } from './configuration.js';
import { type PackRecord, readPack, writePack } from './fact-pack.js';
import { decodeFacts, encodeFacts } from './facts-codec.js';
import type { ScopeFile } from './scope.js';
import { isUnchanged, type Snapshot, type SnapshotOptions, takeSnapshot } from './snapshot.js';
import { hashOf, readSource } from './source-file.js';
import { type HostNote, reasonOf } from './tree.js';
import { readFiles } from './worker-pool.js';
import type { FileResult } from './worker-protocol.js';

export interface LoadOptions extends SnapshotOptions {
  /** A snapshot that was taken already; the options it is made of are then not looked at. */
  snapshot?: Snapshot;
  /** Names whose use the program notes in its units. */
  watched?: ReadonlySet<string>;
  /** Threads; 0 or nothing: chosen by the machine. */
  workers?: number;
  /** May the calling thread read the files? See `ReadOptions`. */
  readHere?: boolean;
  /** Called with the files done so far; not for every single one. */
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
  /** A thread that is at one file for longer is ended, and the file noted. Milliseconds. */
  fileTimeoutMs?: number;
}

export interface LoadStatistics {
  /** Files whose facts came from the cache. */
  cached: number;
  /** Files that were parsed. */
  parsed: number;
  /** Bytes of C in the scope. */
  bytes: number;
  /** Milliseconds, one after the other: listing the scope; the cache; reading and parsing. */
  listMs: number;
  cacheMs: number;
  readMs: number;
  totalMs: number;
}

export interface LoadedProgram {
  /** Absolute path, links resolved. */
  tree: string;
  program: Program;
  configuration: LoadedConfiguration;
  snapshot: Snapshot;
  /** What could not be read in the tree. */
  notes: HostNote[];
  files: ScopeFile[];
  statistics: LoadStatistics;
  /** Resolves when the facts are in the cache, or can't be. */
  saved: Promise<unknown>;
}

/**
 * Reads a scope of a kernel tree. One broken file costs only itself: it becomes a note.
 * What went wrong with the cache is in `snapshot.cache.warnings`.
 * @throws TreeError when the tree or the configuration can't be used; the signal's reason when it is aborted
 */
export async function loadProgram(options: LoadOptions): Promise<LoadedProgram> {
  const started = performance.now();
  options.signal?.throwIfAborted();
  const snapshot = options.snapshot ?? takeSnapshot(options);
  const { tree, files, configuration } = snapshot;
  const listed = performance.now();

  const loading = new Loading(snapshot);
  const missing = loading.takeCached();
  const cached = performance.now();
  let done = files.length - missing.length;
  await readFiles(missing, {
    tree,
    configuration: configuration.data,
    bundle: snapshot.bundle,
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.readHere !== undefined && { readHere: options.readHere }),
    ...(options.signal && { signal: options.signal }),
    ...(options.fileTimeoutMs !== undefined && { fileTimeoutMs: options.fileTimeoutMs }),
    onResult(file, result) {
      loading.takeRead(file, result);
      options.onProgress?.(++done, files.length);
    },
  });
  await loading.readTemplates();
  const read = performance.now();

  const parser = await loadParser(snapshot.bundle);
  const program = new Program(parser, configuration.configuration, snapshot.architecture, options.watched);
  const notes = [...snapshot.notes, ...loading.notes];
  // In the order of the paths: results must not depend on which thread was quicker.
  for (const { path } of files) {
    const facts = loading.facts.get(path);
    if (!facts) continue;
    program.setFile(path, facts);
    for (const { line, message } of facts.notes) notes.push({ file: path, line, message });
  }
  notes.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
  return {
    tree,
    program,
    configuration,
    snapshot,
    notes,
    files,
    saved: loading.save(),
    statistics: {
      cached: files.length - missing.length,
      parsed: missing.length,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
      listMs: listed - started,
      cacheMs: cached - listed,
      readMs: read - cached,
      totalMs: performance.now() - started,
    },
  };
}

/** Facts of a snapshot's files as they come in, and what of them goes to the cache. */
class Loading {
  readonly facts = new Map<string, FileFacts>();
  readonly notes: HostNote[] = [];
  private readonly records = new Map<string, PackRecord>();
  private changed = false;

  constructor(private readonly snapshot: Snapshot) {}

  /** Takes what the cache has; returns the files that it hasn't. */
  takeCached(): ScopeFile[] {
    const { files, cache, pack } = this.snapshot;
    const known = readPack(cache, pack);
    const missing = files.filter((file) => {
      const record = known.get(file.path);
      const current = record && this.currentRecord(file, record);
      return !(current && this.take(file.path, current));
    });
    if (known.size !== files.length) this.changed = true;
    if (known.size > 0 && !this.changed) void cache.used('facts', pack);
    return missing;
  }

  /** The record, if it is of the file's present content. */
  private currentRecord(file: ScopeFile, record: PackRecord): PackRecord | undefined {
    if (isUnchanged(file, record.entry)) return record;
    this.changed = true;
    try {
      const readAt = Date.now();
      const { hash, size, mtimeMs, ctimeMs } = readSource(`${this.snapshot.tree}/${file.path}`);
      if (hash !== record.entry.hash) return undefined;
      return { facts: record.facts, entry: { ...record.entry, size, mtimeMs, ctimeMs, readAt } };
    } catch {
      return undefined;
    }
  }

  private take(path: string, record: PackRecord): boolean {
    try {
      // Facts just made would do, but for their names: those are slices that keep the whole text of their file.
      this.facts.set(path, decodeFacts(record.facts));
      this.records.set(path, record);
      return true;
    } catch {
      this.snapshot.cache.corrupt('facts', this.snapshot.pack, 'of another version');
      this.changed = true;
      return false;
    }
  }

  takeRead(file: ScopeFile, result: FileResult): void {
    const { facts, hash, size, mtimeMs, ctimeMs, readAt, problem } = result;
    this.changed = true;
    if (!facts) {
      this.notes.push({ file: file.path, line: 1, message: problem ?? 'not read' });
      return;
    }
    const { path } = file;
    const entry = { path, size, mtimeMs, ctimeMs, readAt, hash, check: hashOf(facts), length: facts.length };
    this.take(path, { entry, facts });
  }

  /** Reads the files again that others include several times: their facts depend on those others. */
  async readTemplates(): Promise<void> {
    const { tree, configuration } = this.snapshot;
    for (const [path, list] of templatesOf(this.facts)) {
      const instances = JSON.stringify(list);
      const record = this.records.get(path);
      if (!record || record.entry.instances === instances) continue;
      const parser = await loadParser(this.snapshot.bundle);
      try {
        const { text, hash } = readSource(`${tree}/${path}`);
        if (hash !== record.entry.hash) continue;
        const facts = encodeFacts(readTemplate(parser, text, configuration.configuration, list));
        const entry = { ...record.entry, instances, check: hashOf(facts), length: facts.length };
        this.changed = true;
        this.take(path, { entry, facts });
      } catch (error) {
        this.notes.push({ file: path, line: 1, message: `not read as a template: ${reasonOf(error)}` });
      }
    }
  }

  async save(): Promise<void> {
    if (!this.changed || this.records.size === 0) return;
    const { files, cache, pack } = this.snapshot;
    const records = files.map(({ path }) => this.records.get(path)).filter((record) => record !== undefined);
    await writePack(cache, pack, records);
  }
}
