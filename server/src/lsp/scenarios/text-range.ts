/** Ranges of scenario files, which count from 1, as the protocol counts. */
import type { Range } from 'vscode-languageserver/node';
import type { TextRange } from '../../simulator/scenario/problem.js';

export const protocolRange = ({ line, column, endLine, endColumn }: TextRange): Range => ({
  start: { line: line - 1, character: column - 1 },
  end: { line: endLine - 1, character: endColumn - 1 },
});
