/**
 * The least that reading a tree with tree-sitter costs, as a process of its own: one thread parses the masked files of
 * the scope `kvm` and runs one query for functions and calls over each.
 *
 * usage: node floor.mjs TREE FOLDER_OF_THE_WASM_FILES; prints one line of JSON, times in milliseconds
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Language, Parser, Query } from 'web-tree-sitter';
import { loadConfiguration } from '../../server/src/host/configuration.ts';
import { listScope } from '../../server/src/host/scope.ts';
import { openTree } from '../../server/src/host/tree.ts';
import { maskKernelC } from '../../server/src/kernel-c/masking.ts';

const QUERY = '(function_definition declarator: (_) @function) (call_expression function: (_) @call)';

const [given = '.', wasm = '.'] = process.argv.slice(2);
const tree = openTree(given);
const { configuration } = loadConfiguration(tree, 'x86');
const { files } = listScope(tree, 'kvm', 'x86');
const texts = files.map(
  ({ path }) => maskKernelC(readFileSync(join(tree, path), 'utf8'), configuration).text,
);

await Parser.init({ locateFile: () => join(wasm, 'tree-sitter.wasm') });
const language = await Language.load(join(wasm, 'tree-sitter-c.wasm'));
const parser = new Parser();
parser.setLanguage(language);
const query = new Query(language, QUERY);

let captures = 0;
let parseMs = 0;
let queryMs = 0;
for (const text of texts) {
  const started = performance.now();
  const parsed = parser.parse(text);
  if (!parsed) throw new Error('tree-sitter gave up');
  const between = performance.now();
  captures += query.captures(parsed.rootNode).length;
  parsed.delete();
  parseMs += between - started;
  queryMs += performance.now() - between;
}
const bytes = files.reduce((sum, file) => sum + file.size, 0);
console.log(
  JSON.stringify({ files: files.length, bytes, captures, parseMs, queryMs, ms: parseMs + queryMs }),
);
