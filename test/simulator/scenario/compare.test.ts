/** Designs side by side: what each costs, and what can't be compared. */
import { expect, test } from 'vitest';
import { COSTS, compareDesigns } from '../../../server/src/simulator/scenario/compare.ts';
import { comparisonText } from '../../../server/src/simulator/scenario/compare-text.ts';
import { runScenario } from '../../../server/src/simulator/scenario/run.ts';
import { kernelNamed, libraryInput } from '../../support/scenarios.ts';

const compared = (name: string) =>
  compareDesigns(libraryInput(name).scenario, ({ design }) =>
    design === 'memfile-notifier' ? 'there is none here' : kernelNamed(design),
  );

test('every design and variant with its hazards and costs, as each would have them alone', () => {
  const { runs, notRun, rows } = compared('punch-hole-private-page');
  expect(rows).toContain('A1');
  expect(runs.map(({ design, variant }) => [design, variant])).toEqual([
    ['guest-memfd', undefined],
    ['restrictedmem', undefined],
    ['guest-memfd', 'free-without-rmp-reset'],
  ]);
  expect(notRun).toEqual([{ design: 'memfile-notifier', notRun: 'there is none here' }]);
  const [right, , wrong] = runs;
  const { counters } = runScenario(libraryInput('punch-hole-private-page'));
  for (const key of ['rmpUpdates', 'rmpLookups', 'tlbFlushes', 'longestLockHold', 'invalidations'])
    expect(right!.costs[key]).toBe(counters[key]);
  expect(right!.costs.bytesAllocatedTwice).toBe((counters.twiceAllocatedGfnsPeak ?? 0) * 4096);
  expect(wrong!.hazards.map(({ kind }) => kind)).toContain('page-freed-while-assigned');
  expect(wrong!.costs.rmpUpdates).toBe(right!.costs.rmpUpdates! - 1);
});

test('the table has a column for each, and says what can not be compared', () => {
  const text = comparisonText(compared('rmp-in-set-attributes'));
  const lines = text.split('\n');
  const heads = lines.find((line) => line.includes('guest-memfd '))!;
  expect(heads.trim().split(/ {2,}/)).toEqual(['guest-memfd', 'guest-memfd']);
  const updates = lines.find((line) => line.startsWith('RMP updates'))!;
  expect(updates.trim().split(/ {2,}/)).toEqual(['RMP updates', '0', '1']);
  expect(text).toMatch(/^guest-memfd: sleeping-while-atomic: BUG: scheduling while atomic/m);
  expect(text).toMatch(/^restrictedmem can't carry it: .*hook: set-attributes/m);
  expect(text).toMatch(/its numbers are those up to there/);
});

test('costs are told apart', () => {
  expect(new Set(COSTS.map(({ key }) => key)).size).toBe(COSTS.length);
  expect(new Set(COSTS.map(({ title }) => title)).size).toBe(COSTS.length);
});

test('what a scenario says of its actors may not hold on another design, and is told', () => {
  const { runs } = compared('fault-races-punch-hole');
  const other = runs.find(({ design }) => design === 'restrictedmem');
  expect(other!.differences).toContainEqual(expect.stringContaining('kvm_gmem_get_pfn'));
});
