// SPDX-License-Identifier: MIT
/* Faults of guests: the pfn first, whatever that takes, then the mapping under mmu_lock. */
#include "mmu_internal.h"

struct kvm_page_fault {
	gfn_t gfn;
	struct kvm_memory_slot *slot;
	bool is_private;
	unsigned long mmu_seq;
	kvm_pfn_t pfn;
	struct page *page;		/* our reference to it */
	int level;			/* of the mapping, at most */
};

bool kvm_arch_pre_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (!kvm_slot_can_be_private(range->slot))
		return false;
	return kvm_unmap_gfn_range(kvm, range);
}

/* Which pages are the guest's is decided where they are handed out, not here (mail row A3). */
bool kvm_arch_post_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	return false;
}

/*
 * How large a mapping may be: the folio must be that large, the slot must have all of it,
 * at a gfn that begins such a mapping just where the pfn does (mail row C5), and all of
 * it must be private.
 */
static int kvm_private_max_level(struct kvm *kvm, struct kvm_page_fault *fault, unsigned int order)
{
	struct kvm_memory_slot *slot = fault->slot;
	int level = order >= PUD_ORDER ? PG_LEVEL_1G : order >= PMD_ORDER ? PG_LEVEL_2M : PG_LEVEL_4K;

	for (; level > PG_LEVEL_4K; level--) {
		unsigned long pages = KVM_PAGES_PER_HPAGE(level);
		gfn_t first = round_down(fault->gfn, pages);

		if (!IS_ALIGNED(fault->gfn ^ fault->pfn, pages))
			continue;
		if (first < slot->base_gfn || first + pages > slot->base_gfn + slot->npages)
			continue;
		if (kvm_range_is_private(kvm, first, first + pages))
			break;
	}
	return level;
}

/* Between lock and unlock the page can't leave the file, so the RMP entry doesn't come too late (mail row A2). */
static int kvm_faultin_private_pfn(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	struct file *file = kvm_restrictedmem_lock(fault->slot);
	unsigned int order;
	int r;

	if (!file)
		return -EFAULT;
	r = kvm_restrictedmem_get_pfn(fault->slot, fault->gfn, &fault->pfn, &fault->page, &order);
	if (!r) {
		fault->level = kvm_private_max_level(kvm, fault, order);
		r = kvm_arch_restrictedmem_prepare(kvm, fault->gfn, fault->pfn, &fault->level);
		if (r)
			put_page(fault->page);
	}
	kvm_restrictedmem_unlock(file);
	return r;
}

static int kvm_faultin_pfn(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned long hva;

	/* Read before the pfn is looked for: whatever is invalidated from here on makes the fault stale. */
	fault->mmu_seq = READ_ONCE(kvm->mmu_invalidate_seq);
	smp_rmb();

	if (!fault->slot)
		return -EFAULT;

	/* Userspace decides; a guest that wants otherwise has to ask it for the conversion. */
	if (fault->is_private != kvm_mem_is_private(kvm, fault->gfn) ||
	    (fault->is_private && (!kvm_slot_can_be_private(fault->slot) || kvm_faultin_private_pfn(vcpu, fault)))) {
		kvm_prepare_memory_fault_exit(vcpu, fault->gfn << PAGE_SHIFT, PAGE_SIZE,
					      fault->is_private ? KVM_MEMORY_EXIT_FLAG_PRIVATE : 0);
		return -EFAULT;
	}
	if (fault->is_private)
		return 0;

	hva = fault->slot->userspace_addr + ((fault->gfn - fault->slot->base_gfn) << PAGE_SHIFT);
	if (get_user_pages_fast(hva, 1, FOLL_WRITE, &fault->page) != 1)
		return -EFAULT;
	fault->pfn = page_to_pfn(fault->page);
	return 0;
}

static bool is_page_fault_stale(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
#ifdef CONFIG_RMEM_BUG_NO_RETRY_CHECK
	/* Wrong: a page that was freed since its pfn was found is mapped all the same (mail row A8). */
	return false;
#else
	return mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);
#endif
}

static int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);

	return tdp_mmu_map(vcpu, fault->gfn, fault->pfn, fault->level, SPTE_PRESENT | SPTE_WRITABLE | SPTE_USER);
}

/* All that may sleep comes first; mmu_lock only covers the check and the SPTE (mail rows A6, A8). */
static int kvm_tdp_page_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int r;

	r = mmu_topup_memory_caches(vcpu);
	if (r)
		return r;
	r = kvm_faultin_pfn(vcpu, fault);
	if (r)
		return r;

	r = RET_PF_RETRY;
	read_lock(&vcpu->kvm->mmu_lock);
	if (!is_page_fault_stale(vcpu, fault))
		r = kvm_tdp_mmu_map(vcpu, fault);
	read_unlock(&vcpu->kvm->mmu_lock);

	put_page(fault->page);
	return r;
}

/* SEV-SNP says whether the guest meant private memory (mail row A10); without it there is only what userspace says. */
static bool kvm_fault_is_private(struct kvm *kvm, gfn_t gfn, u64 error_code)
{
	if (kvm->arch.private_fault_mask)
		return error_code & kvm->arch.private_fault_mask;
	return kvm_mem_is_private(kvm, gfn);
}

int kvm_mmu_page_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	struct kvm_page_fault fault = {
		.gfn = gpa >> PAGE_SHIFT,
		.level = PG_LEVEL_4K,
		.is_private = kvm_fault_is_private(vcpu->kvm, gpa >> PAGE_SHIFT, error_code),
	};

	fault.slot = gfn_to_memslot(vcpu->kvm, fault.gfn);
	return kvm_tdp_page_fault(vcpu, &fault);
}
