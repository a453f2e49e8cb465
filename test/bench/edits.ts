/**
 * From a typed character to new diagnostics, with the whole scope loaded, as the language server goes about it.
 *
 * usage: node edits.mjs TREE FOLDER_OF_THE_WASM_FILES EDITS; prints one line of JSON for each file: milliseconds, and
 * as a yardstick those of tree-sitter parsing the file's masked text once
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFilesIn } from '../../server/src/host/bundle-files.ts';
import { loadProgram } from '../../server/src/host/load-program.ts';
import { editedFacts } from '../../server/src/kernel-c/edited-facts.ts';
import { maskKernelC } from '../../server/src/kernel-c/masking.ts';
import { loadParser } from '../../server/src/kernel-c/parser.ts';
import { LOCK_WORDS } from '../../server/src/locks/primitives.ts';
import { TreeAnalysis } from '../../server/src/rules/tree-analysis.ts';

const FILES = ['virt/kvm/guest_memfd.c', 'arch/x86/kvm/x86.c'];
const WARM_UP = 20;

const [tree = '.', folder = '.', count = '200'] = process.argv.slice(2);
const bundle = bundleFilesIn(folder);
const loaded = await loadProgram({ tree, watched: LOCK_WORDS, bundle });
await loaded.saved;
const parser = await loadParser(bundle);
const { configuration } = loaded.configuration;
const analysis = new TreeAnalysis(loaded.program);
void analysis.findings;

/** The same numbers on every run. */
let seed = 1;
function random(below: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

/** What a typing person does: a letter into a word, a character away, a space; and back again. */
function edited(text: string): string {
  const at = random(text.length);
  const kind = random(4);
  if (kind === 0) return text.slice(0, at) + text.slice(at + 1);
  return text.slice(0, at) + ['x', ' ', ';'][kind - 1] + text.slice(at);
}

for (const file of FILES) {
  const original = readFileSync(join(tree, file), 'utf8');
  const times: number[] = [];
  let text = original;
  const show = (next: string) => {
    const started = performance.now();
    loaded.program.setFile(file, editedFacts(parser, text, loaded.program.file(file)!, next, configuration));
    analysis.refresh();
    void analysis.findings;
    text = next;
    return performance.now() - started;
  };
  for (let i = 0; i < WARM_UP + Number(count); i++) {
    const there = show(edited(original));
    const back = show(original);
    if (i >= WARM_UP) times.push(there, back);
  }
  const masked = maskKernelC(original, configuration).text;
  parser.parse(masked).delete();
  const started = performance.now();
  parser.parse(masked).delete();
  const parseMs = performance.now() - started;
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  console.log(
    JSON.stringify({
      file,
      edits: times.length,
      p50: quantile(0.5),
      p95: quantile(0.95),
      max: times.at(-1),
      parseMs,
    }),
  );
}
