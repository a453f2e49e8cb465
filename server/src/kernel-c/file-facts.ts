/** One file's text → its facts. The only way from C text into the program. */
import type { Tree } from 'web-tree-sitter';
import { both, type Configuration, type Truth } from './conditions.js';
import { emptyFacts, FACTS_VERSION, type FileFacts, type FunctionFacts, type Note } from './facts.js';
import { LineIndex } from './line-index.js';
import { hasReadableBody, MACRO_FUNCTION, macroText } from './macro-bodies.js';
import { type Definer, type MaskedText, maskKernelC } from './masking.js';
import type { CParser } from './parser.js';
import type { Statement } from './syntax.js';
import { type Declarator, SyntaxReader } from './syntax-reader.js';

/** Larger files are register lists and firmware tables; no call path leads through them. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 200_000;
const MAX_NOTES = 20;

interface Found {
  functions: FunctionFacts[];
  prototypes: FileFacts['prototypes'];
  variables: FileFacts['variables'];
  typedefs: FileFacts['typedefs'];
}

/** Reads the items of one syntax tree. */
class ItemReader {
  readonly found: Found = { functions: [], prototypes: [], variables: [], typedefs: [] };

  constructor(
    private readonly reader: SyntaxReader,
    private readonly masked: MaskedText,
    private readonly lines: LineIndex,
  ) {}

