/** Random scenarios on the right designs: whatever actors do and in whatever order, what must hold holds. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainJson } from '../../../server/src/simulator/json.ts';
import { runScenario } from '../../../server/src/simulator/scenario/run.ts';
import { Simulation } from '../../../server/src/simulator/scenario/simulation.ts';
import { inputOf, libraryInput } from '../../support/scenarios.ts';

const PAGES = 8;
const BASE = 0x200000;
const FIRST_GFN = BASE / 4096;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** A stretch of the slot, in pages. */
const stretch = fc
  .tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: PAGES }))
  .map(([from, count]) => ({ from, count: Math.min(count, PAGES - from) }));

const inGuest = ({ from, count }: { from: number; count: number }): string =>
  `gpa: ${hex(BASE + from * 4096)}, size: ${hex(count * 4096)}`;
const inFile = ({ from, count }: { from: number; count: number }): string =>
  `file: gmem, offset: ${hex(from * 4096)}, size: ${hex(count * 4096)}`;

const byVmm = fc.oneof(
  fc
    .tuple(stretch, fc.constantFrom('private', 'shared'))
    .map(([at, to]) => `set-attributes: {${inGuest(at)}, to: ${to}}`),
  stretch.map((at) => `punch-hole: {${inFile(at)}}`),
  stretch.map((at) => `fallocate: {${inFile(at)}}`),
);
const byGuest = fc
  .tuple(stretch, fc.constantFrom('read', 'write'), fc.boolean())
  .map(([at, kind, isPrivate]) => `${kind}: {${inGuest(at)}, private: ${isPrivate}}`);

const list = (actions: readonly string[], last: string): string =>
  [...actions, last].map((action) => `    - ${action}\n      expect: any`).join('\n');

interface Drawn {
  design: 'guest-memfd' | 'restrictedmem';
  vmm: string[];
  vcpu0: string[];
  vcpu1: string[];
  initial: { from: number; count: number };
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  design: fc.constantFrom('guest-memfd', 'restrictedmem'),
  vmm: fc.array(byVmm, { maxLength: 5 }),
  vcpu0: fc.array(byGuest, { maxLength: 3 }),
  vcpu1: fc.array(byGuest, { maxLength: 3 }),
  initial: stretch,
});

/** The VMM ends everything when the guest has done its part. */
const textOf = ({ design, vmm, vcpu0, vcpu1, initial }: Drawn): string => `scenario: Drawn
platform: snp
memory: 64M
vcpus: 2
design: ${design}
files: [{name: gmem, size: ${PAGES * 4}K}]
slots: [{id: 0, gpa: ${hex(BASE)}, size: ${PAGES * 4}K, file: gmem}]
initial: [{${inGuest(initial)}, attribute: private}]
actors:
  vcpu0:
${list(vcpu0, `read: {${inGuest({ from: 0, count: 1 })}}\n      label: done`)}
  vcpu1:
${list(vcpu1, `read: {${inGuest({ from: 1, count: 1 })}}\n      label: done`)}
  vmm:
${list(vmm, 'close-file: {file: gmem}\n      after: [vcpu0.done, vcpu1.done]')}
    - destroy-vm: {}
`;

function extents<T>(table: { map: { extents(): Iterable<{ start: number; count: number; value: T }> } }) {
  return [...table.map.extents()];
}

/** What holds after every step. */
function checkMachine({ hardware }: Simulation): void {
  for (const { start, count, value } of extents(hardware.frames.rmp))
    if (value.assigned)
      for (let pfn = start; pfn < start + count; pfn++)
        expect(hardware.pages.isFree(pfn), `pfn ${pfn}`).toBe(false);
  const owned = extents(hardware.frames.page).reduce((sum, { count }) => sum + count, 0);
  expect(owned + hardware.pages.freePages).toBe(hardware.pages.memory.pages);
}

