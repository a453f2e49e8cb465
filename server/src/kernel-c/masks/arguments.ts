/**
 * Arguments that only a preprocessor understands: types, operators, statements, nothing at all.
 * `container_of(w, struct kvm_pit, x)`, `CHECK(a, <=, b)`, `wait(q, unlock(l); schedule())`, `f(x, )`.
 */
import { PRIMITIVE_WORDS } from '../knowledge.js';
import { TokenKind } from '../lexer.js';
import { Mark } from '../word-marks.js';
import type { MaskContext } from './mask-context.js';
import {
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COMMA,
  DOT,
  PAREN_CLOSE,
  PAREN_OPEN,
  SEMICOLON,
  STAR,
} from './token-view.js';

/** Words that begin a statement which may stand as an argument; the rest of it is an expression. */
const STATEMENT_WORDS: ReadonlySet<string> = new Set(['return', 'goto', 'break', 'continue']);

/** Types, qualifiers and `STATEMENT_WORDS`. */
const IN_ARGUMENTS = Mark.Tag | Mark.Primitive | Mark.Qualifier | Mark.Statement;

/** Is the word at `i` all of an argument? */
export function isWholeArgument(m: MaskContext, i: number): boolean {
  return m.inArguments && startsArgument(m, i) && (m.is(i + 1, COMMA) || m.is(i + 1, PAREN_CLOSE));
}

function startsArgument(m: MaskContext, i: number): boolean {
  const before = m.previous(i);
  return m.is(before, PAREN_OPEN) || m.is(before, COMMA);
}

/** Is there nothing but `*` between `i` and the end of the argument? */
function endsArgument(m: MaskContext, i: number): boolean {
  let at = i;
  while (m.is(at, STAR)) at++;
  return m.is(at, COMMA) || m.is(at, PAREN_CLOSE);
}

/** A word inside of a call's parentheses. */
export function maskArgumentWord(m: MaskContext, i: number, marks: number): boolean {
  if ((marks & IN_ARGUMENTS) !== 0 && startsArgument(m, i)) {
    const word = m.word(i);
    if (maskType(m, i, word)) return true;
    if (STATEMENT_WORDS.has(word)) {
      if (endsArgument(m, i + 1)) m.overwrite(i, i, '0');
      else m.blankToken(i);
      return true;
    }
  }
  return maskJuxtaposed(m, i);
}

/** The grammar wants expressions: a type becomes one word, which the reader knows again. */
function maskType(m: MaskContext, i: number, word: string): boolean {
  if (word === 'const' || word === 'volatile') {
    m.blankToken(i);
    return true;
  }
  if (word === 'struct' || word === 'union' || word === 'enum') {
    if (!m.isWord(i + 1) || !endsArgument(m, i + 2)) return false;
    const gap = m.start(i + 1) - m.end(i);
    if (m.endsLine(i)) m.blankToken(i);
    else m.edit(m.start(i), m.start(i + 1), word[0]!.toUpperCase() + word.slice(1) + '_'.repeat(gap));
    return true;
  }
  if (!PRIMITIVE_WORDS.has(word)) return false;
  let last = i;
  while (PRIMITIVE_WORDS.has(m.word(last + 1))) last++;
  if (!endsArgument(m, last + 1)) return false;
  const joined = m.source.slice(m.start(i), m.end(last)).replace(/\s/g, '_');
  m.edit(m.start(i), m.end(last), joined[0]!.toUpperCase() + joined.slice(1));
  m.skipTo = last;
  return true;
}

/** `printk(KERN_DEFAULT CUT_HERE)`, `RMW(LOCK_PREFIX SIZE(bts), x)`, `"a" STRING(b) "c"`: text that is pasted together. */
function maskJuxtaposed(m: MaskContext, i: number): boolean {
  const close = m.closeBehind(i);
  const last = close >= 0 ? close : i;
  const before = m.previous(i);
  if (close >= 0 && m.isLiteral(before)) {
    m.blankTokens(i, close);
    m.skipTo = close;
    return true;
  }
  if (!m.isWord(last + 1) || !startsArgument(m, i) || !isPlainWord(m, i) || !isPlainWord(m, last + 1))
    return false;
  m.blankTokens(i, last);
  m.skipTo = last;
  return true;
}

/** `OPS_A OPS_B &c,` in an initialiser or an enumeration: list macros, each with its own commas. */
export function maskListMacro(m: MaskContext, i: number): boolean {
  if (!m.isWord(i + 1) || !isPlainWord(m, i) || !isPlainWord(m, i + 1)) return false;
  m.blankToken(i);
  return true;
}

const NOT_PASTED = /^(sizeof|struct|union|enum|typeof|__typeof__|__typeof|static|inline|return)$/;

function isPlainWord(m: MaskContext, i: number): boolean {
  return m.isWord(i) && !NOT_PASTED.test(m.word(i));
}

/** Punctuation inside of a call's parentheses. */
export function maskArgumentPunctuation(m: MaskContext, i: number): void {
  switch (m.code(i)) {
    case COMMA:
      return maskEmptyArgument(m, i);
    case SEMICOLON:
      // Statements as an argument: they are read as one more expression each.
      if (m.is(i + 1, PAREN_CLOSE) || m.is(i + 1, COMMA)) m.blankToken(i);
      else m.edit(m.start(i), m.end(i), ',');
      return;
    case BRACKET_OPEN:
      if (startsArgument(m, i) && endsArgument(m, m.partner[i]! + 1)) maskBrackets(m, i);
      return;
    case DOT:
      // `CONFIG(.event = 1)`: the macro's body has the braces.
      if (startsArgument(m, i) && m.end(i) - m.start(i) === 1 && m.isWord(i + 1)) m.blankToken(i);
      return;
    default:
      return maskOperator(m, i);
  }
}

/** `f(a, , b)` → `f(a,0, b)`; without room for the 0 the comma goes. */
function maskEmptyArgument(m: MaskContext, i: number): void {
  const start = m.start(i);
  let next = i + 1;
  while (m.is(next, COMMA)) next++;
  if (m.is(next, PAREN_CLOSE)) m.blankToken(i);
  else if (startsArgument(m, i)) {
    if (m.source[start - 1] === ' ') m.edit(start - 1, start, '0');
    else m.blankToken(i);
  }
}

function maskBrackets(m: MaskContext, i: number): void {
  const close = m.partner[i]!;
  if (close < 0 || !m.is(close, BRACKET_CLOSE)) return;
  m.blankToken(i);
  m.blankToken(close);
}

/** `CHECK(a, <=, b)`: an argument that is only an operator; `va_arg(ap, u64 *)`: a `*` that belongs to a type. */
function maskOperator(m: MaskContext, i: number): void {
  if (m.is(i, STAR) && !startsArgument(m, i)) {
    if (endsArgument(m, i + 1) && m.kind(i - 1) !== TokenKind.Number) m.blankToken(i);
    return;
  }
  if (!startsArgument(m, i)) return;
  let last = i;
  while (isOperator(m, last + 1)) last++;
  if (!isOperator(m, i) || !(m.is(last + 1, COMMA) || m.is(last + 1, PAREN_CLOSE))) return;
  m.overwrite(i, last, '0');
  m.skipTo = last;
}

function isOperator(m: MaskContext, i: number): boolean {
  return m.kind(i) === TokenKind.Punctuation && '+-*/%&|^~!<>=?'.includes(String.fromCharCode(m.code(i)));
}