  items(): void {
    this.reader.children((kind) => this.item(kind));
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

  private conditionAt(offset: number): { truth: Truth; when: string } {
    let truth: Truth = 'true';
    let when = '';
    for (const region of this.masked.regions) {
      if (offset < region.start || offset >= region.end) continue;
      truth = both(truth, region.truth);
      when = region.when;
    }
    return { truth, when };
  }

  private functionDefinition(): void {
    const start = this.reader.cursor.startIndex;
    const end = this.reader.cursor.endIndex;
    const firstLine = this.lines.lineAt(start);
    this.reader.startAt(firstLine);
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
    const { name, type, at, parameters } = (declared ?? {
      name: '',
      type: base,
      at: start,
      parameters: [],
    }) as Declarator;
    if (name === '') return;
    let definer: Definer | undefined;
    let weak = false;
    for (const [offset, found] of this.masked.definers) if (offset >= start && offset < end) definer = found;
    const nameAt = definer?.name ?? at;
    for (const offset of this.masked.weak)
      if (offset >= start - 40 && offset < at && this.lines.lineAt(offset) >= firstLine - 1) weak = true;
    const facts: FunctionFacts = {
      name,
      line: this.lines.lineAt(nameAt) + 1,
      column: this.lines.columnAt(nameAt) + 1,
      firstLine: firstLine + 1,
      endLine: this.lines.lineAt(Math.max(start, end - 1)) + 1,
      static: storage.has('static'),
      inline: storage.has('inline') || storage.has('__inline'),
      weak,
      type: type.replace(/\(\)$/, ''),
      parameters: parameters ?? [],
      body: JSON.stringify(body),
      ...this.conditionAt(start),
    };
    if (definer) facts.generatedBy = definer.macro;
    this.found.functions.push(facts);
  }

  private fileDeclaration(): void {
    const line = this.lines.lineAt(this.reader.cursor.startIndex);
    this.reader.startAt(line);
    const start = this.reader.cursor.startIndex;
    const { storage, declarators } = this.reader.declaration('');
    for (const { name, type, at, initialiser } of declarators) {
      if (name === '') continue;
      const nameLine = this.lines.lineAt(at) + 1;
      if (type.endsWith('()') && !initialiser) {
        this.found.prototypes.push({ name, line: nameLine });
        continue;
      }
      const variable: FileFacts['variables'][number] = {
        name,
        type,
        line: nameLine,
        static: storage.has('static'),
        extern: storage.has('extern'),
        ...this.conditionAt(start),
      };
      if (initialiser && initialiser.k !== 'num' && initialiser.k !== 'other' && initialiser.k !== 'str')
        variable.initialiser = JSON.stringify(initialiser);
      this.found.variables.push(variable);
    }
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

function read(
  parser: CParser,
  masked: MaskedText,
  lines: LineIndex,
  tree: Tree,
): { reader: SyntaxReader; found: Found } {
  const known = names.get(parser) ?? namesOf(parser);
  names.set(parser, known);
  const cursor = parser.walk(tree);
  try {
    const reader = new SyntaxReader(cursor, known.kinds, known.fields, masked, lines);
    const items = new ItemReader(reader, masked, lines);
    items.items();
    return { reader, found: items.found };
  } finally {
    cursor.delete();
  }
}

/** Line (from 1) of the first ERROR or MISSING node, or 0. */
function firstErrorLine(tree: Tree): number {
  let node = tree.rootNode;
  if (!node.hasError) return 0;
  for (;;) {
    const child = node.children.find(
      (candidate) => candidate !== null && (candidate.hasError || candidate.isError || candidate.isMissing),
    );
    if (!child || node.isError) return node.startPosition.row + 1;
    node = child;
  }
}

function readMacros(
  parser: CParser,
  masked: MaskedText,
  lines: LineIndex,
  configuration: Configuration,
): FileFacts['macros'] {
  const macros = masked.macros.map((macro) => ({
    name: macro.name,
    parameters: macro.parameters,
    variadic: macro.variadic,
    line: lines.lineAt(macro.start) + 1,
    endLine: lines.lineAt(macro.end) + 1,
    text: macro.body,
    truth: macro.truth,
    when: macro.when,
  })) as FileFacts['macros'];
  const readable = masked.macros.flatMap((macro, index) => (hasReadableBody(macro) ? [index] : []));
  const readBodies = (indices: readonly number[]) => {
    if (indices.length === 0) return;
    const text = macroText(masked.macros, indices);
    const bodies = maskKernelC(text, configuration);
    const tree = parser.parse(bodies.text);
    try {
      const { found, reader } = read(parser, bodies, new LineIndex(text), tree);
      // Errors may have swallowed a neighbour's body: then each is read by itself.
      if (indices.length > 1 && (reader.brokenNodes > 0 || found.functions.length < indices.length)) {
        if (indices.length <= 16) for (const index of indices) readBodies([index]);
        else for (let at = 0; at < indices.length; at += 16) readBodies(indices.slice(at, at + 16));
        return;
      }
      for (const { name, body } of found.functions) {
        const macro = name.startsWith(MACRO_FUNCTION)
          ? macros[Number(name.slice(MACRO_FUNCTION.length))]
          : undefined;
        if (macro) macro.body = body;
      }
    } finally {
      tree.delete();
    }
  };
  readBodies(readable);
  return macros;
}

/** Why a text isn't read as C at all, or `undefined`. */
function unreadable(text: string): string | undefined {
  if (text.length > MAX_FILE_BYTES)
    return `not read: ${(text.length / 1048576).toFixed(1)} MB is more than the limit of ${MAX_FILE_BYTES / 1048576} MB a file`;
  if (text.includes('\0')) return 'not read: binary data, not C text';
  if (text.length > MAX_LINE_LENGTH) {
    for (let at = 0; at < text.length; ) {
      const next = text.indexOf('\n', at);
      const end = next < 0 ? text.length : next;
      if (end - at > MAX_LINE_LENGTH)
        return `not read: a line of ${end - at} characters is generated data, not C that anyone edits`;
      at = end + 1;
    }
  }
  return undefined;
}

/**
 * Facts of one file. Never throws for what is in the text: what can't be read becomes a note with its line.
 * @param text the file as UTF-16; bytes that aren't UTF-8 may be replacement characters
 */
export function readFacts(parser: CParser, text: string, configuration: Configuration): FileFacts {
  const reason = unreadable(text);
  if (reason) return emptyFacts([{ line: 1, message: reason }]);
  const lines = new LineIndex(text);
  const masked = maskKernelC(text, configuration);
  const tree = parser.parse(masked.text);
  try {
    const { reader, found } = read(parser, masked, lines, tree);
    const notes: Note[] = masked.problems.map(({ offset, message }) => ({
      line: lines.lineAt(offset) + 1,
      message,
    }));
    if (tree.rootNode.hasError) {
      const broken = reader.brokenNodes;
      notes.push({
        line: firstErrorLine(tree),
        message: `syntax not understood here${broken > 1 ? ` and at ${broken - 1} more places` : ''}; the rest of the file is read`,
      });
    }
    const conditionOf = (offset: number): { truth: Truth; when: string } => {
      const inside = masked.regions.filter((region) => offset >= region.start && offset < region.end);
      return {
        truth: inside.reduce<Truth>((truth, region) => both(truth, region.truth), 'true'),
        when: inside[inside.length - 1]?.when ?? '',
      };
    };
    return {
      version: FACTS_VERSION,
      lineCount: lines.lineCount,
      ...found,
      macros: readMacros(parser, masked, lines, configuration),
      aggregates: reader.aggregates,
      enumerators: reader.enumerators,
      invocations: masked.invocations.map((invocation) => ({
        name: invocation.name,
        arguments: invocation.arguments,
        line: lines.lineAt(invocation.start) + 1,
        ...conditionOf(invocation.start),
      })),
      includes: masked.includes.map((include) => {
        const facts: FileFacts['includes'][number] = {
          path: include.path,
          angled: include.angled,
          line: lines.lineAt(include.start) + 1,
          truth: include.truth,
        };
        if (!include.angled && include.defined.size > 0) facts.defined = Object.fromEntries(include.defined);
        return facts;
      }),
      notes: notes.slice(0, MAX_NOTES),
    };
  } finally {
    tree.delete();
  }
}
