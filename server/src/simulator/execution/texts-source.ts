/** A `CodeSource` over a handful of C texts in memory. */
import { type Configuration, configurationOf } from '../../kernel-c/conditions.js';
import { type FileItem, type FileItems, readItems } from './file-items.js';
import type { ItemIndex } from './item-index.js';
import type { CodeSource, Item, Macro, Viewpoint } from './source.js';

type Kind = keyof ItemIndex;

/** What a configuration says of symbols; of others, that they are not defined. */
function closed(configuration: Configuration): Configuration {
  return {
    key: configuration.key,
    valueOf: (symbol) => {
      const value = configuration.valueOf(symbol);
      return value === null ? (symbol === '__x86_64__' || symbol === '__KERNEL__' ? 1 : undefined) : value;
    },
  };
}

class TextsSource implements CodeSource {
  private readonly files = new Map<string, FileItems>();
  private readonly byName = new Map<string, FileItem[]>();
  private readonly macros = new Map<string, Macro[]>();

  constructor(
    texts: Readonly<Record<string, string>>,
    readonly configuration: Configuration,
  ) {
    for (const [file, text] of Object.entries(texts)) {
      const read = readItems(text, file, closed(configuration));
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

  enumerator(name: string, from: Viewpoint): Item | undefined {
    return this.find('enumerators', name, from);
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
