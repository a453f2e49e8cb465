import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFacts, encodeFacts, MalformedFacts } from '../../server/src/host/facts-codec.ts';
import { emptyFacts, FACTS_VERSION, type FileFacts } from '../../server/src/kernel-c/facts.ts';

const condition = { truth: 'true', when: '' } as const;

function factsWith(
  bodies: string[],
  macros: (string | undefined)[],
  initialisers: (string | undefined)[],
): FileFacts {
  return {
    ...emptyFacts([{ line: 3, message: 'ein Hinweis — с юникодом 🙂' }]),
    lineCount: 7,
    functions: bodies.map((body, n) => ({
      name: `f${n}`,
      line: n,
      column: 1,
      firstLine: n,
      endLine: n,
      static: false,
      inline: false,
      weak: false,
      type: 'int',
      parameters: [{ name: 'é', type: 'int' }],
      body,
      ...condition,
    })),
    macros: macros.map((body, n) => ({
      name: `M${n}`,
      parameters: null,
      variadic: false,
      line: n,
      endLine: n,
      text: '1',
      ...(body !== undefined && { body }),
      ...condition,
    })),
    variables: initialisers.map((initialiser, n) => ({
      name: `v${n}`,
      type: 'int',
      line: n,
      static: false,
      extern: false,
      ...(initialiser !== undefined && { initialiser }),
      ...condition,
    })),
  };
}

const text = fc.string({ unit: 'binary' });
const anyFacts = fc
  .tuple(
    fc.array(text),
    fc.array(fc.option(text, { nil: undefined })),
    fc.array(fc.option(text, { nil: undefined })),
  )
  .map(([bodies, macros, initialisers]) => factsWith(bodies, macros, initialisers));

test('facts come back as they were, whatever characters are in them', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      expect(decodeFacts(encodeFacts(facts))).toEqual(facts);
    }),
  );
});

test('facts that are cut off or of another shape are refused', () => {
  const bytes = encodeFacts(factsWith(['[1]', '[2,3]'], ['[4]', undefined], [undefined, '5']));
  for (let length = 0; length < bytes.length; length++)
    expect(() => decodeFacts(bytes.subarray(0, length))).toThrow(MalformedFacts);
  expect(() => decodeFacts(Buffer.concat([bytes, Buffer.from('x')]))).toThrow(MalformedFacts);

  const wrapped = (head: unknown) => {
    const json = Buffer.from(JSON.stringify(head));
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(json.length);
    return Buffer.concat([prefix, json]);
  };
  const good = emptyFacts([]);
  expect(decodeFacts(wrapped(good))).toEqual(good);
  const bad = [
    null,
    [],
    'facts',
    { ...good, version: FACTS_VERSION + 1 },
    { ...good, macros: {} },
    { ...good, lineCount: '1' },
    { ...good, functions: [{ name: 'f', body: 'text' }] },
    { ...good, functions: [{ name: 'f', body: -1 }] },
    { ...good, functions: [{ name: 'f', body: 1 }] },
  ];
  for (const head of bad) expect(() => decodeFacts(wrapped(head))).toThrow(MalformedFacts);
});
