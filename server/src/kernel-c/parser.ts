/** tree-sitter's WASM runtime with the C grammar, loaded once a process. Nothing outside of kernel-c touches it. */
import { Language, Parser, type Tree } from 'web-tree-sitter';

export interface GrammarFiles {
  /** Path of web-tree-sitter's `tree-sitter.wasm`. */
  runtime: string;
  /** Path of `tree-sitter-c.wasm`. */
  grammar: string;
}

let loading: Promise<CParser> | undefined;

/** Loads runtime and grammar; later calls return the same parser. Throws when a file can't be read. */
export function loadParser(files: GrammarFiles): Promise<CParser> {
  loading ??= (async () => {
    await Parser.init({ locateFile: () => files.runtime });
    const language = await Language.load(files.grammar);
    const parser = new Parser();
    parser.setLanguage(language);
    return new CParser(parser, language);
  })();
  return loading;
}

export class CParser {
  readonly kinds: ReadonlyMap<string, number>;

  constructor(
    private readonly parser: Parser,
    readonly language: Language,
  ) {
    const kinds = new Map<string, number>();
    for (let id = 0; id < language.nodeTypeCount; id++) {
      const name = language.nodeTypeForId(id);
      if (name !== null && language.nodeTypeIsNamed(id) && !kinds.has(name)) kinds.set(name, id);
    }
    this.kinds = kinds;
  }

  /** Parses masked text. The caller must `delete()` the tree: WASM memory is not garbage collected. */
  parse(text: string, previous?: Tree): Tree {
    const tree = this.parser.parse(text, previous);
    if (!tree) throw new Error('tree-sitter gave up on a file');
    return tree;
  }
}
