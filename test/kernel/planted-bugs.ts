/**
 * RMP updates put where `kvm->mmu_lock` is held in Linux 6.12, and as many that are near a lock and yet fine.
 * Each seed has functions of its own, so that all can be in one tree.
 */
import { BUG, type Seed } from './seeds.ts';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
const TDP = 'arch/x86/kvm/mmu/tdp_mmu.c';
const TEMPLATE = 'arch/x86/kvm/mmu/paging_tmpl.h';
const MAIN = 'virt/kvm/kvm_main.c';
const GMEM = 'virt/kvm/guest_memfd.c';
const RING = 'virt/kvm/dirty_ring.c';
const X86 = 'arch/x86/kvm/x86.c';
const SEV = 'arch/x86/kvm/svm/sev.c';
const VMX = 'arch/x86/kvm/vmx/vmx.c';

const UPDATE = 'rmp_make_shared(1, PG_LEVEL_4K);';

/** One update, a line of its own. */
function bug(name: string, file: string, within: string, place: string, text = UPDATE): Seed {
  return { name, file, in: within, put: [[place, `${text} ${BUG}`]] };
}

function fine(name: string, file: string, within: string, place: string, text = UPDATE): Seed {
  return { name, file, in: within, put: [[place, text]] };
}

/** Plain calls in functions that the lock holder reaches, near and far. */
const reachable: Seed[] = [
  bug('right behind the acquisition', MMU, 'kvm_mmu_change_mmu_pages', '>write_lock(&kvm->mmu_lock);'),
  bug('right before the release', MMU, '__kvm_mmu_unprotect_gfn_and_retry', '<write_unlock(&kvm->mmu_lock);'),
  bug('in a read section', MMU, 'kvm_tdp_mmu_page_fault', '<r = kvm_tdp_mmu_map(vcpu, fault);'),
  bug(
    'in a read section of another file',
    VMX,
    'vmx_set_apic_access_page_addr',
    '<vmcs_write64(APIC_ACCESS_ADDR, pfn_to_hpa(pfn));',
  ),
  bug(
    'under the lock in a loop',
    MMU,
    'kvm_recover_nx_huge_pages',
    '<if (slot && kvm_slot_dirty_track_enabled(slot))',
  ),
  bug(
    'on an error path',
    MMU,
    'mmu_alloc_direct_roots',
    '<WARN_ONCE(1, "Bad TDP root level = %d\\n", shadow_root_level);',
  ),
  bug('behind the label of the error paths', MMU, 'mmu_alloc_shadow_roots', '>out_unlock:'),
  bug(
    'in a branch of the release',
    MMU,
    'kvm_mmu_free_roots',
    '<kvm_mmu_commit_zap_page(kvm, &invalid_list);',
  ),
  bug(
    'in one of two modes',
    MMU,
    'kvm_mmu_slot_leaf_clear_dirty',
    '<kvm_tdp_mmu_clear_dirty_slot(kvm, memslot);',
  ),
  bug(
    'in the shrinker',
    MMU,
    'mmu_shrink_scan',
    '<freed = kvm_mmu_zap_oldest_mmu_pages(kvm, sc->nr_to_scan);',
  ),
  bug(
    'called with the lock, front half',
    MMU,
    '__kvm_mmu_zap_all_fast_front_half',
    '<kvm_zap_obsolete_pages(kvm);',
  ),
  bug(
    'called with the lock, before a yield',
    MMU,
    'kvm_zap_obsolete_pages',
    '<unstable = __kvm_mmu_prepare_zap_page(kvm, sp,',
  ),
  bug(
    'in a loop that starts over',
    MMU,
    'shadow_mmu_try_split_huge_pages',
    '<r = shadow_mmu_try_split_huge_page(kvm, slot, huge_sptep);',
  ),
  bug(
    'before the lock is dropped for a while',
    MMU,
    'shadow_mmu_try_split_huge_page',
    '<if (need_topup_split_caches_or_resched(kvm)) {',
  ),
  bug(
    'after the lock was dropped for a while',
    TDP,
    'tdp_mmu_split_huge_pages_root',
    '<iter.yielded = true;',
  ),
  bug(
    'in an rcu section under the lock',
    TDP,
    'wrprot_gfn_range',
    '<new_spte = iter.old_spte & ~PT_WRITABLE_MASK;',
  ),
  bug('in an iterator macro', TDP, 'kvm_tdp_mmu_alloc_root', '<if (root->role.word == role.word)'),
  bug('in an rmap walk', MMU, 'kvm_rmap_age_gfn_range', '<if (!is_accessed_spte(spte))'),
  bug(
    'in a header',
    'include/linux/kvm_host.h',
    'mmu_invalidate_retry_gfn',
    '>lockdep_assert_held(&kvm->mmu_lock);',
  ),
  bug(
    'far down: a page is freed',
    MMU,
    'kvm_mmu_free_shadow_page',
    '<kmem_cache_free(mmu_page_header_cache, sp);',
  ),
  bug('far down: an SPTE changes', TDP, 'handle_removed_pt', '<tdp_mmu_unlink_sp(kvm, sp);'),
  bug(
    'far down: an rmap entry goes',
    MMU,
    'rmap_remove',
    '<rmap_head = gfn_to_rmap(gfn, sp->role.level, slot);',
  ),
  bug('far down: in the radix tree', TDP, 'tdp_mmu_init_sp', '<sp->role = role;'),
  bug(
    'where attributes change',
    MMU,
    'hugepage_set_mixed',
    '<lpage_info_slot(gfn, slot, level)->disallow_lpage |= KVM_LPAGE_MIXED_FLAG;',
  ),
  bug(
    'where attributes change, in a loop',
    MMU,
    'hugepage_has_attrs',
    '<if (hugepage_test_mixed(slot, gfn, level - 1) ||',
  ),
  bug('where the dirty log is read', MMU, 'kvm_mmu_write_protect_pt_masked', '<if (tdp_mmu_enabled)'),
  bug(
    'where the dirty log is cleared',
    MAIN,
    'kvm_clear_dirty_log_protect',
    '<mask &= atomic_long_fetch_andnot(mask, p);',
  ),
  bug('where the dirty ring is reset', RING, 'kvm_reset_dirty_gfn', '<KVM_MMU_UNLOCK(kvm);'),
  bug('psmash', MMU, 'kvm_mmu_zap_all', '<kvm_mmu_commit_zap_page(kvm, &invalid_list);', 'psmash(1);'),
  bug(
    'rmp_make_private',
    MMU,
    '__kvm_mmu_invalidate_addr',
    '<if (sp->unsync) {',
    'rmp_make_private(1, 2, PG_LEVEL_4K, 3, false);',
  ),
];

