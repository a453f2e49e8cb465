/** RMP updates put under mmu_lock in a real tree, one at a time: found where they are, with the path to them. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../server/src/rules/finding.ts';
import { KernelAnalysis } from './kernel-analysis.ts';
import { Planting, type Seed } from './seeds.ts';

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

async function plant(...seeds: Seed[]): Promise<{ findings: readonly Finding[]; planting: Planting }> {
  const planting = new Planting(kernel);
  for (const seed of seeds) planting.add(seed);
  await kernel.become(planting.texts);
  return {
    findings: kernel.analysis.check(['rmp-under-mmu-lock']).filter(({ severity }) => severity !== 'info'),
    planting,
  };
}

const published: Record<string, { seed: Seed; takenIn: string[]; mode: string }> = {
  V1: {
    seed: {
      file: 'virt/kvm/kvm_main.c',
      function: 'kvm_mmu_unmap_gfn_range',
      at: '^return kvm_unmap_gfn_range(kvm, range);',
      text: 'rmp_make_shared(range->start, PG_LEVEL_4K);',
    },
    takenIn: ['kvm_gmem_invalidate_begin', '__kvm_handle_hva_range'],
    mode: 'write',
  },
  V2: {
    seed: {
      file: 'arch/x86/kvm/mmu/mmu.c',
      function: 'kvm_unmap_gfn_range',
      at: '^return flush;',
      text: 'rmp_make_shared(range->start, PG_LEVEL_4K);',
    },
    // It is the shortest of its ways; attributes, truncation and the MMU notifier lead there too.
    takenIn: ['kvm_arch_flush_shadow_memslot'],
    mode: 'write',
  },
  V5: {
    seed: {
      file: 'arch/x86/kvm/mmu/mmu.c',
      function: 'kvm_zap_gfn_range',
      at: 'write_lock(&kvm->mmu_lock);',
      text: 'rmp_make_shared(gfn_start, PG_LEVEL_4K);',
    },
    takenIn: ['kvm_zap_gfn_range'],
    mode: 'write',
  },
  V10: {
    seed: {
      file: 'virt/kvm/guest_memfd.c',
      function: 'kvm_gmem_invalidate_end',
      at: 'KVM_MMU_LOCK(kvm);',
      text: 'rmp_make_shared(start, PG_LEVEL_4K);',
    },
    takenIn: ['kvm_gmem_invalidate_end'],
    mode: 'write',
  },
};

describe('bugs whose description is published', () => {
  test.each(Object.entries(published))('%s is found', async (_name, { seed, takenIn, mode }) => {
    const { findings, planting } = await plant(seed);
    expect(findings).toHaveLength(1);
    const [finding] = findings as [Finding];
    expect(finding).toMatchObject({
      rule: 'rmp-under-mmu-lock',
      severity: 'warning',
      certainty: 'always',
      file: seed.file,
      line: planting.lineOf(seed),
      function: seed.function,
      lock: { name: 'kvm.mmu_lock', mode },
    });
    expectPath(finding, planting);
    expect(takenIn).toContain(finding.lock!.acquiredAt.function);
  });

  test('none is left behind', async () => {
    await kernel.become(new Map());
    expect(kernel.analysis.findings).toEqual([]);
  });
});

/** The path begins where the lock is taken, goes down call by call, and ends at the finding. */
function expectPath(finding: Finding, planting: Planting): void {
  const { path } = finding;
  const taken = path[0]!;
  expect(taken).toMatchObject({ via: 'lock', ...finding.lock!.acquiredAt });
  expect(lineText(taken, planting)).toMatch(/LOCK|lock/);
  const last = path[path.length - 1]!;
  expect(last).toMatchObject({ file: finding.file, line: finding.line, function: finding.function });
  for (const [index, step] of path.slice(1).entries()) {
    const called = path[index + 2]?.function;
    if (called === undefined) continue;
    if (step.via === 'call') expect(lineText(step, planting)).toContain(called.replace(/^\w+64_|\(.*$/, ''));
    expect(step.text).toContain(called);
  }
}

function lineText({ file, line }: { file: string; line: number }, planting: Planting): string {
  return (planting.texts.get(file) ?? kernel.text(file)).split('\n')[line - 1]!;
}
