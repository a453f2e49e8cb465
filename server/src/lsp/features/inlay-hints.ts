/** Inlay hints where a lock is taken and where it is released, at the end of the line. */
import type { InlayHint, Range } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { LockEvent } from '../../locks/lock-lines.js';
import type { OpenTree } from '../kernel-workspace.js';
import { shortName } from '../shown-locks.js';
import { functionTexts } from '../tree-lines.js';

/** The letters of the margin; a lock of one mode only needs none. */
const LETTER: Readonly<Record<string, string>> = { read: 'R', write: 'W' };

const CONDITION: Readonly<Record<NonNullable<LockEvent['condition']>, { label: string; tooltip: string }>> = {
  'non-zero': { label: ' if non-zero', tooltip: ' where the call returns other than zero' },
  zero: { label: ' if zero', tooltip: ' where the call returns zero' },
  got: { label: ' if got', tooltip: ' where the guard gets it' },
  held: { label: ' if held', tooltip: ' on the ways that hold it' },
  unknown: { label: ' sometimes', tooltip: ' on some ways, not on others' },
};

const DONE: Readonly<Record<LockEvent['what'], string>> = {
  taken: 'taken',
  released: 'released',
  downgraded: 'downgraded to read',
};

export function label({ lock, modes, what, condition }: LockEvent): string {
  const letters = modes.map((mode) => LETTER[mode]).filter((letter) => letter !== undefined);
  const mode = letters.length > 0 && what !== 'downgraded' ? ` (${letters.join('/')})` : '';
  return `${shortName(lock)}${mode} ${DONE[what]}${condition ? CONDITION[condition].label : ''}`;
}

function tooltip({ lock, modes, what, condition, through }: LockEvent): string {
  const mode = modes.length > 0 && what !== 'downgraded' ? ` for ${modes.join(' or ')}` : '';
  const by = through === undefined ? '' : ` by ${through}()`;
  const named = what === 'taken' && /^(read|write)/.test(modes[0] ?? '') ? mode : '';
  return `${lock} is ${DONE[what]}${named}${by}${condition ? CONDITION[condition].tooltip : ''}`;
}

/** @param range only hints in these lines are wanted */
export function inlayHints(
  open: OpenTree,
  document: TextDocument,
  range: Range,
  wanted: readonly string[],
): InlayHint[] {
  const { program } = open.analysis;
  const file = open.locations.file(document.uri);
  if (file === undefined) return [];
  const lines = open.lines.wanted(wanted);
  const text = document.getText().split('\n');
  const hints: InlayHint[] = [];
  for (const instances of functionTexts(program, file)) {
    const [node] = instances;
    if (node.facts.endLine - 1 < range.start.line || node.facts.firstLine - 1 > range.end.line) continue;
    for (const event of lines.of(instances).events) {
      const line = event.line - 1;
      if (line < range.start.line || line > range.end.line) continue;
      hints.push({
        position: { line, character: text[line]?.trimEnd().length ?? 0 },
        label: label(event),
        tooltip: tooltip(event),
        paddingLeft: true,
      });
    }
  }
  return hints;
}
