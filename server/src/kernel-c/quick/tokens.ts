/**
 * Tokens of masked text for the quick reader: whole operators, keywords told from names, line and column of each.
 * Masked text has no comments and no directives any more.
 */

export enum Kind {
  /** Behind the last token. */
  End = 0,
  Name,
  Keyword,
  Number,
  Character,
  Text,
  Operator,
  /** What no C token begins with. */
  Unknown,
}

/** Keywords by what the reader does with them. */
export enum Word {
  None = 0,
  If,
  Else,
  While,
  Do,
  For,
  Switch,
  Case,
  Default,
  Return,
  Break,
  Continue,
  Goto,
  Sizeof,
  Offsetof,
  Struct,
  Union,
  Enum,
  Typedef,
  /** `static`, `inline`, … */
  Storage,
  /** `const`, `volatile`, … */
  Qualifier,
  /** `unsigned`, `long`, … */
  Sign,
  /** `int`, `size_t`, … */
  Primitive,
  /** Words of the grammar that the quick reader leaves to tree-sitter. */
  Other,
}

const words: Record<string, Word> = {
  if: Word.If,
  else: Word.Else,
  while: Word.While,
  do: Word.Do,
  for: Word.For,
  switch: Word.Switch,
  case: Word.Case,
  default: Word.Default,
  return: Word.Return,
  break: Word.Break,
  continue: Word.Continue,
  goto: Word.Goto,
  sizeof: Word.Sizeof,
  offsetof: Word.Offsetof,
  struct: Word.Struct,
  union: Word.Union,
  enum: Word.Enum,
  typedef: Word.Typedef,
};

function addWords(word: Word, text: string): void {
  for (const name of text.split(' ')) words[name] = word;
}

// As tree-sitter's grammar for C has them.
addWords(
  Word.Storage,
  'extern static auto register inline __inline __inline__ __forceinline thread_local __thread',
);
addWords(
  Word.Qualifier,
  'const constexpr volatile restrict __restrict __restrict__ _Atomic _Noreturn noreturn _Nonnull',
);
addWords(Word.Sign, 'signed unsigned long short');
addWords(
  Word.Primitive,
  'bool char int float double void size_t ssize_t ptrdiff_t intptr_t uintptr_t charptr_t nullptr_t max_align_t ' +
    'int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t char8_t char16_t char32_t char64_t',
);
addWords(
  Word.Other,
  '__extension__ alignas _Alignas __attribute__ __attribute __declspec __based __cdecl __clrcall __stdcall __fastcall ' +
    '__thiscall __vectorcall __uptr __sptr _unaligned __unaligned asm __asm__ __asm __volatile__ _Generic ' +
    '__alignof__ __alignof _alignof alignof _Alignof __try __except __finally __leave',
);

/** Keywords by length, then by first character: most names are told from them by these two alone. */
const keywords: Map<number, [text: string, word: Word][]>[] = [];
for (const [text, word] of Object.entries(words)) {
  keywords[text.length] ??= new Map();
  const byFirst = keywords[text.length]!;
  const list = byFirst.get(text.charCodeAt(0));
  if (list) list.push([text, word]);
  else byFirst.set(text.charCodeAt(0), [[text, word]]);
}

function keywordAt(text: string, start: number, end: number): Word {
  const candidates = keywords[end - start]?.get(text.charCodeAt(start));
  if (candidates) for (const [name, word] of candidates) if (text.startsWith(name, start)) return word;
  return Word.None;
}

/** An operator's characters, packed: the first in the lowest byte. */
export const operator = (text: string): number =>
  [...text].reduce((code, c, at) => code | (c.charCodeAt(0) << (8 * at)), 0);

/** Operators of more than one character, longest first, by their first character. */
const longOperators: [length: number, code: number, text: string][][] = [];
for (const text of [
  '...',
  '<<=',
  '>>=',
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
  '^=',
  '|=',
  '##',
  '::',
  '[[',
  ']]',
]) {
  const first = text.charCodeAt(0);
  longOperators[first] ??= [];
  longOperators[first]!.push([text.length, operator(text), text]);
}

enum Class {
  Other = 0,
  Blank,
  Newline,
  Letter,
  Digit,
  Operator,
}

