/** The machine against gcc, value by value. Needs gcc: without it these tests fail. */
import { expect, test } from 'vitest';
import { differences } from './gcc.ts';
import { generatedPrograms } from './generated-c.ts';

test('generated programs compute what gcc computes', async () => {
  const found = await differences(generatedPrograms(1, 300, 150));
  const headlines = found.map((one) => one.slice(0, one.indexOf('\n'))).slice(0, 20);
  expect(headlines, `${found.length} differ; the first:\n${found[0]}`).toEqual([]);
});
