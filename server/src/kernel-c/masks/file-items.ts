/** Macros that are whole items of a file: noted and blanked, or turned into the function they define. */
import { BARE_ATTRIBUTES } from '../knowledge.js';
import type { MaskContext } from './mask-context.js';
import { BRACE_OPEN, BRACKET_OPEN, EQUALS, PAREN_OPEN, SEMICOLON } from './token-view.js';

const STORAGE_WORD = /^(static|extern|const|inline|volatile)$/;

/** include/linux/syscalls.h, include/linux/compat.h: the kernel calls these functions `sys_x` and `compat_sys_x`. */
const SYSTEM_CALL = /^(COMPAT_)?SYSCALL(32)?_DEFINE[0-6]$/;
const DEFINER = /^[A-Z][A-Z0-9_]{3,}$/;

/** `EXPORT_SYMBOL(x);`, `static DEFINE_MUTEX(lock);`, `SYSCALL_DEFINE1(close, unsigned int, fd) {`. */
export function maskFileLevelMacro(m: MaskContext, i: number, word: string): boolean {
  const close = m.closeBehind(i);
  if (close < 0) return false;
  let first = i;
  while (STORAGE_WORD.test(m.word(first - 1)) || BARE_ATTRIBUTES.has(m.word(first - 1))) first--;
  if (!m.isItemStart(first)) return false;
  if (m.is(close + 1, BRACE_OPEN)) return DEFINER.test(word) && maskDefiner(m, i, word, close);
  // `static DECLARE_WORK(work, function);` declares by macro; with one argument it reads as a declaration as it is.
  if (first < i && (m.argumentCommas(i + 1, close).length === 0 || !m.is(close + 1, SEMICOLON))) return false;
  if (m.is(close + 1, PAREN_OPEN) || m.is(close + 1, EQUALS) || m.is(close + 1, BRACKET_OPEN)) return false;
  let end = m.is(close + 1, SEMICOLON) ? close + 1 : close;
  while (m.isLiteral(end + 1)) end++;
  m.invocations.push({
    name: word,
    arguments: m.argumentTexts(i + 1),
    start: m.start(i),
    end: m.end(end),
  });
  m.blankTokens(first, end);
  m.skipTo = end;
  return true;
}

/**
 * A macro that a function's body follows: its first argument names the function, pairs of type and name behind it are
 * the parameters. `SYSCALL_DEFINE2(name, int, fd, long, n) {` → `long sys_name(    int  fd, long  n) {`.
 */
function maskDefiner(m: MaskContext, i: number, word: string, close: number): boolean {
  const name = m.word(i + 2);
  const commas = m.argumentCommas(i + 1, close);
  if (name === '' || (commas[0] ?? close) !== i + 3) return false;
  const call = SYSTEM_CALL.exec(word);
  const head = call ? `long ${call[1] ? 'compat_' : ''}sys_${name}(` : `int ${name}(`;
  const firstComma = commas[0];
  m.definers.set(m.start(i), { macro: word, name: m.start(i + 2) });
  if (firstComma !== undefined && arePairs(m, commas, close)) {
    m.overwrite(i, firstComma, head);
    for (let n = 1; n < commas.length; n += 2) m.blankToken(commas[n]!);
    m.openParenthesis('other');
    m.skipTo = firstComma;
  } else {
    m.overwrite(i, close, `${head})`);
    m.skipTo = close;
  }
  return true;
}

/** Is every second argument behind the first a name? */
function arePairs(m: MaskContext, commas: readonly number[], close: number): boolean {
  if (commas.length % 2 !== 0) return false;
  for (let n = 1; n < commas.length; n += 2) {
    if (!m.isWord(commas[n]! + 1) || (commas[n + 1] ?? close) !== commas[n]! + 2) return false;
  }
  return true;
}

/** `struct fifo FIFO_MEMBERS(char, 0);`: numbers aren't parameters, so it is a macro and not a prototype. */
export function maskNoPrototype(m: MaskContext, i: number): boolean {
  const close = m.closeBehind(i);
  if (close < 0 || !m.is(close + 1, SEMICOLON) || !m.isWord(m.previous(i))) return false;
  const starts = [i + 2, ...m.argumentCommas(i + 1, close).map((comma) => comma + 1)];
  if (!starts.some((at) => m.kind(at) === 2 || m.isLiteral(at))) return false;
  m.blankTokens(i, close);
  m.skipTo = close;
  return true;
}

/** `int f(int *p MORE(int q));`: a parameter that a macro may add. */
export function maskParameterMacro(m: MaskContext, i: number, word: string): boolean {
  const close = m.closeBehind(i);
  if (close < 0 || !/^_*[A-Z][A-Z0-9_]+$/.test(word) || !m.isWord(m.previous(i))) return false;
  m.blankTokens(i, close);
  m.skipTo = close;
  return true;
}
