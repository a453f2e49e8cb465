/** What stands at a position of a document: a word, the function around it, the calls on its line. */

import type { Position } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CallEdge, FunctionNode } from '../../program/model.js';
import type { Program } from '../../program/program.js';

export interface Word {
  text: string;
  /** Character where it begins, from 0. */
  start: number;
}

export function wordAt(document: TextDocument, position: Position): Word | undefined {
  const line = document.getText({
    start: { line: position.line, character: 0 },
    end: { line: position.line + 1, character: 0 },
  });
  for (const match of line.matchAll(/[A-Za-z_]\w*/g)) {
    if (match.index <= position.character && position.character <= match.index + match[0].length)
      return { text: match[0], start: match.index };
  }
  return undefined;
}

/** @param line from 1 */
export function functionAtLine(program: Program, file: string, line: number): FunctionNode | undefined {
  return program.functionsIn(file).find(({ facts }) => line >= facts.firstLine && line <= facts.endLine);
}

/**
 * Functions that a word means: the definition that it names here, else what the calls on its line reach by that name,
 * by a member of that name or by a macro of that name, else any function that the file sees.
 */
export function functionsMeant(program: Program, file: string, line: number, word: string): FunctionNode[] {
  const defined = program
    .functionsIn(file)
    .filter(({ name, facts }) => name === word && line >= facts.firstLine && line <= facts.line);
  if (defined.length > 0) return [...defined];
  const around = functionAtLine(program, file, line);
  const onLine = around ? callsNamed(program, around, line, word) : [];
  const reached = onLine.map((edge) => edge.callee).filter((node) => node !== null);
  if (reached.length > 0) return [...new Set(reached)];
  const visible = program.symbols.fn(word, file);
  return visible ? [visible] : [];
}

/** Calls on a line (from 1) of a function that a word there names. */
export function callsNamed(program: Program, around: FunctionNode, line: number, word: string): CallEdge[] {
  return program.callsFrom(around).filter((edge) => edge.site.line === line && isNamed(edge, word));
}

function isNamed(edge: CallEdge, word: string): boolean {
  return (
    edge.calleeName === word ||
    edge.site.macro === word ||
    edge.slot?.endsWith(`.${word}`) === true ||
    edge.site.text.endsWith(word)
  );
}
