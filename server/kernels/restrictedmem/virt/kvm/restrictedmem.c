// SPDX-License-Identifier: MIT
/* Private memory of memslots: a range of a restricted file each. */
#include "kvm_mm.h"

static struct kvm_memory_slot *notifier_to_slot(struct restrictedmem_notifier *notifier)
{
	return container_of(notifier, struct kvm_memory_slot, restrictedmem.notifier);
}

/* The part of [start, end) of the file that the slot has, as gfns. */
static void slot_range(struct kvm_memory_slot *slot, pgoff_t start, pgoff_t end, struct kvm_gfn_range *range)
{
	pgoff_t pgoff = slot->restrictedmem.pgoff;

	range->slot = slot;
	range->start = slot->base_gfn + (max(start, pgoff) - pgoff);
	range->end = slot->base_gfn + (min(end, pgoff + slot->npages) - pgoff);
	range->may_block = true;
}

/* What of the range was ever handed to the guest becomes the host's. Sleeps, so under no lock that spins (mail row A6). */
static void kvm_restrictedmem_make_shared(struct kvm_memory_slot *slot, struct kvm_gfn_range *range)
{
	pgoff_t index = slot->restrictedmem.pgoff + (range->start - slot->base_gfn);
	pgoff_t end = slot->restrictedmem.pgoff + (range->end - slot->base_gfn);
	struct folio *folio;

	while ((folio = restrictedmem_next_folio(slot->restrictedmem.file, &index, end))) {
		pgoff_t first = folio->page.index;
		pgoff_t next = min(first + folio_nr_pages(folio), end);

		kvm_arch_restrictedmem_invalidate(slot->kvm, folio_pfn(folio) + (index - first),
						  folio_pfn(folio) + (next - first), folio_order(folio));
		index = next;
	}
}

/*
 * Pages are about to leave the file: the guest loses them first, then the RMP and the
 * directmap are put right, before anybody else can have them (mail rows A2, B2).
 */
static void kvm_restrictedmem_invalidate_begin(struct restrictedmem_notifier *notifier, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot = notifier_to_slot(notifier);
	struct kvm_gfn_range range = {};
	struct kvm *kvm = slot->kvm;

	slot_range(slot, start, end, &range);

	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_begin(kvm);
	if (kvm_mmu_unmap_gfn_range(kvm, &range))
		kvm_flush_remote_tlbs(kvm);
#ifdef CONFIG_RMEM_BUG_RMP_UNDER_MMU_LOCK
	/* Wrong: an RMP update may have to split the directmap, which sleeps (mail row A6). */
	kvm_restrictedmem_make_shared(slot, &range);
	KVM_MMU_UNLOCK(kvm);
#else
	KVM_MMU_UNLOCK(kvm);
	kvm_restrictedmem_make_shared(slot, &range);
#endif
}

