// SPDX-License-Identifier: MIT
/*
 * TDX guests: when a page of theirs becomes private, and when it becomes the host's again. The same two places as for
 * SNP, allocation and truncation (mail row A12); between them a page is only blocked and unblocked.
 */
#include <linux/pagemap.h>

#include "tdx.h"

/* Guests have 52 bits of addresses; the highest of them says that an access is meant for shared memory (mail row A10). */
#define TDX_SHARED_BIT	BIT_ULL(51)

static atomic_t tdx_last_hkid;

/* struct tdx_page by pfn, of all domains. */
static struct xarray tdx_pages;

static void tdx_put(struct kvm_tdx *tdx)
{
	if (!atomic_dec_and_test(&tdx->users_count))
		return;
	xa_destroy(&tdx->private_gfns);
	kfree(tdx);
}

int tdx_vm_init(struct kvm *kvm)
{
	struct kvm_tdx *tdx = kzalloc(sizeof(*tdx), GFP_KERNEL_ACCOUNT);

	if (!tdx)
		return -ENOMEM;
	tdx->hkid = atomic_inc_return(&tdx_last_hkid);
	atomic_set(&tdx->users_count, 1);
	xa_init(&tdx->private_gfns);
	kvm->arch.tdx = tdx;
	kvm->arch.gpa_shared_mask = TDX_SHARED_BIT;
	return 0;
}

/* From here on the domain can't run: what is left of its pages is reclaimed when the file lets go of them. */
void tdx_vm_destroy(struct kvm *kvm)
{
	struct kvm_tdx *tdx = kvm->arch.tdx;

	WARN_ON_ONCE(tdh_mng_key_freeid(tdx->hkid));
	tdx->torn_down = true;
	tdx_put(tdx);
}

/* The module lets a blocked page go once every vCPU has begun anew since the block. */
void tdx_flush_tlb_all(struct kvm *kvm)
{
	struct kvm_tdx *tdx = kvm->arch.tdx;

#ifndef CONFIG_TDX_BUG_NO_TRACK
	/* Wrong without it: the module can't know that old translations are gone, and keeps the pages (mail row A12). */
	WARN_ON_ONCE(tdh_mem_track(tdx->hkid));
#endif
	__vmx_kick_vcpus(tdx->hkid);
}

/* To add a page is to map it, so it obeys what mapping obeys (mail row A8): not while its gfn is being invalidated. */
static int tdx_add_page(struct kvm *kvm, struct tdx_page *page, kvm_pfn_t pfn)
{
	int r = -EAGAIN;

	read_lock(&kvm->mmu_lock);
	if (!mmu_invalidate_retry_gfn(kvm, kvm->mmu_invalidate_seq, page->gfn) && kvm_mem_is_private(kvm, page->gfn)) {
		r = tdh_mem_page_aug(page->tdx->hkid, page->gfn << PAGE_SHIFT, pfn << PAGE_SHIFT) ? -EIO : 0;
		if (!r) {
			xa_store(&tdx_pages, pfn, page, GFP_ATOMIC);
			xa_store(&page->tdx->private_gfns, page->gfn, page, GFP_ATOMIC);
		}
	}
	read_unlock(&kvm->mmu_lock);
	return r;
}

/*
 * guest_memfd hands a page to the guest: it becomes the domain's, unless it has been for long (mail rows A5, A12).
 * The guest still has to accept it.
 */
int tdx_gmem_prepare(struct kvm *kvm, kvm_pfn_t pfn, gfn_t gfn, int max_order)
{
	struct kvm_tdx *tdx = kvm->arch.tdx;
	struct tdx_page *page;
	int r;

	if (xa_load(&tdx_pages, pfn))
		return 0;

	/* What may reclaim comes before mmu_lock (mail row A7). */
	page = kzalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	page->tdx = tdx;
	page->gfn = gfn;
	r = xa_reserve(&tdx_pages, pfn, GFP_KERNEL_ACCOUNT);
	if (!r)
		r = xa_reserve(&tdx->private_gfns, gfn, GFP_KERNEL_ACCOUNT);
	if (!r)
		r = tdx_add_page(kvm, page, pfn);
	if (r) {
		kfree(page);
		return r;
	}
	atomic_inc(&tdx->users_count);
	return 0;
}

/* A fault maps what an invalidation blocked: a conversion to shared and back leaves the page, and what is in it. */
int tdx_private_map(struct kvm *kvm, gfn_t gfn)
{
	struct tdx_page *page = xa_load(&kvm->arch.tdx->private_gfns, gfn);

	lockdep_assert_held_read(&kvm->mmu_lock);

	if (!page)
		return -EAGAIN;
	if (READ_ONCE(page->blocked)) {
		WRITE_ONCE(page->blocked, false);
		if (tdh_mem_range_unblock(page->tdx->hkid, gfn << PAGE_SHIFT))
			return -EAGAIN;
	}
	return 0;
}

/* Nobody gets a new translation of the range; true if old ones must be flushed. */
bool tdx_private_zap(struct kvm *kvm, struct kvm_gfn_range *range)
{
	struct xarray *gfns = &kvm->arch.tdx->private_gfns;
	struct tdx_page *page;
	unsigned long index;
	bool flush = false;

	lockdep_assert_held_write(&kvm->mmu_lock);

	xa_for_each_range(gfns, index, page, range->start, range->end - 1) {
		if (page->blocked)
			continue;
		WARN_ON_ONCE(tdh_mem_range_block(page->tdx->hkid, index << PAGE_SHIFT));
		page->blocked = true;
		flush = true;
	}
	return flush;
}

/* The host's again: taken out of a living domain, or reclaimed from a dead one. */
static u64 tdx_take_page(const struct tdx_page *page, kvm_pfn_t pfn)
{
	if (page->tdx->torn_down)
		return tdh_phymem_page_reclaim(pfn << PAGE_SHIFT);
	return tdh_mem_page_remove(page->tdx->hkid, page->gfn << PAGE_SHIFT);
}

/*
 * Pages leave guest_memfd: those that were a domain's go back to the host, or are never used again (mail row A12). A
 * domain that lives was kept from them by the invalidation around this.
 */
void tdx_gmem_invalidate(kvm_pfn_t start, kvm_pfn_t end)
{
	kvm_pfn_t pfn;

	for (pfn = start; pfn < end; pfn++) {
		struct tdx_page *page = xa_load(&tdx_pages, pfn);
		u64 error;

		if (!page)
			continue;
		xa_store(&tdx_pages, pfn, NULL, GFP_KERNEL);
		xa_store(&page->tdx->private_gfns, page->gfn, NULL, GFP_KERNEL);

		error = tdx_take_page(page, pfn);
		if (error) {
			pr_err("PFN %llx stays the domain's and is leaked: %llx\n", pfn, error);
			folio_get(page_folio(pfn_to_page(pfn)));
		} else {
			/* Written with another key: whoever reads it before it is cleared reads nonsense. */
			clear_highpage(pfn_to_page(pfn));
		}
		tdx_put(page->tdx);
		kfree(page);
		cond_resched();
	}
}
