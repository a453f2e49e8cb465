/** A file's `#define`s → facts, with their bodies as statements. */
import type { Configuration } from './conditions.js';
import type { FileFacts } from './facts.js';
import { readWhereBroken } from './half-typed.js';
import { nothingFound, readItems } from './item-reader.js';
import { LineIndex } from './line-index.js';
import { hasReadableBody, MACRO_FUNCTION, macroText } from './macro-bodies.js';
import { type MaskedText, maskKernelC } from './masking.js';
import type { CParser } from './parser.js';

/** The macros of a file, with the bodies that could be read. */
export function readMacros(
  parser: CParser,
  masked: MaskedText,
  lines: LineIndex,
  configuration: Configuration,
): FileFacts['macros'] {
  const macros = masked.macros.map((macro) => ({
    name: macro.name,
    parameters: macro.parameters,
    variadic: macro.variadic,
    line: lines.lineAt(macro.start) + 1,
    endLine: lines.lineAt(macro.end) + 1,
    text: macro.body,
    truth: macro.truth,
    when: macro.when,
  })) as FileFacts['macros'];
  const readable = masked.macros.flatMap((macro, index) => (hasReadableBody(macro) ? [index] : []));
  if (readable.length === 0) return macros;
  const text = macroText(masked.macros, readable);
  const bodies = maskKernelC(text, configuration);
  const bodyLines = new LineIndex(text);
  const found = nothingFound();
  const tree = parser.parse(bodies.text);
  try {
    if (tree.rootNode.hasError) readWhereBroken(parser, bodies, bodyLines, tree, found);
    else readItems(parser, bodies, bodyLines, tree, found);
  } finally {
    tree.delete();
  }
  for (const { name, body } of found.functions) {
    const macro = name.startsWith(MACRO_FUNCTION) ? macros[Number(name.slice(MACRO_FUNCTION.length))] : undefined;
    if (macro) macro.body = body;
  }
  return macros;
}
