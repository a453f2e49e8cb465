// SPDX-License-Identifier: MIT
/* SEV-SNP guests: when a page of theirs becomes private, and when it becomes the host's again. */
#include <asm/sev.h>

#include "svm.h"

static atomic_t sev_last_asid;

int sev_vm_init(struct kvm *kvm)
{
	struct kvm_sev_info *sev = &kvm->arch.sev_info;

	sev->asid = atomic_inc_return(&sev_last_asid);
	if (kvm->arch.vm_type == KVM_X86_SNP_VM) {
		sev->snp_active = true;
		/*
		 * The hardware says whether the guest used its C-bit (mail row A10). Without SNP nobody says,
		 * and userspace's attributes are all there is (KVM_X86_SW_PROTECTED_VM).
		 */
		kvm->arch.private_fault_mask = PFERR_GUEST_ENC_MASK;
	}
	return 0;
}

static bool sev_snp_guest(struct kvm *kvm)
{
	return kvm->arch.sev_info.snp_active;
}

/*
 * guest_memfd hands a page to the guest. Most of the time the page has been the
 * guest's for long, which only the RMP can tell: one look-up a fault (mail row A5).
 */
int sev_gmem_prepare(struct kvm *kvm, kvm_pfn_t pfn, gfn_t gfn, int max_order)
{
	bool assigned;
	int level, r;

	if (!sev_snp_guest(kvm))
		return 0;

	r = snp_lookup_rmpentry(pfn, &assigned, &level);
	if (r)
		return -ENOENT;
	if (assigned)
		return 0;

	r = rmp_make_private(pfn, gfn << PAGE_SHIFT, PG_LEVEL_4K, kvm->arch.sev_info.asid, false);
	return r ? -EINVAL : 0;
}

/*
 * Pages leave guest_memfd: those that a guest owned become the host's, or are never
 * used again (mail row A2). Pages that no guest ever touched are the host's already.
 */
void sev_gmem_invalidate(kvm_pfn_t start, kvm_pfn_t end)
{
	kvm_pfn_t pfn;

	for (pfn = start; pfn < end; pfn++) {
		bool assigned;
		int level;

		if (snp_lookup_rmpentry(pfn, &assigned, &level) || !assigned)
			continue;
		if (rmp_make_shared(pfn, PG_LEVEL_4K))
			snp_leak_pages(pfn, 1);
		cond_resched();
	}
}

#ifdef CONFIG_GMEM_HOOK_SET_ATTRIBUTES
/*
 * The design that was given up. It is wrong twice (mail row A3): a gfn without a page
 * yet is skipped, so its page will be mapped without being private in the RMP; and one
 * that becomes shared has its old page, which stays in the file, taken from the guest.
 * And it can't work here, since mmu_lock is held (mail row A6).
 */
void sev_gmem_set_mem_attributes(struct kvm *kvm, struct kvm_gfn_range *range)
{
	bool private = range->attributes & KVM_MEMORY_ATTRIBUTE_PRIVATE;
	kvm_pfn_t pfn;
	gfn_t gfn;
	int r;

	if (!sev_snp_guest(kvm))
		return;

	for (gfn = range->start; gfn < range->end; gfn++) {
		if (!kvm_gmem_find_pfn(range->slot, gfn, &pfn))
			continue;
		if (private)
			r = rmp_make_private(pfn, gfn << PAGE_SHIFT, PG_LEVEL_4K, kvm->arch.sev_info.asid, false);
		else
			r = rmp_make_shared(pfn, PG_LEVEL_4K);
		WARN_ON_ONCE(r);
	}
}
#endif
