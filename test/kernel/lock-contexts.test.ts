/** What is said of `kvm->mmu_lock` in real trees, against what the kernel says of itself. */
import { beforeAll, describe, expect, test } from 'vitest';
import { KernelAnalysis } from './kernel-analysis.ts';

const MMU_LOCK = 'kvm.mmu_lock';

let kernel: KernelAnalysis;
let older: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
  older = await KernelAnalysis.of('6.1');
});

describe('the pristine trees', () => {
  test('6.12 has no finding', () => {
    expect(kernel.fileCount).toBeGreaterThan(300);
    expect(kernel.analysis.findings).toEqual([]);
  });

  test('6.1 has no finding', () => {
    expect(older.fileCount).toBeGreaterThan(300);
    expect(older.mmuLock('kvm_unmap_gfn_range')).toEqual(['always']);
    expect(older.analysis.findings).toEqual([]);
  });
});

/** lockdep assertions of 6.12 that are a function's first act, whatever its arguments: the mode that each names. */
const asserted: Record<string, 'write' | 'read' | 'any'> = {
  __walk_slot_rmaps: 'write',
  __kvm_mmu_prepare_zap_page: 'write',
  __kvm_mmu_zap_all_fast_front_half: 'write',
  kvm_arch_post_set_memory_attributes: 'write',
  __kvm_write_track_add_gfn: 'write',
  __kvm_write_track_remove_gfn: 'write',
  kvm_lockdep_assert_mmu_lock_held: 'any',
  tdp_mmu_next_root: 'any',
  tdp_mmu_set_spte_atomic: 'read',
  tdp_mmu_zap_spte_atomic: 'read',
  tdp_mmu_set_spte: 'write',
  tdp_mmu_zap_root: 'any',
  tdp_mmu_zap_leafs: 'write',
  kvm_tdp_mmu_zap_leafs: 'write',
  kvm_tdp_mmu_zap_all: 'write',
  kvm_tdp_mmu_unmap_gfn_range: 'write',
  kvm_tdp_mmu_handle_gfn: 'write',
  kvm_tdp_mmu_wrprot_slot: 'read',
  kvm_tdp_mmu_try_split_huge_pages: 'any',
  kvm_tdp_mmu_clear_dirty_slot: 'read',
  clear_dirty_pt_masked: 'write',
  kvm_tdp_mmu_clear_dirty_pt_masked: 'write',
  kvm_tdp_mmu_zap_collapsible_sptes: 'read',
  kvm_tdp_mmu_write_protect_gfn: 'write',
  mmu_invalidate_retry_gfn: 'any',
  kvm_mmu_invalidate_begin: 'write',
  kvm_mmu_invalidate_range_add: 'write',
  kvm_mmu_invalidate_end: 'write',
};

describe('what lockdep asserts in 6.12', () => {
  test.each(Object.entries(asserted))('%s is entered with mmu_lock held, always', (name, mode) => {
    expect(kernel.mmuLock(name)).toEqual(['always']);
    const modes = kernel
      .functions(name)
      .flatMap((node) => kernel.analysis.contexts.entry(node))
      .filter((context) => context.lock === MMU_LOCK)
      .map((context) => context.mode);
    if (mode !== 'any') expect(modes).toContain(mode);
  });

  test('__kvm_mmu_zap_all_fast_back_half asserts that it is not held: never', () => {
    expect(kernel.mmuLock('__kvm_mmu_zap_all_fast_back_half')).toEqual(['never']);
  });
});

/** It asserts only where lock debugging finds the VM still in use; its other caller holds no lock. */
const assertsSometimes = 'kvm_tdp_mmu_invalidate_all_roots';

describe('each lockdep assertion on mmu_lock, wherever it is written', () => {
  test.each(['6.12', '6.1'] as const)('%s: the lock is held just before it, always', (version) => {
    const tree = version === '6.12' ? kernel : older;
    const lines = tree.linesWith(/lockdep_assert_held(_read|_write)?\(&(vcpu->)?kvm->mmu_lock\)/);
    expect(lines.length).toBeGreaterThan(10);
    const unsure = lines.filter(
      ({ node, line }) =>
        node.name !== assertsSometimes &&
        !tree.analysis.contexts
          .beforeLine(node, line)
          .some((context) => context.lock === MMU_LOCK && context.when === 'always'),
    );
    expect(unsure.map(({ node, line }) => `${node.name}:${line}`)).toEqual([]);
  });
});

