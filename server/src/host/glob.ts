/**
 * Path patterns, one segment at a time, so that a walk opens only the folders that can hold a match.
 * `**` stands for any number of folders, `*` for any characters but `/`, `?` for one of them, `{a,b}` for either.
 */

/** One segment of a pattern: a plain name, a name with wildcards, or `**`. */
export type Segment = string | RegExp | typeof ANY_DEPTH;

export const ANY_DEPTH = Symbol('**');

/** A pattern's segments; the last one names files. */
export type Pattern = readonly Segment[];

/** Brackets may nest and patterns are typed by hand: more alternatives than this are a slip. */
const MAX_ALTERNATIVES = 1000;

/** Splits at commas that are not inside of `{…}`. */
function splitOutsideBraces(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (c === '{') depth++;
    else if (c === '}' && depth > 0) depth--;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

/** `a{b,c}` → `ab`, `ac`; an unclosed brace is a plain character. */
function expandBraces(text: string): string[] {
  const open = text.indexOf('{');
  if (open < 0) return [text];
  let depth = 0;
  let close = -1;
  for (let at = open; at < text.length && close < 0; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) close = at;
  }
  if (close < 0) return [text];
  const tails = expandBraces(text.slice(close + 1));
  const found: string[] = [];
  for (const choice of splitOutsideBraces(text.slice(open + 1, close))) {
    for (const middle of expandBraces(choice)) {
      for (const tail of tails) {
        if (found.length < MAX_ALTERNATIVES) found.push(text.slice(0, open) + middle + tail);
      }
    }
  }
  return found;
}

function segmentOf(text: string): Segment {
  if (text === '**') return ANY_DEPTH;
  if (!/[*?]/.test(text)) return text;
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  return new RegExp(`^${source}$`);
}

/** One pattern, with `/` between its segments. A leading or trailing `/` and `.` segments mean nothing. */
function patternOf(text: string): Pattern {
  const segments: Segment[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      // Out of the tree: there is nothing for us.
      if (segments.pop() === undefined) return [];
      continue;
    }
    const segment = segmentOf(part);
    // `**/**` would only make every folder be asked twice.
    if (segment === ANY_DEPTH && segments[segments.length - 1] === ANY_DEPTH) continue;
    segments.push(segment);
  }
  return segments;
}

/** The patterns of a comma-separated list. Empty parts are dropped. */
export function parseGlobs(text: string): Pattern[] {
  return splitOutsideBraces(text)
    .flatMap((part) => expandBraces(part.trim()))
    .map(patternOf)
    .filter((pattern) => pattern.length > 0);
}

/** Does the segment take this name? */
export function takes(segment: string | RegExp, name: string): boolean {
  return typeof segment === 'string' ? segment === name : segment.test(name);
}
