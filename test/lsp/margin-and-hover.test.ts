/** The margin, which reads a function at once, and the hover, which asks about one line, say the same of every line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { LockLines } from '../../server/src/locks/lock-lines.ts';
import { analyse } from '../support/c-program.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');

const sources = Object.fromEntries(
  readdirSync(kernel, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[ch]$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(kernel, path), readFileSync(path, 'utf8')]),
);

test('in the whole of the reference kernel', async () => {
  const { contexts, program } = await analyse(sources);
  const lines = new LockLines(contexts);
  const locks = [...contexts.lockNames];
  let marked = 0;
  for (const node of program.functions()) {
    const { held } = lines.of(node, locks);
    const margin: string[] = [];
    for (const { lock, modes, when, first, last } of held)
      for (let line = first; line <= last; line++)
        for (const mode of modes) margin.push(`${line} ${lock} ${mode} ${when}`);
    const hover: string[] = [];
    const { line, firstLine, endLine } = node.facts;
    for (let at = Math.max(line, firstLine) + 1; at <= endLine; at++)
      for (const { lock, mode, when } of contexts.beforeLine(node, at))
        hover.push(`${at} ${lock} ${mode} ${when}`);
    expect(margin.sort(), node.id).toEqual(hover.filter((one) => locks.includes(one.split(' ')[1]!)).sort());
    marked += margin.length;
  }
  expect(marked).toBeGreaterThan(100);
});
