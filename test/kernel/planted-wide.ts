/**
 * RMP updates and sleeping calls put into Linux 6.12 far from where others are: the MMU notifier, page tracking, VMX, AVIC,
 * nested SVM, Hyper-V, Xen, caches of pfns, asynchronous page faults, eventfds, the PSP's driver. Each has functions of its own.
 */
import type { Seed } from './seeds.ts';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
const TDP = 'arch/x86/kvm/mmu/tdp_mmu.c';
const TRACK = 'arch/x86/kvm/mmu/page_track.c';
const MAIN = 'virt/kvm/kvm_main.c';
const PFNCACHE = 'virt/kvm/pfncache.c';
const ASYNC = 'virt/kvm/async_pf.c';
const EVENTFD = 'virt/kvm/eventfd.c';
const COALESCED = 'virt/kvm/coalesced_mmio.c';
const IRQCHIP = 'virt/kvm/irqchip.c';
const X86 = 'arch/x86/kvm/x86.c';
const SEV = 'arch/x86/kvm/svm/sev.c';
const SVM = 'arch/x86/kvm/svm/svm.c';
const AVIC = 'arch/x86/kvm/svm/avic.c';
const NESTED_SVM = 'arch/x86/kvm/svm/nested.c';
const VMX = 'arch/x86/kvm/vmx/vmx.c';
const NESTED_VMX = 'arch/x86/kvm/vmx/nested.c';
const SGX = 'arch/x86/kvm/vmx/sgx.c';
const POSTED = 'arch/x86/kvm/vmx/posted_intr.c';
const HYPERV = 'arch/x86/kvm/hyperv.c';
const ON_HYPERV = 'arch/x86/kvm/kvm_onhyperv.c';
const XEN = 'arch/x86/kvm/xen.c';
const DEBUGFS = 'arch/x86/kvm/debugfs.c';
const CPUID = 'arch/x86/kvm/cpuid.c';
const LAPIC = 'arch/x86/kvm/lapic.c';
const PIT = 'arch/x86/kvm/i8254.c';
const IOAPIC = 'arch/x86/kvm/ioapic.c';
const PMU = 'arch/x86/kvm/pmu.c';
const SMM = 'arch/x86/kvm/smm.c';
const CCP = 'drivers/crypto/ccp/sev-dev.c';
const RMP = 'arch/x86/virt/svm/sev.c';
const HOST = 'include/linux/kvm_host.h';

function seed(name: string, file: string, within: string, ...put: Seed['put']): Seed {
  return { name, file, in: within, put };
}

