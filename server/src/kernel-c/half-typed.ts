/**
 * Text with syntax errors: tree-sitter may swallow the functions behind a mistake. What it read whole is kept; every
 * other item of the file is parsed once more by itself, so that a mistake costs only the function it stands in.
 */
import type { Node, Tree } from 'web-tree-sitter';
import type { Note } from './facts.js';
import type { Found } from './item-facts.js';
import { readItems } from './item-reader.js';
import type { LineIndex } from './line-index.js';
import type { MaskedText } from './masking.js';
import type { CParser } from './parser.js';

const MAX_PLACES = 10;

interface Range {
  start: number;
  end: number;
  isBroken: boolean;
}

/** Reads a file whose tree has errors; the notes say where. */
export function readWhereBroken(
  parser: CParser,
  masked: MaskedText,
  lines: LineIndex,
  tree: Tree,
  found: Found,
): Note[] {
  const ranges = rangesOf(masked, tree);
  const rangeAt = (offset: number) => ranges[lastStartingAt(ranges, offset)]!;
  readItems(parser, masked, lines, tree, found, (start) => !rangeAt(start).isBroken);
  const broken: number[] = [];
  for (const range of ranges) {
    if (!range.isBroken) continue;
    const part = parser.parseRange(masked.text, range.start, range.end, lines);
    try {
      if (part.rootNode.hasError) broken.push(firstErrorLine(part.rootNode));
      readItems(parser, masked, lines, part, found);
    } finally {
      part.delete();
    }
  }
  inOrder(found);
  return broken.slice(0, MAX_PLACES).map((line) => ({
    line,
    message: 'syntax not understood here; the other functions of the file are read',
  }));
}

/** The items of the file; broken are those that the tree doesn't hold whole. */
function rangesOf(masked: MaskedText, tree: Tree): Range[] {
  const starts = [0, ...masked.itemStarts().filter((start) => start > 0)];
  const ranges = starts.map(
    (start, n): Range => ({
      start,
      end: starts[n + 1] ?? masked.text.length,
      isBroken: false,
    }),
  );
  for (const node of tree.rootNode.children) {
    if (!node) continue;
    const first = lastStartingAt(ranges, node.startIndex);
    const last = lastStartingAt(ranges, Math.max(node.startIndex, node.endIndex - 1));
    if (first === last && !node.hasError && !node.isError && !node.isMissing) continue;
    for (let n = first; n <= last; n++) ranges[n]!.isBroken = true;
  }
  return ranges;
}

/** Index of the last range that begins at or before an offset. */
function lastStartingAt(ranges: readonly Range[], offset: number): number {
  let low = 0;
  let high = ranges.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.start <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** Line (from 1) of the first ERROR or MISSING node below a node. */
function firstErrorLine(root: Node): number {
  let node = root;
  for (;;) {
    const child = node.children.find(
      (candidate) => candidate !== null && (candidate.hasError || candidate.isError || candidate.isMissing),
    );
    if (!child || node.isError) return node.startPosition.row + 1;
    node = child;
  }
}

function inOrder(found: Found): void {
  const byLine = (a: { line: number }, b: { line: number }) => a.line - b.line;
  found.functions.sort(byLine);
  found.prototypes.sort(byLine);
  found.variables.sort(byLine);
}
