/**
 * A `CodeSource` over the analyser's `Program` and the texts of its files. The facts say in which file a name is
 * defined and which of several definitions counts; the definition itself is read from the text, for facts are lossy.
 */
import { both, type Configuration, evaluateCondition } from '../../kernel-c/conditions.js';
import type { MacroEntry } from '../../program/model.js';
import type { Program } from '../../program/program.js';
import type { Symbols } from '../../program/symbols.js';
import { type FileItem, type FileItems, functionsAmong, readItems } from './file-items.js';
import { type DefinitionKind, HeaderIndex } from './header-index.js';
import { type ItemIndex, MAX_TRIED, partsOf } from './item-index.js';
import { macroFrom } from './preprocessor.js';
import type { CodeSource, FunctionLines, Item, Macro, Viewpoint } from './source.js';
import { CodeError, lex, type Token } from './tokens.js';

/** The text of a file of the program, relative to the tree; undefined where it can't be read. */
export type ReadText = (path: string) => string | undefined;

/** Included from the command line of every compilation. */
const ALWAYS_INCLUDED =
  /^include\/linux\/(kconfig|compiler_types|compiler_attributes|compiler-gcc|compiler|stddef|types)\.h$/;
/** Where a missing generated `asm/x.h` leads. */
const GENERIC = /^include\/(uapi\/)?asm-generic\//;
const PUBLIC = /^(include|arch\/\w+\/include)\//;

const GUARD = /^_*[A-Z][A-Z0-9_]*_H_*$/;

const isHeader = (file: string): boolean => !file.endsWith('.c');

interface Definitions {
  typedefs: Map<string, string[]>;
  tags: Map<string, string[]>;
  constants: Map<string, string[]>;
}

class ProgramSource implements CodeSource {
  private readonly texts = new Map<string, string | undefined>();
  private readonly files = new Map<string, FileItems>();
  private readonly byName = new WeakMap<FileItems, Map<string, FileItem[]>>();
  private readonly macros = new Map<MacroEntry, Macro | undefined>();
  private readonly seen = new Map<string, Map<string, Macro | undefined>>();
  private readonly conditions = new Map<string, 'true' | 'false' | 'unknown'>();
  /** For the headers that the program leaves out. */
  private readonly headers: HeaderIndex;
  private readonly symbols: Symbols;
  private definitions: Definitions | undefined;
  private includers: Map<string, readonly string[]> | undefined;

  constructor(
    private readonly program: Program,
    readonly configuration: Configuration,
    private readonly readText: ReadText,
  ) {
    this.symbols = program.definitions();
    this.headers = new HeaderIndex((path) => this.optionalText(path), program.architecture);
  }

  private optionalText(file: string): string | undefined {
    if (!this.texts.has(file)) this.texts.set(file, this.readText(file));
    return this.texts.get(file);
  }

  private text(file: string): string {
    return this.optionalText(file) ?? '';
  }

  /** Headers outside of the program that may define a name. */
  private others(kind: DefinitionKind, name: string, from: Viewpoint): string[] {
    const closure = this.headers.closure(from.file);
    const files = this.headers.find(kind, name);
    return files.filter(
      (file) =>
        this.program.file(file) === undefined && (isHeader(from.file) || closure.has(file)) && isHeader(file),
    );
  }

  // ---- conditions

  /** What a file's `#if`s are decided by: the configuration, and what headers define. */
  private configurationOf(from: Viewpoint): Configuration {
    const instance = this.program
      .templates()
      .get(from.file)
      ?.find(({ name }) => name === from.instance);
    return {
      key: '',
      valueOf: (symbol) => {
        const given = instance?.symbols[symbol];
        if (given !== undefined) return given;
        const value = this.configuration.valueOf(symbol);
        if (value !== null) return value;
        // An include guard: the file is being read.
        if (GUARD.test(symbol)) return undefined;
        const macro = this.macro(symbol, from);
        if (!macro) return null;
        const number =
          macro.body.length === 1 ? Number(macro.body[0]!.text.replace(/[uUlL]+$/, '')) : Number.NaN;
        return Number.isInteger(number) ? number : 1;
      },
    };
  }

  private isRead(entry: MacroEntry, from: Viewpoint): boolean {
    const { truth, when } = entry.facts;
    if (truth !== 'unknown' || when === '') return truth !== 'false';
    const key = `${when} ${from.instance ?? ''}`;
    let known = this.conditions.get(key);
    if (known === undefined) {
      // A condition may ask for the very macro that it guards.
      this.conditions.set(key, 'unknown');
      known = both('true', evaluateCondition(when, this.configurationOf(from)));
      this.conditions.set(key, known);
    }
    return known !== 'false';
  }