/** Placed directly in a function that is reached under the lock in the tree as it is. */
const reachable: Seed[] = [
  seed('a TLB flush by static call', ON_HYPERV, '__hv_flush_remote_tlbs_range', [
    '<spin_lock(&kvm_arch->hv_root_tdp_lock);',
    'rmp_make_shared(3, PG_LEVEL_4K); /*!*/',
  ]),
  seed('requests of every vCPU', MAIN, 'kvm_make_vcpu_request', [
    '<if (cpu != -1 && cpu != current_cpu)',
    'might_sleep(); /*!*/',
  ]),
  seed('page tracking', TRACK, '__kvm_write_track_add_gfn', [
    '<update_gfn_write_track(slot, gfn, 1);',
    'rmp_make_private(1, gfn, PG_LEVEL_4K, 3, false); /*!*/',
  ]),
  seed(
    'page tracking, one call further',
    TRACK,
    'update_gfn_write_track',
    [
      '<slot->arch.gfn_write_track[index] += count;',
      'mutex_lock(&slots_everywhere); /*!*/\nmutex_unlock(&slots_everywhere);',
    ],
    ['^', 'static DEFINE_MUTEX(slots_everywhere);\n'],
  ),
  seed('a notifier joins page tracking', TRACK, 'kvm_page_track_register_notifier', [
    '>write_lock(&kvm->mmu_lock);',
    'n->node.next = kmalloc(8, GFP_KERNEL); /*!*/',
  ]),
  seed('statistics of rmaps', DEBUGFS, 'kvm_mmu_rmaps_stat_show', [
    '<index = ffs(pte_list_count(&rmap[l]));',
    'cond_resched(); /*!*/',
  ]),
  seed('the recovery worker, behind its yield', MMU, 'unaccount_nx_huge_page', [
    '<untrack_possible_nx_huge_page(kvm, sp);',
    'psmash(1); /*!*/',
  ]),
  seed('the TDP MMU zaps a root', TDP, '__tdp_mmu_zap_root', [
    '<tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);',
    '{ rmp_make_shared(iter.gfn, PG_LEVEL_4K); } /*!*/\nif (!shared)',
  ]),
  seed('the TDP MMU frees in RCU order', TDP, 'tdp_mmu_unlink_sp', [
    '<tdp_unaccount_mmu_page(kvm, sp);',
    'synchronize_rcu(); /*!*/',
  ]),
  seed(
    'flooding is detected',
    MMU,
    'detect_write_flooding',
    [
      '<atomic_inc(&sp->write_flooding_count);',
      'down_write(&kvm_lens_rwsem); /*!*/\nup_write(&kvm_lens_rwsem);',
    ],
    ['^', 'static DECLARE_RWSEM(kvm_lens_rwsem);\n'],
  ),
  seed('an unsync page becomes sync', MMU, 'kvm_unlink_unsync_page', [
    '<sp->unsync = 0;',
    'vfree(sp->spt); /*!*/',
  ]),
  seed('a page is made unsync, spinlock inside', MMU, 'kvm_unsync_page', [
    '<sp->unsync = 1;',
    'copy_to_user(NULL, sp, sizeof(*sp)); /*!*/',
  ]),
  seed('a huge page is counted', MMU, 'kvm_mmu_gfn_allow_lpage', [
    '<update_gfn_disallow_lpage_count(slot, gfn, -1);',
    'set_memory_4k((unsigned long)slot, 1); /*!*/',
  ]),
  seed(
    'an SPTE is made',
    'arch/x86/kvm/mmu/spte.c',
    'make_spte',
    ['<spte |= shadow_present_mask;', 'wait_event(*lens_queue, pfn); /*!*/'],
    ['^', 'static wait_queue_head_t *lens_queue;\n'],
  ),
  seed('an SPTE is made, in the function that tells memory types', VMX, 'vmx_get_mt_mask', [
    '<if (vmx_ignore_guest_pat(vcpu->kvm))',
    'mutex_lock(&vcpu->kvm->lock); /*!*/\nmutex_unlock(&vcpu->kvm->lock);',
  ]),
  seed('retry is asked for', HOST, 'mmu_invalidate_retry_gfn', [
    '<if (kvm->mmu_invalidate_seq != mmu_seq)',
    'usleep_range(1, 2); /*!*/',
  ]),
];

