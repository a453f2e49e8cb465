/**
 * Which brackets belong together. Text that somebody is typing leaves some open or closes others twice; kernel style
 * tells where that ends: a function's braces, and the first word of an item, stand in the first column.
 */
import { TokenKind } from '../lexer.js';

const PAREN_OPEN = 40;
const PAREN_CLOSE = 41;
const COMMA = 44;
const COLON = 58;
const SEMICOLON = 59;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

export interface Brackets {
  /** Position of the bracket that closes the one at this position (or opens it); -1 without a partner. */
  partner: Int32Array;
  /** Positions of brackets without a partner. */
  unmatched: readonly number[];
  /** Only where brackets are unmatched: positions at which a new item of the file begins, in order. */
  items: readonly number[];
}

/** What matching asks of the tokens. */
export interface BracketTokens {
  readonly length: number;
  kind(i: number): number;
  code(i: number): number;
  inFirstColumn(i: number): boolean;
  word(i: number): string;
}

/** Words that begin a declaration and never go on with one on a new line. */
export const STORAGE_WORD = /^(static|extern|typedef)$/;

const opens = (code: number) => code === PAREN_OPEN || code === BRACE_OPEN || code === BRACKET_OPEN;
const closes = (code: number) => code === PAREN_CLOSE || code === BRACE_CLOSE || code === BRACKET_CLOSE;
/** The opening bracket for a closing one: `()` lie side by side, `[]` and `{}` have one code between them. */
const openerOf = (code: number) => (code === PAREN_CLOSE ? PAREN_OPEN : code - 2);

export function matchBrackets(tokens: BracketTokens): Brackets {
  const partner = new Int32Array(tokens.length).fill(-1);
  if (matchAll(tokens, partner)) return { partner, unmatched: [], items: [] };
  partner.fill(-1);
  return new Recovery(tokens, partner).match();
}

/** Matches whole text; false as soon as something doesn't. */
function matchAll(tokens: BracketTokens, partner: Int32Array): boolean {
  const open: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens.kind(i) !== TokenKind.Punctuation) continue;
    const code = tokens.code(i);
    if (opens(code)) open.push(i);
    else if (closes(code)) {
      const opener = open.pop();
      if (opener === undefined || tokens.code(opener) !== openerOf(code)) return false;
      partner[opener] = i;
      partner[i] = opener;
    }
  }
  return open.length === 0;
}

class Recovery {
  private readonly open: number[] = [];
  private readonly unmatched: number[] = [];
  private readonly items: number[] = [];

  constructor(
    private readonly tokens: BracketTokens,
    private readonly partner: Int32Array,
  ) {}

  match(): Brackets {
    const { tokens } = this;
    for (let i = 0; i < tokens.length; i++) {
      if (this.beginsItem(i)) {
        this.items.push(i);
        this.giveUp(0);
      }
      if (tokens.kind(i) !== TokenKind.Punctuation) continue;
      const code = tokens.code(i);
      // Whatever is open where a function's own braces stand was half typed.
      if (code === BRACE_OPEN && this.isBodyStart(i)) this.giveUp(0);
      else if (code === BRACE_CLOSE && tokens.inFirstColumn(i)) this.giveUp(this.outermostBrace() + 1);
      if (opens(code)) this.open.push(i);
      else if (closes(code)) this.close(i, openerOf(code));
    }
    this.giveUp(0);
    return { partner: this.partner, unmatched: this.unmatched, items: this.items };
  }

  private isPunctuation(i: number, code: number): boolean {
    return this.tokens.kind(i) === TokenKind.Punctuation && this.tokens.code(i) === code;
  }

  /** A word in the first column that is no label and doesn't go on with a list. */
  private beginsItem(i: number): boolean {
    const { tokens } = this;
    if (tokens.kind(i) !== TokenKind.Word || !tokens.inFirstColumn(i)) return false;
    if (this.isPunctuation(i + 1, COLON)) return false;
    if (this.open.length > 0) return !this.isPunctuation(i - 1, COMMA) || STORAGE_WORD.test(tokens.word(i));
    return i === 0 || this.isPunctuation(i - 1, SEMICOLON) || this.isPunctuation(i - 1, BRACE_CLOSE);
  }

  /** The `{` of a function, not of a row in a table. */
  private isBodyStart(i: number): boolean {
    return (
      this.tokens.inFirstColumn(i) &&
      !this.isPunctuation(i - 1, COMMA) &&
      !this.isPunctuation(i - 1, BRACE_OPEN)
    );
  }

  private outermostBrace(): number {
    return this.open.findIndex((at) => this.tokens.code(at) === BRACE_OPEN);
  }

  /** Leaves `count` brackets open; those above them have no partner. */
  private giveUp(count: number): void {
    while (this.open.length > count) {
      const at = this.open.pop()!;
      // An item's own brace stays: the parser closes it where the item ends.
      if (this.open.length > 0 || this.tokens.code(at) !== BRACE_OPEN) this.unmatched.push(at);
    }
  }

  private close(i: number, wanted: number): void {
    const { open, tokens } = this;
    let at = open.length - 1;
    // `f(a[i)`: what was left open inside is skipped, but a parenthesis never closes across a brace.
    while (at >= 0 && tokens.code(open[at]!) !== wanted) {
      if (tokens.code(open[at]!) === BRACE_OPEN) at = 0;
      at--;
    }
    if (at < 0) {
      this.unmatched.push(i);
      return;
    }
    this.giveUp(at + 1);
    const opener = open.pop()!;
    this.partner[opener] = i;
    this.partner[i] = opener;
  }
}