/** Edges that no text names. */
const indirect: Seed[] = [
  bug(
    'a handler in a struct',
    MAIN,
    'kvm_pre_set_memory_attributes',
    '<return kvm_arch_pre_set_memory_attributes(kvm, range);',
  ),
  bug('a hook in a struct', MAIN, 'kvm_mmu_invalidate_begin', '<kvm->mmu_invalidate_in_progress++;'),
  bug('a handler of the MMU notifier', MMU, 'kvm_test_age_gfn', '<return young;'),
  bug('a callback as an argument', TDP, 'age_gfn_range', '<if (!is_accessed_spte(iter->old_spte))'),
  bug(
    'a callback of the rmap walk',
    MMU,
    'slot_rmap_write_protect',
    '<return rmap_write_protect(rmap_head, false);',
  ),
  bug('a static call', 'arch/x86/kvm/vmx/vmx.c', 'vmx_get_mt_mask', '<if (is_mmio)'),
  bug(
    'a method of the MMU',
    TEMPLATE,
    'FNAME(sync_spte)',
    '<if (WARN_ON_ONCE(sp->spt[i] == SHADOW_NONPRESENT_VALUE ||',
  ),
  bug('a template function', TEMPLATE, 'FNAME(fetch)', '<top_level = vcpu->arch.mmu->cpu_role.base.level;'),
  bug(
    'a method that reads guest memory',
    TEMPLATE,
    'FNAME(prefetch_gpte)',
    '<if (FNAME(prefetch_invalid_gpte)(vcpu, sp, spte, gpte))',
  ),
];