/** Handlers, hooks, tables, callbacks. */
const indirect: Seed[] = [
  seed(
    'a handler of invalidate_range_start',
    MAIN,
    'kvm_mmu_notifier_invalidate_range_start',
    [
      '^',
      `static bool lens_unmap(struct kvm *kvm, struct kvm_gfn_range *range)
{
	rmp_make_shared(range->start, PG_LEVEL_4K); /*!*/
	return kvm_mmu_unmap_gfn_range(kvm, range);
}
`,
    ],
    ['=.handler	= kvm_mmu_unmap_gfn_range,', '.handler = lens_unmap,'],
  ),
  seed(
    'a hook of invalidate_range_end',
    MAIN,
    'kvm_mmu_notifier_invalidate_range_end',
    [
      '^',
      `static void lens_end(struct kvm *kvm)
{
	kvm_mmu_invalidate_end(kvm);
	synchronize_srcu(&kvm->srcu); /*!*/
}
`,
    ],
    ['=.on_lock	= kvm_mmu_invalidate_end,', '.on_lock = lens_end,'],
  ),
  seed(
    'an age handler handed down as an argument',
    MAIN,
    'kvm_mmu_notifier_clear_young',
    [
      '^',
      `static bool lens_age(struct kvm *kvm, struct kvm_gfn_range *range)
{
	mutex_lock(&kvm->irq_lock); /*!*/
	mutex_unlock(&kvm->irq_lock);
	return kvm_age_gfn(kvm, range);
}
`,
    ],
    [
      '=return kvm_handle_hva_range_no_flush(mn, start, end, kvm_age_gfn);',
      'return kvm_handle_hva_range_no_flush(mn, start, end, lens_age);',
    ],
  ),
  seed(
    'a table of callbacks in a loop',
    AVIC,
    'avic_vm_destroy',
    [
      '^',
      `typedef void (*lens_step_t)(struct kvm *kvm);

static void lens_first(struct kvm *kvm)
{
	kvm->vm_dead = true;
}

static void lens_second(struct kvm *kvm)
{
	rmp_make_shared(2, PG_LEVEL_4K); /*!*/
}

static const lens_step_t lens_steps[] = { lens_first, lens_second, NULL };

static void lens_all_steps(struct kvm *kvm)
{
	const lens_step_t *step;

	read_lock(&kvm->mmu_lock);
	for (step = lens_steps; *step; step++)
		(*step)(kvm);
	read_unlock(&kvm->mmu_lock);
}
`,
    ],
    ['<if (!enable_apicv)', 'lens_all_steps(kvm);'],
  ),
  seed(
    'a callback that comes through a struct of context',
    XEN,
    'kvm_xen_init_vm',
    [
      '^',
      `struct lens_walk {
	struct kvm *kvm;
	void (*visit)(struct lens_walk *walk, gfn_t gfn);
};

static void lens_visit(struct lens_walk *walk, gfn_t gfn)
{
	rmp_make_shared(gfn, PG_LEVEL_4K); /*!*/
}

static void lens_walk_all(struct lens_walk *walk)
{
	gfn_t gfn;

	write_lock(&walk->kvm->mmu_lock);
	for (gfn = 0; gfn < 4; gfn++)
		walk->visit(walk, gfn);
	write_unlock(&walk->kvm->mmu_lock);
}
`,
    ],
    [
      '<mutex_init(&kvm->arch.xen.xen_lock);',
      'struct lens_walk walk = { .kvm = kvm, .visit = lens_visit };\n\nlens_walk_all(&walk);',
    ],
  ),
  seed(
    'a callback assigned later',
    HYPERV,
    'kvm_hv_destroy_vm',
    [
      '^',
      `struct lens_hv_ops { int (*drop)(u64 pfn, int level); };

static int lens_hv_drop(u64 pfn, int level)
{
	return psmash(pfn); /*!*/
}

static void lens_hv_run(struct kvm *kvm, struct lens_hv_ops *ops)
{
	KVM_MMU_LOCK_LENS(kvm);
	ops->drop(1, 1);
	KVM_MMU_UNLOCK_LENS(kvm);
}
`,
    ],
    [
      '^',
      '#define KVM_MMU_LOCK_LENS(vm) write_lock(&(vm)->mmu_lock)\n#define KVM_MMU_UNLOCK_LENS(vm) write_unlock(&(vm)->mmu_lock)\n',
    ],
    [
      '<idr_destroy(&hv->conn_to_evt);',
      'struct lens_hv_ops ops;\n\nops.drop = lens_hv_drop;\nlens_hv_run(kvm, &ops);',
    ],
  ),
  seed(
    'a member that a helper fills in',
    EVENTFD,
    'kvm_eventfd_init',
    [
      '^',
      `struct lens_evt { void (*fire)(struct kvm *kvm); };

static void lens_fire(struct kvm *kvm)
{
	flush_work(NULL); /*!*/
}

static void lens_evt_init(struct lens_evt *evt, void (*fire)(struct kvm *))
{
	evt->fire = fire;
}

static void lens_evt_run(struct kvm *kvm)
{
	struct lens_evt evt;

	lens_evt_init(&evt, lens_fire);
	read_lock(&kvm->mmu_lock);
	evt.fire(kvm);
	read_unlock(&kvm->mmu_lock);
}
`,
    ],
    ['<spin_lock_init(&kvm->irqfds.lock);', 'lens_evt_run(kvm);'],
  ),
  seed(
    'a static call of our own',
    PMU,
    'kvm_pmu_init',
    [
      '^',
      `static void lens_static_default(struct kvm *kvm)
{
	rmp_make_shared(9, PG_LEVEL_4K); /*!*/
}

DEFINE_STATIC_CALL(lens_static, lens_static_default);

static void lens_static_run(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	static_call(lens_static)(kvm);
	write_unlock(&kvm->mmu_lock);
}
`,
    ],
    ['<memset(pmu, 0, sizeof(*pmu));', 'lens_static_run(vcpu->kvm);'],
  ),
  seed(
    'a choice of two functions in a local',
    SGX,
    'sgx_get_encls_gva',
    [
      '^',
      `static int lens_share(u64 pfn)
{
	return rmp_make_shared(pfn, PG_LEVEL_4K); /*!*/
}

static int lens_keep(u64 pfn)
{
	return 0;
}
`,
    ],
    [
      '<if (fault)',
      'int (*fn)(u64 pfn) = fault ? lens_share : lens_keep;\n\nwrite_lock(&vcpu->kvm->mmu_lock);\nfn(1);\nwrite_unlock(&vcpu->kvm->mmu_lock);',
    ],
  ),
];