  // ---- macros

  macro(name: string, from: Viewpoint): Macro | undefined {
    const place = `${from.file} ${from.instance ?? ''}`;
    let seen = this.seen.get(place);
    if (!seen) this.seen.set(place, (seen = new Map()));
    if (seen.has(name)) return seen.get(name);
    // Asked for again while its own condition is looked at, it isn't defined.
    seen.set(name, undefined);
    const entry = this.bestMacro(name, from);
    const macro = (entry && this.read(entry)) ?? this.otherMacro(name, from);
    seen.set(name, macro);
    return macro;
  }

  private bestMacro(name: string, from: Viewpoint): MacroEntry | undefined {
    const { symbols } = this;
    const { architecture } = this.program;
    let best: MacroEntry | undefined;
    let bestScore = -1;
    for (const entry of symbols.macros.get(name) ?? []) {
      const { file, facts } = entry;
      if (facts.instance !== undefined && (facts.instance !== from.instance || file !== from.file)) continue;
      if (!this.isVisible(file, from.file) || !this.isRead(entry, from)) continue;
      let score = 0;
      if (file === from.file) score += 40;
      if (symbols.includedBy(from.file).has(file)) score += 10;
      if (facts.truth === 'true') score += 5;
      if (file.startsWith(`arch/${architecture}/`)) score += 4;
      else if (GENERIC.test(file)) score -= 1;
      if (score < bestScore || (score === bestScore && best?.file !== file)) continue;
      best = entry;
      bestScore = score;
    }
    return best;
  }

  private otherMacro(name: string, from: Viewpoint): Macro | undefined {
    for (const file of this.nearest(this.others('macro', name, from), from)) {
      const macro = this.itemsOf(file).macros.get(name);
      if (macro) return macro;
    }
    return undefined;
  }

  /** The most likely first. */
  private nearest(files: readonly string[], from: Viewpoint): string[] {
    if (files.length < 2) return [...files];
    return files
      .map((file) => ({ file, closeness: this.closeness(file, from) }))
      .sort((a, b) => b.closeness - a.closeness)
      .map(({ file }) => file);
  }

  /** How likely a file's definition is meant. */
  private closeness(file: string, from: Viewpoint): number {
    const { architecture } = this.program;
    const closure = this.headers.closure(from.file);
    const rank = closure.get(file);
    // Of two that are included the one that is reached first.
    const nearness = rank === undefined ? 0 : 12 - rank / closure.size;
    return (
      (file === from.file ? 100 : 0) +
      nearness +
      (file.startsWith(`arch/${architecture}/`) ? 5 : 0) -
      (GENERIC.test(file) ? 1 : 0) -
      (isHeader(file) ? 0 : 20)
    );
  }

  /** Names of macros are everywhere: only those of files that are really included may replace a word. */
  private isVisible(file: string, from: string): boolean {
    if (file === from || ALWAYS_INCLUDED.test(file) || GENERIC.test(file)) return true;
    const { symbols } = this;
    if (symbols.includedBy(from).has(file) || this.headers.closure(from).has(file)) return true;
    if (!isHeader(from)) return false;
    // A header sees what its includers have put before it.
    return PUBLIC.test(file) || symbols.includedBy(file).has(from);
  }

  private read(entry: MacroEntry): Macro | undefined {
    if (this.macros.has(entry)) return this.macros.get(entry);
    const directive = directiveAt(this.text(entry.file), entry.file, entry.facts.line);
    const macro = directive && macroFrom(directive);
    this.macros.set(entry, macro);
    return macro;
  }

  // ---- items

  private itemsOf(file: string, instance?: string): FileItems {
    const key = `${file} ${instance ?? ''}`;
    let items = this.files.get(key);
    if (!items) {
      const from: Viewpoint = { file, ...(instance !== undefined && { instance }) };
      // Its own conditions may lead back to it.
      this.files.set(key, { items: [], macros: new Map() });
      items = readItems(this.text(file), file, this.configurationOf(from), instance, (path) =>
        this.included(file, path),
      );
      this.files.set(key, items);
    }
    return items;
  }

  /** Items of a file that may have to do with a name, in their order; a tag as `struct kvm`. */
  private naming(file: string, name: string, instance?: string): readonly FileItem[] {
    const items = this.itemsOf(file, instance);
    let byName = this.byName.get(items);
    if (!byName) {
      byName = new Map();
      for (const item of items.items) {
        for (const one of new Set(Object.values(item.index as unknown as Record<string, string[]>).flat())) {
          const known = byName.get(one);
          if (known) known.push(item);
          else byName.set(one, [item]);
        }
      }
      this.byName.set(items, byName);
    }
    return byName.get(name) ?? [];
  }

