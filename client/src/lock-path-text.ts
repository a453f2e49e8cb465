/** A lock path as a text to read: each step with its function, what happens there, and the lines around it; knows nothing of VS Code. */
import type { LockPath, LockPathStep } from './protocol.ts';

export interface PathText {
  readonly text: string;
  /** Line of each step's heading, from 0. */
  readonly headings: readonly number[];
}

/** Lines around a step's own that are shown. */
const BEFORE = 2;
const AFTER = 2;

/**
 * @param linesOf the lines of a file, by its URI; none where it can't be read
 */
export function pathText({ steps }: LockPath, linesOf: (uri: string) => readonly string[]): PathText {
  const text: string[] = [];
  const headings: number[] = [];
  for (const [index, step] of steps.entries()) {
    if (index > 0) text.push('');
    headings.push(text.length);
    text.push(heading(step, index + 1), ...excerpt(step, linesOf(step.location.uri)));
  }
  return { text: `${text.join('\n')}\n`, headings };
}

/** Of a step's heading the part that names its place: `guest_memfd.c:148`. */
export function placeName({ location }: LockPathStep): string {
  const path = decodeURIComponent(location.uri.slice(location.uri.lastIndexOf('/') + 1));
  return `${path}:${location.range.start.line + 1}`;
}

function heading(step: LockPathStep, number: number): string {
  // What stands there must not end the comment.
  const said = `${number}. ${step.function}: ${step.text}`.replaceAll('*/', '* /');
  return `/* ${said} — ${placeName(step)} */`;
}

function excerpt({ location }: LockPathStep, lines: readonly string[]): string[] {
  const { line } = location.range.start;
  const first = Math.max(0, line - BEFORE);
  const shown = lines.slice(first, line + AFTER + 1);
  // A blank line at an end says nothing.
  while (shown.length > 0 && shown[0]?.trim() === '') shown.shift();
  while (shown.length > 0 && shown.at(-1)?.trim() === '') shown.pop();
  return shown;
}

/** The step that a line of the text belongs to, counted from 0. */
export function stepAt(headings: readonly number[], line: number): number {
  return Math.max(
    0,
    headings.findLastIndex((heading) => heading <= line),
  );
}