/** Ways to take the lock, in functions that hold nothing. */
const taken: Seed[] = [
  seed('interrupts off', NESTED_SVM, 'nested_svm_load_cr3', [
    '<vcpu->arch.cr3 = cr3;',
    'write_lock_irq(&vcpu->kvm->mmu_lock);\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nwrite_unlock_irq(&vcpu->kvm->mmu_lock);\nrmp_make_shared(2, PG_LEVEL_4K);',
  ]),
  seed('interrupts saved', NESTED_VMX, 'nested_vmx_eptp_switching', [
    '<vmcs12->ept_pointer = new_eptp;',
    'unsigned long flags;\n\nread_lock_irqsave(&vcpu->kvm->mmu_lock, flags);\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nread_unlock_irqrestore(&vcpu->kvm->mmu_lock, flags);\nrmp_make_shared(2, PG_LEVEL_4K);',
  ]),
  seed('bottom halves off, by trylock', POSTED, 'vmx_pi_update_irte', [
    '<if (enable_remapped_mode)',
    'if (likely(read_trylock(&kvm->mmu_lock))) {\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nread_unlock(&kvm->mmu_lock);\n}\nrmp_make_shared(2, PG_LEVEL_4K);',
  ]),
  seed('a trylock whose failure jumps away', CPUID, 'kvm_vcpu_ioctl_set_cpuid2', [
    '<r = kvm_set_cpuid(vcpu, e2, cpuid->nent);',
    'if (!write_trylock(&vcpu->kvm->mmu_lock)) {\nmutex_lock(&vcpu->kvm->lock);\nmutex_unlock(&vcpu->kvm->lock);\ngoto busy;\n}\nmutex_lock(&vcpu->kvm->lock); /*!*/\nmutex_unlock(&vcpu->kvm->lock); \nwrite_unlock(&vcpu->kvm->mmu_lock);\nbusy:\nmutex_lock(&vcpu->kvm->lock);\nmutex_unlock(&vcpu->kvm->lock);',
  ]),
  seed('a trylock that is compared', LAPIC, 'kvm_alloc_apic_access_page', [
    '<kvm->arch.apic_access_memslot_enabled = true;',
    'if (write_trylock(&kvm->mmu_lock) != 0) {\npsmash(2); /*!*/\nwrite_unlock(&kvm->mmu_lock);\n} else {\npsmash(3);\n}',
  ]),
  seed('a trylock until a deadline', PIT, 'kvm_create_pit', [
    '<kvm_pit_reset(pit);',
    'int tries = 10;\n\nwhile (!write_trylock(&kvm->mmu_lock)) {\nif (--tries == 0)\ngoto fail_kthread;\ncpu_relax();\n}\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nwrite_unlock(&kvm->mmu_lock);',
  ]),
  seed('a guard in a nested scope', IOAPIC, 'kvm_ioapic_init', [
    '<kvm_ioapic_reset(ioapic);',
    'if (ioapic) {\nguard(read_lock)(&kvm->mmu_lock);\n\nif (kvm->vm_dead)\nreturn -EIO;\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\n}\nrmp_make_shared(2, PG_LEVEL_4K);',
  ]),
  seed(
    'a guard to the end of the function',
    SEV,
    'sev_guest_memory_reclaimed',
    [
      '<if (!sev_guest(kvm) || sev_snp_guest(kvm))',
      'rmp_make_shared(1, PG_LEVEL_4K);\n\nguard(write_lock)(&kvm->mmu_lock);',
    ],
    ['<wbinvd_on_all_cpus();', 'mutex_lock(&kvm->lock); /*!*/\nmutex_unlock(&kvm->lock);'],
  ),
  seed('a scoped guard that is left early', PFNCACHE, 'gfn_to_pfn_cache_invalidate_start', [
    '<spin_lock(&kvm->gpc_lock);',
    'scoped_guard(write_lock, &kvm->mmu_lock) {\nif (start == end)\nbreak;\nrmp_make_shared(start, PG_LEVEL_4K); /*!*/\n}\nrmp_make_shared(end, PG_LEVEL_4K);',
  ]),
  seed('an alias handed through two variables', ASYNC, 'kvm_clear_async_pf_completion_queue', [
    '<vcpu->async_pf.queued = 0;',
    'struct kvm *vm = vcpu->kvm;\nrwlock_t *first = &vm->mmu_lock, *second = first;\n\nwrite_lock(second);\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nwrite_unlock(second);\nrmp_make_shared(2, PG_LEVEL_4K);',
  ]),
  seed(
    'an alias of the owner by a helper',
    COALESCED,
    'kvm_coalesced_mmio_init',
    ['^', 'static struct kvm *lens_vm(struct kvm *kvm)\n{\n\treturn kvm;\n}\n'],
    [
      '<page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);',
      'write_lock(&lens_vm(kvm)->mmu_lock);\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nwrite_unlock(&lens_vm(kvm)->mmu_lock);',
    ],
  ),
  seed('one of two locks by condition', IRQCHIP, 'kvm_free_irq_routing', [
    '<free_irq_routing_table(rt);',
    'bool write = kvm->vm_dead;\n\nif (write)\nwrite_lock(&kvm->mmu_lock);\nelse\nread_lock(&kvm->mmu_lock);\nmsleep(1); /*!*/\nif (write)\nwrite_unlock(&kvm->mmu_lock);\nelse\nread_unlock(&kvm->mmu_lock);\nmsleep(2);',
  ]),
  seed(
    'a pair of wrappers with a cookie',
    SMM,
    'kvm_smm_changed',
    [
      '^',
      'static int lens_enter(struct kvm_vcpu *vcpu)\n{\n\tint idx = srcu_read_lock(&vcpu->kvm->srcu);\n\n\tread_lock(&vcpu->kvm->mmu_lock);\n\treturn idx;\n}\n\nstatic void lens_exit(struct kvm_vcpu *vcpu, int idx)\n{\n\tread_unlock(&vcpu->kvm->mmu_lock);\n\tsrcu_read_unlock(&vcpu->kvm->srcu, idx);\n}\n',
    ],
    [
      '<trace_kvm_smm_transition(vcpu->vcpu_id, vcpu->arch.smbase, entering_smm);',
      'int idx = lens_enter(vcpu);\n\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nlens_exit(vcpu, idx);\nrmp_make_shared(2, PG_LEVEL_4K);',
    ],
  ),
  seed(
    'a wrapper that may fail',
    SEV,
    'sev_mem_enc_unregister_region',
    [
      '^',
      'static int lens_try_enter(struct kvm *kvm)\n{\n\tif (kvm->vm_dead)\n\t\treturn -EIO;\n\twrite_lock(&kvm->mmu_lock);\n\treturn 0;\n}\n',
    ],
    [
      '<region = find_enc_region(kvm, range);',
      'ret = lens_try_enter(kvm);\nif (ret) {\nrmp_make_shared(1, PG_LEVEL_4K);\ngoto failed;\n}\nrmp_make_shared(2, PG_LEVEL_4K); /*!*/\nwrite_unlock(&kvm->mmu_lock);\nrmp_make_shared(3, PG_LEVEL_4K);',
    ],
  ),
  seed(
    'a wrapper that says true',
    SVM,
    'svm_vm_init',
    [
      '^',
      'static bool lens_got_it(struct kvm *kvm, bool wanted)\n{\n\tif (!wanted)\n\t\treturn false;\n\tread_lock(&kvm->mmu_lock);\n\treturn true;\n}\n',
    ],
    [
      '<if (enable_apicv) {',
      'bool locked = lens_got_it(kvm, type == KVM_X86_SNP_VM);\n\nif (locked)\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nelse\nrmp_make_shared(2, PG_LEVEL_4K);\nif (locked)\nread_unlock(&kvm->mmu_lock);\nrmp_make_shared(3, PG_LEVEL_4K);',
    ],
  ),
  seed(
    'a macro with a body',
    VMX,
    'vmx_vm_init',
    [
      '^',
      '#define lens_with_mmu_lock(vm, what)\t\t\t\\\ndo {\t\t\t\t\t\t\\\n\tstruct kvm *__vm = (vm);\t\t\t\\\n\twrite_lock(&__vm->mmu_lock);\t\t\t\\\n\twhat;\t\t\t\t\t\t\\\n\twrite_unlock(&__vm->mmu_lock);\t\t\t\\\n} while (0)\n',
    ],
    [
      '<if (!ple_gap)',
      'lens_with_mmu_lock(kvm, rmp_make_shared(1, PG_LEVEL_4K)); /*!*/\nrmp_make_shared(2, PG_LEVEL_4K);',
    ],
  ),
  seed(
    'a lock that a for loop holds',
    AVIC,
    'avic_init_backing_page',
    [
      '^',
      '#define lens_for_each_locked(vm, i)\t\t\t\\\n\tfor (i = 0, read_lock(&(vm)->mmu_lock);\t\t\\\n\t     i < 4 || (read_unlock(&(vm)->mmu_lock), 0);\t\\\n\t     i++)\n',
    ],
    [
      '<svm->avic_backing_page = virt_to_page(vcpu->arch.apic->regs);',
      'int i;\n\nlens_for_each_locked(vcpu->kvm, i)\nrmp_make_shared(i, PG_LEVEL_4K); /*!*/\nrmp_make_shared(9, PG_LEVEL_4K);',
    ],
  ),
];

