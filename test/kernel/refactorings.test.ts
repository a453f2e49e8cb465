/** Linux 6.12 written otherwise and still correct: no rule says anything. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { KernelAnalysis } from './kernel-analysis.ts';
import { Planting, type Seed } from './seeds.ts';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
const TDP = 'arch/x86/kvm/mmu/tdp_mmu.c';
const MAIN = 'virt/kvm/kvm_main.c';
const GMEM = 'virt/kvm/guest_memfd.c';
const SEV = 'arch/x86/kvm/svm/sev.c';
const TRACK = 'arch/x86/kvm/mmu/page_track.c';

const seed = (name: string, file: string, within: string, ...put: Seed['put']): Seed => ({
  name,
  file,
  in: within,
  put,
});

const refactorings: readonly Seed[] = [
  seed(
    'a guard in the stead of a pair',
    MMU,
    'kvm_zap_gfn_range',
    ['=write_lock(&kvm->mmu_lock);', 'guard(write_lock)(&kvm->mmu_lock);'],
    ['=write_unlock(&kvm->mmu_lock);', ''],
  ),
  seed(
    'the section in a function of its own',
    MMU,
    'kvm_mmu_zap_all_fast',
    [
      '^',
      'static void zap_all_front(struct kvm *kvm)\n{\n\twrite_lock(&kvm->mmu_lock);\n\t__kvm_mmu_zap_all_fast_front_half(kvm);\n\twrite_unlock(&kvm->mmu_lock);\n}\n',
    ],
    ['=write_lock(&kvm->mmu_lock);', 'zap_all_front(kvm);'],
    ['=__kvm_mmu_zap_all_fast_front_half(kvm);', ''],
    ['=write_unlock(&kvm->mmu_lock);', ''],
  ),
  seed(
    'a counter in the stead of a flag',
    GMEM,
    'kvm_gmem_invalidate_begin',
    ['=bool flush = false, found_memslot = false;', 'bool flush = false;\nint found_memslot = 0;'],
    ['=if (!found_memslot) {', 'if (!found_memslot++) {'],
    ['=found_memslot = true;', ''],
  ),
  seed('the lock as late as it may be', TRACK, 'kvm_write_track_add_gfn', [
    '=write_lock(&kvm->mmu_lock);',
    'if (!write_trylock(&kvm->mmu_lock)) {\ncond_resched();\nwrite_lock(&kvm->mmu_lock);\n}',
  ]),
  seed(
    'an alias of the lock',
    TDP,
    'kvm_tdp_mmu_zap_invalidated_roots',
    ['=read_lock(&kvm->mmu_lock);', 'rwlock_t *lock = &kvm->mmu_lock;\n\nread_lock(lock);'],
    ['=read_unlock(&kvm->mmu_lock);', 'read_unlock(lock);'],
  ),
  seed(
    'a look-up under the lock',
    SEV,
    'sev_private_max_mapping_level',
    ['<rc = snp_lookup_rmpentry(pfn, &assigned, &level);', 'read_lock(&kvm->mmu_lock);'],
    ['>rc = snp_lookup_rmpentry(pfn, &assigned, &level);', 'read_unlock(&kvm->mmu_lock);'],
  ),
  seed('memory that was prepared before the lock', MMU, 'kvm_mmu_slot_remove_write_access', [
    '<if (kvm_memslots_have_rmaps(kvm)) {',
    'void *prepared = kvmalloc(64, GFP_KERNEL_ACCOUNT);\n\nkvfree(prepared);',
  ]),
  seed(
    'a handler chosen by the caller',
    MAIN,
    'kvm_vm_set_mem_attributes',
    [
      '^',
      'static bool lens_pre(struct kvm *kvm, struct kvm_gfn_range *range)\n{\n\treturn kvm_pre_set_memory_attributes(kvm, range);\n}\n',
    ],
    ['=.handler = kvm_pre_set_memory_attributes,', '.handler = lens_pre,'],
  ),
];

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

test('all of them at once', async () => {
  const planting = new Planting(kernel).add(...refactorings);
  await kernel.become(planting.texts);
  const said = kernel.analysis.findings.map(
    ({ file, line, rule, message }) => `${file}:${line} ${rule} ${message}`,
  );
  expect(said).toEqual([]);
  // They are in the tree, and their locks are seen.
  expect(kernel.mmuLock('lens_pre')).toEqual(['always']);
  expect(kernel.mmuLock('__kvm_mmu_zap_all_fast_front_half')).toEqual(['always']);
  expect(kernel.mmuLock('kvm_mmu_invalidate_begin')).toEqual(['always']);
});
