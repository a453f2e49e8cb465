/**
 * Sleeping calls, directmap changes, RMP updates in attribute changes and folios freed as they are, put into Linux 6.12:
 * each is found by its rule where it stands; what only looks like one is not.
 */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { KernelAnalysis } from './kernel-analysis.ts';
import { BUG, Planting, type Seed } from './seeds.ts';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
const TDP = 'arch/x86/kvm/mmu/tdp_mmu.c';
const MAIN = 'virt/kvm/kvm_main.c';
const GMEM = 'virt/kvm/guest_memfd.c';
const SEV = 'arch/x86/kvm/svm/sev.c';

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

type Case = [rule: string, file: string, within: string, ...put: (readonly [place: string, text: string])[]];

const SLEEP = 'sleep-under-mmu-lock';
const DIRECTMAP = 'directmap-under-mmu-lock';
const ATTRIBUTES = 'rmp-in-attribute-change';
const RMP = 'rmp-under-mmu-lock';

/** Behind `write_lock()` in a function that nothing else is put into. */
const underLock = (text: string): Case => [
  SLEEP,
  MMU,
  'kvm_zap_gfn_range',
  ['>write_lock(&kvm->mmu_lock);', text],
];

const bugs: Record<string, Case> = {
  'V3: a mutex where a range is unmapped': [
    SLEEP,
    MAIN,
    'kvm_mmu_unmap_gfn_range',
    ['<return kvm_unmap_gfn_range(kvm, range);', `mutex_lock(&kvm->lock); ${BUG}\nmutex_unlock(&kvm->lock);`],
  ],
  'V4: a mutex where the architecture unmaps it': [
    SLEEP,
    MMU,
    'kvm_unmap_gfn_range',
    ['<return flush;', `mutex_lock(&kvm->lock); ${BUG}\nmutex_unlock(&kvm->lock);`],
  ],
  'V6: a mutex behind write_lock': underLock(`mutex_lock(&kvm->lock); ${BUG}\nmutex_unlock(&kvm->lock);`),
  'V7: might_sleep': [
    SLEEP,
    MAIN,
    'kvm_mmu_unmap_gfn_range',
    ['<return kvm_unmap_gfn_range(kvm, range);', `might_sleep(); ${BUG}`],
  ],
  'V8: a mutex in a handler that only a pointer reaches': [
    SLEEP,
    MAIN,
    'kvm_pre_set_memory_attributes',
    [
      '<return kvm_arch_pre_set_memory_attributes(kvm, range);',
      `mutex_lock(&kvm->lock); ${BUG}\nmutex_unlock(&kvm->lock);`,
    ],
  ],
  'V9: a mutex behind KVM_MMU_LOCK': [
    SLEEP,
    GMEM,
    'kvm_gmem_invalidate_begin',
    ['>KVM_MMU_LOCK(kvm);', `mutex_lock(&kvm->lock); ${BUG}\nmutex_unlock(&kvm->lock);`],
  ],
  cond_resched: underLock(`cond_resched(); ${BUG}`),
  GFP_KERNEL: underLock(`kfree(kmalloc(8, GFP_KERNEL)); ${BUG}`),
  'GFP_KERNEL_ACCOUNT and more': underLock(`kfree(kzalloc(8, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)); ${BUG}`),
  kvmalloc: underLock(`flush = kvmalloc(8, GFP_KERNEL); ${BUG}`),
  // vfree() may sleep, and whether it comes to that is known only when it runs.
  kvfree: underLock(`kvfree(NULL); ${BUG}`),
  'a page': underLock(`__free_page(alloc_page(GFP_USER)); ${BUG}`),
  'flags in a variable': underLock(`gfp_t lens_gfp = GFP_KERNEL;\nkfree(kmalloc(8, lens_gfp)); ${BUG}`),
  'flags handed down by two functions': [
    SLEEP,
    MMU,
    'kvm_zap_gfn_range',
    [
      '^',
      'static void *lens_inner(size_t n, gfp_t gfp)\n{\n\treturn kmalloc(n, gfp);\n}\n\nstatic void *lens_outer(gfp_t gfp)\n{\n\treturn lens_inner(8, gfp);\n}\n',
    ],
    ['>write_lock(&kvm->mmu_lock);', `kfree(lens_outer(GFP_KERNEL)); ${BUG}`],
  ],
  'flags behind a macro': [
    SLEEP,
    MMU,
    'kvm_zap_gfn_range',
    ['^', '#define LENS_GFP (GFP_KERNEL | __GFP_ZERO)\n'],
    ['>write_lock(&kvm->mmu_lock);', `kfree(kmalloc(8, LENS_GFP)); ${BUG}`],
  ],
  'user memory': underLock(`if (copy_from_user(&flush, NULL, 1)) ${BUG}\n\treturn;`),
  get_user: underLock(`get_user(flush, (bool __user *)NULL); ${BUG}`),
  synchronize_srcu: underLock(`synchronize_srcu(&kvm->srcu); ${BUG}`),
  synchronize_rcu: underLock(`synchronize_rcu(); ${BUG}`),
  wait_event: underLock(`wait_event(kvm->lens_wait, flush); ${BUG}`),
  wait_for_completion: underLock(`wait_for_completion(&kvm->lens_done); ${BUG}`),
  msleep: underLock(`msleep(1); ${BUG}`),
  schedule_timeout: underLock(`schedule_timeout(1); ${BUG}`),
  down_read: underLock(`down_read(&kvm->lens_sem); ${BUG}\nup_read(&kvm->lens_sem);`),
  mmap_read_lock: underLock(`mmap_read_lock(current->mm); ${BUG}\nmmap_read_unlock(current->mm);`),
  flush_work: underLock(`flush_work(&kvm->lens_work); ${BUG}`),
  cancel_work_sync: underLock(`cancel_work_sync(&kvm->lens_work); ${BUG}`),
  vfree: underLock(`vfree(NULL); ${BUG}`),
  vmalloc: underLock(`vmalloc(8); ${BUG}`),
  get_user_pages_fast: underLock(`get_user_pages_fast(0, 1, 0, NULL); ${BUG}`),
  folio_lock: underLock(`folio_lock(NULL); ${BUG}`),
  'guard(mutex)': underLock(`{\n\tguard(mutex)(&kvm->lock); ${BUG}\n\tflush = true;\n}`),
  'scoped_guard(mutex)': underLock(`scoped_guard(mutex, &kvm->lock) ${BUG}\n\tflush = true;`),
  slots_lock: underLock(`mutex_lock(&kvm->slots_lock); ${BUG}\nmutex_unlock(&kvm->slots_lock);`),
  mutex_lock_killable: underLock(`if (!mutex_lock_killable(&kvm->lock)) ${BUG}\n\tmutex_unlock(&kvm->lock);`),
  'the invalidate lock of a mapping': underLock(
    `filemap_invalidate_lock(NULL); ${BUG}\nfilemap_invalidate_unlock(NULL);`,
  ),
  'under read_lock': [
    SLEEP,
    MMU,
    'kvm_tdp_mmu_page_fault',
    ['<r = kvm_tdp_mmu_map(vcpu, fault);', `might_sleep(); ${BUG}`],
  ],
  'in one case of a switch': underLock(
    `switch (gfn_end) {\ncase 1:\n\tbreak;\ncase 2:\n\tmsleep(2); ${BUG}\n\tbreak;\n}`,
  ),
  'far down, where SPTEs change': [
    SLEEP,
    TDP,
    'handle_removed_pt',
    ['<tdp_mmu_unlink_sp(kvm, sp);', `might_sleep(); ${BUG}`],
  ],
  'on an error path': [SLEEP, MMU, 'direct_page_fault', ['>out_unlock:', `msleep(1); ${BUG}`]],
  'yielding under a second lock': underLock(
    `spin_lock(&kvm->mn_invalidate_lock);\ncond_resched(); ${BUG}\nspin_unlock(&kvm->mn_invalidate_lock);`,
  ),

  'a page leaves the directmap': [
    DIRECTMAP,
    MMU,
    'kvm_zap_gfn_range',
    ['>write_lock(&kvm->mmu_lock);', `set_direct_map_invalid_noflush(NULL); ${BUG}`],
  ],
  'a range leaves it, in a fault': [
    DIRECTMAP,
    MMU,
    'kvm_tdp_mmu_page_fault',
    ['<r = kvm_tdp_mmu_map(vcpu, fault);', `set_memory_np(0, 1); ${BUG}`],
  ],
  'it is split in a handler': [
    DIRECTMAP,
    MAIN,
    'kvm_pre_set_memory_attributes',
    ['<return kvm_arch_pre_set_memory_attributes(kvm, range);', `set_memory_4k(0, 1); ${BUG}`],
  ],

  'the RMP where attributes are stored': [
    ATTRIBUTES,
    MAIN,
    'kvm_vm_set_mem_attributes',
    ['<KVM_BUG_ON(r, kvm);', `rmp_make_shared(i, PG_LEVEL_4K); ${BUG}`],
  ],
  'the RMP behind a handler of the change': [
    ATTRIBUTES,
    MMU,
    'kvm_arch_post_set_memory_attributes',
    ['<lockdep_assert_held_write(&kvm->mmu_lock);', `rmp_make_private(1, 0, PG_LEVEL_4K, 1, false); ${BUG}`],
  ],
  'psmash in the ioctl itself': [
    ATTRIBUTES,
    MAIN,
    'kvm_vm_ioctl_set_mem_attributes',
    ['<start = attrs->address >> PAGE_SHIFT;', `psmash(1); ${BUG}`],
  ],
};