/** One case, one error path, one loop iteration. */
const paths: Seed[] = [
  seed(
    'one case of a big switch',
    HYPERV,
    'kvm_hv_hypercall',
    [
      '<kvm_vcpu_on_spin(vcpu, true);',
      'write_lock(&vcpu->kvm->mmu_lock);\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nwrite_unlock(&vcpu->kvm->mmu_lock);',
    ],
    ['<ret = kvm_hvcall_signal_event(vcpu, &hc);', 'rmp_make_shared(2, PG_LEVEL_4K);'],
  ),
  seed('a case that others fall into with the lock', HYPERV, 'kvm_hv_send_ipi', [
    '<if (!lapic_in_kernel(vcpu))',
    'switch (hc->code) {\ncase 1:\nread_lock(&kvm->mmu_lock);\nfallthrough;\ncase 2:\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nif (hc->code == 1)\nread_unlock(&kvm->mmu_lock);\nbreak;\ndefault:\nrmp_make_shared(2, PG_LEVEL_4K);\n}',
  ]),
  seed('an error path that forgot to unlock first', XEN, 'kvm_xen_eventfd_reset', [
    '<synchronize_srcu(&kvm->srcu);',
    'write_lock(&kvm->mmu_lock);\nif (kvm->vm_bugged) {\nsynchronize_srcu(&kvm->srcu); /*!*/\nwrite_unlock(&kvm->mmu_lock);\nreturn -EIO;\n}\nwrite_unlock(&kvm->mmu_lock);',
  ]),
  seed('an error label behind the unlock of another', XEN, 'kvm_xen_shared_info_init', [
    '<wall_nsec = kvm_get_wall_clock_epoch(kvm);',
    'read_lock(&kvm->mmu_lock);\nif (kvm->vm_dead)\ngoto lens_error;\nread_unlock(&kvm->mmu_lock);\nif (0) {\nlens_error:\nrmp_make_shared(1, PG_LEVEL_4K); /*!*/\nread_unlock(&kvm->mmu_lock);\n}',
  ]),
  seed(
    'from the second iteration on',
    PFNCACHE,
    'hva_to_pfn_retry',
    ['^', '#define LENS_RETRY(vm) ((vm)->mmu_invalidate_seq)\n'],
    [
      '<mmu_seq = gpc->kvm->mmu_invalidate_seq;',
      'bool again = false;\n\nlens_retry:\nmight_sleep(); /*!*/\nif (!again) {\nagain = true;\nread_lock(&gpc->kvm->mmu_lock);\nif (LENS_RETRY(gpc->kvm))\ngoto lens_retry;\nread_unlock(&gpc->kvm->mmu_lock);\n} else {\nread_unlock(&gpc->kvm->mmu_lock);\n}',
    ],
  ),
  seed('continue with the lock', EVENTFD, 'kvm_irq_routing_update', [
    '<spin_lock_irq(&kvm->irqfds.lock);',
    'int i;\n\nwrite_lock(&kvm->mmu_lock);\nfor (i = 0; i < 3; i++) {\nif (i == 1)\ncontinue;\ncond_resched(); /*!*/\n}\nwrite_unlock(&kvm->mmu_lock);\ncond_resched();',
  ]),
  seed(
    'a level of flags',
    CCP,
    'snp_reclaim_pages',
    [
      '^',
      'static void lens_reclaim(struct kvm *kvm, unsigned long paddr, bool locked)\n{\n\tif (locked)\n\t\twrite_lock(&kvm->mmu_lock);\n\trmp_make_shared(__phys_to_pfn(paddr), PG_LEVEL_4K); /*!*/\n\tif (locked)\n\t\twrite_unlock(&kvm->mmu_lock);\n\trmp_make_shared(2, PG_LEVEL_4K);\n}\n\nstatic void lens_reclaim_locked(struct kvm *kvm, unsigned long paddr)\n{\n\tlens_reclaim(kvm, paddr, true);\n}\n',
    ],
    ['<paddr = __sme_clr(ALIGN_DOWN(paddr, PAGE_SIZE));', 'lens_reclaim_locked(NULL, paddr);'],
  ),
  seed(
    'ten files away',
    RMP,
    'snp_leak_pages',
    [
      '^',
      'static int lens_leak_3(u64 pfn)\n{\n\treturn rmp_make_shared(pfn, PG_LEVEL_4K); /*!*/\n}\n\nstatic int lens_leak_2(u64 pfn)\n{\n\treturn lens_leak_3(pfn);\n}\n\nint lens_leak_1(u64 pfn)\n{\n\treturn lens_leak_2(pfn);\n}\n',
    ],
    ['<pr_warn("Leaking PFN range', '(void)lens_leak_1;'],
  ),
  seed(
    'ten files away, from the MMU',
    MMU,
    'kvm_mmu_remote_flush_or_zap',
    ['^', 'int lens_leak_1(u64 pfn);\n'],
    ['<if (!list_empty(invalid_list))', 'lens_leak_1(7);\n'],
  ),
];

