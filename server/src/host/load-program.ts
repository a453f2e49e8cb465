/** From a folder on the disk to a `Program`: what is read, by whom, and what could not be. */

import type { FileFacts } from '../kernel-c/facts.js';
import { Program } from '../program/program.js';
import { type BundleFiles, bundleFiles } from './bundle-files.js';
import { type LoadedConfiguration, loadConfiguration } from './configuration.js';
import { readFactsJson } from './facts-json.js';
import { isGlobScope, listScope, type ScopeFile } from './scope.js';
import { type HostNote, openTree } from './tree.js';
import { readFiles } from './worker-pool.js';

export interface LoadOptions {
  /** Path of the kernel tree. */
  tree: string;
  /** `kvm`, `all` or globs relative to the tree. */
  scope?: string;
  architecture?: string;
  /** A `.config`; without it TREE/.config, else the defaults. */
  config?: string;
  /** Names whose use the program notes in its units. */
  watched?: ReadonlySet<string>;
  /** Threads; 0 or nothing: chosen by the machine. */
  workers?: number;
  /** Called with the files done so far; not for every single one. */
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
  bundle?: BundleFiles;
}

export interface LoadStatistics {
  /** Files whose facts came from the cache. */
  cached: number;
  /** Files that were parsed. */
  parsed: number;
  /** Bytes of C in the scope. */
  bytes: number;
  /** Milliseconds. */
  listMs: number;
  readMs: number;
  totalMs: number;
}

export interface LoadedProgram {
  /** Absolute path, links resolved. */
  tree: string;
  program: Program;
  configuration: LoadedConfiguration;
  notes: HostNote[];
  files: ScopeFile[];
  statistics: LoadStatistics;
}

/**
 * Reads a scope of a kernel tree. One broken file costs only itself: it becomes a note.
 * @throws TreeError when the tree or the configuration can't be used; the signal's reason when it is aborted
 */
export async function loadProgram(options: LoadOptions): Promise<LoadedProgram> {
  const started = performance.now();
  const { scope = 'kvm', architecture = 'x86' } = options;
  const tree = openTree(options.tree, { anyFolder: isGlobScope(scope) });
  const configuration = loadConfiguration(tree, architecture, options.config);
  const { files, notes } = listScope(tree, scope, architecture);
  const listed = performance.now();

  const facts = new Map<string, FileFacts>();
  let done = 0;
  await readFiles(files, {
    tree,
    configuration: configuration.data,
    bundle: options.bundle ?? bundleFiles(),
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.signal && { signal: options.signal }),
    onResult(file, result) {
      done++;
      if (result.facts) facts.set(file.path, readFactsJson(result.facts));
      else notes.push({ file: file.path, line: 1, message: result.problem ?? 'not read' });
      options.onProgress?.(done, files.length);
    },
  });
  const read = performance.now();

  const program = new Program(configuration.configuration, architecture, options.watched);
  // In the order of the paths: results must not depend on which thread was quicker.
  for (const { path } of files) {
    const own = facts.get(path);
    if (!own) continue;
    program.setFile(path, own);
    for (const { line, message } of own.notes) notes.push({ file: path, line, message });
  }
  notes.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
  return {
    tree,
    program,
    configuration,
    notes,
    files,
    statistics: {
      cached: 0,
      parsed: files.length,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
      listMs: listed - started,
      readMs: read - listed,
      totalMs: performance.now() - started,
    },
  };
}