/** What holds whenever nobody is in the kernel. */
function checkKernel({ hardware, kernel, actors }: Simulation): void {
  const held = new Map<number, string>();
  for (let page = 0; page < PAGES; page++) {
    const pfn = actors.calls.pageInFile('gmem', page * 4096);
    if (pfn === undefined) continue;
    expect(held.get(pfn), `pfn ${pfn} of pages ${held.get(pfn)} and ${page}`).toBeUndefined();
    held.set(pfn, `${page}`);
  }
  if (!hardware.vms.all().some(({ id }) => id === kernel.vm)) return;
  for (const { start, count, value } of extents(hardware.npt(kernel.vm).table('npt')))
    for (let gfn = start; gfn < start + count; gfn++) {
      if (gfn < FIRST_GFN || gfn >= FIRST_GFN + PAGES) continue;
      const isPrivate = actors.calls.attributeOf(gfn * 4096) === 'private';
      expect(held.has(gfn + value.pfnDelta), `gfn ${hex(gfn)}, ${isPrivate ? 'private' : 'shared'}`).toBe(
        isPrivate,
      );
    }
}

/** What is left when file and VM are gone. */
function checkEnd({ hardware }: Simulation): void {
  expect(extents(hardware.frames.rmp).filter(({ value }) => value.assigned)).toEqual([]);
  expect(extents(hardware.frames.page).filter(({ value }) => value.file !== undefined)).toEqual([]);
  expect(hardware.counters.pagesLeaked).toBe(0);
}

/** @param choices who goes next, over and over */
function carryOut(text: string, choices: readonly number[]): Simulation {
  const simulation = new Simulation(inputOf(text));
  expect(simulation.finish().message).toBeUndefined();
  for (let turn = 0; ; turn++) {
    const scheduled = simulation.next();
    if (!scheduled) return simulation;
    const wanted = simulation.threads[choices[turn % choices.length]! % simulation.threads.length];
    const { k } = wanted && wanted.state !== 'ended' ? simulation.step(wanted) : simulation.step(scheduled);
    // One that waits can't be chosen for ever.
    if (k === 'blocked') simulation.step(scheduled);
    if (turn % 16 === 0) checkMachine(simulation);
    if (simulation.threads.every(({ frames }) => frames.length <= 1)) checkKernel(simulation);
  }
}

/** The test runner wants to hear of us now and then. */
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('no interleaving of anything breaks what must hold', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, fc.array(fc.nat(2), { minLength: 1, maxLength: 40 }), async (what, choices) => {
      await breath();
      const simulation = carryOut(textOf(what), choices);
      const { outcome, hazards, message, coverage } = simulation.finish();
      expect(message).toBeUndefined();
      expect(hazards).toEqual([]);
      expect(outcome).toBe('ok');
      expect(coverage.unmodelled).toEqual([]);
      checkMachine(simulation);
      checkEnd(simulation);
    }),
    { numRuns: 20, seed: 5 },
  );
});

describe('what is wrong with a design is found', () => {
  test.each(['retry-check: false', 'invalidate-end: off-by-one', 'directmap: none'])('%s', (option) => {
    const { failed } = fc.check(
      fc.property(drawn, fc.array(fc.nat(2), { minLength: 1, maxLength: 40 }), (what, choices) => {
        const text = textOf({ ...what, design: 'guest-memfd' }).replace(
          'actors:',
          `options: {${option}}\nactors:`,
        );
        const simulation = carryOut(text, choices);
        expect(simulation.hazards).toEqual([]);
        checkEnd(simulation);
      }),
      { numRuns: 60, seed: 5, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });
});

test('the same scenario gives the same trace, fifty times', async () => {
  const hashes = new Set<string>();
  for (let time = 0; time < 50; time++) {
    const result = runScenario(libraryInput('punch-hole-private-page'), { trace: true });
    hashes.add(createHash('sha256').update(JSON.stringify(result, plainJson)).digest('hex'));
    await breath();
  }
  expect(hashes.size).toBe(1);
});
