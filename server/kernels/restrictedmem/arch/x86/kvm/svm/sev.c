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
		/* The hardware says whether the guest used its C-bit (mail row A10). */
		kvm->arch.private_fault_mask = PFERR_GUEST_ENC_MASK;
	}
	return 0;
}

static bool sev_snp_guest(struct kvm *kvm)
{
	return kvm->arch.sev_info.snp_active;
}

#define PAGES_OF_2M	(1UL << PMD_ORDER)

static bool is_pfn_range_shared(kvm_pfn_t start, kvm_pfn_t end)
{
	kvm_pfn_t pfn;

	for (pfn = start; pfn < end; pfn++) {
		bool assigned;
		int level;

		if (snp_lookup_rmpentry(pfn, &assigned, &level) || assigned)
			return false;
	}
	return true;
}

/*
 * A page is handed to the guest. One entry of 2M where all of the 2M may be mapped, else
 * 4K; an entry that is there already decides how large the mapping can be, since hardware
 * wants both to be alike. There are no entries of 1G, so 2M is the most.
 */
int sev_restrictedmem_prepare(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int *level)
{
	u32 asid = kvm->arch.sev_info.asid;
	bool assigned;
	int now, r;

	if (!sev_snp_guest(kvm))
		return 0;

	*level = min(*level, (int)PG_LEVEL_2M);
	if (snp_lookup_rmpentry(pfn, &assigned, &now))
		return -ENOENT;
	if (assigned) {
		/* Under a 4K mapping an entry of 2M is smashed when the guest meets it. */
		*level = min(*level, now);
		return 0;
	}

	if (*level == PG_LEVEL_2M) {
		kvm_pfn_t first = round_down(pfn, PAGES_OF_2M);

		/* Some of it may have been the guest's, page by page, before. */
		if (is_pfn_range_shared(first, first + PAGES_OF_2M)) {
			gfn = round_down(gfn, PAGES_OF_2M);
			r = rmp_make_private(first, gfn << PAGE_SHIFT, PG_LEVEL_2M, asid, false);
			return r ? -EINVAL : 0;
		}
		*level = PG_LEVEL_4K;
	}
	r = rmp_make_private(pfn, gfn << PAGE_SHIFT, PG_LEVEL_4K, asid, false);
	return r ? -EINVAL : 0;
}

/* How many pages from @pfn on become the host's by one RMPUPDATE; 0 if none can. */
static unsigned long sev_pages_to_share(kvm_pfn_t pfn, kvm_pfn_t end, int level)
{
	if (level != PG_LEVEL_2M)
		return 1;
	if (IS_ALIGNED(pfn, PAGES_OF_2M) && pfn + PAGES_OF_2M <= end)
		return PAGES_OF_2M;
	/* The rest of the entry stays the guest's (mail row B4). */
	return psmash(round_down(pfn, PAGES_OF_2M)) ? 0 : 1;
}

/*
 * Pages of a folio leave the file, or lose the VM: those that a guest owned become the
 * host's, or are never used again (mail row A2). Then the directmap is put right.
 */
void sev_restrictedmem_invalidate(struct kvm *kvm, kvm_pfn_t start, kvm_pfn_t end, unsigned int order)
{
	kvm_pfn_t pfn = start;

	if (!sev_snp_guest(kvm))
		return;

	while (pfn < end) {
		unsigned long pages = 1;
		bool assigned;
		int level;

		if (!snp_lookup_rmpentry(pfn, &assigned, &level) && assigned) {
			pages = sev_pages_to_share(pfn, end, level);
			if (!pages || rmp_make_shared(pfn, pages > 1 ? PG_LEVEL_2M : PG_LEVEL_4K)) {
				pages = max(pages, 1UL);
				snp_leak_pages(pfn, pages);
			}
		}
		pfn += pages;
		cond_resched();
	}
	restore_direct_map(start, end, order);
}

/*
 * The guest met an entry of another size than its mapping, or validates (PVALIDATE) 4K of
 * an entry of 2M: the entry is smashed, or the mapping goes and comes back smaller.
 */
void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct kvm_memory_slot *slot = gfn_to_memslot(vcpu->kvm, gfn);
	unsigned int order;
	struct file *file;
	struct page *page;
	kvm_pfn_t pfn;
	bool assigned;
	int level;

	if (!(error_code & PFERR_GUEST_SIZEM_MASK) || !kvm_slot_can_be_private(slot))
		return;

	file = kvm_restrictedmem_lock(slot);
	if (!file)
		return;
	if (!kvm_restrictedmem_get_pfn(slot, gfn, &pfn, &page, &order)) {
		if (!snp_lookup_rmpentry(pfn, &assigned, &level) && assigned && level == PG_LEVEL_2M)
			psmash(round_down(pfn, PAGES_OF_2M));
		put_page(page);
	}
	kvm_restrictedmem_unlock(file);
	kvm_zap_gfn_range(vcpu->kvm, gfn, gfn + 1);
}
