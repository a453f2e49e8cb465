/** A `CodeSource` over a handful of C texts in memory. */
import { type Configuration, configurationOf } from '../../kernel-c/conditions.js';
import { type FileItem, type FileItems, functionsAmong, readItems } from './file-items.js';
import { type ItemIndex, MAX_TRIED, partsOf } from './item-index.js';
import type { CodeSource, FunctionLines, Item, Macro, Viewpoint } from './source.js';

type Kind = keyof ItemIndex;

const DEFINE = /^[ \t]*#[ \t]*define[ \t]+(\w+)(?:[ \t]+(\S+))?/gm;
const IS_GUARD = /^_*[A-Z][A-Z0-9_]*_H_*$/;

/** What a configuration says of symbols, and what the texts define; of others, that they are not defined. */
function closed(configuration: Configuration, texts: Readonly<Record<string, string>>): Configuration {
  const defined = new Map<string, number>([
    ['__x86_64__', 1],
    ['__KERNEL__', 1],
  ]);
  for (const text of Object.values(texts)) {
    for (const [, name, value] of text.matchAll(DEFINE)) {
      const number = Number(value?.replace(/[uUlL]+$/, ''));
      if (!IS_GUARD.test(name!)) defined.set(name!, Number.isInteger(number) ? number : 1);
    }
  }
  return {
    key: configuration.key,
    valueOf: (symbol) => {
      const value = configuration.valueOf(symbol);
      return value === null ? defined.get(symbol) : value;
    },
  };
}

/** A text by the end of its path. */
function included(
  texts: Readonly<Record<string, string>>,
  from: string,
  path: string,
): { file: string; text: string } | undefined {
  const beside = `${from.slice(0, from.lastIndexOf('/') + 1)}${path}`;
  const file =
    texts[beside] !== undefined
      ? beside
      : Object.keys(texts).find((one) => one === path || one.endsWith(`/${path}`));
  return file === undefined ? undefined : { file, text: texts[file]! };
}

class TextsSource implements CodeSource {
  private readonly files = new Map<string, FileItems>();
  private readonly byName = new Map<string, FileItem[]>();
  private readonly macros = new Map<string, Macro[]>();

  constructor(
    texts: Readonly<Record<string, string>>,
    readonly configuration: Configuration,
  ) {
    const conditions = closed(configuration, texts);
    for (const [file, text] of Object.entries(texts)) {
      const read = readItems(text, file, conditions, undefined, (path) => included(texts, file, path));
      this.files.set(file, read);
      for (const item of read.items) this.note(item);
      for (const [name, macro] of read.macros)
        this.macros.set(name, [...(this.macros.get(name) ?? []), macro]);
    }
  }

  private note(item: FileItem): void {
    for (const kind of Object.keys(item.index) as Kind[]) {
      for (const name of item.index[kind]) {
        const key = `${kind} ${name}`;
        const known = this.byName.get(key);
        if (known) known.push(item);
        else this.byName.set(key, [item]);
      }
    }
  }

  private find(
    kind: Kind,
    name: string,
    from: Viewpoint,
    accept: (item: FileItem) => boolean = () => true,
  ): Item | undefined {
    const all = (this.byName.get(`${kind} ${name}`) ?? []).filter(accept);
    const isVisible = (item: FileItem) => !item.isStatic || item.file.endsWith('.h');
    return all.find(({ file }) => file === from.file) ?? all.find(isVisible);
  }

  macro(name: string, from: Viewpoint): Macro | undefined {
    const own = this.files.get(from.file)?.macros.get(name);
    return own ?? this.macros.get(name)?.[0];
  }

  functionNamed(name: string, from: Viewpoint): Item | undefined {
    return this.find('functions', name, from) ?? this.find('used', name, from, ({ hasBody }) => hasBody);
  }

  prototype(name: string, from: Viewpoint): Item | undefined {
    return this.find('prototypes', name, from);
  }

  tagged(kind: string, tag: string, from: Viewpoint): Item | undefined {
    return this.find('tags', `${kind} ${tag}`, from);
  }

  typedef(name: string, from: Viewpoint): Item | undefined {
    return this.find('typedefs', name, from);
  }

  functionsIn(file: string): FunctionLines[] | undefined {
    const read = this.files.get(file);
    return read && functionsAmong(read.items);
  }

  filesDefining(name: string): string[] {
    const named = this.byName.get(`functions ${name}`) ?? [];
    const made = (this.byName.get(`used ${name}`) ?? []).filter(({ hasBody }) => hasBody);
    return [...new Set([...named, ...made].map(({ file }) => file))];
  }

  enumerator(name: string, from: Viewpoint): Item | undefined {
    return this.find('enumerators', name, from);
  }

  *makers(name: string, from: Viewpoint): Iterable<Item> {
    const tried = new Set<Item>();
    for (const part of partsOf(name)) {
      for (const item of this.byName.get(`used ${part}`) ?? []) {
        if (
          item.hasBody ||
          tried.has(item) ||
          (item.isStatic && item.file !== from.file && item.file.endsWith('.c'))
        )
          continue;
        if (tried.size >= MAX_TRIED) return;
        tried.add(item);
        yield item;
      }
    }
  }

  variable(name: string, from: Viewpoint): Item | undefined {
    const isDefinition = ({ tokens }: FileItem) => tokens[0]!.text !== 'extern';
    return (
      this.find('variables', name, from, isDefinition) ??
      this.find(
        'used',
        name,
        from,
        ({ hasBody, index }) => !hasBody && index.typedefs.length === 0 && !index.prototypes.includes(name),
      ) ??
      this.find('variables', name, from)
    );
  }
}

/**
 * @param texts path → C text; names in `.h` files are seen by all, static ones in `.c` files by their own
 * @throws CodeError for a text that can't be split into tokens
 */
export function textsSource(
  texts: Readonly<Record<string, string>>,
  configuration: Configuration = configurationOf({}, true, ''),
): CodeSource {
  return new TextsSource(texts, configuration);
}
