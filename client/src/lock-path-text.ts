/** A lock path as a text to read: each step with its function, what happens there, and the lines around it; knows nothing of VS Code. */
import type { LockPath, LockPathStep } from './protocol.ts';

/** Line and characters count from 0. */
export interface Heading {
  readonly line: number;
  /** Where the function's name stands in it. */
  readonly start: number;
  readonly end: number;
  /** The line below it that the step is about; absent where its file can't be read. */
  readonly own?: number;
}

export interface PathText {
  readonly text: string;
  /** Of each step. */
  readonly headings: readonly Heading[];
}

/** Lines around a step's own that are shown. */
const BEFORE = 2;
const AFTER = 2;

/**
 * @param linesOf the lines of a file, by its URI; none where it can't be read
 */
export function pathText({ steps }: LockPath, linesOf: (uri: string) => readonly string[]): PathText {
  const text: string[] = [];
  const headings: Heading[] = [];
  for (const [index, step] of steps.entries()) {
    if (index > 0) text.push('');
    const opening = `/* ${index + 1}. `;
    const line = text.length;
    const { shown, own } = excerpt(step, linesOf(step.location.uri));
    headings.push({
      line,
      start: opening.length,
      end: opening.length + step.function.length,
      ...(own >= 0 && { own: line + 1 + own }),
    });
    text.push(`${opening}${heading(step)} */`, ...shown);
  }
  return { text: `${text.join('\n')}\n`, headings };
}

/** Of a step's heading the part that names its place: `guest_memfd.c:148`. */
export function placeName({ location }: LockPathStep): string {
  const path = decodeURIComponent(location.uri.slice(location.uri.lastIndexOf('/') + 1));
  return `${path}:${location.range.start.line + 1}`;
}

function heading(step: LockPathStep): string {
  // What stands there must not end the comment.
  return `${step.function}: ${step.text.replaceAll('*/', '* /')} — ${placeName(step)}`;
}

/** Some lines, and which of them is the step's own; -1 where there is none. */
function excerpt(
  { location }: LockPathStep,
  lines: readonly string[],
): { shown: readonly string[]; own: number } {
  const { line } = location.range.start;
  let first = line;
  let last = line;
  while (first > line - BEFORE && !isBorder(lines[first - 1])) first--;
  while (last < line + AFTER && !isBorder(lines[last + 1])) last++;
  // A blank line at an end says nothing.
  while (first < line && lines[first]?.trim() === '') first++;
  while (last > line && lines[last]?.trim() === '') last--;
  return { shown: lines.slice(first, last + 1), own: line < lines.length ? line - first : -1 };
}

/** Does nothing of interest lie beyond a line? A directive's other half would be missing, and a function ends with `}`. */
function isBorder(line: string | undefined): boolean {
  return line === undefined || /^[#}]/.test(line);
}

/** The step that a line of the text belongs to, counted from 0. */
export function stepAt(headings: readonly Heading[], line: number): number {
  return Math.max(
    0,
    headings.findLastIndex((heading) => heading.line <= line),
  );
}