  private included(from: string, path: string): { file: string; text: string } | undefined {
    const file = this.headers.resolve(from, path);
    const text = file === undefined ? undefined : this.optionalText(file);
    return file === undefined || text === undefined ? undefined : { file, text };
  }

  /** Files that include a list of macro uses, each with macros of its own. */
  private includersOf(file: string): readonly string[] {
    if (!this.includers) {
      this.includers = new Map();
      for (const path of this.program.paths) {
        for (const { defined, path: target } of this.program.file(path)!.includes) {
          const found = defined && this.headers.resolve(path, target);
          if (found) this.includers.set(found, [...(this.includers.get(found) ?? []), path]);
        }
      }
    }
    return [...new Set(this.includers.get(file) ?? [])];
  }

  /** The item at a line, or the one that may define the name. */
  private item(
    file: string,
    line: number | undefined,
    accept: (index: ItemIndex, item: FileItem) => boolean,
    instance?: string,
  ): Item | undefined {
    const { items } = this.itemsOf(file, instance);
    const around =
      line === undefined ? undefined : items.find((item) => item.line <= line && line <= item.endLine);
    if (around && accept(around.index, around)) return around;
    return items.find((item) => accept(item.index, item)) ?? around;
  }

  functionNamed(name: string, from: Viewpoint): Item | undefined {
    const node = this.symbols.fn(name, from.file);
    if (!node)
      return this.other(
        'word',
        name,
        from,
        ({ functions, used }, { hasBody }) => hasBody && (functions.includes(name) || used.includes(name)),
      );
    const { facts, file } = node;
    // A template's function in the inclusion of whoever asks, if there is one.
    const own = (this.symbols.functionsByFile.get(file) ?? []).find(
      ({ name: other, facts: { instance } }) =>
        other === name && instance !== undefined && instance === from.instance,
    );
    const instance = own?.facts.instance ?? facts.instance;
    const accept = (index: ItemIndex, { hasBody }: FileItem) =>
      hasBody && (index.functions.includes(name) || index.used.includes(name));
    const found = this.item(file, facts.line, accept, instance);
    return found ?? this.generated(file, name);
  }

  /** A macro's use at file level that may make something of this name. */
  private generated(file: string, name: string): Item | undefined {
    const { items } = this.itemsOf(file);
    for (let at = 0; at >= 0; at = name.indexOf('_', at) + 1 || -1) {
      const part = name.slice(at);
      const found = items.find(({ index, hasBody }) => !hasBody && index.used.includes(part));
      if (found) return found;
    }
    return undefined;
  }

  functionsIn(file: string): FunctionLines[] | undefined {
    return this.optionalText(file) === undefined ? undefined : functionsAmong(this.itemsOf(file).items);
  }

  filesDefining(name: string): string[] {
    return [...new Set((this.symbols.functionsByName.get(name) ?? []).map(({ file }) => file))];
  }

  prototype(name: string, from: Viewpoint): Item | undefined {
    const places = this.symbols.prototypes.get(name) ?? [];
    const included = this.symbols.includedBy(from.file);
    const best =
      places.find(({ file }) => file === from.file) ??
      places.find(({ file }) => included.has(file)) ??
      places[0];
    const accept = (index: ItemIndex) => index.prototypes.includes(name);
    return best ? this.item(best.file, best.line, accept) : this.other('word', name, from, accept);
  }

  variable(name: string, from: Viewpoint): Item | undefined {
    const entry = this.symbols.variable(name, from.file);
    const accept = (index: ItemIndex, { hasBody }: FileItem) =>
      !hasBody &&
      index.typedefs.length === 0 &&
      (index.variables.includes(name) || index.used.includes(name));
    if (!entry) return this.other('word', name, from, accept);
    const { file, facts } = entry;
    return this.item(file, facts.line, accept) ?? this.generated(file, name);
  }

  /** An item of a header outside of the program. */
  private other(
    kind: DefinitionKind,
    name: string,
    from: Viewpoint,
    accept: (index: ItemIndex, item: FileItem) => boolean,
  ): Item | undefined {
    for (const file of this.nearest(this.others(kind, name, from), from)) {
      const found = this.naming(file, name).find((item) => accept(item.index, item));
      if (found) return found;
    }
    return undefined;
  }

