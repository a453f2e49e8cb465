/** The same text read by the quick reader and by tree-sitter. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Configuration } from '../../server/src/kernel-c/conditions.ts';
import { type Found, nothingFound } from '../../server/src/kernel-c/item-facts.ts';
import { readItems } from '../../server/src/kernel-c/item-reader.ts';
import { LineIndex } from '../../server/src/kernel-c/line-index.ts';
import { maskKernelC } from '../../server/src/kernel-c/masking.ts';
import { loadParser } from '../../server/src/kernel-c/parser.ts';
import { readQuickly } from '../../server/src/kernel-c/quick/items.ts';
import { isTypeName } from '../../server/src/kernel-c/type-names.ts';

const require = createRequire(join(import.meta.dirname, '..', '..', 'server', 'package.json'));
const parser = await loadParser({
  runtime: require.resolve('web-tree-sitter/tree-sitter.wasm'),
  grammar: require.resolve('tree-sitter-c/tree-sitter-c.wasm'),
});

export interface TwoReadings {
  /** By the quick reader; what it left is read by tree-sitter, as in earnest. */
  quick: Found;
  /** By tree-sitter alone, item by item. */
  tree: Found;
  /** How many items there are, and the text of those that the quick reader left. */
  items: number;
  left: string[];
}

export function readTwice(text: string, configuration: Configuration): TwoReadings {
  const lines = new LineIndex(text);
  const masked = maskKernelC(text, configuration);
  const starts = masked.itemStarts();
  const parse = (start: number, end: number, found: Found) => {
    const part = parser.parseRange(masked.text, start, end, lines);
    readItems(parser, masked, lines, part, found);
    part.delete();
  };
  const quick = nothingFound();
  const left: string[] = [];
  readQuickly(masked, lines, starts, quick, ({ start, end }) => {
    left.push(masked.text.slice(start, end).trim());
    parse(start, end, quick);
  });
  const tree = nothingFound();
  const bounds = [0, ...starts.filter((start) => start > 0), masked.text.length];
  for (let n = 0; n + 1 < bounds.length; n++) parse(bounds[n]!, bounds[n + 1]!, tree);
  return { quick, tree, items: bounds.length - 1, left: left.filter((item) => item !== '') };
}

/**
 * Facts in which the two readers' known differences are taken out: the grammar takes `(u32)(x)` for a call and
 * `(u32)-1` for a sum, as it can't know that a name is a type's, and `!n--` for `(!n)--`.
 */
export function withoutGuesses(json: string): string {
  type Node = {
    k?: string;
    f?: Node;
    a?: Node[];
    l?: Node;
    r?: Node;
    x?: Node;
    t?: string;
    n?: string;
    op?: string;
    v?: string;
  };
  const value = JSON.parse(json, (_key, node: Node) => {
    if (typeof node !== 'object' || node === null) return node;
    if (node.k === 'call' && node.f?.k === 'id' && isTypeName(node.f.n!) && node.a?.length === 1)
      return { k: 'cast', t: node.f.n, x: node.a[0] };
    if (node.k === 'binary' && node.l?.k === 'id' && isTypeName(node.l.n!)) {
      const { op, r } = node;
      const x = op === '-' && r?.k === 'num' ? { k: 'num', v: `-${r.v}` } : { k: 'unary', op, x: r };
      return { k: 'cast', t: node.l.n, x };
    }
    if (node.k === 'update' && node.x?.k === 'unary')
      return { k: 'unary', op: node.x.op, x: { ...node, x: node.x.x } };
    return node;
  });
  return JSON.stringify(value);
}
