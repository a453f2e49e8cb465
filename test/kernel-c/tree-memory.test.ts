import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CParser, loadParser } from '../../server/src/kernel-c/parser.ts';
import { MemoryCursor, type SyntaxCursor } from '../../server/src/kernel-c/tree-memory.ts';

const root = join(import.meta.dirname, '..', '..');
const require = createRequire(join(root, 'server', 'package.json'));
const parser = await loadParser({
  runtime: require.resolve('web-tree-sitter/tree-sitter.wasm'),
  grammar: require.resolve('tree-sitter-c/tree-sitter-c.wasm'),
});

/** Every node below a cursor, in order, a line each. */
function walked(cursor: SyntaxCursor, depth = 0, lines: string[] = []): string[] {
  lines.push(
    `${depth} ${cursor.nodeTypeId} ${cursor.currentFieldId} ${cursor.startIndex}-${cursor.endIndex}`,
  );
  if (cursor.gotoFirstChild()) {
    do walked(cursor, depth + 1, lines);
    while (cursor.gotoNextSibling());
    expect(cursor.gotoParent()).toBe(true);
  }
  return lines;
}

/** Both cursors' ways through a text's tree. */
function bothWays(reader: CParser, text: string): { fast: string[]; slow: string[] } {
  const tree = reader.parse(text);
  const slow = tree.walk();
  const fast = reader.walk(tree);
  try {
    // Else the two would be one and the same.
    expect(fast).toBeInstanceOf(MemoryCursor);
    return { fast: walked(fast), slow: walked(slow) };
  } finally {
    fast.delete();
    slow.delete();
    tree.delete();
  }
}

const kernels = join(root, 'server', 'kernels');
const sources = readdirSync(kernels, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[ch]$/.test(path))
  .map((path) => readFileSync(join(kernels, path), 'utf8'));

test('the reference kernels are walked as tree-sitter walks them', () => {
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) {
    const { fast, slow } = bothWays(parser, source);
    expect(fast).toEqual(slow);
    expect(fast.length).toBeGreaterThan(10);
  }
});

test('half-typed text is walked as tree-sitter walks it', () => {
  const piece = fc.record({
    source: fc.constantFrom(...sources),
    from: fc.nat(),
    length: fc.nat(4000),
    typo: fc.constantFrom('', '{', ')', '#', '"', ';;', 'é🙂', '/*'),
  });
  fc.assert(
    fc.property(piece, ({ source, from, length, typo }) => {
      const start = from % source.length;
      const middle = start + (length >> 1);
      const text = `${source.slice(start, middle)}${typo}${source.slice(middle, start + length)}`;
      const { fast, slow } = bothWays(parser, text);
      expect(fast).toEqual(slow);
    }),
    { numRuns: 200 },
  );
});

test('at the root there is neither sibling nor parent; a leaf has no child', () => {
  const tree = parser.parse('int a;');
  const cursor = parser.walk(tree);
  expect(cursor.gotoNextSibling()).toBe(false);
  expect(cursor.gotoParent()).toBe(false);
  while (cursor.gotoFirstChild());
  expect([cursor.startIndex, cursor.endIndex]).toEqual([0, 3]);
  expect(cursor.gotoFirstChild()).toBe(false);
  expect([cursor.startIndex, cursor.endIndex]).toEqual([0, 3]);
  tree.delete();
});

test('nesting deeper than the cursor has room for at first', () => {
  const text = `int x = ${'('.repeat(300)}1${')'.repeat(300)};`;
  const { fast, slow } = bothWays(parser, text);
  expect(fast).toEqual(slow);
});
