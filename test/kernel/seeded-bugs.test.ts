/** RMP updates put under mmu_lock in a real tree: found where they are, with the path to them, and nothing else is. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../server/src/rules/finding.ts';
import { KernelAnalysis } from './kernel-analysis.ts';
import { plantedBugs, plantedNearMisses } from './planted-bugs.ts';
import { BUG, Planting, type Seed } from './seeds.ts';

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

/** Warnings of the rule once the seeds are in the tree. */
async function plant(
  ...seeds: readonly Seed[]
): Promise<{ findings: readonly Finding[]; planting: Planting }> {
  const planting = new Planting(kernel).add(...seeds);
  await kernel.become(planting.texts);
  const findings = kernel.analysis.check(['rmp-under-mmu-lock']);
  return { findings: findings.filter(({ severity }) => severity !== 'info'), planting };
}

interface Published {
  seed: Seed;
  /** The functions whose acquisition is as near as any other. */
  takenIn: readonly string[];
}

const shared = 'rmp_make_shared(range->start, PG_LEVEL_4K);';

const published: Record<string, Published> = {
  V1: {
    seed: {
      name: 'V1',
      file: 'virt/kvm/kvm_main.c',
      in: 'kvm_mmu_unmap_gfn_range',
      put: [['<return kvm_unmap_gfn_range(kvm, range);', `${shared} ${BUG}`]],
    },
    takenIn: ['kvm_gmem_invalidate_begin', '__kvm_handle_hva_range'],
  },
  V2: {
    seed: {
      name: 'V2',
      file: 'arch/x86/kvm/mmu/mmu.c',
      in: 'kvm_unmap_gfn_range',
      put: [['<return flush;', `${shared} ${BUG}`]],
    },
    // Attributes, truncation and the MMU notifier lead there too, by one call more.
    takenIn: ['kvm_arch_flush_shadow_memslot'],
  },
  V5: {
    seed: {
      name: 'V5',
      file: 'arch/x86/kvm/mmu/mmu.c',
      in: 'kvm_zap_gfn_range',
      put: [['>write_lock(&kvm->mmu_lock);', `rmp_make_shared(gfn_start, PG_LEVEL_4K); ${BUG}`]],
    },
    takenIn: ['kvm_zap_gfn_range'],
  },
  V10: {
    seed: {
      name: 'V10',
      file: 'virt/kvm/guest_memfd.c',
      in: 'kvm_gmem_invalidate_end',
      put: [['>KVM_MMU_LOCK(kvm);', `rmp_make_shared(start, PG_LEVEL_4K); ${BUG}`]],
    },
    takenIn: ['kvm_gmem_invalidate_end'],
  },
};

describe('bugs whose description is published, one at a time', () => {
  test.each(Object.entries(published))('%s', async (_name, { seed, takenIn }) => {
    const { findings, planting } = await plant(seed);
    const [bug] = planting.bugs;
    expect(findings).toHaveLength(1);
    const [finding] = findings as [Finding];
    expect(finding).toMatchObject({
      severity: 'warning',
      certainty: 'always',
      file: seed.file,
      line: bug!.line,
      function: seed.in,
      lock: { name: 'kvm.mmu_lock', mode: 'write' },
    });
    expectPath(finding, planting);
    expect(takenIn).toContain(finding.lock!.acquiredAt.function);
  });

  test('gone again, and so are the findings', () => {
    expect(kernel.analysis.findings).toEqual([]);
  });
});

describe('many at once', () => {
  test('each bug is found at its line with its path, and no near miss is taken for one', async () => {
    const { findings, planting } = await plant(...plantedBugs, ...plantedNearMisses);
    const place = ({ file, line }: { file: string; line: number }) => `${file}:${line}`;
    const seedAt = new Map(planting.bugs.map((bug) => [place(bug), bug.seed]));
    const found = new Set(findings.map(place));
    expect(seedAt.size).toBeGreaterThanOrEqual(plantedBugs.length);
    expect([...seedAt].filter(([at]) => !found.has(at)).map(([, seed]) => seed)).toEqual([]);
    expect(findings.filter((finding) => !seedAt.has(place(finding))).map(place)).toEqual([]);
    for (const finding of findings) expectPath(finding, planting);
  });
});

/** The path begins where the lock is taken, goes down call by call, and ends at the finding. */
function expectPath(finding: Finding, planting: Planting): void {
  const { path } = finding;
  const [taken, ...calls] = path as [Finding['path'][0], ...Finding['path']];
  expect(taken).toMatchObject({ via: 'lock', ...finding.lock!.acquiredAt });
  expect(lineText(taken, planting)).toMatch(/lock|guard|lens_(begin|hold)/i);
  expect(calls[0]!.function).toBe(taken.function);
  expect(calls[calls.length - 1]).toMatchObject({
    file: finding.file,
    line: finding.line,
    function: finding.function,
  });
  for (const [index, step] of calls.entries()) {
    const next = calls[index + 1];
    if (next === undefined) continue;
    expect(step.text).toContain(`calls ${next.function}()`);
    if (step.via === 'call')
      expect(lineText(step, planting)).toContain(next.function.replace(/^(paging64|paging32|ept)_/, ''));
  }
}

function lineText({ file, line }: { file: string; line: number }, planting: Planting): string {
  return (planting.texts.get(file) ?? kernel.text(file)).split('\n')[line - 1]!;
}
