/** The quick reader against tree-sitter, on real kernels. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfiguration } from '../../server/src/host/configuration.ts';
import { listScope } from '../../server/src/host/scope.ts';
import { readTwice, withoutGuesses } from '../support/two-readers.ts';
import { fetchKernel, type KernelVersion } from './fetch-kernel.ts';

test.each<KernelVersion>(['6.12', '6.1'])(
  '%s: nearly every item is read quickly, and as by tree-sitter',
  async (version) => {
    const tree = await fetchKernel(version);
    const { configuration } = loadConfiguration(tree, 'x86');
    let items = 0;
    let left = 0;
    let functions = 0;
    const different: string[] = [];
    for (const { path } of listScope(tree, 'kvm', 'x86').files) {
      const both = readTwice(readFileSync(join(tree, path), 'utf8'), configuration);
      items += both.items;
      left += both.left.length;
      functions += both.quick.functions.length;
      const expected = new Map(both.tree.functions.map((fn) => [`${fn.line} ${fn.name}`, fn]));
      for (const fn of both.quick.functions) {
        const other = expected.get(`${fn.line} ${fn.name}`);
        const heads = JSON.stringify({ ...fn, body: '' }) === JSON.stringify({ ...other, body: '' });
        if (!other || !heads || withoutGuesses(fn.body) !== withoutGuesses(other.body))
          different.push(`${path}:${fn.line} ${fn.name}`);
      }
      expect(both.quick.functions).toHaveLength(both.tree.functions.length);
    }
    expect(functions).toBeGreaterThan(5000);
    expect(left / items).toBeLessThan(0.005);
    // What remains are guesses of the grammar that no rule tells from the rest: `x + sizeof(void *) - 1`.
    expect(different.length, different.join('\n')).toBeLessThan(functions / 1000);
  },
);
