/** Random edits of the reference kernels: masks keep every place, and functions stand where the facts say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readFacts } from '../../server/src/kernel-c/file-facts.ts';
import { maskKernelC } from '../../server/src/kernel-c/masking.ts';
import { testConfiguration, testParser } from '../support/c-facts.ts';

const KERNELS = join(import.meta.dirname, '..', '..', 'server', 'kernels');

const sources = readdirSync(KERNELS, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[ch]$/.test(path))
  .sort()
  .map((path) => readFileSync(join(KERNELS, path), 'utf8'))
  // Large files tell no more and cost the runs that do.
  .filter((text) => text.length < 60_000);

interface Edit {
  /** Where, as a share of the text's length. */
  at: number;
  removed: number;
  inserted: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat(40),
  inserted: fc.oneof(
    fc.constantFrom(
      '',
      '{',
      '}',
      '(',
      ')',
      ';',
      '"',
      "'",
      '/*',
      '*/',
      '\n#if X\n',
      '\n#else\n',
      '\n#endif\n',
      '\n}\n',
      '\n{\n',
      'if (',
      'for (;;) {',
      'do {',
      'case 1',
      'struct kvm *',
      'foo(',
      'kvm->',
      ' = ',
      '\n#define X(a) \\\n',
      '\\',
      '...',
    ),
    fc.string({ maxLength: 12 }),
  ),
});

function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((current, { at, removed, inserted }) => {
    const offset = Math.floor(at * current.length);
    return current.slice(0, offset) + inserted + current.slice(offset + removed);
  }, text);
}

test('masking keeps lengths and lines, facts keep places', async () => {
  const parser = await testParser();
  const configuration = testConfiguration();
  expect(sources.length).toBeGreaterThan(10);
  fc.assert(
    fc.property(fc.constantFrom(...sources), fc.array(edit, { maxLength: 4 }), (source, edits) => {
      const text = edited(source, edits);
      const masked = maskKernelC(text, configuration).text;
      expect(masked).toHaveLength(text.length);
      expect(masked.replace(/[^\n]/g, '')).toBe(text.replace(/[^\n]/g, ''));
      const lines = text.split('\n');
      for (const fn of readFacts(parser, text, configuration).functions) {
        expect(lines[fn.line - 1]?.slice(fn.column - 1)).toSatisfy(
          (rest: string | undefined) => rest !== undefined && startsWith(rest, fn.name),
        );
        expect(fn.firstLine).toBeLessThanOrEqual(fn.line);
        expect(fn.line).toBeLessThanOrEqual(fn.endLine);
      }
    }),
    { numRuns: 300 },
  );
});

/** `sys_x` stands there as `x`, `FNAME(x)` as the macro's call. */
function startsWith(rest: string, name: string): boolean {
  const bare = name.replace(/\(.*/, '');
  return rest.startsWith(bare) || rest.startsWith(bare.replace(/^(compat_)?sys_/, ''));
}
