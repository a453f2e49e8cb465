/**
 * Words in a declaration's head that no table lists. C has one type and one name there, beside its own words:
 * what is more, `STATIC_INLINE u32 f(`, `struct x y __LAYOUT;`, `MEMBERS_START struct list_head l;`, is a macro's.
 */
import { TokenKind } from '../lexer.js';
import { Mark } from '../word-marks.js';
import type { MaskContext } from './mask-context.js';
import { COLON, PAREN_OPEN, STAR } from './token-view.js';

const CAPITALS = /^_*[A-Z][A-Z0-9_]+$/;

const ATTRIBUTE = Mark.BareAttribute | Mark.AttributeWithArguments;

interface Head {
  /** Positions of names in it, first to last; a macro's with its arguments' end. */
  names: { first: number; last: number }[];
  hasType: boolean;
  /** How many of the names stand before the first `*`. */
  beforeStar: number;
  /** Position of the first token behind it. */
  end: number;
}

/** Takes macros out of the head that begins at `i`. Does nothing where the text there is no declaration. */
export function maskDeclarationHead(m: MaskContext, i: number): void {
  const head = readHead(m, i);
  if (!head) return;
  const { names, end } = head;
  const isCall = m.is(end, PAREN_OPEN);
  let last = names.length;
  // In `void (*f)(int)` the name stands in the parentheses.
  const ownNames = isCall && m.is(end + 1, STAR) ? 0 : 1;
  const wanted = (count: number) => Math.min(head.hasType ? ownNames : ownNames + 1, count);
  while (
    !isCall &&
    last > wanted(last) &&
    isMacroLike(m, names[last - 1]!) &&
    !isMacroLike(m, names[last - 2]!)
  ) {
    last--;
    m.blankTokens(names[last]!.first, names[last]!.last);
  }
  if (last <= wanted(last)) return;
  const name = ownNames === 0 ? last : last - 1;
  const type = head.hasType
    ? -1
    : head.beforeStar < last && head.beforeStar > 0
      ? head.beforeStar - 1
      : name - 1;
  for (let n = 0; n < last; n++) if (n !== name && n !== type) m.blankTokens(names[n]!.first, names[n]!.last);
}

function readHead(m: MaskContext, i: number): Head | undefined {
  const names: Head['names'] = [];
  let hasType = false;
  let beforeStar = -1;
  let at = i;
  for (; ; at++) {
    if (m.is(at, STAR) && at > i) {
      if (beforeStar < 0) beforeStar = names.length;
      continue;
    }
    if (!m.isWord(at)) break;
    const marks = m.marks(at);
    if ((marks & Mark.Statement) !== 0) return undefined;
    if ((marks & (Mark.Qualifier | Mark.BareAttribute)) !== 0) continue;
    const close = m.closeBehind(at);
    if ((marks & Mark.Tag) !== 0) {
      while ((m.marks(at + 1) & ATTRIBUTE) !== 0) at = Math.max(m.closeBehind(at + 1), at + 1);
      if (m.isWord(at + 1)) at++;
      hasType = true;
    } else if ((marks & Mark.Primitive) !== 0) hasType = true;
    else if ((marks & Mark.Typeof) !== 0) {
      if (close < 0) return undefined;
      hasType = true;
      at = close;
    } else if (close >= 0 && (marks & Mark.AttributeWithArguments) !== 0) at = close;
    else if (close >= 0 && isAttributeCall(m, at, close)) {
      names.push({ first: at, last: close });
      at = close;
    } else names.push({ first: at, last: at });
  }
  if (m.is(at, COLON) && m.scope !== 'aggregate') return undefined;
  if (m.kind(at) === TokenKind.Number || m.kind(at) === TokenKind.Literal) return undefined;
  return { names, hasType, beforeStar: beforeStar < 0 ? names.length : beforeStar, end: at };
}

/** `__printf(1, 2) int f(`: parameters are no numbers, and behind them comes no further name. */
function isAttributeCall(m: MaskContext, at: number, close: number): boolean {
  const isConstant = m.kind(at + 2) === TokenKind.Number || m.isLiteral(at + 2);
  return isConstant && m.scope !== 'function' && (m.isWord(close + 1) || m.is(close + 1, STAR));
}

function isMacroLike(m: MaskContext, { first }: { first: number }): boolean {
  return (m.marks(first) & Mark.MacroLike) !== 0;
}

/** `ZONE_TYPES` alone on its line: a list macro that the text doesn't show. */
export function maskBareItem(m: MaskContext, i: number): boolean {
  if (!CAPITALS.test(m.word(i)) || !m.endsLine(i) || m.kind(i + 1) === TokenKind.Punctuation) return false;
  m.blankToken(i);
  return true;
}
