/**
 * The tokens of C text, as far as masking needs them: where words, numbers, strings, punctuation and whole
 * preprocessor directives begin and end. Offsets are UTF-16 code units of the given text, ends are exclusive.
 * Comments are not tokens; where one lies between two tokens the text there is blanked by the caller.
 */

export enum TokenKind {
  Word = 1,
  Number = 2,
  /** A string or character literal. */
  Literal = 3,
  Punctuation = 4,
  /** A preprocessor directive from `#` to the end of its last continuation line. */
  Directive = 5,
}

/** Parallel arrays, one entry a token: half a million small objects would cost more than the parse. */
export interface Tokens {
  count: number;
  kind: Uint8Array;
  start: Int32Array;
  end: Int32Array;
  /** First character code; for punctuation this tells which one it is (`...` is `.`, `->` is `-`). */
  code: Uint16Array;
  /** Comments in order: start0, end0, start1, end1, … */
  comments: number[];
  /** Offset of a comment or literal that is never closed, or -1. */
  unterminated: number;
}

const isWordStart = (c: number) =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c === 36 || c > 127;
const isDigit = (c: number) => c >= 48 && c <= 57;
const isWordPart = (c: number) => isWordStart(c) || isDigit(c);

const NEWLINE = 10;
const BACKSLASH = 92;

class TokenBuffer {
  count = 0;
  kind: Uint8Array;
  start: Int32Array;
  end: Int32Array;
  code: Uint16Array;

  constructor(capacity: number) {
    this.kind = new Uint8Array(capacity);
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
    this.code = new Uint16Array(capacity);
  }

  push(kind: TokenKind, start: number, end: number, code: number): void {
    const i = this.count++;
    if (i >= this.kind.length) this.grow();
    this.kind[i] = kind;
    this.start[i] = start;
    this.end[i] = end;
    this.code[i] = code;
  }

  private grow(): void {
    const capacity = this.kind.length * 2;
    const copy = <T extends Uint8Array | Int32Array | Uint16Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.kind = copy(this.kind, new Uint8Array(capacity));
    this.start = copy(this.start, new Int32Array(capacity));
    this.end = copy(this.end, new Int32Array(capacity));
    this.code = copy(this.code, new Uint16Array(capacity));
  }
}

/**
 * End of the block comment that starts at `at`. One that swallows the end of a function and another comment's start
 * was never closed: it ends with its function, as one without any end does.
 */
function blockCommentEnd(text: string, at: number): { end: number; isClosed: boolean } {
  const close = text.indexOf('*/', at + 2);
  const isClosed = close >= 0;
  const end = isClosed ? close + 2 : text.length;
  const opensAgain = text.indexOf('/*', at + 2);
  if (isClosed && (opensAgain < 0 || opensAgain > close)) return { end, isClosed };
  const functionEnd = text.indexOf('\n}', at + 2);
  const swallows =
    functionEnd >= 0 &&
    (!isClosed || functionEnd < opensAgain || text.lastIndexOf('/*', close) > functionEnd);
  return swallows && functionEnd < end ? { end: functionEnd, isClosed: false } : { end, isClosed };
}

/** End of a line, following `\` continuations. */
function logicalLineEnd(text: string, at: number): number {
  let end = text.indexOf('\n', at);
  while (
    end > 0 &&
    (text.charCodeAt(end - 1) === BACKSLASH ||
      (text.charCodeAt(end - 1) === 13 && text.charCodeAt(end - 2) === BACKSLASH))
  ) {
    end = text.indexOf('\n', end + 1);
  }
  return end < 0 ? text.length : end;
}

/** End of a directive: a block comment inside it may carry it over line ends without a backslash. */
function directiveEnd(text: string, at: number): number {
  let end = logicalLineEnd(text, at);
  let from = at;
  for (;;) {
    const open = text.indexOf('/*', from);
    if (open < 0 || open >= end) return end;
    const lineComment = text.indexOf('//', from);
    if (lineComment >= 0 && lineComment < open) return end;
    const close = blockCommentEnd(text, open).end;
    from = close;
    if (close > end) end = logicalLineEnd(text, close);
  }
}

/** End of the literal that opens at `at`; it stops at the end of its line where it isn't closed. */
function literalEnd(text: string, at: number, quote: number): number {
  let i = at + 1;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === quote) return i + 1;
    else if (c === NEWLINE) return i;
  }
  return text.length;
}

/** Splits C text into tokens. Never throws: unterminated comments and literals end where the text or line does. */
export function tokenize(text: string): Tokens {
  const buffer = new TokenBuffer(Math.max(64, text.length >> 2));
  const comments: number[] = [];
  const length = text.length;
  let unterminated = -1;
  let atLineStart = true;
  let i = 0;
  while (i < length) {
    const c = text.charCodeAt(i);
    if (c === NEWLINE) {
      atLineStart = true;
      i++;
      continue;
    }
    if (c === 32 || c === 9 || c === 13 || c === 12 || c === 11 || c === BACKSLASH || c === 0xfeff) {
      i++;
      continue;
    }
    if (c === 47) {
      const next = text.charCodeAt(i + 1);
      if (next === 42) {
        const { end, isClosed } = blockCommentEnd(text, i);
        if (!isClosed && unterminated < 0) unterminated = i;
        comments.push(i, end);
        i = end;
        continue;
      }
      if (next === 47) {
        const end = logicalLineEnd(text, i);
        comments.push(i, end);
        i = end;
        continue;
      }
    }
    if (c === 35 && atLineStart) {
      const end = directiveEnd(text, i);
      buffer.push(TokenKind.Directive, i, end, c);
      i = end;
      continue;
    }
    atLineStart = false;
    const start = i;
    if (isWordStart(c)) {
      i++;
      while (i < length && isWordPart(text.charCodeAt(i))) i++;
      buffer.push(TokenKind.Word, start, i, c);
    } else if (isDigit(c) || (c === 46 && isDigit(text.charCodeAt(i + 1)))) {
      i++;
      while (i < length) {
        const d = text.charCodeAt(i);
        const exponentSign =
          (d === 43 || d === 45) &&
          /[eEpP]/.test(text[i - 1]!) &&
          !/^0[xX][^.pP]*$/.test(text.slice(start, i));
        if (!isWordPart(d) && d !== 46 && !exponentSign) break;
        if (d === 46 && text.charCodeAt(i + 1) === 46) break;
        i++;
      }
      buffer.push(TokenKind.Number, start, i, c);
    } else if (c === 34 || c === 39) {
      i = literalEnd(text, i, c);
      buffer.push(TokenKind.Literal, start, i, c);
    } else {
      if (c === 46 && text.startsWith('...', i)) i += 3;
      else if (c === 45 && text.charCodeAt(i + 1) === 62) i += 2;
      else if (c === 35 && text.charCodeAt(i + 1) === 35) i += 2;
      else i++;
      buffer.push(TokenKind.Punctuation, start, i, c);
    }
  }
  return {
    count: buffer.count,
    kind: buffer.kind,
    start: buffer.start,
    end: buffer.end,
    code: buffer.code,
    comments,
    unterminated,
  };
}
