/** Which files of a tree are read: the scope `kvm`, the scope `all`, or globs. Only folders that can matter are opened. */
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { sep } from 'node:path';
import scopeKvm from '../../../grammars/scope-kvm.json' with { type: 'json' };
import { ANY_DEPTH, type Pattern, parseGlobs, takes } from './glob.js';
import { errorCode, type HostNote, reasonOf, TreeError } from './tree.js';

/** A file of the scope as the file system describes it. */
export interface ScopeFile {
  /** Relative to the tree, with `/`. */
  path: string;
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970, with fractions where the file system has them. */
  mtimeMs: number;
  /** The same of the last change of content, name or rights: it can't be set back. */
  ctimeMs: number;
}

export interface Scope {
  /** Sorted by path: everything that follows depends on the tree's content alone, never on the disk's order. */
  files: ScopeFile[];
  notes: HostNote[];
}

/** What a walk asks of the file system; tests put failing ones here. */
export interface FolderReader {
  /** Entries of a folder. */
  list(path: string): Dirent[];
  /** What a path leads to, links followed; `undefined` where there is nothing. */
  stat(path: string): Stats | undefined;
  realpath(path: string): string;
}

export const diskReader: FolderReader = {
  list: (path) => readdirSync(path, { withFileTypes: true }),
  stat: (path) => statSync(path, { throwIfNoEntry: false }),
  realpath: (path) => realpathSync(path),
};

/** Folders at the top of a kernel tree without code that runs in the kernel. */
const NOT_KERNEL = new Set(['Documentation', 'LICENSES', 'samples', 'scripts', 'tools', 'usr']);

/** The scope `kvm` with every header of the architecture: what lists all calls reads, what checks has no need of. */
export const LISTED_SCOPE = 'kvm-listed';

/** Is the name of a scope a glob, so that the tree needn't be a kernel's? */
export function isGlobScope(scope: string): boolean {
  return scope !== 'kvm' && scope !== 'all' && scope !== LISTED_SCOPE;
}

/**
 * The .c and .h files of a scope. A pattern that matches nothing is no error, unless it is the user's own.
 * @param tree absolute path, as `openTree` returns it
 * @param scope `kvm`, `all`, or comma-separated globs relative to the tree
 * @throws TreeError when the user's globs match no file
 */
export function listScope(
  tree: string,
  scope: string,
  architecture: string,
  reader: FolderReader = diskReader,
): Scope {
  if (scope === 'kvm' || scope === LISTED_SCOPE) {
    const listed = scope === LISTED_SCOPE ? scopeKvm.listed : [];
    const texts = [...scopeKvm.roots, ...scopeKvm.headers, ...listed].map((text) =>
      text.replaceAll('ARCH', architecture),
    );
    return new Walk(tree, reader, () => true).run(texts.flatMap(parseGlobs));
  }
  if (scope === 'all') {
    const isKernel = (folder: string) =>
      !NOT_KERNEL.has(folder) && (!/^arch\/[^/]+$/.test(folder) || folder === `arch/${architecture}`);
    return new Walk(tree, reader, isKernel).run(parseGlobs('**'));
  }
  const found = new Walk(tree, reader, () => true).run(parseGlobs(scope));
  if (found.files.length === 0) {
    throw new TreeError(
      `The scope ${scope} matches no .c or .h file in ${tree}.`,
      'Name kvm, all, or a glob of paths relative to the tree, such as virt/kvm/*.c.',
    );
  }
  return found;
}

/** A pattern and how many of its segments the folders above have taken. */
interface Place {
  pattern: Pattern;
  at: number;
}

class Walk {
  private readonly files = new Map<string, ScopeFile>();
  private readonly notes: HostNote[] = [];
  /** Real paths of the linked folders that were entered: a loop is entered once. */
  private readonly linked = new Set<string>();

  constructor(
    private readonly tree: string,
    private readonly reader: FolderReader,
    /** May this folder (relative path) be entered by way of a wildcard? */
    private readonly mayEnter: (folder: string) => boolean,
  ) {}

