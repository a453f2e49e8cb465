/** Kept text with the masks' edits applied: comments, directives and dropped branches become blank. */
import type { MaskContext } from './mask-context.js';

type Codes = Uint8Array | Uint16Array;

const BLANK = 32;
const TAB = 9;
const NEWLINE = 10;

/** Makes a stretch blank; line breaks stay. */
function blank(codes: Codes, from: number, to: number): void {
  for (let at = from; at < to; at++) if (codes[at] !== NEWLINE) codes[at] = BLANK;
}

/** The same between two kept tokens, where there is more than blanks. */
function blankText(codes: Codes, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const c = codes[at];
    if (c !== BLANK && c !== NEWLINE && c !== TAB) return blank(codes, from, to);
  }
}

/** The masked text; it has the length and line breaks of the source. */
export function composeMasked(m: MaskContext): string {
  const { source } = m;
  // One byte a character is what nearly all files need.
  const encoding = /[^\0-\xff]/.test(source) ? 'utf16le' : 'latin1';
  const bytes = Buffer.from(source, encoding);
  const codes =
    encoding === 'latin1' ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, source.length);
  let at = 0;
  for (let i = 0; i < m.length; i++) {
    blankText(codes, at, m.start(i));
    at = m.end(i);
  }
  blankText(codes, at, source.length);
  let written = 0;
  for (const { start, end, text } of m.edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
    // What an earlier mask has written over is done.
    if (start < written) continue;
    written = end;
    for (let k = 0; k < text.length; k++) codes[start + k] = text.charCodeAt(k);
    blank(codes, start + text.length, end);
  }
  return bytes.toString(encoding);
}
