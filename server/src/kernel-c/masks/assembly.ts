/** Inline assembly, told by its words and by the shape of its operands, becomes the number 0. */
import type { MaskContext } from './mask-context.js';
import { EQUALS, SEMICOLON } from './token-view.js';

/** `asm`, its spellings, and the wrappers of include/linux/compiler_types.h such as `asm_goto_output`. */
const ASSEMBLY_WORD = /^(asm|__asm__|__asm|asm_goto_output|asm_volatile_goto|asm_inline)$/;

export function maskAssembly(m: MaskContext, i: number, word: string): boolean {
  // `asm_safe("fxsave %[fx]", , [fx] "+m" (state))`: operands make a macro's call one for the assembler.
  if (!ASSEMBLY_WORD.test(word) && !(m.scope === 'function' && m.assembly.has(i + 1))) return false;
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
