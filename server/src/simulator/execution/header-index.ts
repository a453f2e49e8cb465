/**
 * Which headers may define a name, for those that the analyser's scope leaves out: the files that a source includes are
 * looked through once, roughly. Who asks reads the file properly and finds out whether it does.
 */
import { normalisePath } from '../../program/symbols.js';

export type DefinitionKind = 'macro' | 'tag' | 'typedef' | 'constant' | 'word' | 'use';

const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]/gm;
const MACRO = /^[ \t]*#[ \t]*define[ \t]+(\w+)/gm;
const TAG = /\b(struct|union|enum)\s+(\w+)\s*(?:__\w+\s*(?:\([^)]*\)\s*)?)*\{/g;
const ENUM = /\benum\b[^;{}()=]*\{([^}]*)\}/g;
const TYPEDEF = /\btypedef\b([^;{}]*);|\}\s*([\w\s()]*);/g;
/** Functions and variables begin in the first column. */
const DECLARATION = /^[A-Za-z_][^\n]*/gm;
/** `DEFINE_GUARD(mutex, …` */
const USE = /^(?:static\s+|extern\s+)?[A-Z][A-Z0-9_]+\s*\(([^;{}]*?)\)/gm;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

export class HeaderIndex {
  private readonly closures = new Map<string, ReadonlyMap<string, number>>();
  private readonly includes = new Map<string, readonly string[]>();
  private readonly targets = new Map<string, string>();
  private readonly files = new Map<string, string[]>();
  private readonly indexed = new Set<string>();

  constructor(
    /** Text of a file, or undefined where there is none. */
    private readonly text: (path: string) => string | undefined,
    private readonly architecture: string,
  ) {}

  /**
   * The files that a file includes, directly or not, whatever its conditions, with their rank: the nearest first.
   * They are indexed from then on.
   */
  closure(file: string): ReadonlyMap<string, number> {
    let closure = this.closures.get(file);
    if (closure) return closure;
    const reached = new Set<string>([file]);
    for (const path of reached) {
      this.index(path);
      for (const target of this.includes.get(path) ?? []) reached.add(target);
    }
    closure = new Map([...reached].map((path, rank) => [path, rank]));
    this.closures.set(file, closure);
    return closure;
  }

  /** Indexed files that may define a name; a tag as `struct kvm`. */
  find(kind: DefinitionKind, name: string): readonly string[] {
    return this.files.get(`${kind} ${name}`) ?? [];
  }

  private note(kind: DefinitionKind, name: string, path: string): void {
    const key = `${kind} ${name}`;
    const known = this.files.get(key);
    if (!known) this.files.set(key, [path]);
    else if (known[known.length - 1] !== path) known.push(path);
  }

  private index(path: string): void {
    if (this.indexed.has(path)) return;
    this.indexed.add(path);
    const raw = this.text(path);
    if (raw === undefined) return;
    const included: string[] = [];
    for (const [, target] of raw.matchAll(INCLUDE)) {
      const found = this.resolve(path, target!);
      if (found) included.push(found);
    }
    this.includes.set(path, included);
    const text = raw.replace(COMMENT, ' ');
    for (const [, name] of text.matchAll(MACRO)) this.note('macro', name!, path);
    for (const [, kind, tag] of text.matchAll(TAG)) this.note('tag', `${kind} ${tag}`, path);
    for (const [, body] of text.matchAll(ENUM))
      for (const [, name] of body!.matchAll(/(?:^|,)[\s]*(?:#[^\n]*\n\s*)*(\w+)/g))
        this.note('constant', name!, path);
    for (const [, plain, behind] of text.matchAll(TYPEDEF))
      for (const [name] of (plain ?? behind ?? '').matchAll(/\w+/g)) this.note('typedef', name, path);
    for (const [, args] of text.matchAll(USE))
      for (const [word] of args!.matchAll(/\w+/g)) this.note('use', word, path);
    for (const [line] of text.matchAll(DECLARATION))
      for (const [, name] of line.matchAll(/(\w+)\s*(?=[([;=,)]|$)/g)) this.note('word', name!, path);
  }

  /** The file that an include in a file means. */
  resolve(from: string, path: string): string | undefined {
    const folder = from.slice(0, from.lastIndexOf('/') + 1);
    const key = `${folder}\n${path}`;
    let target = this.targets.get(key);
    if (target === undefined) this.targets.set(key, (target = this.search(folder, path) ?? ''));
    return target || undefined;
  }

  private search(folder: string, path: string): string | undefined {
    const arch = `arch/${this.architecture}`;
    const candidates = [
      `${folder}${path}`,
      `${arch}/include/${path}`,
      `include/${path}`,
      `${arch}/include/uapi/${path}`,
      `include/uapi/${path}`,
      `${arch}/kvm/${path}`,
      `virt/kvm/${path}`,
    ];
    // The wrappers that the build generates for headers that an architecture takes as they are.
    if (path.startsWith('asm/'))
      candidates.push(`include/asm-generic/${path.slice(4)}`, `include/uapi/asm-generic/${path.slice(4)}`);
    return candidates.map(normalisePath).find((candidate) => this.text(candidate) !== undefined);
  }
}
