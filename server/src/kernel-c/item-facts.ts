/** What is kept of a file's items, whoever has read them. */
import { both, type Truth } from './conditions.js';
import type { FileFacts, FunctionFacts } from './facts.js';
import type { LineIndex } from './line-index.js';
import type { Definer, MaskedText } from './masking.js';
import type { Expression, Statement } from './syntax.js';
import type { Declarator } from './syntax-reader.js';

/** What one file's items say, before lines are put in order. */
export interface Found {
  functions: FunctionFacts[];
  prototypes: FileFacts['prototypes'];
  variables: FileFacts['variables'];
  typedefs: FileFacts['typedefs'];
  aggregates: FileFacts['aggregates'];
  enumerators: FileFacts['enumerators'];
}

export function nothingFound(): Found {
  return { functions: [], prototypes: [], variables: [], typedefs: [], aggregates: [], enumerators: [] };
}

/** Under which condition the text at an offset is compiled. */
export function conditionAt(masked: MaskedText, offset: number): { truth: Truth; when: string } {
  let truth: Truth = 'true';
  let when = '';
  for (const region of masked.regions) {
    if (offset < region.start || offset >= region.end) continue;
    truth = both(truth, region.truth);
    when = region.when;
  }
  return { truth, when };
}

/** A function's definition as it was read. */
export interface ReadFunction {
  /** Offset of its first word. */
  start: number;
  /** Offset behind its body. */
  end: number;
  /** `static`, `inline`, … */
  storage: ReadonlySet<string>;
  declared: Declarator;
  body: Statement[];
}

export function functionFacts(masked: MaskedText, lines: LineIndex, read: ReadFunction): FunctionFacts {
  const { start, end, storage, declared, body } = read;
  const firstLine = lines.lineAt(start);
  let definer: Definer | undefined;
  let weak = false;
  for (const [offset, found] of masked.definers) if (offset >= start && offset < end) definer = found;
  const nameAt = definer?.name ?? declared.at;
  for (const offset of masked.weak)
    if (offset >= start - 40 && offset < declared.at && lines.lineAt(offset) >= firstLine - 1) weak = true;
  const facts: FunctionFacts = {
    name: declared.name,
    line: lines.lineAt(nameAt) + 1,
    column: lines.columnAt(nameAt) + 1,
    firstLine: firstLine + 1,
    endLine: lines.lineAt(Math.max(start, end - 1)) + 1,
    static: storage.has('static'),
    inline: storage.has('inline') || storage.has('__inline'),
    weak,
    type: declared.type.replace(/\(\)$/, ''),
    parameters: declared.parameters ?? [],
    body: JSON.stringify(body),
    ...conditionAt(masked, start),
  };
  if (definer) facts.generatedBy = definer.macro;
  return facts;
}

/** A declaration of the file as it was read. */
export interface ReadDeclaration {
  /** Offset of its first word. */
  start: number;
  storage: ReadonlySet<string>;
  declarators: readonly (Declarator & { initialiser?: Expression })[];
}

/** Adds what a declaration declares: prototypes and variables. */
export function addDeclaration(
  found: Found,
  masked: MaskedText,
  lines: LineIndex,
  read: ReadDeclaration,
): void {
  const { start, storage, declarators } = read;
  for (const { name, type, at, initialiser } of declarators) {
    if (name === '') continue;
    const line = lines.lineAt(at) + 1;
    if (type.endsWith('()') && !initialiser) {
      found.prototypes.push({ name, line });
      continue;
    }
    const variable: FileFacts['variables'][number] = {
      name,
      type,
      line,
      static: storage.has('static'),
      extern: storage.has('extern'),
      ...conditionAt(masked, start),
    };
    if (initialiser && initialiser.k !== 'num' && initialiser.k !== 'other' && initialiser.k !== 'str')
      variable.initialiser = JSON.stringify(initialiser);
    found.variables.push(variable);
  }
}
