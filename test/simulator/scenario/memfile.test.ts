/** Scenarios of the reference kernel memfile-notifier: its rows, and that it is its C which decides. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { library } from '../../../scripts/scenario-docs.ts';
import { kernelTexts } from '../../../server/src/host/scenario-files.ts';
import { referenceKernel } from '../../../server/src/simulator/scenario/kernel-code.ts';
import { loadScenario } from '../../../server/src/simulator/scenario/load.ts';
import { type Scenario, withVariant } from '../../../server/src/simulator/scenario/model.ts';
import type { RunResult } from '../../../server/src/simulator/scenario/result.ts';
import { runScenario } from '../../../server/src/simulator/scenario/run.ts';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'server/kernels/memfile-notifier');
const TEXTS = kernelTexts(folder);
const CONFIG = readFileSync(join(folder, 'configs/correct.config'), 'utf8');

const run = (scenario: Scenario, texts = TEXTS): RunResult =>
  runScenario({ scenario, kernel: referenceKernel('memfile-notifier', texts, CONFIG) });

const own = library(root).filter(({ scenario }) => scenario.design === 'memfile-notifier');
const runs = own.flatMap(({ name, scenario }) => [
  [name, scenario] as const,
  ...scenario.variants.map(
    (variant) => [`${name}@${variant.name}`, withVariant(scenario, variant.name)!] as const,
  ),
]);

const named = (name: string): Scenario => runs.find(([one]) => one === name)![1];

/** The kernel's C with a text in one of its files replaced, which must be there once. */
function changed(file: string, from: string, to: string): Record<string, string> {
  expect(TEXTS[file]!.split(from)).toHaveLength(2);
  return { ...TEXTS, [file]: TEXTS[file]!.replace(from, () => to) };
}

function scenarioOf(actors: string): Scenario {
  const text = `scenario: A test
platform: sw-protected
memory: 64M
design: memfile-notifier
files:
  - {name: private, size: 2M, flags: [inaccessible]}
  - {name: shared, size: 2M, flags: [seal-auto-allocate]}
slots: [{id: 0, gpa: 0x200000, size: 2M, file: private, shared-file: shared}]
initial: [{gpa: 0x200000, size: 64K, attribute: private}]
actors:
${actors}`;
  const { scenario, problems } = loadScenario('a.yaml', () => text);
  expect(problems).toEqual([]);
  return scenario!;
}

describe('the library', () => {
  test.each(runs)('%s', (_, scenario) => {
    const result = run(scenario);
    expect(result.expectations.filter(({ ok }) => !ok)).toEqual([]);
    expect(result.coverage.unmodelled).toEqual([]);
  });
});

test('the same steps every time', () => {
  const [first, second] = [0, 1].map(() => run(named('memfile-notifier-callbacks')));
  expect(second!.story).toEqual(first!.story);
});

test('it is the C that looks at the seal', () => {
  const texts = changed(
    'mm/shmem.c',
    'sgp == SGP_CACHE && (shmem->seals & F_SEAL_AUTO_ALLOCATE)',
    'sgp == SGP_CACHE && !shmem',
  );
  const { hazards, counters } = run(named('memfile-seal-auto-allocate'), texts);
  expect(hazards.filter(({ kind }) => kind === 'double-allocation')).toHaveLength(16);
  expect(counters.twiceAllocatedGfns).toBe(16);
});

test('a signal ends a fallocate once, and the VMM’s C tries again', () => {
  const scenario = scenarioOf(`  vmm:
    - signal: {to: vmm}
    - fallocate: {file: private, size: 64K}`);
  const { story, outcome } = run(scenario);
  expect(outcome).toBe('ok');
  const entered = story.flatMap((entry) => (entry.kind === 'enter' ? [entry.function] : []));
  expect(entered.filter((name) => name === 'shmem_fallocate')).toHaveLength(2);
  expect(entered.filter((name) => name === 'vmm_allocate')).toHaveLength(1);
});

test('a conversion by the older ioctl says nothing but private or shared', () => {
  const scenario = scenarioOf(`  vmm:
    - encrypt-region: {gpa: 0x210000, size: 8K}
    - get-attributes: {gpa: 0x210000}
      expect: ENOTTY
    - supported-attributes: {include: [private]}
      expect: ENOTTY
    - unencrypt-region: {gpa: 0x210000, size: 4K}`);
  const result = run({
    ...scenario,
    expect: {
      ...scenario.expect,
      final: [
        { target: { kind: 'gpa', gpa: 0x210000, size: 4096 }, attribute: 'shared' },
        { target: { kind: 'gpa', gpa: 0x211000, size: 4096 }, attribute: 'private' },
      ].map((state) => ({
        ...state,
        at: { file: '', line: 1, column: 1, endLine: 1, endColumn: 1 },
      })) as Scenario['expect']['final'],
    },
  });
  expect(result.expectations.filter(({ ok }) => !ok)).toEqual([]);
});

test('a VMM that discards shared memory unmaps the guest from it', () => {
  const scenario = scenarioOf(`  vmm:
    - fallocate: {file: shared}
      label: allocated
    - discard: {gpa: 0x300000}
      after: vcpu0.filled
      label: discarded
  vcpu0:
    - write: {gpa: 0x300000, private: false, pattern: open}
      after: vmm.allocated
      label: filled
    - read: {gpa: 0x300000, private: false, pattern: open}
      after: vmm.discarded`);
  const { outcome, counters, story } = run(scenario);
  expect(outcome).toBe('ok');
  // Mapped, zapped by the notifier, and mapped again: the page stays in the file.
  expect(counters).toMatchObject({ nptMaps: 2, nptZaps: 1 });
  const entered = story.flatMap((entry) => (entry.kind === 'enter' ? [entry.function] : []));
  expect(entered).toContain('kvm_mmu_notifier_invalidate_range_start');
});
