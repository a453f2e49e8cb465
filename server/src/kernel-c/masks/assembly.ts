/** Inline assembly, told by its words and by the shape of its operands, becomes the number 0. */
import { Mark } from '../word-marks.js';
import type { MaskContext } from './mask-context.js';
import { BRACKET_CLOSE, COLON, COMMA, EQUALS, PAREN_OPEN, SEMICOLON } from './token-view.js';

/**
 * `vmx_asm2(vmwrite, "r"(field), "rm"(value), field, value)`: with the constraints gone it is a call like any other,
 * and what the macro does besides the instruction can be read. False where there is more that only an assembler understands.
 */
function maskConstraints(m: MaskContext, open: number): boolean {
  const close = m.partner[open]!;
  const constraints: number[] = [];
  for (let i = open + 1; i < close; i++) {
    const isEmpty = m.is(i, COMMA) && (m.is(i - 1, COMMA) || i - 1 === open);
    if (isEmpty || m.is(i, COLON)) return false;
    if (m.isLiteral(i) && m.is(i - 1, BRACKET_CLOSE)) return false;
    if (m.isLiteral(i) && m.is(i + 1, PAREN_OPEN)) constraints.push(i);
    else if (m.partner[i]! > i) i = m.partner[i]!;
  }
  for (const at of constraints) m.blankToken(at);
  return true;
}

/** `asm(…)`, or `asm_safe("fxsave %[fx]", , [fx] "+m" (state))`: operands make a macro's call one for the assembler. */
export function maskAssembly(m: MaskContext, i: number, marks: number): boolean {
  if ((marks & Mark.Assembly) === 0 && (!m.isOfAssembly(i) || maskConstraints(m, i + 1))) return false;
  let last = i;
  while (m.isWord(last + 1)) last++;
  const close = m.closeBehind(last);
  if (close < 0) return false;
  // `register long x asm("r8");` has a name for the assembler, not a statement.
  const isName = m.isWord(m.previous(i)) && (m.is(close + 1, SEMICOLON) || m.is(close + 1, EQUALS));
  if (isName) m.blankTokens(i, close);
  // As an expression so that `x ? asm(…) : 0` and `({ asm(…); })` stay whole.
  else m.overwrite(i, close, '0');
  m.skipTo = close;
  return true;
}