/** Near the lock, and fine. */
const harmless: Seed[] = [
  seed('behind the notifier, where reclaim is told', X86, 'kvm_arch_guest_memory_reclaimed', [
    '<kvm_x86_call(guest_memory_reclaimed)(kvm);',
    'rmp_make_shared(1, PG_LEVEL_4K);',
  ]),
  seed('the largest level of a private mapping', SEV, 'sev_private_max_mapping_level', [
    '<if (rc || !assigned)',
    'rmp_make_shared(pfn, PG_LEVEL_4K);',
  ]),
  seed('page tracking leaves the lock', TRACK, 'kvm_page_track_unregister_notifier', [
    '<kvm_put_kvm(kvm);',
    'mutex_lock(&kvm->lock);\nmutex_unlock(&kvm->lock);',
  ]),
  seed('the recovery worker sleeps', MMU, 'kvm_nx_huge_page_recovery_worker', [
    '<__set_current_state(TASK_RUNNING);',
    'msleep(1);',
  ]),
  seed('before statistics take the lock', DEBUGFS, 'kvm_mmu_rmaps_stat_open', [
    '<if (!kvm_get_kvm_safe(kvm))',
    'rmp_make_shared(1, PG_LEVEL_4K);',
  ]),
  seed(
    'the split cache while the lock is dropped',
    MMU,
    'need_topup',
    ['^', 'static bool lens_may_topup(void)\n{\n\tmight_sleep();\n\treturn true;\n}\n'],
    ['<return kvm_mmu_memory_cache_nr_free_objects(cache) < min;', '(void)lens_may_topup;'],
  ),
  seed('an atomic allocation', MMU, 'pte_list_remove', [
    '<rmap_head->val = 0;',
    'kfree(kmalloc(8, GFP_ATOMIC));\nkfree(kzalloc(8, GFP_NOWAIT | __GFP_NOWARN));',
  ]),
  seed('user memory that may not fault', MMU, '__rmap_add', [
    '<sp = sptep_to_sp(spte);',
    'pagefault_disable();\n__copy_from_user_inatomic(&gfn, NULL, 8);\npagefault_enable();',
  ]),
  seed(
    'work that is queued',
    MMU,
    'mark_mmio_spte',
    ['<mmu_spte_set(sptep, spte);', 'schedule_work(&lens_work);'],
    [
      '^',
      'static void lens_work_fn(struct work_struct *work)\n{\n\tmutex_lock(NULL);\n}\n\nstatic DECLARE_WORK(lens_work, lens_work_fn);\n',
    ],
  ),
  seed('a callback for after a grace period', TDP, 'tdp_mmu_free_sp_rcu_callback', [
    '<tdp_mmu_free_sp(sp);',
    'kmalloc(8, GFP_KERNEL);',
  ]),
  seed(
    'a spinlock that is called like it',
    AVIC,
    'avic_ga_log_notifier',
    ['^', 'static DEFINE_RWLOCK(mmu_lock);\n'],
    [
      '<spin_lock_irqsave(&svm_vm_data_hash_lock, flags);',
      'write_lock(&mmu_lock);\nrmp_make_shared(1, PG_LEVEL_4K);\nwrite_unlock(&mmu_lock);',
    ],
  ),
];

/** Only those that stand in the tree. */
export const wideSeeds: readonly Seed[] = [...reachable, ...indirect, ...taken, ...paths, ...harmless];
