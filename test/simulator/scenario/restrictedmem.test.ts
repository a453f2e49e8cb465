/** The library on the reference kernel restrictedmem (mail rows B and C), and that its C decides what comes out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadScenario } from '../../../server/src/simulator/scenario/load.ts';
import { withVariant } from '../../../server/src/simulator/scenario/model.ts';
import { runScenario } from '../../../server/src/simulator/scenario/run.ts';
import { kernelNamed, libraryInput } from '../../support/scenarios.ts';

const library = join(import.meta.dirname, '../../../server/scenarios');
/** A run takes a second or two; many at once on a busy machine more. */
const timeout = 120_000;

const scenarios = readdirSync(library)
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((file) => {
    const { scenario } = loadScenario(file, (path) => readFileSync(join(library, path), 'utf8'));
    return [scenario!, ...scenario!.variants.map(({ name }) => withVariant(scenario!, name)!)];
  })
  .filter(({ design }) => design === 'restrictedmem');

/** Runs are synchronous: between two of them the runner has its turn. */
beforeEach(() => setImmediate());

describe('the library', () => {
  test.each(scenarios.map((scenario) => [scenario.title, scenario] as const))(
    '%s',
    (_, scenario) => {
      const result = runScenario({ scenario, kernel: kernelNamed('restrictedmem') });
      expect(result.expectations.filter(({ ok }) => !ok)).toEqual([]);
      expect(result.coverage.unmodelled).toEqual([]);
    },
    timeout,
  );

  test('every row of the mails 000 and 001 is shown, and what is wrong with a design by a run that fails', () => {
    const rows = (of: typeof scenarios) => new Set(of.flatMap((scenario) => scenario.rows));
    const shown = rows(scenarios);
    const failing = rows(scenarios.filter(({ expect: { outcome } }) => outcome === 'violation'));
    const all = [...Array.from({ length: 10 }, (_, i) => `B${i + 1}`), 'C1', 'C2', 'C3', 'C4', 'C5', 'C6'];
    expect(all.filter((row) => !shown.has(row))).toEqual([]);
    for (const row of ['B1', 'B2', 'B6', 'B7', 'B9', 'C2', 'C3']) expect(failing).toContain(row);
  });
});

/** The scenario on the kernel with one text of its C replaced, which must be there once. */
function edited(name: string, file: string, from: string, to: string, maxSteps?: number) {
  const kernel = kernelNamed('restrictedmem', (texts) => {
    expect(texts[file]!.split(from)).toHaveLength(2);
    return { ...texts, [file]: texts[file]!.replace(from, () => to) };
  });
  return runScenario({ ...libraryInput(name), kernel }, maxSteps === undefined ? {} : { maxSteps });
}

describe('an edit of the C changes the run', () => {
  test(
    'shmem that doesn’t round down allocates inside of the slot',
    () => {
      const { hazards } = edited(
        'offset-alignment-c2',
        'mm/shmem.c',
        'unsigned int order = READ_ONCE(mapping->max_order);',
        'unsigned int order = 0;',
      );
      expect(hazards).toEqual([]);
    },
    timeout,
  );

  test(
    'an RMP entry that isn’t smashed can’t be updated in part: RMPUPDATE overlaps for ever',
    () => {
      const stuck = edited(
        'conversions-fragment',
        'arch/x86/kvm/svm/sev.c',
        'return psmash(round_down(pfn, PAGES_OF_2M)) ? 0 : 1;',
        'return 1;',
        300_000,
      );
      expect(stuck.outcome).toBe('error');
      expect(stuck.message).toMatch(/steps were made and vmm is not done/);
    },
    timeout,
  );

  test(
    'a range that is invalidated one page short leaves that page private',
    () => {
      const { hazards } = edited(
        'invalidation-small-folios',
        'virt/kvm/restrictedmem.c',
        'range->end = slot->base_gfn + (min(end, pgoff + slot->npages) - pgoff);',
        'range->end = slot->base_gfn + (min(end, pgoff + slot->npages) - pgoff) - 1;',
      );
      expect(hazards.map(({ kind }) => kind).sort()).toEqual([
        'page-freed-while-assigned',
        'stale-guest-mapping',
      ]);
    },
    timeout,
  );
});
