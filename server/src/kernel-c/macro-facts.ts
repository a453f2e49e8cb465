/** A file's `#define`s → facts, with their bodies as statements or as items of a file. */
import type { FoundMacro } from './conditionals.js';
import type { Configuration } from './conditions.js';
import type { FileFacts, MacroFacts } from './facts.js';
import { nothingFound } from './item-facts.js';
import { LineIndex } from './line-index.js';
import { hasItems, hasReadableBody, itemsText, MACRO_FUNCTION, macroText } from './macro-bodies.js';
import { type MaskedText, maskKernelC } from './masking.js';
import type { CParser } from './parser.js';
import { readMasked } from './read-masked.js';
import type { Expression, Statement } from './syntax.js';

/** The macros of a file, with the bodies that could be read. */
export function readMacros(
  parser: CParser,
  masked: MaskedText,
  lines: LineIndex,
  configuration: Configuration,
): FileFacts['macros'] {
  const macros = masked.macros.map(
    (macro): MacroFacts => ({
      name: macro.name,
      parameters: macro.parameters,
      variadic: macro.variadic,
      line: lines.lineAt(macro.start) + 1,
      endLine: lines.lineAt(macro.end) + 1,
      text: macro.body,
      truth: macro.truth,
      when: macro.when,
    }),
  );
  const readable = masked.macros.flatMap((macro, index) => (hasReadableBody(macro) ? [index] : []));
  const items = readable.filter((index) => hasItems(masked.macros[index]!));
  const bodies = readable.filter((index) => !items.includes(index));
  if (bodies.length > 0) readBodies(parser, masked.macros, bodies, configuration, macros);
  if (items.length > 0) readItemsOf(parser, masked.macros, items, configuration, macros);
  return macros;
}

function readBodies(
  parser: CParser,
  found: readonly FoundMacro[],
  indices: readonly number[],
  configuration: Configuration,
  macros: MacroFacts[],
): void {
  const text = macroText(found, indices);
  const read = nothingFound();
  readMasked(parser, maskKernelC(text, configuration), new LineIndex(text), read);
  const macroNamed = (name: string) =>
    name.startsWith(MACRO_FUNCTION) ? macros[Number(name.slice(MACRO_FUNCTION.length))] : undefined;
  for (const { name, body } of read.functions) {
    const macro = macroNamed(name);
    if (macro) macro.body = body;
  }
  for (const { name, initialiser } of read.variables) {
    const macro = macroNamed(name);
    if (!macro || initialiser === undefined) continue;
    const value: Statement = { k: 'expr', x: JSON.parse(initialiser) as Expression, p: 0 };
    macro.body = JSON.stringify([value]);
  }
}

/** Places in a macro's replacement mean nothing where the macro is used. */
const withoutPlaces = (json: string) => json.replace(/"(p|end)":\d+/g, '"$1":0');

function readItemsOf(
  parser: CParser,
  found: readonly FoundMacro[],
  indices: readonly number[],
  configuration: Configuration,
  macros: MacroFacts[],
): void {
  const text = itemsText(found, indices);
  const lines = new LineIndex(text);
  const masked = maskKernelC(text, configuration);
  const read = nothingFound();
  readMasked(parser, masked, lines, read);
  // One macro a line.
  const itemsOn = (line: number) => {
    const macro = macros[indices[line - 1]!]!;
    macro.items ??= { functions: [], variables: [], invocations: [] };
    return macro.items;
  };
  for (const fn of read.functions)
    itemsOn(fn.firstLine).functions.push({
      ...fn,
      body: withoutPlaces(fn.body),
      line: 0,
      firstLine: 0,
      endLine: 0,
    });
  for (const variable of read.variables) {
    const { initialiser } = variable;
    itemsOn(variable.line).variables.push({
      ...variable,
      line: 0,
      ...(initialiser !== undefined && { initialiser: withoutPlaces(initialiser) }),
    });
  }
  for (const { name, arguments: args, start } of masked.invocations)
    itemsOn(lines.lineAt(start) + 1).invocations.push({ name, arguments: args });
}
