/** A file's `#define`s → facts; and their replacements as statements or as items of a file. */
import type { Configuration } from './conditions.js';
import type { FileFacts, MacroFacts, MacroItems } from './facts.js';
import { type Found, nothingFound } from './item-facts.js';
import { LineIndex } from './line-index.js';
import { hasItems, hasReadableBody, itemsText, MACRO_FUNCTION, macroText } from './macro-bodies.js';
import { type MaskedText, maskKernelC } from './masking.js';
import type { CParser } from './parser.js';
import { readMasked } from './read-masked.js';
import type { Expression, Statement } from './syntax.js';

/** The macros of a file. Their replacement stays text: few of a tree's macros are ever asked for more. */
export function macroFacts(masked: MaskedText, lines: LineIndex): FileFacts['macros'] {
  return masked.macros.map(
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
}

/** What a macro's replacement says: statements (an expression is one), or items of a file; neither where it can't be read. */
export interface MacroContent {
  body?: Statement[];
  items?: MacroItems;
}

/** Reads the replacements of macros, each when first asked for. */
export class MacroReader {
  private readonly known = new WeakMap<MacroFacts, MacroContent>();

  constructor(
    private readonly parser: CParser,
    private readonly configuration: Configuration,
  ) {}

  contentOf(macro: MacroFacts): MacroContent {
    let content = this.known.get(macro);
    if (!content) {
      content = this.read(macro);
      this.known.set(macro, content);
    }
    return content;
  }

  private read(macro: MacroFacts): MacroContent {
    if (!hasReadableBody(macro)) return {};
    return hasItems(macro) ? this.readItems(macro) : this.readBody(macro);
  }

  private found(text: string): { masked: MaskedText; read: Found } {
    const masked = maskKernelC(text, this.configuration);
    const read = nothingFound();
    readMasked(this.parser, masked, new LineIndex(text), read);
    return { masked, read };
  }

  private readBody(macro: MacroFacts): MacroContent {
    const { read } = this.found(macroText(macro));
    const fn = read.functions.find(({ name }) => name === MACRO_FUNCTION);
    if (fn) return { body: JSON.parse(withoutPlaces(fn.body)) as Statement[] };
    const initialiser = read.variables.find(({ name }) => name === MACRO_FUNCTION)?.initialiser;
    return initialiser === undefined
      ? {}
      : { body: [{ k: 'expr', x: JSON.parse(withoutPlaces(initialiser)) as Expression, p: 0 }] };
  }

  private readItems(macro: MacroFacts): MacroContent {
    const { masked, read } = this.found(itemsText(macro));
    return {
      items: {
        functions: read.functions.map((fn) => ({
          ...fn,
          body: withoutPlaces(fn.body),
          line: 0,
          firstLine: 0,
          endLine: 0,
        })),
        variables: read.variables.map((variable) => ({
          ...variable,
          line: 0,
          ...(variable.initialiser !== undefined && { initialiser: withoutPlaces(variable.initialiser) }),
        })),
        invocations: masked.invocations.map(({ name, arguments: args }) => ({ name, arguments: args })),
      },
    };
  }
}

/** Places in a macro's replacement mean nothing where the macro is used. */
const withoutPlaces = (json: string) => json.replace(/"(p|end)":\d+/g, '"$1":0');
