/**
 * A folder of files that may be lost at any time. Whatever goes wrong with it is said once and costs only speed.
 * Several processes may use it at once: files are written under a name of their own and renamed when they are whole.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { errorCode, reasonOf } from './tree.js';

/** Bytes that all files together may have. */
const MOST_BYTES = 512 * 1024 * 1024;
const DAY_MS = 86_400_000;
/** A file that nobody has used for so long belongs to a tree that is gone. */
const OLDEST_MS = 60 * DAY_MS;
/** A temporary file of that age has lost its writer. */
const ABANDONED_MS = DAY_MS / 24;
const TEMPORARY = '.tmp';

/** Folder names; pruning looks at nothing else, whatever folder the user has named. */
const KINDS = ['facts', 'results'] as const;
export type CacheKind = (typeof KINDS)[number];

/**
 * Where the cache is unless somebody says otherwise: GMEM_LENS_CACHE, or the system's folder for caches.
 * `undefined` where there is none, or where GMEM_LENS_CACHE is `off`.
 */
export function defaultCacheFolder(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const own = environment.GMEM_LENS_CACHE;
  if (own === 'off') return undefined;
  if (own) return resolve(own);
  const base = systemCacheFolder(environment);
  return base === undefined ? undefined : join(base, 'guest-memory-lens');
}

function systemCacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME: shared, LOCALAPPDATA: local } = environment;
  if (shared && isAbsolute(shared)) return shared;
  if (process.platform === 'win32') return local || undefined;
  try {
    return join(homedir(), ...(process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache']));
  } catch {
    return undefined;
  }
}

export class CacheFolder {
  /** What went wrong, for people; each kind of trouble once. */
  readonly warnings: string[] = [];
  private readonly warned = new Set<string>();
  private writable = true;

  private constructor(
    readonly path: string,
    private readonly mostBytes: number,
  ) {}

  /**
   * @param path absolute, or `undefined` for no cache at all
   * @param tree a cache inside of the tree would write to what is only ever read: then there is none
   */
  static open(path: string | undefined, tree: string, mostBytes: number = MOST_BYTES): CacheFolder {
    const folder = new CacheFolder(path ?? '', mostBytes);
    if (path === undefined) folder.writable = false;
    else if (isInside(path, tree)) {
      folder.warn('place', `The cache folder ${path} lies inside of the kernel tree; nothing is cached.`);
      folder.writable = false;
    }
    return folder;
  }

  private get usable(): boolean {
    return this.path !== '' && !this.warned.has('place');
  }

  private warn(kind: string, message: string): void {
    if (this.warned.has(kind)) return;
    this.warned.add(kind);
    this.warnings.push(message);
  }

  file(kind: CacheKind, name: string): string {
    return join(this.path, kind, name);
  }

  /** To be called for a file whose content is not what was written. It is written anew when there is something to write. */
  corrupt(kind: CacheKind, name: string, what: string): void {
    this.warn('corrupt', `The cache file ${this.file(kind, name)} is ${what}; it is not used.`);
  }

  /** A file's bytes, or those in front; `undefined` where there is no file that can be read. */
  read(kind: CacheKind, name: string, most?: number): Buffer | undefined {
    if (!this.usable) return undefined;
    try {
      const path = this.file(kind, name);
      return most === undefined ? readFileSync(path) : readFront(path, most);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT')
        this.warn('read', `The cache in ${this.path} can't be read: ${reasonOf(error)}.`);
      return undefined;
    }
  }

  /** Writes a file as a whole or not at all. Never rejects. */
  async write(kind: CacheKind, name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    if (!this.writable) return false;
    const target = this.file(kind, name);
    const temporary = `${target}.${process.pid}.${randomBytes(6).toString('hex')}${TEMPORARY}`;
    try {
      await mkdir(dirname(target), { recursive: true });
      const file = await open(temporary, 'wx', 0o600);
      try {
        // The system takes a limited number of pieces at once.
        for (let at = 0; at < parts.length; at += 256) await writeAll(file, parts.slice(at, at + 256));
      } finally {
        await file.close();
      }
      await rename(temporary, target);
    } catch (error) {
      this.writable = false;
      this.warn(
        'write',
        `The cache in ${this.path} can't be written: ${reasonOf(error)}. Work goes on without it.`,
      );
      await rm(temporary, { force: true }).catch(() => {});
      return false;
    }
    await this.prune();
    return true;
  }

  /** Notes that a file was of use, so that pruning keeps it. Never rejects. */
  async used(kind: CacheKind, name: string): Promise<void> {
    if (!this.writable) return;
    const path = this.file(kind, name);
    try {
      const now = Date.now();
      if (now - (await stat(path)).mtimeMs > DAY_MS) await utimes(path, now / 1000, now / 1000);
    } catch {
      // Somebody has removed it, or it is somebody else's: it will be written again.
    }
  }

  /** Removes what is abandoned, too old, or too much; the longest unused first. */
  private async prune(): Promise<void> {
    const found = (await Promise.all(KINDS.map((kind) => filesIn(join(this.path, kind))))).flat();
    found.sort((a, b) => b.mtimeMs - a.mtimeMs);
    const now = Date.now();
    let bytes = 0;
    for (const file of found) {
      const age = now - file.mtimeMs;
      bytes += file.size;
      const keep = file.path.endsWith(TEMPORARY)
        ? age < ABANDONED_MS
        : age < OLDEST_MS && bytes <= this.mostBytes;
      if (keep) continue;
      bytes -= file.size;
      await rm(file.path, { force: true }).catch(() => {});
    }
  }
}

function isInside(path: string, tree: string): boolean {
  // The folder needn't exist yet: the nearest one that does tells where links lead.
  let existing = path;
  for (;;) {
    try {
      const real = realpathSync(existing) + path.slice(existing.length);
      return real === tree || real.startsWith(tree + sep);
    } catch {
      if (dirname(existing) === existing) return false;
      existing = dirname(existing);
    }
  }
}

function readFront(path: string, most: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(most);
    return buffer.subarray(0, readSync(file, buffer, 0, most, 0));
  } finally {
    closeSync(file);
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, parts: readonly Uint8Array[]): Promise<void> {
  const wanted = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev([...parts]);
  if (bytesWritten === wanted) return;
  // A disk that is nearly full takes a part and says nothing.
  await file.writeFile(Buffer.concat(parts).subarray(bytesWritten));
}

async function filesIn(folder: string): Promise<{ path: string; size: number; mtimeMs: number }[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const entry = await stat(path).catch(() => undefined);
      return entry?.isFile() ? { path, size: entry.size, mtimeMs: entry.mtimeMs } : undefined;
    }),
  );
  return found.filter((file) => file !== undefined);
}
