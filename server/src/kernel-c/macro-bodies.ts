/**
 * Bodies of function-like macros as statements. All bodies of a file are written into one text, a function each,
 * which is masked and parsed like any file; pasting (`##`) becomes `$$` in names, stringising (`#x`) a string.
 */
import type { FoundMacro } from './conditionals.js';

/** Prefix of the functions that carry a macro's body in the text. */
export const MACRO_FUNCTION = '__macro_body_';

function isBalanced(text: string): boolean {
  let depth = 0;
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '');
  for (const c of bare) {
    if (c === '(' || c === '{' || c === '[') depth++;
    else if ((c === ')' || c === '}' || c === ']') && --depth < 0) return false;
  }
  return depth === 0;
}

/** Does a macro's replacement hold a call, or could it? Constants needn't be parsed. */
export function hasReadableBody(macro: FoundMacro): boolean {
  if (macro.body === '' || !isBalanced(macro.body)) return false;
  return macro.parameters !== null || /\w\s*\(/.test(macro.body);
}

function readable(macro: FoundMacro): string {
  return macro.body
    .replace(/,\s*##\s*(?=__VA_ARGS__|\w+\s*\))/g, ', ')
    .replace(/\s*##\s*/g, '$$$$')
    .replace(/(^|[^#\w])#\s*([A-Za-z_]\w*)/g, '$1"$2"');
}

/** Text in which each of the given macros is a function named after its index. */
export function macroText(macros: readonly FoundMacro[], indices: readonly number[]): string {
  const lines: string[] = [];
  for (const index of indices)
    lines.push(`void ${MACRO_FUNCTION}${index}(void)`, '{', `${readable(macros[index]!)} ;`, '}');
  return lines.join('\n');
}
