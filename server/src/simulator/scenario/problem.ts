/** What is wrong with a scenario file, where, and what to do about it. */

/** Lines and columns count from 1; the end is exclusive. */
export interface TextRange {
  file: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

export interface ScenarioProblem extends TextRange {
  /** What is wrong, with the value. */
  message: string;
  /** What to do about it. */
  remedy: string;
}

/** Notes a problem at a place. */
export type Report = (at: TextRange, message: string, remedy: string) => void;

/** `file:line:column: message; remedy`, one line. */
export const formatProblem = ({ file, line, column, message, remedy }: ScenarioProblem): string =>
  `${file}:${line}:${column}: ${message}; ${remedy}`;

/** By file and place. */
export const compareProblems = (a: ScenarioProblem, b: ScenarioProblem): number =>
  (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column;
