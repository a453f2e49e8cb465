/** The kept tokens of a file by position, with what masks ask of them: words, punctuation, partners of brackets. */
import { type KeptText, selectText } from '../conditionals.js';
import type { Configuration } from '../conditions.js';
import { TokenKind, type Tokens, tokenize } from '../lexer.js';
import { marksOf, mayHaveMarks } from '../word-marks.js';
import { type Brackets, matchBrackets, STORAGE_WORD } from './brackets.js';

export const PAREN_OPEN = 40;
export const PAREN_CLOSE = 41;
export const STAR = 42;
export const COMMA = 44;
export const DOT = 46;
export const COLON = 58;
export const SEMICOLON = 59;
export const EQUALS = 61;
export const BRACKET_OPEN = 91;
export const BRACKET_CLOSE = 93;
export const BRACE_OPEN = 123;
export const BRACE_CLOSE = 125;
const MINUS = 45;
const NEWLINE = 10;

export class TokenView {
  readonly tokens: Tokens;
  readonly selected: KeptText;
  /** Number of positions. */
  readonly length: number;
  // By position: nearly every question is about one of these.
  private readonly kinds: Uint8Array;
  private readonly codes: Uint16Array;
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  readonly brackets: Brackets;
  /** Position of the bracket that closes the one at this position (or opens it); -1 without a partner. */
  readonly partner: Int32Array;
  /** Where brackets don't match: positions at which an item of the file begins all the same. */
  readonly recovered: ReadonlySet<number>;

  constructor(
    readonly source: string,
    configuration: Configuration,
  ) {
    this.tokens = tokenize(source);
    this.selected = selectText(source, this.tokens, configuration);
    const { kept } = this.selected;
    const { kind, code, start, end } = this.tokens;
    const length = kept.length;
    this.length = length;
    this.kinds = new Uint8Array(length);
    this.codes = new Uint16Array(length);
    this.starts = new Int32Array(length);
    this.ends = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      const token = kept[i]!;
      this.kinds[i] = kind[token]!;
      this.codes[i] = code[token]!;
      this.starts[i] = start[token]!;
      this.ends[i] = end[token]!;
    }
    this.brackets = matchBrackets(this);
    this.partner = this.brackets.partner;
    this.recovered = new Set(this.brackets.items);
  }

  // Positions outside of the file have kind and code 0: rules may look around freely.

  kind(i: number): number {
    return i < 0 || i >= this.length ? 0 : this.kinds[i]!;
  }
  code(i: number): number {
    return i < 0 || i >= this.length ? 0 : this.codes[i]!;
  }
  start(i: number): number {
    return this.starts[i]!;
  }
  end(i: number): number {
    return this.ends[i]!;
  }
  word(i: number): string {
    return this.kind(i) === TokenKind.Word ? this.source.slice(this.start(i), this.end(i)) : '';
  }
  /** What the word at a position may be to a mask; 0 where there is no word. */
  marks(i: number): number {
    if (this.kind(i) !== TokenKind.Word) return 0;
    const start = this.start(i);
    const end = this.end(i);
    return mayHaveMarks(this.code(i), end - start) ? marksOf(this.source.slice(start, end)) : 0;
  }
  isWord(i: number): boolean {
    return this.kind(i) === TokenKind.Word;
  }
  isLiteral(i: number): boolean {
    return this.kind(i) === TokenKind.Literal;
  }
  is(i: number, code: number): boolean {
    return this.kind(i) === TokenKind.Punctuation && this.code(i) === code;
  }
  /** `.` or `->`. */
  isMemberAccess(i: number): boolean {
    return this.is(i, DOT) || (this.is(i, MINUS) && this.end(i) - this.start(i) === 2);
  }
  inFirstColumn(i: number): boolean {
    const start = this.start(i);
    return start === 0 || this.source.charCodeAt(start - 1) === NEWLINE;
  }
  /** Is there a line break between this token and the next? */
  endsLine(i: number): boolean {
    if (i + 1 >= this.length) return true;
    const line = this.source.indexOf('\n', this.end(i));
    return line >= 0 && line < this.start(i + 1);
  }
  /** Position of the parenthesis that closes the one behind position `i`, or -1. */
  closeBehind(i: number): number {
    return this.is(i + 1, PAREN_OPEN) ? this.partner[i + 1]! : -1;
  }

  /** Positions of the commas that split the arguments between a parenthesis and its partner. */
  argumentCommas(open: number, close: number): number[] {
    const commas: number[] = [];
    for (let i = open + 1; i < close; i++) {
      if (this.partner[i]! > i) i = this.partner[i]!;
      else if (this.is(i, COMMA)) commas.push(i);
    }
    return commas;
  }

  /**
   * Offsets at which items of the file begin: words in the first column behind the end of another item, and where
   * brackets don't match, every such word that begins no label.
   */
  itemStarts(): number[] {
    const starts: number[] = [];
    for (let i = 0; i < this.length; i++) {
      if (this.recovered.has(i) || (this.isWord(i) && this.inFirstColumn(i) && this.beginsItem(i)))
        starts.push(this.start(i));
      if (this.partner[i]! > i) i = this.partner[i]!;
    }
    return starts;
  }

  private beginsItem(i: number): boolean {
    if (i === 0 || this.is(i - 1, SEMICOLON)) return true;
    if (this.is(i - 1, BRACE_CLOSE) && !this.isDeclared(i)) return true;
    return STORAGE_WORD.test(this.word(i)) && !STORAGE_WORD.test(this.word(i - 1));
  }

  /** `} name;`, `} name[] = {`: what a declaration declares, in a line of its own. */
  private isDeclared(i: number): boolean {
    return (
      this.is(i + 1, SEMICOLON) ||
      this.is(i + 1, COMMA) ||
      this.is(i + 1, EQUALS) ||
      this.is(i + 1, BRACKET_OPEN)
    );
  }

  /** Opening parentheses with operands for the assembler in them: `"=D" (page)`, `[fx] "+m" (state)`. */
  findAssembly(): ReadonlySet<number> {
    const found = new Set<number>();
    const open: number[] = [];
    for (let i = 0; i < this.length; i++) {
      const partner = this.partner[i]!;
      if (partner > i) open.push(i);
      else if (partner >= 0) open.pop();
      else if (open.length > 0 && this.isOperand(i)) found.add(open[open.length - 1]!);
    }
    return found;
  }

  /** A literal before a parenthesis is a constraint; so is one behind an operand's name in brackets. */
  private isOperand(i: number): boolean {
    if (this.kind(i) !== TokenKind.Literal) return false;
    return (
      this.is(i + 1, PAREN_OPEN) ||
      (this.is(i - 1, BRACKET_CLOSE) && this.isWord(i - 2) && this.is(i - 3, BRACKET_OPEN))
    );
  }
}
