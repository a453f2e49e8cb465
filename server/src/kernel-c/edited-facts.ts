/**
 * Facts after an edit, from the facts before it: only the functions around the edit are read again.
 * A brace in the first column ends whatever came before it (kernel style, and how masking sees it), so the stretch
 * between two of them is read by itself. Whatever isn't surely the same that way is read as a whole.
 */
import type { Configuration, Truth } from './conditions.js';
import type { FileFacts, FunctionFacts } from './facts.js';
import { readFacts } from './file-facts.js';
import type { CParser } from './parser.js';

interface Stretch {
  /** Offsets in the old and in the new text; both begin at `start`. */
  start: number;
  oldEnd: number;
  newEnd: number;
}

function commonPrefix(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let i = 0;
  // Whole blocks first: comparing slices is native.
  while (i + 4096 <= limit && a.slice(i, i + 4096) === b.slice(i, i + 4096)) i += 4096;
  while (i < limit && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}

function commonSuffix(a: string, b: string, limit: number): number {
  let i = 0;
  while (
    i + 4096 <= limit &&
    a.slice(a.length - i - 4096, a.length - i) === b.slice(b.length - i - 4096, b.length - i)
  )
    i += 4096;
  while (i < limit && a.charCodeAt(a.length - 1 - i) === b.charCodeAt(b.length - 1 - i)) i++;
  return i;
}

/** Offset behind the last function end (`}` alone in the first column) that lies wholly before `offset`; -1 if none. */
function endBefore(text: string, offset: number): number {
  for (let at = text.lastIndexOf('\n}\n', offset); at >= 0; at = text.lastIndexOf('\n}\n', at - 1))
    if (at + 3 <= offset) return at + 3;
  return -1;
}

/**
 * The stretches to read instead of the whole file, smallest first: from the beginning of the function that the edit is
 * in, then from the end of the one before. Each holds every difference and ends with a function.
 */
function stretchesOf(oldText: string, newText: string, functions: readonly FunctionFacts[]): Stretch[] {
  const prefix = commonPrefix(oldText, newText);
  const suffix = commonSuffix(oldText, newText, Math.min(oldText.length, newText.length) - prefix);
  const next = newText.indexOf('\n}\n', newText.length - suffix);
  if (next < 0) return [];
  const newEnd = next + 3;
  const oldEnd = newEnd + oldText.length - newText.length;
  const own = functionStart(newText, prefix, functions);
  const behindLast = endBefore(newText, prefix);
  return [
    ...(own === undefined ? [] : [{ start: own, newEnd, oldEnd }]),
    ...(behindLast < 0 ? [] : [{ start: behindLast, newEnd, oldEnd }]),
  ];
}

/** Where the function begins that an offset lies in, behind its first line. */
function functionStart(
  text: string,
  offset: number,
  functions: readonly FunctionFacts[],
): number | undefined {
  const line = linesIn(text.slice(0, offset)) + 1;
  const around = functions.find((fn) => fn.firstLine < line && line <= fn.endLine);
  if (!around) return undefined;
  let start = offset;
  for (let up = line - around.firstLine; up >= 0; up--) start = text.lastIndexOf('\n', start - 1);
  return start + 1;
}

const linesIn = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
};

/** Items that mean the same wherever they stand, at least one function, and no conditions of their own. */
function standsAlone(facts: FileFacts): boolean {
  const items = [...facts.functions, ...facts.variables, ...facts.invocations];
  return (
    facts.functions.length > 0 &&
    facts.macros.length === 0 &&
    facts.includes.length === 0 &&
    facts.aggregates.length === 0 &&
    facts.typedefs.length === 0 &&
    facts.enumerators.length === 0 &&
    items.every((item) => item.truth === 'true' && item.when === '')
  );
}

interface Placed {
  line: number;
}

const moved = <T extends { line: number }>(items: readonly T[], after: number, by: number): T[] =>
  by === 0 ? [...items] : items.map((item) => (item.line > after ? { ...item, line: item.line + by } : item));

const movedFunction = (fn: FunctionFacts, by: number): FunctionFacts =>
  by === 0 ? fn : { ...fn, line: fn.line + by, firstLine: fn.firstLine + by, endLine: fn.endLine + by };

/** Old items around the stretch, new ones in it. */
class Splice {
  constructor(
    /** The stretch's last line before its first, from 1, in the old text. */
    private readonly firstLine: number,
    private readonly oldLastLine: number,
    private readonly by: number,
    private readonly condition: { truth: Truth; when: string },
  ) {}

  inside<T extends Placed>(items: readonly T[]): T[] {
    return items.filter((item) => item.line > this.firstLine && item.line <= this.oldLastLine);
  }