/** The lock taken in other ways than the tree does. */
const taken: Seed[] = [
  {
    name: 'a trylock',
    file: GMEM,
    in: 'kvm_gmem_release',
    put: [
      [
        '<list_del(&gmem->entry);',
        `if (write_trylock(&kvm->mmu_lock)) {\n${UPDATE} ${BUG}\nwrite_unlock(&kvm->mmu_lock);\n} else {\n${UPDATE}\n}`,
      ],
    ],
  },
  {
    name: 'a trylock whose failure returns',
    file: X86,
    in: 'kvm_arch_guest_memory_reclaimed',
    put: [
      [
        '<kvm_x86_call(guest_memory_reclaimed)(kvm);',
        `if (!read_trylock(&kvm->mmu_lock)) {\n${UPDATE}\nreturn;\n}\n${UPDATE} ${BUG}\nread_unlock(&kvm->mmu_lock);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'a trylock kept in a variable',
    file: MAIN,
    in: 'kvm_mmu_notifier_release',
    put: [
      [
        '<kvm_flush_shadow_all(kvm);',
        `bool got = write_trylock(&kvm->mmu_lock);\nif (got)\n${UPDATE} ${BUG}\nif (!got)\n${UPDATE}\nelse\nwrite_unlock(&kvm->mmu_lock);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'a guard',
    file: MMU,
    in: 'kvm_mmu_slot_remove_write_access',
    put: [
      ['=write_lock(&kvm->mmu_lock);', 'guard(write_lock)(&kvm->mmu_lock);'],
      ['=write_unlock(&kvm->mmu_lock);', `${UPDATE} ${BUG}`],
      ['<if (tdp_mmu_enabled) {', UPDATE],
    ],
  },
  {
    name: 'a scoped guard',
    file: MMU,
    in: 'kvm_mmu_zap_collapsible_sptes',
    put: [
      [
        '<read_lock(&kvm->mmu_lock);',
        `scoped_guard(write_lock, &kvm->mmu_lock) {\n${UPDATE} ${BUG}\n}\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'an alias',
    file: MMU,
    in: 'kvm_mmu_slot_try_split_huge_pages',
    put: [
      ['<u64 start = memslot->base_gfn;', 'rwlock_t *lock = &kvm->mmu_lock;'],
      ['=write_lock(&kvm->mmu_lock);', `write_lock(lock);\n${UPDATE} ${BUG}`],
      ['=write_unlock(&kvm->mmu_lock);', `write_unlock(lock);\n${UPDATE}`],
    ],
  },
  {
    name: 'an alias of the owner',
    file: MMU,
    in: 'kvm_arch_flush_shadow_memslot',
    put: [
      ['<bool flush;', 'struct kvm *vm = kvm;'],
      ['=write_lock(&kvm->mmu_lock);', `write_lock(&vm->mmu_lock);\n${UPDATE} ${BUG}`],
      ['=write_unlock(&kvm->mmu_lock);', `write_unlock(&vm->mmu_lock);\n${UPDATE}`],
    ],
  },
  {
    name: 'a wrapper, two levels deep',
    file: MMU,
    in: 'kvm_mmu_sync_roots',
    put: [
      [
        '^',
        'static void lens_enter(struct kvm *kvm)\n{\n\twrite_lock(&kvm->mmu_lock);\n}\n\nstatic void lens_begin(struct kvm_vcpu *vcpu)\n{\n\tlens_enter(vcpu->kvm);\n}\n\nstatic void lens_leave(struct kvm *kvm)\n{\n\twrite_unlock(&kvm->mmu_lock);\n}\n',
      ],
      [
        '<vcpu_clear_mmio_info(vcpu, MMIO_GVA_ANY);',
        `lens_begin(vcpu);\n${UPDATE} ${BUG}\nlens_leave(vcpu->kvm);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'a wrapper that is given the lock',
    file: GMEM,
    in: 'kvm_gmem_allocate',
    put: [
      [
        '^',
        'static void lens_hold(rwlock_t *lock)\n{\n\twrite_lock(lock);\n}\n\nstatic void lens_drop(rwlock_t *lock)\n{\n\twrite_unlock(lock);\n}\n',
      ],
      [
        '<filemap_invalidate_lock_shared(mapping);',
        `struct kvm *kvm = ((struct kvm_gmem *)mapping->i_private_data)->kvm;\nlens_hold(&kvm->mmu_lock);\n${UPDATE} ${BUG}\nlens_drop(&kvm->mmu_lock);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'a macro with the name pasted',
    file: RING,
    in: 'kvm_dirty_ring_reset',
    put: [
      [
        '^',
        '#define LENS_LOCK(vm, name) do { write_lock(&(vm)->name##_lock); } while (0)\n#define LENS_UNLOCK(vm, name) do { write_unlock(&(vm)->name##_lock); } while (0)\n',
      ],
      [
        '<trace_kvm_dirty_ring_reset(ring);',
        `LENS_LOCK(kvm, mmu);\n${UPDATE} ${BUG}\nLENS_UNLOCK(kvm, mmu);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'a correlated flag',
    file: MAIN,
    in: 'kvm_flush_shadow_all',
    put: [
      [
        '<kvm_arch_flush_shadow_all(kvm);',
        `bool locked = false;\nint i;\nfor (i = 0; i < 4; i++) {\nif (!locked) {\nlocked = true;\nKVM_MMU_LOCK(kvm);\n}\n${UPDATE} ${BUG}\n}\nif (locked)\nKVM_MMU_UNLOCK(kvm);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'one case of a switch',
    file: X86,
    in: 'kvm_vm_ioctl_set_nr_mmu_pages',
    put: [
      [
        '<mutex_lock(&kvm->slots_lock);',
        `switch (kvm_nr_mmu_pages) {\ncase 1:\nwrite_lock(&kvm->mmu_lock);\n${UPDATE} ${BUG}\nwrite_unlock(&kvm->mmu_lock);\nbreak;\ncase 2:\n${UPDATE}\nbreak;\ndefault:\nbreak;\n}\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'an early exit that keeps the lock',
    file: MMU,
    in: 'direct_page_fault',
    put: [
      [
        '=write_unlock(&vcpu->kvm->mmu_lock);',
        `if (r != RET_PF_RETRY)\nwrite_unlock(&vcpu->kvm->mmu_lock);\nelse\n${UPDATE} ${BUG}\nif (r == RET_PF_RETRY)\nwrite_unlock(&vcpu->kvm->mmu_lock);\n${UPDATE}`,
      ],
    ],
  },
  {
    name: 'a callback of our own',
    file: SEV,
    in: 'sev_gmem_prepare',
    put: [
      [
        '^',
        `static int lens_callback(struct kvm *kvm, u64 pfn)\n{\n\treturn rmp_make_shared(pfn, PG_LEVEL_4K); ${BUG}\n}\n\nstatic int lens_other_callback(struct kvm *kvm, u64 pfn)\n{\n\treturn rmp_make_shared(pfn, PG_LEVEL_4K);\n}\n\nstatic int lens_locked(struct kvm *kvm, int (*fn)(struct kvm *, u64), u64 pfn)\n{\n\tint r;\n\n\tread_lock(&kvm->mmu_lock);\n\tr = fn(kvm, pfn);\n\tread_unlock(&kvm->mmu_lock);\n\treturn r;\n}\n\nstatic int lens_unlocked(struct kvm *kvm, int (*fn)(struct kvm *, u64), u64 pfn)\n{\n\treturn fn(kvm, pfn);\n}\n`,
      ],
      [
        '<if (!sev_snp_guest(kvm))',
        'lens_locked(kvm, lens_callback, pfn);\nlens_unlocked(kvm, lens_other_callback, pfn);',
      ],
    ],
  },
  {
    name: 'a method of our own, ten calls deep',
    file: SEV,
    in: 'sev_gmem_invalidate',
    put: [
      [
        '^',
        `struct lens_ops { int (*update)(u64 pfn); };\nstatic int lens_9(u64 pfn)\n{\n\treturn psmash(pfn); ${BUG}\n}\n${[8, 7, 6, 5, 4, 3, 2, 1].map((n) => `static int lens_${n}(u64 pfn)\n{\n\treturn lens_${n + 1}(pfn);\n}\n`).join('')}static const struct lens_ops lens_ops = { .update = lens_1 };\nstatic void lens_run(struct kvm *kvm, const struct lens_ops *ops)\n{\n\twrite_lock(&kvm->mmu_lock);\n\tops->update(7);\n\twrite_unlock(&kvm->mmu_lock);\n}\n`,
      ],
      ['<kvm_pfn_t pfn;', 'lens_run(NULL, &lens_ops);'],
    ],
  },
];

/** Near a lock, and fine. */
const harmless: Seed[] = [
  fine('after the release', MMU, 'kvm_zap_gfn_range', '>write_unlock(&kvm->mmu_lock);'),
  fine('before the acquisition', MMU, 'kvm_mmu_zap_all_fast', '<write_lock(&kvm->mmu_lock);'),
  fine('in the half that runs without', MMU, '__kvm_mmu_zap_all_fast_back_half', '<if (tdp_mmu_enabled)'),
  fine(
    'after the correlated release',
    GMEM,
    'kvm_gmem_punch_hole',
    '<truncate_inode_pages_range(inode->i_mapping, offset, offset + len - 1);',
  ),
  fine(
    'under slots_lock and invalidate_lock only',
    GMEM,
    'kvm_gmem_bind',
    '<r = xa_err(xa_store_range(&gmem->bindings, start, end - 1, slot, GFP_KERNEL));',
  ),
  fine(
    'under slots_lock only',
    MAIN,
    'kvm_vm_set_mem_attributes',
    '<kvm_handle_gfn_range(kvm, &post_set_range);',
  ),
  fine('under srcu only', MAIN, 'kvm_vm_ioctl_clear_dirty_log', '<mutex_unlock(&kvm->slots_lock);'),
  fine('where the page is allocated', GMEM, 'kvm_gmem_prepare_folio', '<return r;'),
  fine(
    'where the page goes back',
    GMEM,
    'kvm_gmem_free_folio',
    '<kvm_arch_gmem_invalidate(pfn, pfn + (1ul << order));',
  ),
  fine(
    'before the fault takes the lock',
    MMU,
    'kvm_faultin_pfn_private',
    '<fault->map_writable = !(fault->slot->flags & KVM_MEM_READONLY);',
  ),
  fine(
    'after the fault gave it back',
    MMU,
    'mmu_topup_memory_caches',
    '<return kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_page_header_cache,',
  ),
  fine('while it is dropped', TDP, 'tdp_mmu_alloc_sp_for_split', '<return sp;'),
  fine(
    'while it is dropped, one level down',
    MMU,
    'topup_split_caches',
    '<lockdep_assert_held(&kvm->slots_lock);',
  ),
  fine('the caches of a VM', MAIN, 'kvm_swap_active_memslots', '>mutex_unlock(&kvm->slots_arch_lock);'),
  {
    name: 'other locks',
    file: SEV,
    in: 'sev_vm_copy_enc_context_from',
    put: [
      [
        '<mutex_lock(&sev_mirror_lock);',
        `struct lens_vm { rwlock_t mmu_lock; } *lens = NULL;\nwrite_lock(&lens->mmu_lock);\n${UPDATE}\nwrite_unlock(&lens->mmu_lock);\nspin_lock(&kvm->mn_invalidate_lock);\n${UPDATE}\nspin_unlock(&kvm->mn_invalidate_lock);`,
      ],
    ],
  },
  {
    name: 'compiled out',
    file: MMU,
    in: 'kvm_mmu_zap_memslot_pages_and_flush',
    put: [['<if (need_resched() || rwlock_needbreak(&kvm->mmu_lock)) {', `#if 0\n${UPDATE}\n#endif`]],
  },
  {
    name: 'dropped around the call',
    file: MMU,
    in: 'kvm_mmu_track_write',
    put: [
      [
        '<++vcpu->kvm->stat.mmu_pte_write;',
        `write_unlock(&vcpu->kvm->mmu_lock);\n${UPDATE}\nwrite_lock(&vcpu->kvm->mmu_lock);`,
      ],
    ],
  },
  {
    name: 'a look-up',
    file: MMU,
    in: 'kvm_mmu_hugepage_adjust',
    put: [
      [
        '<fault->huge_page_disallowed =',
        'bool lens_assigned;\nint lens_level;\nsnp_lookup_rmpentry(1, &lens_assigned, &lens_level);',
      ],
    ],
  },
  {
    name: 'a static function of the same name elsewhere',
    file: RING,
    in: 'kvm_dirty_ring_alloc',
    put: [
      ['^', `static void slot_rmap_write_protect_now(struct kvm *kvm)\n{\n\t${UPDATE}\n}\n`],
      ['<ring->size = size / sizeof(struct kvm_dirty_gfn);', 'slot_rmap_write_protect_now(NULL);'],
    ],
  },
  {
    name: 'the same name under the lock',
    file: MMU,
    in: 'kvm_mmu_try_split_huge_pages',
    put: [
      ['^', 'static void slot_rmap_write_protect_now(struct kvm *kvm)\n{\n}\n'],
      ['<if (!tdp_mmu_enabled)', 'slot_rmap_write_protect_now(kvm);'],
    ],
  },
  {
    name: 'a parameter that says not to',
    file: MMU,
    in: 'kvm_rmap_zap_collapsible_sptes',
    put: [
      [
        '^',
        `static void lens_convert(struct kvm *kvm, u64 pfn, bool convert)\n{\n\tif (!convert)\n\t\treturn;\n\t${UPDATE}\n}\n`,
      ],
      ['<if (walk_slot_rmaps(kvm, slot, kvm_mmu_zap_collapsible_spte,', 'lens_convert(kvm, 7, false);'],
    ],
  },
  {
    name: 'a parameter that says that it is held',
    file: MMU,
    in: 'kvm_mmu_invalidate_mmio_sptes',
    put: [
      [
        '^',
        `static void lens_update(struct kvm *kvm, bool locked)\n{\n\tif (locked)\n\t\twrite_unlock(&kvm->mmu_lock);\n\t${UPDATE}\n\tif (locked)\n\t\twrite_lock(&kvm->mmu_lock);\n}\n`,
      ],
      [
        '<gen &= MMIO_SPTE_GEN_MASK;',
        'lens_update(kvm, false);\nwrite_lock(&kvm->mmu_lock);\nlens_update(kvm, true);\nwrite_unlock(&kvm->mmu_lock);',
      ],
    ],
  },
  {
    name: 'never reached',
    file: MMU,
    in: 'kvm_mmu_prepare_zap_page',
    put: [
      ['>__kvm_mmu_prepare_zap_page(kvm, sp, invalid_list, &nr_zapped);', `\treturn nr_zapped;\n${UPDATE}`],
    ],
  },
];

export const plantedBugs: readonly Seed[] = [...reachable, ...indirect, ...taken];
export const plantedNearMisses: readonly Seed[] = harmless;