  run(patterns: readonly Pattern[]): Scope {
    this.folder(
      '',
      patterns.map((pattern) => ({ pattern, at: 0 })),
    );
    const files = [...this.files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    return { files, notes: this.notes };
  }

  private note(file: string, message: string): void {
    this.notes.push({ file, line: 1, message });
  }

  private absolute(path: string): string {
    return path === '' ? this.tree : `${this.tree}${sep}${path}`;
  }

  private folder(path: string, places: Place[]): void {
    const named = new Map<string, Place[]>();
    const wild: Place[] = [];
    for (const place of withEmptyDepths(places)) {
      const segment = place.pattern[place.at]!;
      if (typeof segment !== 'string') wild.push(place);
      else if (named.has(segment)) named.get(segment)!.push(place);
      else named.set(segment, [place]);
    }
    // Listing a folder costs about as much as a few dozen look-ups of names.
    if (wild.length === 0) for (const [name, own] of named) this.named(path, name, own);
    else for (const entry of this.list(path)) this.entry(path, entry, wild, named.get(entry.name) ?? []);
  }

  private list(path: string): Dirent[] {
    try {
      return this.reader.list(this.absolute(path));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.note(path, `directory not read: ${reasonOf(error)}`);
      return [];
    }
  }

  /** What a path leads to; problems become notes. */
  private stat(path: string): Stats | undefined {
    try {
      return this.reader.stat(this.absolute(path));
    } catch (error) {
      if (errorCode(error) !== 'ENOTDIR') this.note(path, `not read: ${reasonOf(error)}`);
      return undefined;
    }
  }

  private named(folder: string, name: string, places: Place[]): void {
    const path = folder === '' ? name : `${folder}/${name}`;
    const isFile = places.some((place) => place.at === place.pattern.length - 1) && isSource(name);
    const deeper = places.filter((place) => place.at < place.pattern.length - 1);
    if (!isFile && deeper.length === 0) return;
    const found = this.stat(path);
    if (found?.isDirectory()) this.folder(path, advance(deeper));
    else if (isFile && found?.isFile()) this.file(path, found);
  }

  private entry(folder: string, entry: Dirent, wild: Place[], named: Place[]): void {
    const { name } = entry;
    const path = folder === '' ? name : `${folder}/${name}`;
    const taking = wild.filter((place) => {
      const segment = place.pattern[place.at]!;
      return segment === ANY_DEPTH || takes(segment as RegExp, name);
    });
    if (taking.length + named.length === 0) return;
    const isLink = entry.isSymbolicLink();
    const places = [...taking, ...named];
    if (!isLink && entry.isFile()) {
      if (isSource(name) && places.some(isLast)) this.fileNamed(path);
      return;
    }
    if (!isLink && !entry.isDirectory()) return;
    const found = isLink ? this.stat(path) : undefined;
    if (found?.isFile()) {
      if (isSource(name) && places.some(isLast)) this.file(path, found);
      return;
    }
    if (isLink && !(found?.isDirectory() && this.leadsElsewhere(path))) return;
    const mayEnter = !name.startsWith('.') && this.mayEnter(path);
    const inside = [...(mayEnter ? taking : []), ...named].filter(
      (place) => !isLast(place) || isAnyDepth(place),
    );
    if (inside.length > 0) this.folder(path, advance(inside));
  }

  /** A linked folder is entered once, and only if it lies outside of the tree: else its files have a path already. */
  private leadsElsewhere(path: string): boolean {
    try {
      const target = this.reader.realpath(this.absolute(path));
      if (target === this.tree || target.startsWith(this.tree + sep) || this.tree.startsWith(target + sep))
        return false;
      if (this.linked.has(target)) return false;
      this.linked.add(target);
      return true;
    } catch {
      return false;
    }
  }

  private fileNamed(path: string): void {
    if (this.files.has(path)) return;
    const found = this.stat(path);
    if (found?.isFile()) this.file(path, found);
    // Node turns other bytes into replacement characters, and such a name opens nothing.
    else if (path.includes('\ufffd')) this.note(path, 'not read: its name is not UTF-8');
  }

  private file(path: string, found: Stats): void {
    this.files.set(path, { path, size: found.size, mtimeMs: found.mtimeMs, ctimeMs: found.ctimeMs });
  }
}

const isSource = (name: string) => name.endsWith('.c') || name.endsWith('.h');
const isAnyDepth = (place: Place) => place.pattern[place.at] === ANY_DEPTH;
/** Could this segment be a file's name? A `**` at the end takes files of any name. */
const isLast = (place: Place) => place.at === place.pattern.length - 1;

/** `**` may also stand for no folder at all: then what follows it is asked for here. */
function withEmptyDepths(places: readonly Place[]): Place[] {
  const found = [...places];
  for (const place of found) {
    if (isAnyDepth(place) && place.at < place.pattern.length - 1)
      found.push({ pattern: place.pattern, at: place.at + 1 });
  }
  return found;
}

/** The places inside of a folder that these ones took. */
function advance(places: readonly Place[]): Place[] {
  return places.map((place) => (isAnyDepth(place) ? place : { pattern: place.pattern, at: place.at + 1 }));
}
