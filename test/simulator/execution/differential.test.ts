/** The machine against gcc, value by value. Needs gcc: without it these tests fail. */
import { expect, test } from 'vitest';
import { type CProgram, differences } from './gcc.ts';
import { generatedPrograms } from './generated-c.ts';
import { handwritten } from './handwritten-c.ts';

const MINUTES = 60_000;

async function expectSame(programs: readonly CProgram[]): Promise<void> {
  const found = await differences(programs);
  const headlines = found.map((one) => one.slice(0, one.indexOf('\n')));
  expect(headlines, `the first:\n${found[0]}`).toEqual([]);
}

test('hand-written programs compute what gcc computes', () => expectSame(handwritten), 2 * MINUTES);

test(
  'generated programs compute what gcc computes',
  () => expectSame(generatedPrograms(1, 300, 150)),
  5 * MINUTES,
);
