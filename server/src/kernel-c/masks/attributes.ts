/** Attribute words: `void __user *p`, `int x __aligned(8)`, `static __always_inline bool f(void)`. */
import { isTypeLikeAttribute } from '../knowledge.js';
import { Mark } from '../word-marks.js';
import { isWholeArgument } from './arguments.js';
import type { MaskContext } from './mask-context.js';
import { BRACKET_CLOSE, EQUALS, PAREN_CLOSE, SEMICOLON } from './token-view.js';

/** Blanks the attribute at `i`; false where the word there is none. */
export function maskAttribute(m: MaskContext, i: number, word: string, marks: number): boolean {
  // A name may look like one: a struct's member, a function of that name.
  if ((marks & Mark.BareAttribute) !== 0 && !m.isMemberAccess(i - 1) && !isWholeArgument(m, i)) {
    if (word === '__weak') m.weak.push(m.start(i));
    m.blankToken(i);
    return true;
  }
  if ((marks & Mark.AttributeWithArguments) !== 0) {
    const close = m.closeBehind(i);
    if (close < 0) return false;
    maskWithArguments(m, i, word, close);
    return true;
  }
  return (marks & Mark.MacroLike) !== 0 && maskBehindDeclarator(m, i, word);
}

function maskWithArguments(m: MaskContext, i: number, word: string, close: number): void {
  if (word === '__free' || word === '__cleanup')
    m.cleanups.set(m.start(i), m.source.slice(m.end(i + 1), m.start(close)).trim());
  else if (/\b(weak|__weak__)\b/.test(m.source.slice(m.start(i), m.end(close)))) m.weak.push(m.start(i));
  m.blankTokens(i, close);
  m.skipTo = close;
}

/** Attribute words that no table lists, behind an array or a function: `data[] __x;`, `f(void) __x(2);`. */
function maskBehindDeclarator(m: MaskContext, i: number, word: string): boolean {
  if (isTypeLikeAttribute(word) || m.inBody || !(m.atFileLevel || m.inBraces)) return false;
  const before = m.previous(i);
  const close = m.closeBehind(i);
  const end = close >= 0 ? close : i;
  if (!m.is(before, PAREN_CLOSE) && !m.is(before, BRACKET_CLOSE)) return false;
  // Behind a `)` that isn't a function's stands what is cast.
  const declarator = m.previous(m.partner[before]!);
  if (!m.isWord(declarator) && !m.is(declarator, BRACKET_CLOSE) && !m.is(declarator, PAREN_CLOSE))
    return false;
  if (!m.is(end + 1, SEMICOLON) && !m.is(end + 1, EQUALS)) return false;
  m.blankTokens(i, end);
  m.skipTo = end;
  return true;
}
