// SPDX-License-Identifier: MIT
/*
 * A slot's private memory: a range of a file that nobody maps. Its store hands out pages when faults want them, and says
 * when pages go (mail rows E1, E3).
 */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

static struct kvm_memory_slot *notifier_to_slot(struct memfile_notifier *notifier)
{
	return container_of(notifier, struct kvm_memory_slot, notifier);
}

/* The part of [start, end) of the file that the slot has, in gfns; false if it has none. */
static bool kvm_private_range(struct kvm_memory_slot *slot, pgoff_t start, pgoff_t end, struct kvm_gfn_range *range)
{
	pgoff_t first = max(start, slot->private_pgoff);
	pgoff_t last = min(end, slot->private_pgoff + slot->npages);

	if (first >= last)
		return false;
	range->slot = slot;
	range->start = slot->base_gfn + (first - slot->private_pgoff);
	range->end = slot->base_gfn + (last - slot->private_pgoff);
	range->only_private = true;
	range->may_block = true;
	return true;
}

/* From here to the end no fault maps what is about to leave the file (mail row A8). */
static void kvm_memfile_invalidate_start(struct memfile_notifier *notifier, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot = notifier_to_slot(notifier);
	struct kvm *kvm = slot->kvm;
	struct kvm_gfn_range range = {};

	if (!kvm_private_range(slot, start, end, &range))
		return;
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_begin(kvm);
	if (kvm_mmu_unmap_gfn_range(kvm, &range))
		kvm_flush_remote_tlbs(kvm);
	KVM_MMU_UNLOCK(kvm);
}

static void kvm_memfile_invalidate_end(struct memfile_notifier *notifier, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot = notifier_to_slot(notifier);
	struct kvm *kvm = slot->kvm;
	struct kvm_gfn_range range = {};

	if (!kvm_private_range(slot, start, end, &range))
		return;
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

static const struct memfile_notifier_ops kvm_memfile_notifier_ops = {
	.invalidate_start = kvm_memfile_invalidate_start,
	.invalidate_end = kvm_memfile_invalidate_end,
};

int kvm_private_mem_register(struct kvm_memory_slot *slot, unsigned int fd, loff_t offset)
{
	unsigned long flags = MEMFILE_F_USER_INACCESSIBLE;
	struct file *file = fget(fd);
	int r = -EINVAL;

	if (!file)
		return -EBADF;
	if (offset < 0 || !PAGE_ALIGNED(offset) ||
	    offset + (loff_t)(slot->npages << PAGE_SHIFT) > file_inode(file)->i_size)
		goto out;

#ifdef CONFIG_MEMFILE_UNMOVABLE
	flags |= MEMFILE_F_UNMOVABLE | MEMFILE_F_UNRECLAIMABLE;
#endif
	slot->private_pgoff = offset >> PAGE_SHIFT;
	slot->notifier.ops = &kvm_memfile_notifier_ops;
	r = memfile_register_notifier(file, flags, &slot->notifier);
	if (r)
		goto out;
	/* The slot keeps the file. */
	slot->private_file = file;
	return 0;
out:
	fput(file);
	return r;
}

void kvm_private_mem_unregister(struct kvm_memory_slot *slot)
{
	if (!slot->private_file)
		return;
	memfile_unregister_notifier(slot->private_file, &slot->notifier);
	fput(slot->private_file);
	slot->private_file = NULL;
}

/* The page behind a private gfn, with a reference. No lock of KVM's is held, so the store may sleep (mail row A7). */
int kvm_private_mem_get_pfn(struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *pfn, struct page **page)
{
	pgoff_t index = gfn - slot->base_gfn + slot->private_pgoff;
	unsigned long found;
	int r;

	r = slot->notifier.bs->get_pfn(slot->private_file, index, &found, page);
	if (!r)
		*pfn = found;
	return r;
}
