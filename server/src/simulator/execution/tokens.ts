/** C text → preprocessing tokens with their places. Exact, unlike the analyser's lexer: nothing may be lost here. */

/** A place in a file of the tree; line and column count from 1. */
export interface Loc {
  file: string;
  line: number;
  column: number;
}

export type TokenKind = 'id' | 'num' | 'str' | 'chr' | 'punc' | 'directive' | 'eof';

export interface Token {
  kind: TokenKind;
  text: string;
  /** Where it stands in the unexpanded source: of a macro's text, the place where the macro is used. */
  loc: Loc;
  /** White space before it: `#` keeps one blank of it. */
  space: boolean;
  /** Macros that must not be expanded in this token any more. */
  hidden?: ReadonlySet<string>;
  /** Made by a macro's replacement text rather than written where it is used. */
  fromMacro?: boolean;
}

/** What the simulator can't execute, or finds wrong in the C: names file, line and construct. */
export class CodeError extends Error {
  constructor(
    readonly loc: Loc,
    /** Without the place. */
    readonly reason: string,
  ) {
    super(`${loc.file}:${loc.line}: ${reason}`);
    this.name = 'CodeError';
  }
}

const PUNCTUATION = [
  ['...', '<<=', '>>='],
  [
    '->',
    '++',
    '--',
    '<<',
    '>>',
    '<=',
    '>=',
    '==',
    '!=',
    '&&',
    '||',
    '+=',
    '-=',
    '*=',
    '/=',
    '%=',
    '&=',
    '|=',
  ],
  ['^=', '##'],
].flat();

const byFirst = new Map<string, string[]>();
for (const text of PUNCTUATION) byFirst.set(text[0]!, [...(byFirst.get(text[0]!) ?? []), text]);

const isWordStart = (c: number) =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c === 36 || c > 127;
const isDigit = (c: number) => c >= 48 && c <= 57;
const isWordPart = (c: number) => isWordStart(c) || isDigit(c);

const NEWLINE = 10;
const BACKSLASH = 92;

/**
 * Tokens of a text. A directive is one token with continuation lines joined and comments blanked.
 * @param line,column of the text's first character
 * @param directives whether a `#` at the start of a line begins a directive; in a macro's body it doesn't
 * @throws CodeError for a comment or literal without an end
 */
export function lex(text: string, file: string, line = 1, column = 1, directives = true): Token[] {
  return new Lexer(text, file, line, column).run(directives);
}

class Lexer {
  private readonly tokens: Token[] = [];
  private i = 0;
  private lineStart: number;

  constructor(
    private readonly text: string,
    private readonly file: string,
    private line: number,
    column: number,
  ) {
    this.lineStart = 1 - column;
  }

  private here(at = this.i): Loc {
    return { file: this.file, line: this.line, column: at - this.lineStart + 1 };
  }

  private newline(at: number): void {
    this.line++;
    this.lineStart = at + 1;
  }

  run(directives: boolean): Token[] {
    const { text } = this;
    const length = text.length;
    let atLineStart = directives;
    let space = false;
    while (this.i < length) {
      const c = text.charCodeAt(this.i);
      if (c === NEWLINE) {
        this.newline(this.i++);
        atLineStart = directives;
        space = true;
        continue;
      }
      if (c === 32 || c === 9 || c === 13 || c === 12 || c === 11 || c === 0xfeff) {
        this.i++;
        space = true;
        continue;
      }
      if (c === BACKSLASH && /^\\\r?\n/.test(text.slice(this.i, this.i + 3))) {
        this.i = text.indexOf('\n', this.i);
        this.newline(this.i++);
        space = true;
        continue;
      }
      if (c === 47 && this.comment()) {
        space = true;
        continue;
      }
      if (c === 35 && atLineStart) {
        this.directive();
        continue;
      }
      atLineStart = false;
      this.token(c, space);
      space = false;
    }
    return this.tokens;
  }

  /** Passes over a comment; false where there is none. */
  private comment(): boolean {
    const next = this.text.charCodeAt(this.i + 1);
    if (next === 47) {
      const end = this.text.indexOf('\n', this.i);
      this.i = end < 0 ? this.text.length : end;
      return true;
    }
    if (next !== 42) return false;
    const end = this.text.indexOf('*/', this.i + 2);
    if (end < 0) throw new CodeError(this.here(), 'a comment without an end');
    for (; this.i < end; this.i++) if (this.text.charCodeAt(this.i) === NEWLINE) this.newline(this.i);
    this.i = end + 2;
    return true;
  }

  private directive(): void {
    const loc = this.here();
    let out = '';
    while (this.i < this.text.length) {
      const c = this.text.charCodeAt(this.i);
      if (c === NEWLINE) break;
      if (c === BACKSLASH && /^\\\r?\n/.test(this.text.slice(this.i, this.i + 3))) {
        this.i = this.text.indexOf('\n', this.i);
        this.newline(this.i++);
        out += ' ';
      } else if (c === 47 && this.comment()) out += ' ';
      else if (c === 34 || c === 39) {
        const end = this.literalEnd(c);
        out += this.text.slice(this.i, end);
        this.i = end;
      } else {
        out += this.text[this.i++];
      }
    }
    this.tokens.push({ kind: 'directive', text: out.trim(), loc, space: true });
  }

  /** End of the literal here; one that its line doesn't close ends with the line (an apostrophe in `#error`). */
  private literalEnd(quote: number): number {
    for (let i = this.i + 1; i < this.text.length; i++) {
      const c = this.text.charCodeAt(i);
      if (c === BACKSLASH) i++;
      else if (c === quote) return i + 1;
      else if (c === NEWLINE) return i;
    }
    return this.text.length;
  }

  private token(c: number, space: boolean): void {
    const { text } = this;
    const start = this.i;
    const loc = this.here();
    let kind: TokenKind;
    const prefix = /^(?:u8|[uUL])(?=["'])/.exec(text.slice(start, start + 3))?.[0] ?? '';
    const quote = text.charCodeAt(start + prefix.length);
    if (quote === 34 || quote === 39) {
      this.i += prefix.length;
      this.i = this.literalEnd(quote);
      if (text.charCodeAt(this.i - 1) !== quote || this.i - start < 2)
        throw new CodeError(loc, `a ${quote === 34 ? 'string' : 'character'} without an end`);
      kind = quote === 34 ? 'str' : 'chr';
    } else if (isWordStart(c)) {
      kind = 'id';
      while (this.i < text.length && isWordPart(text.charCodeAt(this.i))) this.i++;
    } else if (isDigit(c) || (c === 46 && isDigit(text.charCodeAt(start + 1)))) {
      kind = 'num';
      for (this.i++; this.i < text.length; this.i++) {
        const d = text.charCodeAt(this.i);
        const previous = text[this.i - 1]!;
        const isExponent =
          (d === 43 || d === 45) &&
          /[eEpP]/.test(previous) &&
          !/^0[xX][^pP]*$/.test(text.slice(start, this.i));
        if (!isWordPart(d) && d !== 46 && !isExponent) break;
        if (d === 46 && text.charCodeAt(this.i + 1) === 46) break;
      }
    } else {
      kind = 'punc';
      const found = byFirst.get(text[start]!)?.find((one) => text.startsWith(one, start));
      this.i += found?.length ?? 1;
    }
    this.tokens.push({ kind, text: text.slice(start, this.i), loc, space });
  }
}
