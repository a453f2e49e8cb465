/**
 * After any sequence of edits the program says what it would say had it been read from scratch. The texts are the
 * bundled reference kernel's; edits are what typing does: a character in, a line gone, a line doubled, a call added.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { configurationOf, parseDotConfig } from '../../server/src/kernel-c/conditions.ts';
import { editedFacts } from '../../server/src/kernel-c/edited-facts.ts';
import { readFacts } from '../../server/src/kernel-c/file-facts.ts';
import { type CParser, loadParser } from '../../server/src/kernel-c/parser.ts';
import { LOCK_WORDS } from '../../server/src/locks/primitives.ts';
import { Program } from '../../server/src/program/program.ts';
import { TreeAnalysis } from '../../server/src/rules/tree-analysis.ts';

const root = join(import.meta.dirname, '..', '..');
const kernel = join(root, 'server', 'kernels', 'guest-memfd');
const require = createRequire(join(root, 'server', 'package.json'));
const configuration = configurationOf(
  parseDotConfig(readFileSync(join(kernel, 'configs', 'hook-set-attributes.config'), 'utf8')),
  true,
  'edits',
);

function sources(): Map<string, string> {
  const files = readdirSync(kernel, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[ch]$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(files.map((file) => [relative(kernel, file), readFileSync(file, 'utf8')]));
}

/** All that the analysis says of a program, as plain data. */
function everythingSaid(analysis: TreeAnalysis): object {
  const { program, contexts } = analysis;
  const functions = [...program.functions()].map((node) => ({
    id: node.id,
    line: node.facts.line,
    calls: program
      .callsFrom(node)
      .map(
        (edge) => `${edge.site.line}:${edge.site.column} ${edge.calleeName} ${edge.callee?.id} ${edge.slot}`,
      ),
    callers: program.callsTo(node).map((edge) => `${edge.caller.id}:${edge.site.line}`),
    entry: contexts.entry(node),
  }));
  return { functions: functions.sort((a, b) => (a.id < b.id ? -1 : 1)), findings: analysis.findings };
}

interface Edit {
  file: number;
  line: number;
  column: number;
  what: 'character' | 'remove' | 'double' | 'call' | 'flag';
  text: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  file: fc.nat(),
  line: fc.nat(),
  column: fc.nat(),
  what: fc.constantFrom('character', 'remove', 'double', 'call', 'flag'),
  text: fc.constantFrom(';', '(', '}', '{', 'x', '"', '/*', '#', ',', ' '),
});

function applied(text: string, { line, column, what, text: typed }: Edit): string {
  const lines = text.split('\n');
  const at = line % lines.length;
  const current = lines[at]!;
  if (what === 'character')
    lines[at] =
      current.slice(0, column % (current.length + 1)) + typed + current.slice(column % (current.length + 1));
  else if (what === 'remove') lines.splice(at, 1);
  else if (what === 'double') lines.splice(at, 0, current);
  else if (what === 'call') lines.splice(at, 0, '\trmp_make_shared(0, PG_LEVEL_4K);');
  else lines.splice(at, 0, '\twrite_lock(&kvm->mmu_lock);');
  return lines.join('\n');
}

describe('edits', () => {
  let parser: CParser;
  beforeAll(async () => {
    parser = await loadParser({
      runtime: require.resolve('web-tree-sitter/tree-sitter.wasm'),
      grammar: require.resolve('tree-sitter-c/tree-sitter-c.wasm'),
    });
  });

  function fresh(texts: ReadonlyMap<string, string>): TreeAnalysis {
    const program = new Program(parser, configuration, 'x86', LOCK_WORDS);
    for (const [file, text] of texts) program.setFile(file, readFacts(parser, text, configuration));
    return new TreeAnalysis(program);
  }

  it('leave what a reading from scratch would say', () => {
    const original = sources();
    const editable = [...original.keys()].filter((file) => file.endsWith('.c'));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const texts = new Map(original);
        const analysis = fresh(texts);
        void analysis.findings;
        const change = (file: string, text: string) => {
          const before = texts.get(file)!;
          const { program } = analysis;
          program.setFile(file, editedFacts(parser, before, program.file(file)!, text, configuration));
          texts.set(file, text);
          analysis.refresh();
          expect(everythingSaid(analysis)).toEqual(everythingSaid(fresh(texts)));
        };
        for (const one of edits) {
          const file = editable[one.file % editable.length]!;
          change(file, applied(texts.get(file)!, one));
        }
        // And back again: an undone edit leaves no trace.
        for (const file of editable)
          if (texts.get(file) !== original.get(file)) change(file, original.get(file)!);
      }),
      { numRuns: 25 },
    );
  });
});