  private get defined(): Definitions {
    if (this.definitions) return this.definitions;
    const push = (map: Map<string, string[]>, name: string, file: string) => {
      const known = map.get(name);
      if (!known) map.set(name, [file]);
      else if (known[known.length - 1] !== file) known.push(file);
    };
    const found = {
      typedefs: new Map<string, string[]>(),
      tags: new Map<string, string[]>(),
      constants: new Map<string, string[]>(),
    };
    for (const path of this.program.paths) {
      const facts = this.program.file(path)!;
      for (const { name } of facts.typedefs) push(found.typedefs, name, path);
      for (const { tag } of facts.aggregates) push(found.tags, tag, path);
      for (const { name } of facts.enumerators) push(found.constants, name, path);
    }
    this.definitions = found;
    return found;
  }

  /** Of the files that define a name, the one that a file means; then its item. */
  private best(
    files: readonly string[] | undefined,
    name: string,
    from: Viewpoint,
    accept: (index: ItemIndex) => boolean,
  ): Item | undefined {
    if (!files) return undefined;
    for (const file of this.nearest(files, from)) {
      if (!isHeader(file) && file !== from.file && !isHeader(from.file)) continue;
      const instance = file === from.file ? from.instance : undefined;
      const found = this.naming(file, name, instance).find(({ index }) => accept(index));
      if (found) return found;
    }
    return undefined;
  }

  tagged(kind: 'struct' | 'union' | 'enum', tag: string, from: Viewpoint): Item | undefined {
    const key = `${kind} ${tag}`;
    const files = kind === 'enum' ? this.filesOfEnum(tag, from) : this.defined.tags.get(key);
    const accept = ({ tags }: ItemIndex) => tags.includes(key);
    return this.best(files, key, from, accept) ?? this.other('tag', key, from, accept);
  }

  /** Facts have no tags of enums: the files that are included are searched. */
  private filesOfEnum(tag: string, from: Viewpoint): string[] {
    const pattern = new RegExp(`\\benum\\s+${tag}\\b[^;{}()]*\\{`);
    const files = [from.file, ...this.symbols.includedBy(from.file)];
    return files.filter((file) => pattern.test(this.text(file)));
  }

  *makers(name: string, from: Viewpoint): Iterable<Item> {
    const closure = this.headers.closure(from.file);
    const tried = new Set<Item>();
    for (const part of partsOf(name)) {
      const files = this.headers.find('use', part).filter((file) => closure.has(file) || isHeader(from.file));
      for (const file of files.flatMap((one) => [one, ...this.includersOf(one)])) {
        for (const item of this.itemsOf(file).items) {
          if (item.hasBody || tried.has(item) || !item.index.used.includes(part)) continue;
          if (tried.size >= MAX_TRIED) return;
          tried.add(item);
          yield item;
        }
      }
    }
  }

  typedef(name: string, from: Viewpoint): Item | undefined {
    const accept = ({ typedefs }: ItemIndex) => typedefs.includes(name);
    return (
      this.best(this.defined.typedefs.get(name), name, from, accept) ??
      this.other('typedef', name, from, accept)
    );
  }

  enumerator(name: string, from: Viewpoint): Item | undefined {
    const accept = ({ enumerators }: ItemIndex) => enumerators.includes(name);
    return (
      this.best(this.defined.constants.get(name), name, from, accept) ??
      this.other('constant', name, from, accept)
    );
  }
}

/** The directive that begins on a line (from 1). */
function directiveAt(text: string, file: string, line: number): Token | undefined {
  let start = 0;
  for (let i = 1; i < line; i++) {
    start = text.indexOf('\n', start) + 1;
    if (start === 0) return undefined;
  }
  let end = text.indexOf('\n', start);
  // Continuation lines, and a comment that goes over the end of the line.
  for (;;) {
    if (end < 0) end = text.length;
    const part = text.slice(start, end);
    const isContinued = /\\\r?$/.test(part) || part.lastIndexOf('/*') > part.lastIndexOf('*/');
    if (!isContinued || end === text.length) break;
    end = text.indexOf('\n', end + 1);
  }
  try {
    const first = lex(text.slice(start, end), file, line)[0];
    return first?.kind === 'directive' ? first : undefined;
  } catch (error) {
    if (error instanceof CodeError) return undefined;
    throw error;
  }
}

/** @param configuration the one that the program's facts were read with */
export function programSource(
  program: Program,
  configuration: Configuration,
  readText: ReadText,
): CodeSource {
  return new ProgramSource(program, configuration, readText);
}
