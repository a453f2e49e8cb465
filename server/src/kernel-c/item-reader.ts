/** Syntax tree → the items of a file: functions, prototypes, variables, types. */
import type { Tree } from 'web-tree-sitter';
import { addDeclaration, type Found, functionFacts } from './item-facts.js';
import type { LineIndex } from './line-index.js';
import type { MaskedText } from './masking.js';
import type { CParser } from './parser.js';
import type { Statement } from './syntax.js';
import { type Declarator, SyntaxReader } from './syntax-reader.js';

/** Reads the items of one syntax tree. */
class ItemReader {
  constructor(
    private readonly reader: SyntaxReader,
    private readonly masked: MaskedText,
    private readonly lines: LineIndex,
    private readonly found: Found,
    private readonly isWanted: (start: number) => boolean,
  ) {}

  items(): void {
    this.reader.children((kind) => {
      if (this.isWanted(this.reader.cursor.startIndex)) this.item(kind);
    });
  }

  private item(kind: string): void {
    switch (kind) {
      case 'function_definition':
        this.functionDefinition();
        return;
      case 'declaration':
        this.fileDeclaration();
        return;
      case 'type_definition':
        this.typeDefinition();
        return;
      case 'struct_specifier':
      case 'union_specifier':
      case 'enum_specifier':
        this.reader.typeBase('');
        return;
      case 'linkage_specification':
      case 'declaration_list':
        this.items();
        return;
      case 'ERROR':
        this.reader.brokenNodes++;
        this.items();
        return;
      default:
    }
  }

  private functionDefinition(): void {
    const start = this.reader.cursor.startIndex;
    const end = this.reader.cursor.endIndex;
    this.reader.startAt(this.lines.lineAt(start));
    const storage = new Set<string>();
    let base = '';
    let declared: Declarator | undefined;
    let body: Statement[] = [];
    this.reader.children((kind) => {
      if (kind === 'storage_class_specifier') storage.add(this.reader.text());
      else if (kind === 'compound_statement') body = this.reader.block().s;
      else if (kind.endsWith('_specifier') || kind === 'primitive_type' || kind === 'type_identifier')
        base = this.reader.typeBase('');
      else if (kind.endsWith('declarator') || (kind === 'identifier' && !declared))
        declared = this.reader.declarator(base);
      else if (kind === 'ERROR') this.reader.brokenNodes++;
    });
    if (declared === undefined || (declared as Declarator).name === '') return;
    const read = { start, end, storage, declared: declared as Declarator, body };
    this.found.functions.push(functionFacts(this.masked, this.lines, read));
  }

  private fileDeclaration(): void {
    const start = this.reader.cursor.startIndex;
    this.reader.startAt(this.lines.lineAt(start));
    const { storage, declarators } = this.reader.declaration('');
    addDeclaration(this.found, this.masked, this.lines, { start, storage, declarators });
  }

  private typeDefinition(): void {
    const { declarators } = this.reader.declaration(
      `typedef@${this.lines.lineAt(this.reader.cursor.startIndex) + 1}`,
    );
    for (const { name, type } of declarators) if (name !== '') this.found.typedefs.push({ name, type });
  }
}

function namesOf(parser: CParser): { kinds: string[]; fields: Record<string, number> } {
  const { language } = parser;
  const kinds: string[] = [];
  // Keywords get a quote in front: a kind that begins with a letter is then a node of its own, never a token.
  for (let id = 0; id < language.nodeTypeCount; id++) {
    const name = language.nodeTypeForId(id) ?? '';
    kinds.push(language.nodeTypeIsNamed(id) || !/^\w/.test(name) ? name : `'${name}`);
  }
  const fields: Record<string, number> = {};
  for (let id = 1; id <= language.fieldCount; id++) {
    const name = language.fieldNameForId(id);
    if (name) fields[name] = id;
  }
  return { kinds, fields };
}

const names = new WeakMap<CParser, ReturnType<typeof namesOf>>();

/**
 * Appends what a tree's items say to `found`.
 * @param isWanted tells by the offset of a file-level node whether to read it
 * @returns how many nodes were broken
 */
export function readItems(
  parser: CParser,
  masked: MaskedText,
  lines: LineIndex,
  tree: Tree,
  found: Found,
  isWanted: (start: number) => boolean = () => true,
): number {
  const known = names.get(parser) ?? namesOf(parser);
  names.set(parser, known);
  const cursor = parser.walk(tree);
  try {
    const reader = new SyntaxReader(cursor, known.kinds, known.fields, masked, lines);
    new ItemReader(reader, masked, lines, found, isWanted).items();
    found.aggregates.push(...reader.aggregates);
    found.enumerators.push(...reader.enumerators);
    return reader.brokenNodes;
  } finally {
    cursor.delete();
  }
}
