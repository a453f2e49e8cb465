/** One file's text → its facts. The only way from C text into the program. */
import type { Configuration } from './conditions.js';
import { emptyFacts, FACTS_VERSION, type FileFacts, type Note } from './facts.js';
import { readInvocations } from './invocations.js';
import { nothingFound } from './item-facts.js';
import { LineIndex } from './line-index.js';
import { macroFacts } from './macro-facts.js';
import { type MaskedText, maskKernelC } from './masking.js';
import type { CParser } from './parser.js';
import { readMasked } from './read-masked.js';
import { readSuppressions } from './suppressions.js';

/** Larger files are register lists and firmware tables; no call path leads through them. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 200_000;
const MAX_NOTES = 20;

/** Why a text isn't read as C at all, or `undefined`. */
function unreadable(text: string): string | undefined {
  if (text.length > MAX_FILE_BYTES)
    return `not read: ${(text.length / 1048576).toFixed(1)} MB is more than the limit of ${MAX_FILE_BYTES / 1048576} MB a file`;
  if (text.includes('\0')) return 'not read: binary data, not C text';
  if (text.length > MAX_LINE_LENGTH) {
    for (let at = 0; at < text.length; ) {
      const next = text.indexOf('\n', at);
      const end = next < 0 ? text.length : next;
      if (end - at > MAX_LINE_LENGTH)
        return `not read: a line of ${end - at} characters is generated data, not C that anyone edits`;
      at = end + 1;
    }
  }
  return undefined;
}

function includeFacts(masked: MaskedText, lines: LineIndex): FileFacts['includes'] {
  const times = new Map<string, number>();
  for (const { path } of masked.includes) times.set(path, (times.get(path) ?? 0) + 1);
  return masked.includes.map((include) => {
    const facts: FileFacts['includes'][number] = {
      path: include.path,
      angled: include.angled,
      line: lines.lineAt(include.start) + 1,
      truth: include.truth,
    };
    const defined = times.get(include.path)! > 1 ? include.defined() : undefined;
    if (defined && defined.size > 0) facts.defined = Object.fromEntries(defined);
    return facts;
  });
}

/**
 * Facts of one file. Never throws for what is in the text: what can't be read becomes a note with its line.
 * @param text the file as UTF-16; bytes that aren't UTF-8 may be replacement characters
 */
export function readFacts(parser: CParser, text: string, configuration: Configuration): FileFacts {
  const reason = unreadable(text);
  if (reason) return emptyFacts([{ line: 1, message: reason }]);
  const lines = new LineIndex(text);
  const masked = maskKernelC(text, configuration);
  const notes: Note[] = masked.problems.map(({ offset, message }) => ({
    line: lines.lineAt(offset) + 1,
    message,
  }));
  const found = nothingFound();
  notes.push(...readMasked(parser, masked, lines, found));
  const suppressions = readSuppressions(text, lines, notes);
  return {
    version: FACTS_VERSION,
    lineCount: lines.lineCount,
    ...found,
    macros: macroFacts(masked, lines),
    invocations: readInvocations(parser, text, masked, lines, configuration),
    includes: includeFacts(masked, lines),
    suppressions,
    notes: notes.slice(0, MAX_NOTES),
  };
}
