/** Where the quick reader is in the tokens, and how it gives up. */
import { type Position, packPosition } from '../syntax.js';
import { Kind, operator, type TokenList, Word } from './tokens.js';

/** Thrown for what is left to tree-sitter: nothing is wrong with the text because of it. */
export const LEFT_TO_TREE_SITTER = new Error('left to tree-sitter');

export const OP = {
  parenOpen: operator('('),
  parenClose: operator(')'),
  bracketOpen: operator('['),
  bracketClose: operator(']'),
  braceOpen: operator('{'),
  braceClose: operator('}'),
  semicolon: operator(';'),
  comma: operator(','),
  colon: operator(':'),
  question: operator('?'),
  assign: operator('='),
  star: operator('*'),
  and: operator('&'),
  plus: operator('+'),
  minus: operator('-'),
  dot: operator('.'),
  arrow: operator('->'),
  increment: operator('++'),
  decrement: operator('--'),
  not: operator('!'),
  invert: operator('~'),
  ellipsis: operator('...'),
} as const;

/** Deeper nesting than this is not code that anyone wrote; reading on would exhaust the stack. */
const MAX_DEPTH = 150;

/** Operators in a row that nest to the left: whoever walks the tree goes as deep. */
export const MAX_CHAIN = 200;

export class TokenCursor {
  protected at = 0;
  private depth = 0;
  /** Line that positions count from. */
  protected baseLine = 0;

  constructor(protected readonly tokens: TokenList) {}

  protected giveUp(): never {
    throw LEFT_TO_TREE_SITTER;
  }

  /** Runs a step that may nest in itself. */
  protected nested<T>(step: () => T): T {
    if (++this.depth > MAX_DEPTH) this.giveUp();
    const result = step();
    this.depth--;
    return result;
  }

  protected restart(): void {
    this.depth = 0;
  }

  protected kind(ahead = 0): Kind {
    return this.tokens.kind[this.at + ahead]!;
  }

  /** Keyword or operator. */
  protected code(ahead = 0): number {
    return this.tokens.code[this.at + ahead]!;
  }

  protected isOperator(code: number, ahead = 0): boolean {
    const i = this.at + ahead;
    return this.tokens.code[i] === code && this.tokens.kind[i] === Kind.Operator;
  }

  protected isName(ahead = 0): boolean {
    return this.tokens.kind[this.at + ahead] === Kind.Name;
  }

  /** The keyword at the cursor; `Word.None` for what is none. */
  protected word(ahead = 0): Word {
    const i = this.at + ahead;
    return this.tokens.kind[i] === Kind.Keyword ? this.tokens.code[i]! : Word.None;
  }

  protected take(code: number): boolean {
    if (!this.isOperator(code)) return false;
    this.at++;
    return true;
  }

  protected expect(code: number): void {
    if (!this.take(code)) this.giveUp();
  }

  protected expectWord(word: Word): void {
    if (this.word() !== word) this.giveUp();
    this.at++;
  }

  /** Text of the token at the cursor, which is passed. */
  protected takeText(): string {
    const { start, end, text } = this.tokens;
    const i = this.at++;
    return text.slice(start[i], end[i]);
  }

  protected takeName(): string {
    if (!this.isName()) this.giveUp();
    return this.takeText();
  }

  /** Text from one token's start to another one's end. */
  protected textOf(first: number, last: number): string {
    return this.tokens.text.slice(this.tokens.start[first], this.tokens.end[last]);
  }

  protected startOf(token: number): number {
    return this.tokens.start[token]!;
  }

  protected endOf(token: number): number {
    return this.tokens.end[token]!;
  }

  protected position(token: number): Position {
    return packPosition(this.tokens.line[token]! - this.baseLine, this.tokens.column[token]!);
  }
}
