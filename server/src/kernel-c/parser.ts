/** tree-sitter's WASM runtime with the C grammar, loaded once a process. Nothing outside of kernel-c touches it. */

import { Language, Parser, type Tree } from 'web-tree-sitter';
import type { LineIndex } from './line-index.js';
import {
  LanguageTables,
  MemoryCursor,
  newWasmMemory,
  type SyntaxCursor,
  type WasmMemory,
} from './tree-memory.js';

export interface GrammarFiles {
  /** Path of web-tree-sitter's `tree-sitter.wasm`. */
  runtime: string;
  /** Path of `tree-sitter-c.wasm`. */
  grammar: string;
}

/** The sizes with which web-tree-sitter would make the memory itself, in pages of 64 KiB. */
const INITIAL_PAGES = 512;
const MAXIMUM_PAGES = 32_768;

/** Has hidden nodes, aliases, fields, extras, inline and heap leaves, and an error. */
const SAMPLE = `
#define A(x) x
// a comment
static struct s { int a : 3, *b[2]; } t = { .a = 1, [0] = f(x, "y" "z", 'c') };
int f(unsigned long long a, ...) { /* c */ for (int i = 0; i < 9; i++) if (a) return (int)b->c; else do x++; while (0);
  switch (a) { case 1: break; default: goto out; } out: return sizeof(struct s) + ({ a ? b : c; }); }
int g(void) { a b c d; }
`;

let loading: Promise<CParser> | undefined;

/** Loads runtime and grammar; later calls return the same parser. Throws when a file can't be read. */
export function loadParser(files: GrammarFiles): Promise<CParser> {
  loading ??= (async () => {
    // Made here, so that trees can be read where they lie.
    const wasmMemory = newWasmMemory(INITIAL_PAGES, MAXIMUM_PAGES);
    const options = { locateFile: () => files.runtime, wasmMemory };
    await Parser.init(options);
    const language = await Language.load(files.grammar);
    const parser = new Parser();
    parser.setLanguage(language);
    return new CParser(parser, language, wasmMemory);
  })();
  return loading;
}

export class CParser {
  readonly kinds: ReadonlyMap<string, number>;

  private readonly tables: LanguageTables | undefined;

  constructor(
    private readonly parser: Parser,
    readonly language: Language,
    private readonly memory: WasmMemory,
  ) {
    const kinds = new Map<string, number>();
    for (let id = 0; id < language.nodeTypeCount; id++) {
      const name = language.nodeTypeForId(id);
      if (name !== null && language.nodeTypeIsNamed(id) && !kinds.has(name)) kinds.set(name, id);
    }
    this.kinds = kinds;
    this.tables = this.knownLayout();
  }

  /** The grammar's tables, if trees lie in memory as this file's neighbour believes. */
  private knownLayout(): LanguageTables | undefined {
    const tree = this.parse(SAMPLE);
    const slow = tree.walk();
    try {
      const tables = new LanguageTables(this.memory, this.language);
      return walkText(slow) === walkText(new MemoryCursor(this.memory, tables, tree)) ? tables : undefined;
    } catch {
      return undefined;
    } finally {
      slow.delete();
      tree.delete();
    }
  }

  /** A cursor at the root of a tree. It must be deleted before the tree is, and before the next parse. */
  walk(tree: Tree): SyntaxCursor {
    return this.tables ? new MemoryCursor(this.memory, this.tables, tree) : tree.walk();
  }

  /** Parses masked text. The caller must `delete()` the tree: WASM memory is not garbage collected. */
  parse(text: string, previous?: Tree): Tree {
    const tree = this.parser.parse(text, previous);
    if (!tree) throw new Error('tree-sitter gave up on a file');
    return tree;
  }

  /** Parses only what lies in [start, end) of masked text; places in the tree are those of the whole text. */
  parseRange(text: string, start: number, end: number, lines: LineIndex): Tree {
    const place = (offset: number) => ({ row: lines.lineAt(offset), column: lines.columnAt(offset) });
    const range = {
      startIndex: start,
      endIndex: end,
      startPosition: place(start),
      endPosition: place(end),
    };
    const tree = this.parser.parse(text, null, { includedRanges: [range] });
    if (!tree) throw new Error('tree-sitter gave up on a part of a file');
    return tree;
  }
}

/** What a cursor sees of everything below it, as text. */
function walkText(cursor: SyntaxCursor): string {
  const own = `${cursor.nodeTypeId} ${cursor.startIndex} ${cursor.endIndex} ${cursor.currentFieldId}`;
  const below: string[] = [];
  if (cursor.gotoFirstChild()) {
    do below.push(walkText(cursor));
    while (cursor.gotoNextSibling());
    cursor.gotoParent();
  }
  return `(${own}${below.join('')})`;
}