  private around<T extends Placed>(items: readonly T[]): { before: T[]; behind: T[] } {
    return {
      before: items.filter((item) => item.line <= this.firstLine),
      behind: items.filter((item) => item.line > this.oldLastLine),
    };
  }

  /** Items that the stretch can't have any of. */
  moved<T extends Placed>(items: readonly T[]): T[] {
    return moved(items, this.oldLastLine, this.by);
  }

  lines<T extends Placed>(items: readonly T[], read: readonly T[]): T[] {
    const { before, behind } = this.around(items);
    return [
      ...before,
      ...read.map((item) => ({ ...item, line: item.line + this.firstLine })),
      ...moved(behind, this.oldLastLine, this.by),
    ];
  }

  conditional<T extends Placed & { truth: Truth; when: string }>(
    items: readonly T[],
    read: readonly T[],
  ): T[] {
    return this.lines(
      items,
      read.map((item) => ({ ...item, ...this.condition })),
    );
  }

  functions(items: readonly FunctionFacts[], read: readonly FunctionFacts[]): FunctionFacts[] {
    const { before, behind } = this.around(items);
    return [
      ...before,
      ...read.map((fn) => ({ ...movedFunction(fn, this.firstLine), ...this.condition })),
      ...behind.map((fn) => movedFunction(fn, this.by)),
    ];
  }
}

/** All of a function but its place and the condition around it. */
const wherever = (fn: FunctionFacts): string =>
  JSON.stringify({ ...fn, line: 0, firstLine: 0, endLine: 0, truth: '', when: '' });

/** Do the items of the old stretch come out as they did in their file? Then nothing around it has a say. */
function agree(known: FileFacts, old: FileFacts, splice: Splice): boolean {
  const functions = splice.inside(old.functions);
  return (
    known.functions.length === functions.length &&
    known.functions.every((fn, index) => wherever(fn) === wherever(functions[index]!)) &&
    known.variables.length === splice.inside(old.variables).length &&
    known.prototypes.length === splice.inside(old.prototypes).length &&
    known.invocations.length === splice.inside(old.invocations).length
  );
}

/**
 * Facts of `newText`, given those of `oldText`.
 * @returns what `readFacts` would give, at the cost of the functions around the edit where that is enough
 */
export function editedFacts(
  parser: CParser,
  oldText: string,
  oldFacts: FileFacts,
  newText: string,
  configuration: Configuration,
): FileFacts {
  if (oldText === newText) return oldFacts;
  for (const stretch of stretchesOf(oldText, newText, oldFacts.functions)) {
    const facts = editedStretch(parser, stretch, oldText, oldFacts, newText, configuration);
    if (facts) return facts;
  }
  return readFacts(parser, newText, configuration);
}

function editedStretch(
  parser: CParser,
  stretch: Stretch,
  oldText: string,
  old: FileFacts,
  newText: string,
  configuration: Configuration,
): FileFacts | undefined {
  const firstLine = linesIn(newText.slice(0, stretch.start));
  const oldPart = oldText.slice(stretch.start, stretch.oldEnd);
  const newPart = newText.slice(stretch.start, stretch.newEnd);
  const oldLastLine = firstLine + linesIn(oldPart);
  const replaced = old.functions.filter((fn) => fn.line > firstLine && fn.line <= oldLastLine);
  const [model] = replaced;
  if (!model || replaced.some((fn) => fn.truth !== model.truth || fn.when !== model.when)) return undefined;
  // Half-typed text, an `#if` without its partner, a comment never closed: what is made of it depends on all around it.
  if (old.notes.length > 0) return undefined;
  const by = linesIn(newPart) - linesIn(oldPart);
  const splice = new Splice(firstLine, oldLastLine, by, { truth: model.truth, when: model.when });
  const read = readFacts(parser, newPart, configuration);
  if (read.notes.length > 0) return undefined;
  const known = readFacts(parser, oldPart, configuration);
  if (!standsAlone(read) || !standsAlone(known) || !agree(known, old, splice)) return undefined;
  return {
    ...old,
    lineCount: old.lineCount + by,
    functions: splice.functions(old.functions, read.functions),
    prototypes: splice.lines(old.prototypes, read.prototypes),
    variables: splice.conditional(old.variables, read.variables),
    invocations: splice.conditional(old.invocations, read.invocations),
    macros:
      by === 0
        ? old.macros
        : old.macros.map((macro) =>
            macro.line > oldLastLine
              ? { ...macro, line: macro.line + by, endLine: macro.endLine + by }
              : macro,
          ),
    aggregates: splice.moved(old.aggregates),
    includes: splice.moved(old.includes),
    suppressions: splice.lines(old.suppressions, read.suppressions),
  };
}
