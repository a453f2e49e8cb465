/** Macros that are statements: iterators, guards, ends of loops, declarations inside of a function. */
import { isIteratorName, NOT_A_CALL, SCOPED_GUARDS } from '../knowledge.js';
import type { MaskContext } from './mask-context.js';
import { BRACE_CLOSE, BRACE_OPEN, COLON, PAREN_CLOSE, PAREN_OPEN, SEMICOLON, STAR } from './token-view.js';

/** A word before a parenthesis, inside of a function. */
export function maskStatementMacro(m: MaskContext, i: number, word: string): boolean {
  if (NOT_A_CALL.has(word)) return false;
  if (m.word(i - 1) === 'static') return maskLocalDeclarer(m, i);
  return maskIterator(m, i, word);
}

/** `kvm_for_each_vcpu(i, vcpu, kvm) {` → `while             (i, vcpu, kvm) {`. */
function maskIterator(m: MaskContext, i: number, word: string): boolean {
  const close = m.closeBehind(i);
  if (close < 0 || !isStatementStart(m, i)) return false;
  // `do { … } while_each_thread(p, t);` closes a loop.
  const closesLoop = word.startsWith('while_') && m.is(i - 1, BRACE_CLOSE) && m.is(close + 1, SEMICOLON);
  const named = isIteratorName(word) || SCOPED_GUARDS.has(word);
  const takesStatement =
    named && (m.isWord(close + 1) || m.is(close + 1, STAR) || m.is(close + 1, PAREN_OPEN));
  if (!m.is(close + 1, BRACE_OPEN) && !takesStatement && !closesLoop) return false;
  const keyword = word.length >= 5 ? 'while' : 'if';
  if (word.length < keyword.length) return false;
  m.iterators.set(m.start(i), word);
  if (word === 'scoped_cond_guard') maskFailure(m, i, close);
  if (close === i + 2) {
    // The grammar wants a condition.
    m.overwrite(i, close, `${keyword}(1)`.length <= m.end(close) - m.start(i) ? `${keyword}(1)` : keyword);
    m.skipTo = close;
  } else m.overwrite(i, i, keyword);
  return true;
}

/** `scoped_cond_guard(mutex_intr, return -EINTR, &lock)`: the statement for the failure becomes an expression. */
function maskFailure(m: MaskContext, i: number, close: number): void {
  for (let k = i + 1; k < close; k++) {
    const word = m.word(k);
    if (word === 'return' || word === 'goto') m.blankToken(k);
    else if (word === 'break') m.overwrite(k, k, 'Break');
    else if (word === 'continue') m.overwrite(k, k, 'Continue');
  }
}

function isStatementStart(m: MaskContext, i: number): boolean {
  const before = m.previous(i);
  if (m.isWord(before)) return m.word(before) === 'else' || m.word(before) === 'do';
  return (
    m.is(before, SEMICOLON) ||
    m.is(before, BRACE_OPEN) ||
    m.is(before, BRACE_CLOSE) ||
    m.is(before, PAREN_CLOSE) ||
    m.is(before, COLON)
  );
}

/** `static DEFINE_RATELIMIT_STATE(rs, a, b);` inside of a function. */
function maskLocalDeclarer(m: MaskContext, i: number): boolean {
  const close = m.closeBehind(i);
  if (close < 0 || !m.is(close + 1, SEMICOLON)) return false;
  m.blankTokens(i - 1, close);
  m.skipTo = close;
  return true;
}

/** `goto *table[x];` → `     *table[x];`. */
export function maskComputedGoto(m: MaskContext, i: number): boolean {
  if (!m.is(i + 1, STAR)) return false;
  m.blankToken(i);
  return true;
}