const classes = new Uint8Array(128);
for (let c = 0; c < 128; c++) {
  const text = String.fromCharCode(c);
  if (text === '\n') classes[c] = Class.Newline;
  else if (/\s/.test(text)) classes[c] = Class.Blank;
  else if (/[A-Za-z_$]/.test(text)) classes[c] = Class.Letter;
  else if (/\d/.test(text)) classes[c] = Class.Digit;
  else if (/[-!%&()*+,./:;<=>?[\]^{|}~#]/.test(text)) classes[c] = Class.Operator;
}

const QUOTE = 34;
const APOSTROPHE = 39;
const DOT = 46;
const BACKSLASH = 92;
const NEWLINE = 10;

/** Tokens of one text. One object serves many texts: its arrays are used again. */
export class TokenList {
  count = 0;
  text = '';
  kind = new Uint8Array(1 << 14);
  /** Keyword, or the operator's packed characters. */
  code = new Int32Array(1 << 14);
  start = new Int32Array(1 << 14);
  end = new Int32Array(1 << 14);
  /** From 0. */
  line = new Int32Array(1 << 14);
  column = new Int32Array(1 << 14);

  private add(kind: Kind, code: number, start: number, end: number, line: number, lineStart: number): void {
    const i = this.count++;
    if (i >= this.kind.length) this.grow();
    this.kind[i] = kind;
    this.code[i] = code;
    this.start[i] = start;
    this.end[i] = end;
    this.line[i] = line;
    this.column[i] = start - lineStart;
  }

  private grow(): void {
    const size = this.kind.length * 2;
    const kind = new Uint8Array(size);
    kind.set(this.kind);
    this.kind = kind;
    for (const name of ['code', 'start', 'end', 'line', 'column'] as const) {
      const numbers = new Int32Array(size);
      numbers.set(this[name]);
      this[name] = numbers;
    }
  }

  /** Splits a text; an end token stands behind the last one. */
  read(text: string): void {
    this.count = 0;
    this.text = text;
    const { length } = text;
    let line = 0;
    let lineStart = 0;
    let i = 0;
    while (i < length) {
      const c = text.charCodeAt(i);
      const kind = c < 128 ? classes[c]! : Class.Other;
      if (kind === Class.Blank) {
        i++;
        continue;
      }
      if (kind === Class.Newline) {
        i++;
        line++;
        lineStart = i;
        continue;
      }
      const start = i;
      if (kind === Class.Letter) {
        i = nameEnd(text, i + 1);
        const word = keywordAt(text, start, i);
        this.add(word === Word.None ? Kind.Name : Kind.Keyword, word, start, i, line, lineStart);
      } else if (kind === Class.Digit || (c === DOT && isDigit(text, i + 1))) {
        i = numberEnd(text, i + 1);
        this.add(isCutNumber(text, start, i) ? Kind.Unknown : Kind.Number, 0, start, i, line, lineStart);
      } else if (c === QUOTE || c === APOSTROPHE) {
        i = literalEnd(text, i, c);
        const isWhole = i > start + 1 && text.charCodeAt(i - 1) === c && (c === QUOTE || i > start + 2);
        const literal = c === QUOTE ? Kind.Text : Kind.Character;
        this.add(isWhole ? literal : Kind.Unknown, 0, start, i, line, lineStart);
        // Lines that a backslash joins.
        for (let at = text.indexOf('\n', start); at >= 0 && at < i; at = text.indexOf('\n', at + 1)) {
          line++;
          lineStart = at + 1;
        }
      } else if (kind === Class.Operator) {
        let code = c;
        let size = 1;
        const longer = longOperators[c];
        if (longer) {
          for (const [width, packed, name] of longer) {
            if (!text.startsWith(name, i)) continue;
            code = packed;
            size = width;
            break;
          }
        }
        i += size;
        this.add(Kind.Operator, code, start, i, line, lineStart);
      } else {
        i++;
        this.add(Kind.Unknown, 0, start, i, line, lineStart);
      }
    }
    this.add(Kind.End, 0, length, length, line, lineStart);
  }
}

function nameEnd(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 128 || (classes[c] !== Class.Letter && classes[c] !== Class.Digit)) break;
  }
  return i;
}

const isDigit = (text: string, at: number): boolean => classes[text.charCodeAt(at)] === Class.Digit;

function numberEnd(text: string, from: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const kind = c < 128 ? classes[c] : Class.Other;
    if (kind !== Class.Letter && kind !== Class.Digit && c !== DOT) break;
  }
  return i;
}

/** `1e` before `-5`: the sign belongs to the number. */
function isCutNumber(text: string, start: number, end: number): boolean {
  const sign = text.charCodeAt(end);
  return (sign === 43 || sign === 45) && /^(0[xX].*[pP]|[^xX]*[eE])$/.test(text.slice(start, end));
}

/** End of a literal; one that isn't closed ends with its line. */
function literalEnd(text: string, start: number, quote: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) return i + 1;
    if (c === BACKSLASH) i++;
    else if (c === NEWLINE) return i;
  }
  return text.length;
}