/**
 * Functions that a booted 6.12 was seen to enter under mmu_lock while KVM's selftests ran. They convert memory both
 * ways, punch holes, fault private pages in and close the file.
 */
const seenUnderLock: Record<string, readonly string[]> = {
  'setting attributes, first section': [
    'kvm_mmu_invalidate_begin',
    'kvm_pre_set_memory_attributes',
    'kvm_mmu_invalidate_range_add',
    'kvm_arch_pre_set_memory_attributes',
    'hugepage_test_mixed',
    'kvm_unmap_gfn_range',
    'kvm_tdp_mmu_unmap_gfn_range',
    'tdp_mmu_zap_leafs',
    'kvm_flush_remote_tlbs',
  ],
  'setting attributes, second section': [
    'kvm_mmu_invalidate_end',
    'kvm_arch_post_set_memory_attributes',
    'hugepage_has_attrs',
    'hugepage_set_mixed',
  ],
  'punching a hole': ['kvm_mmu_invalidate_begin', 'kvm_mmu_unmap_gfn_range', 'kvm_mmu_invalidate_end'],
  'mapping a private page': [
    'is_page_fault_stale',
    'kvm_tdp_mmu_map',
    'kvm_mmu_hugepage_adjust',
    'tdp_mmu_map_handle_target_level',
    'make_spte',
  ],
};

/** Functions that it was seen to enter without mmu_lock. */
const seenFree: Record<string, readonly string[]> = {
  'setting attributes': [
    'kvm_vm_ioctl',
    'kvm_vm_ioctl_set_mem_attributes',
    'kvm_vm_set_mem_attributes',
    'kvm_range_has_memory_attributes',
  ],
  'punching a hole': [
    'vfs_fallocate',
    'kvm_gmem_fallocate',
    'kvm_gmem_punch_hole',
    'kvm_gmem_invalidate_begin',
    'truncate_inode_pages_range',
    'find_lock_entries',
    'truncate_cleanup_folio',
    'delete_from_page_cache_batch',
    'folio_unlock',
    'kvm_gmem_invalidate_end',
    'file_modified',
  ],
  'a guest fault on a private page': [
    'npf_interception',
    'kvm_mmu_page_fault',
    'kvm_tdp_page_fault',
    'kvm_tdp_mmu_page_fault',
    'fast_page_fault',
    'mmu_topup_memory_caches',
    'kvm_faultin_pfn',
    '__kvm_faultin_pfn',
    'kvm_faultin_pfn_private',
    'kvm_gmem_get_pfn',
    'kvm_gmem_get_index',
    '__kvm_gmem_get_pfn',
    'kvm_gmem_get_folio',
    '__filemap_get_folio',
    'filemap_add_folio',
    'kvm_gmem_prepare_folio',
    '__kvm_gmem_prepare_folio',
    'folio_unlock',
    'fput',
    'kvm_max_private_mapping_level',
    'kvm_release_pfn_clean',
  ],
  'the last close': [
    '__fput',
    'kvm_gmem_release',
    'kvm_gmem_invalidate_begin',
    'kvm_gmem_invalidate_end',
    'kvm_put_kvm',
    'evict',
    'truncate_inode_pages_final',
    'truncate_inode_pages_range',
  ],
  memslots: ['kvm_gmem_bind', 'kvm_set_memslot', 'kvm_swap_active_memslots', 'kvm_arch_flush_shadow_memslot'],
};

describe('what a running 6.12 was seen to do', () => {
  test.each(Object.entries(seenUnderLock))('%s: entered under mmu_lock', (_what, names) => {
    for (const name of names) {
      expect(kernel.mmuLock(name), name).not.toEqual([]);
      expect(kernel.mmuLock(name), name).not.toContain('never');
    }
  });

  test.each(Object.entries(seenFree))('%s: entered without mmu_lock', (_what, names) => {
    for (const name of names) {
      expect(kernel.mmuLock(name), name).not.toEqual([]);
      expect(kernel.mmuLock(name), name).not.toContain('always');
    }
  });

  test('what the whole conversion and fault path never enters under mmu_lock', () => {
    const never = ['kvm_gmem_get_pfn', 'kvm_gmem_punch_hole', 'truncate_inode_pages_range', 'evict'];
    expect(never.map((name) => kernel.mmuLock(name))).toEqual(never.map(() => ['never']));
  });
});
