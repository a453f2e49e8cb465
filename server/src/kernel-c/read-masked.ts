/**
 * Masked text → its items, one by one, so that a mistake costs only the item it stands in. What the quick reader isn't
 * sure of, tree-sitter parses.
 */
import type { Node } from 'web-tree-sitter';
import type { Note } from './facts.js';
import type { Found } from './item-facts.js';
import { readItems } from './item-reader.js';
import type { LineIndex } from './line-index.js';
import type { MaskedText } from './masking.js';
import type { CParser } from './parser.js';
import { readQuickly } from './quick/items.js';

const MAX_PLACES = 10;

/** Appends what the text's items say to `found`; the notes tell what could not be read. */
export function readMasked(parser: CParser, masked: MaskedText, lines: LineIndex, found: Found): Note[] {
  const broken: number[] = [];
  readQuickly(masked, lines, masked.itemStarts(), found, ({ start, end }) => {
    const tree = parser.parseRange(masked.text, start, end, lines);
    try {
      if (tree.rootNode.hasError) broken.push(firstErrorLine(tree.rootNode));
      readItems(parser, masked, lines, tree, found);
    } finally {
      tree.delete();
    }
  });
  return broken.slice(0, MAX_PLACES).map((line) => ({
    line,
    message: 'syntax not understood here; the other functions of the file are read',
  }));
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
