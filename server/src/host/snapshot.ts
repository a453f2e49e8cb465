/**
 * What a tree is at one moment: which files are in scope, how `#if`s are read, and what the cache knows of both.
 * Costs a look at each file's size and times; their bytes are only read where those have changed.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FACTS_VERSION } from '../kernel-c/facts.js';
import { type BundleFiles, bundleFiles } from './bundle-files.js';
import { CacheFolder, defaultCacheFolder } from './cache-folder.js';
import { type LoadedConfiguration, loadConfiguration } from './configuration.js';
import { type PackEntry, readPackIndex } from './fact-pack.js';
import { isGlobScope, listScope, type ScopeFile } from './scope.js';
import { hashOf, readSource } from './source-file.js';
import { type HostNote, openTree } from './tree.js';

export interface SnapshotOptions {
  /** Path of the kernel tree. */
  tree: string;
  /** `kvm`, `all` or globs relative to the tree. */
  scope?: string;
  architecture?: string;
  /** A `.config`; without it TREE/.config, else the defaults. */
  config?: string;
  /** Absolute path; `false`: no cache; without it the system's folder for caches, or GMEM_LENS_CACHE. */
  cacheFolder?: string | false;
  bundle?: BundleFiles;
}

export interface Snapshot {
  /** Absolute path, links resolved. */
  tree: string;
  scope: string;
  architecture: string;
  configuration: LoadedConfiguration;
  /** Sorted by path. */
  files: ScopeFile[];
  notes: HostNote[];
  cache: CacheFolder;
  /** File name of the cached facts. */
  pack: string;
  bundle: BundleFiles;
}

/** @throws TreeError when the tree, its scope or its configuration can't be used */
export function takeSnapshot(options: SnapshotOptions): Snapshot {
  const { scope = 'kvm', architecture = 'x86', bundle = bundleFiles() } = options;
  const tree = openTree(options.tree, { anyFolder: isGlobScope(scope) });
  const configuration = loadConfiguration(tree, architecture, options.config);
  const { files, notes } = listScope(tree, scope, architecture);
  const folder = options.cacheFolder === false ? undefined : (options.cacheFolder ?? defaultCacheFolder());
  const pack = hashOf(
    JSON.stringify([
      tree,
      scope,
      architecture,
      configuration.data.key,
      FACTS_VERSION,
      stampOf([bundle.worker]),
    ]),
  );
  return {
    tree,
    scope,
    architecture,
    configuration,
    files,
    notes,
    cache: CacheFolder.open(folder, tree),
    pack,
    bundle,
  };
}

/** Changes with the code: a hash over bundles. The names of the chunks that a bundle imports are hashes themselves. */
function stampOf(paths: readonly string[]): string {
  const parts = paths.map((path) => {
    try {
      return hashOf(readFileSync(path));
    } catch {
      return '';
    }
  });
  return parts.join();
}

/**
 * A change within so many milliseconds before a file was read may share its time stamp with one after it:
 * FAT counts in steps of two seconds.
 */
const SAME_TICK_MS = 2000;

/** Is a file still what it was when the cache read it, as far as the file system can tell? */
export function isUnchanged(file: ScopeFile, entry: PackEntry): boolean {
  const { size, mtimeMs, ctimeMs, readAt } = entry;
  if (file.size !== size || file.mtimeMs !== mtimeMs || file.ctimeMs !== ctimeMs) return false;
  return Math.max(mtimeMs, ctimeMs) < readAt - SAME_TICK_MS;
}

/**
 * Key for results of a command on this tree as it is: it changes with every file's content, with the tool, and with
 * the command. `undefined` where the cache doesn't know the tree yet, or a file can't be read.
 * @param command all that the result depends on besides the tree, as plain data
 */
export function resultKey(snapshot: Snapshot, command: unknown): string | undefined {
  const index = readPackIndex(snapshot.cache, snapshot.pack);
  if (index.size === 0) return undefined;
  const hashes: [string, string][] = [];
  for (const file of snapshot.files) {
    const entry = index.get(file.path);
    const hash = entry && isUnchanged(file, entry) ? entry.hash : hashOfFile(snapshot.tree, file.path);
    if (hash === undefined) return undefined;
    hashes.push([file.path, hash]);
  }
  const folder = dirname(snapshot.bundle.worker);
  const tool = stampOf(['cli.js', 'server.js'].map((name) => join(folder, name)));
  return hashOf(JSON.stringify([snapshot.pack, tool, snapshot.notes, command, hashes]));
}

function hashOfFile(tree: string, path: string): string | undefined {
  try {
    return readSource(join(tree, path)).hash;
  } catch {
    return undefined;
  }
}