const nearMisses: Record<string, Case> = {
  GFP_ATOMIC: underLock('kfree(kmalloc(8, GFP_ATOMIC));'),
  'GFP_NOWAIT and more': underLock('kfree(kmalloc(8, GFP_NOWAIT | __GFP_ZERO));'),
  'reclaim taken out': underLock('kfree(kmalloc(8, GFP_KERNEL & ~__GFP_DIRECT_RECLAIM));'),
  'flags that a caller chooses well': [
    SLEEP,
    MMU,
    'kvm_zap_gfn_range',
    ['^', 'static void *lens_outer(gfp_t gfp)\n{\n\treturn kmalloc(8, gfp);\n}\n'],
    ['>write_lock(&kvm->mmu_lock);', 'kfree(lens_outer(GFP_ATOMIC));'],
    ['>write_unlock(&kvm->mmu_lock);', 'kfree(lens_outer(GFP_KERNEL));'],
  ],
  'after the release': [SLEEP, MMU, 'kvm_zap_gfn_range', ['>write_unlock(&kvm->mmu_lock);', 'msleep(1);']],
  'before the acquisition': [SLEEP, MMU, 'kvm_zap_gfn_range', ['<write_lock(&kvm->mmu_lock);', 'msleep(1);']],
  'dropped around it': underLock('write_unlock(&kvm->mmu_lock);\nmsleep(1);\nwrite_lock(&kvm->mmu_lock);'),
  'a yield that drops the lock': underLock('cond_resched_rwlock_write(&kvm->mmu_lock);'),
  'a spinlock': underLock('spin_lock(&kvm->mn_invalidate_lock);\nspin_unlock(&kvm->mn_invalidate_lock);'),
  mutex_trylock: underLock('if (mutex_trylock(&kvm->lock))\n\tmutex_unlock(&kvm->lock);'),
  'mutex_unlock alone': underLock('mutex_unlock(&kvm->lock);'),
  'not compiled': underLock('#if 0\nmsleep(1);\n#endif'),
  'in a comment': underLock('/* msleep(1); */'),
  'an assertion only': underLock('lockdep_assert_held(&kvm->lock);'),
  'where the trylock failed': [
    SLEEP,
    MMU,
    'kvm_mmu_zap_all_fast',
    [
      '<write_lock(&kvm->mmu_lock);',
      'if (!write_trylock(&kvm->mmu_lock))\n\tmsleep(1);\nelse\n\twrite_unlock(&kvm->mmu_lock);',
    ],
  ],
  "another struct's mmu_lock": [
    SLEEP,
    MMU,
    'kvm_mmu_zap_all_fast',
    ['^', 'struct lens_vm { rwlock_t mmu_lock; };\nstatic struct lens_vm lens_vm;\n'],
    [
      '<write_lock(&kvm->mmu_lock);',
      'write_lock(&lens_vm.mmu_lock);\nmsleep(1);\nwrite_unlock(&lens_vm.mmu_lock);',
    ],
  ],
  'a function of the same name as a sleeper, of a struct': underLock('kvm->lens_ops->schedule(kvm);'),
  'the directmap where no lock is held': [
    DIRECTMAP,
    GMEM,
    'kvm_gmem_free_folio',
    ['<kvm_arch_gmem_invalidate(pfn, pfn + (1ul << order));', 'set_memory_4k(0, 1);'],
  ],
  'the directmap is only looked at': [
    DIRECTMAP,
    MMU,
    'kvm_zap_gfn_range',
    ['>write_lock(&kvm->mmu_lock);', 'kernel_page_present(NULL);'],
  ],
  'the RMP is only looked up in a change': [
    ATTRIBUTES,
    MAIN,
    'kvm_vm_set_mem_attributes',
    ['<KVM_BUG_ON(r, kvm);', 'snp_lookup_rmpentry(i, NULL, NULL);'],
  ],
  'the RMP is only looked up under the lock': [
    RMP,
    MMU,
    'kvm_zap_gfn_range',
    ['>write_lock(&kvm->mmu_lock);', 'snp_lookup_rmpentry(1, NULL, NULL);'],
  ],
};

