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
  let at = 0;
  let token = 0;
  /** Copies up to `to`: kept tokens as they are, blanks where a comment or a dropped branch stands. */
  const copy = (to: number) => {
    while (at < to) {
      while (token < m.length && m.end(token) <= at) token++;
      const start = token < m.length ? m.start(token) : source.length;
      if (start > at) {
        const end = Math.min(start, to);
        pieces.push(hasText(source, at, end) ? blank(source.slice(at, end)) : source.slice(at, end));
        at = end;
      } else {
        const end = Math.min(m.end(token), to);
        pieces.push(source.slice(at, end));
        at = end;
      }
    }
  };
  for (const edit of edits) {
    // What an earlier mask has written over is done.
    if (edit.start < at) continue;
    copy(edit.start);
    pieces.push(edit.text);
    at = edit.end;
  }
  copy(source.length);
  return pieces.join('');
}
