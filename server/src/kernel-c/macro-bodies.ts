/**
 * Replacements of macros as text that can be masked and parsed like any file: a function's body, or items.
 * Pasting (`##`) becomes `$$` in names, stringising (`#x`) a string.
 */
import type { MacroFacts } from './facts.js';
import { isIteratorName } from './knowledge.js';

/** The function, or variable, that carries a macro's body in the text. */
export const MACRO_FUNCTION = '__macro_body';

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
export function hasReadableBody(macro: MacroFacts): boolean {
  if (macro.text === '' || !isBalanced(macro.text)) return false;
  return macro.parameters !== null || /\w\s*\(/.test(macro.text);
}

function readable(macro: MacroFacts): string {
  return macro.text
    .replace(/,\s*##\s*(?=__VA_ARGS__|\w+\s*\))/g, ', ')
    .replace(/\s*##\s*/g, '$$$$')
    .replace(/(^|[^#\w])#\s*([A-Za-z_]\w*)/g, '$1"$2"');
}

const CONTROL_WORD = /^(if|else|for|while|do|switch|return|sizeof|typeof|__typeof__|asm|__asm__)$/;

/**
 * Does a replacement consist of items of a file: a function with its body, a static variable, one macro after the
 * other without a semicolon between them?
 */
export function hasItems(macro: MacroFacts): boolean {
  const text = readable(macro);
  if (/^(static|extern)\b/.test(text)) return true;
  if (!/\)\s*[\w{]/.test(text)) return false;
  // Words at the outermost level, with `(` and `{` for whole groups.
  const outline: string[] = [];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w$]+|[^\s\w$]/g)) {
    const isOpening = token === '(' || token === '{' || token === '[';
    if (depth === 0) outline.push(token);
    if (isOpening) depth++;
    else if ((token === ')' || token === '}' || token === ']') && depth > 0) depth--;
  }
  return outline.some((token, i) => {
    if (token !== '(') return false;
    const name = outline[i - 1] ?? '';
    const before = outline[i - 2] ?? ';';
    if (!/^[\w$]+$/.test(name) || CONTROL_WORD.test(name) || CONTROL_WORD.test(before)) return false;
    if (outline[i + 1] === '{') return /^[\w$*]+$/.test(before);
    return (
      before === ';' &&
      /^[A-Za-z_$]/.test(outline[i + 1] ?? '') &&
      outline[i + 2] === '(' &&
      !isIteratorName(name)
    );
  });
}

/** Text of a file that consists of the macro's replacement. */
export const itemsText = (macro: MacroFacts): string => `${readable(macro)} ;\n`;

/** `{ .flags = f, .run = g }` is a value; a block of statements has semicolons. */
const isInitialiser = (text: string) => /^\{[^;]*\}$/.test(text) && /[.,=&]/.test(text);

/** Text in which the macro's replacement is a function's body, or a variable's value. */
export function macroText(macro: MacroFacts): string {
  const text = readable(macro);
  return isInitialiser(text)
    ? `int ${MACRO_FUNCTION} = ${text} ;`
    : `void ${MACRO_FUNCTION}(void)\n{\n${text} ;\n}`;
}
