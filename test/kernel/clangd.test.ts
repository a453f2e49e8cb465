/** Callers of a sample of functions against clangd's, where that is installed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadProgram } from '../../server/src/host/load-program.ts';
import type { Program } from '../../server/src/program/program.ts';
import { registrationsOf } from '../../server/src/program/registrations.ts';
import { testCache } from '../support/cache.ts';
import { Clangd, findClangd } from '../support/clangd.ts';
import { fetchKernel } from './fetch-kernel.ts';

const FILES = ['virt/kvm/guest_memfd.c', 'virt/kvm/kvm_main.c'];
const SAMPLE = 30;

/** Static functions: all their callers are in the file that clangd has open. */
function sample(program: Program): { name: string; file: string; line: number }[] {
  const functions = FILES.flatMap((file) =>
    program
      .functionsIn(file)
      .filter(({ facts }) => facts.static && facts.truth === 'true' && facts.generatedBy === undefined)
      .map(({ name, facts }) => ({ name, file, line: facts.line })),
  );
  const step = Math.max(1, Math.floor(functions.length / SAMPLE));
  return functions.filter((_, index) => index % step === 0);
}

test('incoming calls of static functions', async (context) => {
  const command = findClangd();
  if (command === undefined) {
    console.warn(
      'NOT COMPARED: there is no clangd on this machine (install clangd, or name it in GMEM_LENS_CLANGD).',
    );
    return context.skip();
  }
  const tree = await fetchKernel('6.12');
  const loaded = await loadProgram({ tree, cacheFolder: join(testCache(), 'facts') });
  await loaded.saved;
  const { program } = loaded;
  await using clangd = await Clangd.start(command, tree, FILES);
  const stored = [...program.assignments()].flatMap(({ assignment: { source }, by }) =>
    'functionName' in source ? [{ name: source.functionName, by: by?.name }] : [],
  );
  const differences: string[] = [];
  let calls = 0;
  let beyond = 0;
  for (const { name, file, line } of sample(program)) {
    const text = readFileSync(join(tree, file), 'utf8').split('\n')[line - 1]!;
    const theirs = await clangd.callers(file, line, text.indexOf(name));
    const [node] = program.functionsIn(file).filter((one) => one.name === name);
    const edges = program.callsTo(node!);
    const ours = new Set(edges.map(({ caller }) => `${caller.file}:${caller.name}`));
    const handed = new Set([
      ...registrationsOf(program, node!).map(({ by }) => by?.name),
      ...stored.filter((one) => one.name === name).map(({ by }) => by),
    ]);
    for (const caller of theirs) {
      // A table that names the function is no caller, though clangd lists it as one.
      if (program.functionsIn(caller.file).every((one) => one.name !== caller.name)) continue;
      // Nor is a function that only hands it on.
      if (handed.has(caller.name)) continue;
      calls++;
      if (!ours.has(`${caller.file}:${caller.name}`)) differences.push(`${name}: ${caller.name} is missing`);
    }
    const seen = new Set(theirs.map((caller) => caller.name));
    beyond += edges.filter(({ caller }) => !seen.has(caller.name)).length;
  }
  console.log(
    `${command}: ${calls} callers of ${SAMPLE} functions compared; ${beyond} more calls that it doesn't see`,
  );
  expect(calls).toBeGreaterThan(SAMPLE / 2);
  expect(differences).toEqual([]);
});