const place = ({ file, line }: { file: string; line: number }) => `${file}:${line}`;

async function plant([rule, file, within, ...put]: Case): Promise<{ said: string[]; wanted: string[] }> {
  const seed: Seed = { name: 'seed', file, in: within, put };
  const planting = new Planting(kernel).add(seed);
  await kernel.become(planting.texts);
  const findings = kernel.analysis.findings.filter(
    (finding) => finding.rule === rule && finding.severity !== 'info',
  );
  return { said: findings.map(place), wanted: planting.bugs.map(place) };
}

describe('found', () => {
  test.each(Object.entries(bugs))('%s', async (_name, one) => {
    const { said, wanted } = await plant(one);
    expect(wanted).toHaveLength(1);
    expect(said).toEqual(wanted);
  });
});

describe('silent', () => {
  test.each(Object.entries(nearMisses))('%s', async (_name, one) => {
    const { said } = await plant(one);
    expect(said).toEqual([]);
  });
});

describe('free-without-rmp-reset', () => {
  const freed = async (...put: Seed['put']) => {
    const planting = new Planting(kernel).add({ name: 'seed', file: GMEM, in: 'kvm_gmem_free_folio', put });
    await kernel.become(planting.texts);
    return kernel.analysis.check(['free-without-rmp-reset']).map((finding) => finding.function);
  };

  test('the hook is not called any more', async () => {
    expect(await freed(['=kvm_arch_gmem_invalidate(pfn, pfn + (1ul << order));', 'cond_resched();'])).toEqual(
      ['kvm_gmem_free_folio'],
    );
  });

  test('the file has no free_folio', async () => {
    const text = kernel.text(GMEM).replace(/\.free_folio\s*=\s*kvm_gmem_free_folio,/, '');
    expect(text).not.toBe(kernel.text(GMEM));
    await kernel.become(new Map([[GMEM, text]]));
    expect(kernel.analysis.check(['free-without-rmp-reset'])).toHaveLength(1);
  });

  test('the hook does not reset anything any more', async () => {
    const planting = new Planting(kernel).add({
      name: 'seed',
      file: SEV,
      in: 'sev_gmem_invalidate',
      put: [['=rmp_make_shared(', 'rc = 0;']],
    });
    await kernel.become(planting.texts);
    expect(kernel.analysis.check(['free-without-rmp-reset']).length).toBeGreaterThan(0);
  });

  test('by a helper, it is all the same', async () => {
    expect(
      await freed(
        [
          '^',
          'static void lens_reset(kvm_pfn_t from, kvm_pfn_t to)\n{\n\tkvm_arch_gmem_invalidate(from, to);\n}\n',
        ],
        ['=kvm_arch_gmem_invalidate(pfn, pfn + (1ul << order));', 'lens_reset(pfn, pfn + (1ul << order));'],
      ),
    ).toEqual([]);
  });
});
