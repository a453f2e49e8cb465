/** Whatever the bytes: no exception, no endless time, and at most a note. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFacts } from '../../server/src/kernel-c/file-facts.ts';
import { maskKernelC } from '../../server/src/kernel-c/masking.ts';
import { factsOf, testConfiguration, testParser } from '../support/c-facts.ts';

const DEEP = 100_000;
const AFTER = '\nint after(void)\n{\n\treturn 0;\n}\n';

/** Broken into lines: one line of this length would not be read at all. */
const repeat = (text: string) => Array.from({ length: DEEP / 50 }, () => text.repeat(50)).join('\n');
const inFunction = (text: string) => `int deep(void)\n{\n\tx = ${text};\n}\n${AFTER}`;

describe('nesting beyond reason', () => {
  const cases: Record<string, string> = {
    parentheses: inFunction(`${repeat('(')}1${repeat(')')}`),
    'open parentheses': inFunction(repeat('(')),
    calls: inFunction(`${repeat('f(')}1${repeat(')')}`),
    braces: `int deep(void)\n{\n ${repeat('{')}${repeat('}')}\n}\n${AFTER}`,
    'if in if': `int deep(void)\n{\n ${repeat('if (x) ')};\n}\n${AFTER}`,
    'else if': `int deep(void)\n{\n ${repeat('if (x) y(); else ')};\n}\n${AFTER}`,
    casts: inFunction(`${repeat('(int)')}1`),
    sums: inFunction(`${repeat('1+')}1`),
    commas: inFunction(`${repeat('1,')}1`),
    conditions: inFunction(`${repeat('a?b:')}1`),
    members: inFunction(`x${repeat('->a')}`),
    indices: inFunction(`x${repeat('[0]')}`),
    labels: `int deep(void)\n{\n ${repeat('a: ')};\n}\n${AFTER}`,
    'a declarator': `int deep(void)\n{\n int ${repeat('(*')}x${repeat(')')};\n}\n${AFTER}`,
    structures: `${repeat('struct a { ')}int x;${repeat('} b;')}${AFTER}`,
    initialisers: `int x = ${repeat('{')}1${repeat('}')};${AFTER}`,
    'open comments': `${repeat('/* ')}\n}\n${AFTER}`,
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const facts = await factsOf(cases[name]!);
    expect(facts.functions.map((fn) => fn.name)).toContain('after');
  });

  test('conditionals', async () => {
    const facts = await factsOf(`${'#if A\n'.repeat(10_000)}${AFTER}${'#endif\n'.repeat(10_000)}`);
    expect(facts.functions).toHaveLength(1);
  });

  test('macros at file level', async () => {
    const facts = await factsOf('FOO(a, b)\n'.repeat(DEEP) + AFTER);
    expect(facts.invocations).toHaveLength(DEEP);
  });
});

describe('files that are no C text are said not to be read', () => {
  test('binary', async () => {
    expect((await factsOf('int f(void)\n{\n\0}\n')).notes).toEqual([
      { line: 1, message: expect.stringContaining('binary') },
    ]);
  });

  test('one huge line', async () => {
    expect((await factsOf(`int a = ${'1 + '.repeat(100_000)}1;`)).notes).toEqual([
      { line: 1, message: expect.stringContaining('a line of') },
    ]);
  });

  test('a huge file', async () => {
    expect((await factsOf('/* generated */\n'.repeat(300_000))).notes).toEqual([
      { line: 1, message: expect.stringContaining('more than the limit') },
    ]);
  });

  test('nothing', async () => {
    expect(await factsOf('')).toMatchObject({ functions: [], notes: [], lineCount: 1 });
  });
});

test('any text at all', async () => {
  const parser = await testParser();
  const configuration = testConfiguration();
  const c = fc.constantFrom(
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ';',
    ',',
    '"',
    "'",
    '/*',
    '*/',
    '//',
    '\n',
    '\n#if ',
    '\n#else\n',
    '\n#endif\n',
    '\n#define ',
    '\\\n',
    ' ',
    '\t',
    'int',
    'static',
    'struct ',
    'x',
    'F(',
    '= ',
    '...',
    '->',
    '.',
    ':',
    '##',
    '#',
    '1',
    '\n}\n',
    '\n{\n',
    'enum ',
    'do ',
    'while',
    'case ',
    '__weak ',
    'asm',
    'typeof',
    'kvm_for_each(',
    '\r',
    '\u2028',
    '\ud800',
  );
  const text = fc.oneof(
    fc.array(c, { maxLength: 80 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );
  fc.assert(
    fc.property(text, (source) => {
      const masked = maskKernelC(source, configuration).text;
      expect(masked).toHaveLength(source.length);
      expect(masked.replace(/[^\n]/g, '')).toBe(source.replace(/[^\n]/g, ''));
      readFacts(parser, source, configuration);
    }),
    { numRuns: 2000 },
  );
});
