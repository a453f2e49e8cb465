/** Declarations that a macro makes: of a variable, of a struct's members, of an enumerator. */
import { type DeclarationMacro, declarationMacro, GROUP_MACROS, PRIMITIVE_WORDS } from '../knowledge.js';
import { TokenKind } from '../lexer.js';
import type { MaskContext } from './mask-context.js';
import { BRACE_CLOSE, BRACE_OPEN, BRACKET_OPEN, COMMA, SEMICOLON, STAR } from './token-view.js';

/** `DECLARE_BITMAP(map, N)` → `int map`; `DEFINE_PER_CPU(struct x, name)` → `struct x name`. */
export function maskDeclarationMacro(m: MaskContext, i: number, word: string): boolean {
  const known = declarationMacro(word);
  const close = known ? m.closeBehind(i) : -1;
  return known !== undefined && close >= 0 && maskDeclaration(m, i, close, known);
}

function maskDeclaration(
  m: MaskContext,
  i: number,
  close: number,
  { name, type }: DeclarationMacro,
): boolean {
  const commas = m.argumentCommas(i + 1, close);
  if (name > commas.length || (type ?? 0) > commas.length) return false;
  const from = (index: number) => (index === 0 ? i + 2 : commas[index - 1]! + 1);
  const to = (index: number) => (index < commas.length ? commas[index]! : close) - 1;
  if (from(name) > to(name)) return false;
  if (type === null || from(type) > to(type)) {
    const end = m.end(to(name));
    m.edit(m.start(i), m.start(from(name)), 'int ');
    m.edit(end, m.end(close), '');
    m.skipTo = close;
    return true;
  }
  m.blankTokens(i, from(Math.min(name, type)) - 1);
  for (let at = from(type); at <= to(type); at++) {
    // `DEFINE_PER_CPU(u64 [N], x)`: the brackets belong behind the name, where there is no room.
    if (m.is(at, BRACKET_OPEN)) {
      m.blankTokens(at, to(type));
      break;
    }
  }
  for (const comma of commas) m.blankToken(comma);
  if (Math.max(name, type) < commas.length) m.blankTokens(commas[Math.max(name, type)]!, close);
  else m.blankToken(close);
  m.skipTo = from(Math.min(name, type)) - 1;
  return true;
}

/** `struct_group(name, members…);`: the members stay. */
export function maskGroup(m: MaskContext, i: number, word: string): boolean {
  const dropped = GROUP_MACROS.get(word);
  const close = dropped === undefined ? -1 : m.closeBehind(i);
  const last = close < 0 ? undefined : m.argumentCommas(i + 1, close)[dropped! - 1];
  if (last === undefined) return false;
  m.blankTokens(i, last);
  m.blankToken(close);
  if (m.is(close + 1, SEMICOLON)) m.blankToken(close + 1);
  m.skipTo = last;
  return true;
}

/** A member that some other macro declares: `DECLARE_KFIFO(name, type, n);`, `PTR_MEMBER(struct x *, name);`. */
export function maskMemberMacro(m: MaskContext, i: number): boolean {
  const close = m.closeBehind(i);
  if (close < 0) return false;
  if (!m.is(close + 1, SEMICOLON)) {
    // `STACK_MEMBERS(a, b)` brings its own semicolons.
    if (!m.isWord(close + 1) && !m.is(close + 1, BRACE_CLOSE)) return false;
    m.blankTokens(i, close);
    m.skipTo = close;
    return true;
  }
  const commas = m.argumentCommas(i + 1, close);
  const isType = (at: number) => /^(struct|union|enum)$/.test(m.word(at)) || PRIMITIVE_WORDS.has(m.word(at));
  const typeFirst = commas.length > 0 && (isType(i + 2) || m.is(commas[0]! - 1, STAR));
  if (typeFirst && m.isWord(commas[0]! + 1)) return maskDeclaration(m, i, close, { name: 1, type: 0 });
  if (!typeFirst && m.isWord(i + 2) && (commas[0] ?? close) === i + 3)
    return maskDeclaration(m, i, close, { name: 0, type: null });
  m.blankTokens(i, close + 1);
  m.skipTo = close + 1;
  return true;
}

/** Enumerators made by a macro, `BITS(NAME),`, can't be told from the text. */
export function maskEnumeratorMacro(m: MaskContext, i: number): boolean {
  const close = m.closeBehind(i);
  const before = m.previous(i);
  if (close < 0 || !(m.is(before, COMMA) || m.is(before, BRACE_OPEN))) return false;
  let last = close;
  while (last + 1 < m.length && !m.is(last, COMMA) && !m.is(last + 1, BRACE_CLOSE))
    last = Math.max(last + 1, m.partner[last + 1]!);
  m.blankTokens(i, last);
  m.skipTo = last;
  return true;
}

/** `unsigned :5;` → `unsigned _ ;`. */
export function maskUnnamedBitField(m: MaskContext, i: number): void {
  if (m.kind(i + 1) !== TokenKind.Number) return;
  const follows = m.is(i - 1, COMMA) || m.is(i - 1, SEMICOLON);
  const isTypeOnly =
    m.isWord(i - 1) &&
    (m.is(i - 2, SEMICOLON) || m.is(i - 2, BRACE_OPEN) || PRIMITIVE_WORDS.has(m.word(i - 1)));
  if (follows || isTypeOnly) m.overwrite(i, i + 1, '_');
}
