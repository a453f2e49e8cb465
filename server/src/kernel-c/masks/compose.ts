/** Kept text with the masks' edits applied: comments, directives and dropped branches become blank. */
import { blank, type MaskContext } from './mask-context.js';

/** True when a stretch between two kept tokens holds more than blanks. */
function hasText(source: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const c = source.charCodeAt(at);
    if (c !== 32 && c !== 10 && c !== 9) return true;
  }
  return false;
}

/** The masked text; it has the length and line breaks of the source. */
export function composeMasked(m: MaskContext): string {
  const { source } = m;
  const edits = m.edits.sort((a, b) => a.start - b.start || a.end - b.end);
  const pieces: string[] = [];
  /** Everything before this offset is in the pieces. */
  let written = 0;
  let at = 0;
  let token = 0;
  const writeUpTo = (end: number) => {
    if (end > written) pieces.push(source.slice(written, end));
  };
  /** Goes on to `to`. Text stays as it is, in stretches as long as possible; comments and dropped branches are blanked. */
  const copy = (to: number) => {
    while (at < to) {
      while (token < m.length && m.end(token) <= at) token++;
      const start = token < m.length ? m.start(token) : source.length;
      if (start <= at) {
        at = Math.min(m.end(token), to);
        continue;
      }
      const end = Math.min(start, to);
      if (hasText(source, at, end)) {
        writeUpTo(at);
        pieces.push(blank(source.slice(at, end)));
        written = end;
      }
      at = end;
    }
  };
  for (const edit of edits) {
    // What an earlier mask has written over is done.
    if (edit.start < at) continue;
    copy(edit.start);
    writeUpTo(at);
    pieces.push(edit.text);
    at = edit.end;
    written = at;
  }
  copy(source.length);
  writeUpTo(source.length);
  return pieces.join('');
}
