/** Where locks are held in a document, for the editor's margin. */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { FunctionNode } from '../../program/model.js';
import type { OpenTree } from '../kernel-workspace.js';
import type { LockMark, LockMarks } from '../protocol.js';
import { functionTexts } from '../tree-lines.js';

export function lockMarks(open: OpenTree, document: TextDocument, wanted: readonly string[]): LockMarks {
  const { program } = open.analysis;
  const file = open.locations.file(document.uri);
  const lines = open.lines.wanted(wanted);
  const text = document.getText().split('\n');
  const marks: LockMark[] = [];
  for (const instances of file === undefined ? [] : functionTexts(program, file)) {
    const body = bodyLine(instances[0], text);
    for (const { lock, modes, when, first, last } of lines.of(instances).held) {
      if (last < body) continue;
      marks.push({ lock, modes: [...modes], when, startLine: Math.max(first, body) - 1, endLine: last - 1 });
    }
  }
  return { version: document.version, locks: lines.locks, marks };
}

/** Line (from 1) of the brace that opens a function's body, where it stands as the kernel's style wants it. */
function bodyLine({ facts }: FunctionNode, text: readonly string[]): number {
  for (let line = facts.line + 1; line <= facts.endLine; line++)
    if (text[line - 1]?.startsWith('{')) return line;
  return facts.line + 1;
}
