/**
 * Masked text → what its items say, without a syntax tree. Reads what nearly all of the kernel is written in, several
 * times as fast as tree-sitter's parse alone; whatever it isn't sure of it leaves to tree-sitter, item by item.
 * Both readers give the same, which tests hold them to.
 */
import { addDeclaration, type Found, functionFacts } from '../item-facts.js';
import type { LineIndex } from '../line-index.js';
import type { MaskedText } from '../masking.js';
import { LEFT_TO_TREE_SITTER, OP } from './cursor.js';
import type { DeclaredName } from './declarations.js';
import { StatementReader } from './statements.js';
import { Kind, TokenList, Word } from './tokens.js';

/** A stretch of text, [start, end). */
export interface Range {
  start: number;
  end: number;
}

const sharedTokens = new TokenList();

/** Characters; the tokens of larger texts are not worth keeping room for. */
const LARGE_TEXT = 1 << 20;

/**
 * Reads the items of a file, range by range.
 * @param starts offsets at which items begin
 * @param left is called for each range that the reader can't read, in its turn among the others
 */
export function readQuickly(
  masked: MaskedText,
  lines: LineIndex,
  starts: readonly number[],
  found: Found,
  left: (range: Range) => void,
): void {
  const tokens = masked.text.length > LARGE_TEXT ? new TokenList() : sharedTokens;
  tokens.read(masked.text);
  const reader = new QuickReader(tokens, masked, lines, found);
  const bounds = [0, ...starts.filter((start) => start > 0), masked.text.length];
  for (let n = 0; n + 1 < bounds.length; n++) {
    const range = { start: bounds[n]!, end: bounds[n + 1]! };
    if (!reader.read(range)) left(range);
  }
}

class QuickReader extends StatementReader {
  /** First token that no range has had. */
  private next = 0;

  constructor(
    tokens: TokenList,
    masked: MaskedText,
    private readonly lines: LineIndex,
    private readonly found: Found,
  ) {
    super(tokens, masked);
  }

  /** Reads a range's items; false, and nothing read, where it has one that is left to tree-sitter. */
  read(range: Range): boolean {
    const { found } = this;
    const before = {
      functions: found.functions.length,
      prototypes: found.prototypes.length,
      variables: found.variables.length,
      typedefs: found.typedefs.length,
    };
    this.aggregates.length = 0;
    this.enumerators.length = 0;
    this.restart();
    this.at = this.next;
    while (this.tokens.kind[this.next] !== Kind.End && this.startOf(this.next) < range.end) this.next++;
    try {
      while (this.at < this.next) this.item();
      if (this.at > this.next) this.giveUp();
    } catch (error) {
      if (error !== LEFT_TO_TREE_SITTER) throw error;
      for (const name of ['functions', 'prototypes', 'variables', 'typedefs'] as const)
        found[name].length = before[name];
      return false;
    }
    found.aggregates.push(...this.aggregates);
    found.enumerators.push(...this.enumerators);
    return true;
  }

  private item(): void {
    if (this.take(OP.semicolon)) return;
    const first = this.at;
    if (this.word() === Word.Typedef) return this.typeDefinition();
    // `MODULE_INFO(x);`, `FOO(x) { … }`: a macro's use that only looks like a declaration.
    if (this.isName() && this.isOperator(OP.parenOpen, 1)) this.giveUp();
    const isTag = this.word() === Word.Struct || this.word() === Word.Union || this.word() === Word.Enum;
    this.baseLine = this.tokens.line[first]!;
    const { storage, base } = this.specifiers('');
    if (isTag && this.take(OP.semicolon)) return;
    const p = this.position(this.at);
    const declared = this.declarator(base);
    if (this.isOperator(OP.braceOpen)) {
      if (!declared.parameters) this.giveUp();
      const body = this.block().s;
      const read = { start: this.startOf(first), end: this.endOf(this.at - 1), storage, declared, body };
      this.found.functions.push(functionFacts(this.masked, this.lines, read));
      return;
    }
    const declarators: DeclaredName[] = this.declaredNames(base, { ...declared, p });
    addDeclaration(this.found, this.masked, this.lines, { start: this.startOf(first), storage, declarators });
  }

  private typeDefinition(): void {
    const line = this.tokens.line[this.at++]! + 1;
    const { storage, base } = this.specifiers(`typedef@${line}`);
    if (storage.size > 0) this.giveUp();
    for (const { name, type, initialiser } of this.declaredNames(base)) {
      if (initialiser) this.giveUp();
      this.found.typedefs.push({ name, type });
    }
  }
}