static void kvm_restrictedmem_invalidate_end(struct restrictedmem_notifier *notifier, pgoff_t start, pgoff_t end)
{
	struct kvm *kvm = notifier_to_slot(notifier)->kvm;

	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

static bool kvm_restrictedmem_is_private(struct restrictedmem_notifier *notifier, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot = notifier_to_slot(notifier);
	struct kvm_gfn_range range = {};
	unsigned long index;
	void *entry;

	slot_range(slot, start, end, &range);
	xa_for_each_range(&slot->kvm->mem_attr_array, index, entry, range.start, range.end - 1) {
		if (xa_to_value(entry) & KVM_MEMORY_ATTRIBUTE_PRIVATE)
			return true;
	}
	return false;
}

/* Only where the slot has no reference: its file is gone, and faults find none from now on. */
static void kvm_restrictedmem_release(struct restrictedmem_notifier *notifier)
{
	WRITE_ONCE(notifier_to_slot(notifier)->restrictedmem.file, NULL);
}

static const struct restrictedmem_notifier_ops kvm_restrictedmem_notifier_ops = {
	.invalidate_start = kvm_restrictedmem_invalidate_begin,
	.invalidate_end = kvm_restrictedmem_invalidate_end,
	.is_private = kvm_restrictedmem_is_private,
	.release = kvm_restrictedmem_release,
};

/*
 * What the offset in the file has to be aligned to, so that every large page that the
 * slot could have lies inside of its part of the file (mail row C1).
 */
static unsigned long kvm_restrictedmem_alignment(struct kvm_memory_slot *slot, struct file *file)
{
#if defined(CONFIG_RMEM_ALIGN_BY_SIZE)
	/* By the slot's size alone: the pages of the file may become larger later on (mail row C3). */
	if (slot->npages >= 1UL << PUD_ORDER)
		return PAGE_SIZE << PUD_ORDER;
	if (slot->npages >= 1UL << PMD_ORDER)
		return PAGE_SIZE << PMD_ORDER;
#elif defined(CONFIG_RMEM_ALIGN_BY_FLAGS)
	/* What the file was made for, now and for ever (mail row C4). */
	if (restrictedmem_flags(file) & RMFD_HUGEPAGE)
		return PAGE_SIZE << PMD_ORDER;
#endif
	return PAGE_SIZE;
}

int kvm_restrictedmem_bind(struct kvm *kvm, struct kvm_memory_slot *slot, unsigned int fd, loff_t offset)
{
	pgoff_t start = offset >> PAGE_SHIFT;
	pgoff_t end = start + slot->npages;
	struct file *file = fget(fd);
	unsigned long alignment;
	int r = -EINVAL;

	if (!file)
		return -EBADF;
	if (!file_is_restrictedmem(file))
		goto out;
	if (offset < 0 || (loff_t)(end << PAGE_SHIFT) > file_inode(file)->i_size)
		goto out;

	alignment = kvm_restrictedmem_alignment(slot, file);
	if (!IS_ALIGNED((unsigned long)offset, alignment)) {
		pr_warn("kvm: slot %d: restrictedmem_offset 0x%llx is not aligned to 0x%lx, which its size 0x%lx calls for\n",
			slot->id, offset, alignment, slot->npages << PAGE_SHIFT);
		goto out;
	}

	slot->restrictedmem.pgoff = start;
	slot->restrictedmem.file = file;
	slot->restrictedmem.notifier.ops = &kvm_restrictedmem_notifier_ops;
	r = restrictedmem_bind(file, start, end, &slot->restrictedmem.notifier);
#ifdef CONFIG_RMEM_SLOT_HOLDS_FILE
	if (!r)
		return 0;
#endif
out:
	fput(file);
	return r;
}

/* The slot goes; the file learns it while it can still tell what has to be undone (mail row B6). */
void kvm_restrictedmem_unbind(struct kvm_memory_slot *slot)
{
	struct file *file = slot->restrictedmem.file;
	pgoff_t start = slot->restrictedmem.pgoff;

	if (!file)
		return;
	restrictedmem_unbind(file, start, start + slot->npages, &slot->restrictedmem.notifier);
	slot->restrictedmem.file = NULL;
#ifdef CONFIG_RMEM_SLOT_HOLDS_FILE
	fput(file);
#endif
}

struct file *kvm_restrictedmem_lock(struct kvm_memory_slot *slot)
{
	struct file *file = READ_ONCE(slot->restrictedmem.file);

	if (!file || !atomic_inc_not_zero(&file->f_count))
		return NULL;
	restrictedmem_lock_pages(file);
	return file;
}

void kvm_restrictedmem_unlock(struct file *file)
{
	restrictedmem_unlock_pages(file);
	fput(file);
}

/* The page behind a private gfn, with a reference, between lock and unlock. */
int kvm_restrictedmem_get_pfn(struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *pfn, struct page **page,
			      unsigned int *order)
{
	pgoff_t index = gfn - slot->base_gfn + slot->restrictedmem.pgoff;
	int r = restrictedmem_get_page(slot->restrictedmem.file, index, page, order);

	if (!r)
		*pfn = page_to_pfn(*page);
	return r;
}
