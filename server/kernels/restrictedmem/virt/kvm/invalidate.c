// SPDX-License-Identifier: MIT
/* Keeping the guest from a range while what is behind it changes, and who asks for that. */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

/*
 * Invalidation: from begin to end no fault maps a gfn of the range; after the end,
 * the sequence tells a fault that began earlier to try again (mail row A8).
 */
void kvm_mmu_invalidate_begin(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!kvm->mmu_invalidate_in_progress++) {
		kvm->mmu_invalidate_range_start = INVALID_GFN;
		kvm->mmu_invalidate_range_end = 0;
	}
}

/* Several invalidations at once share one range, which only grows. @end is exclusive (mail row A11). */
void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	WARN_ON_ONCE(!kvm->mmu_invalidate_in_progress);

	kvm->mmu_invalidate_range_start = min(kvm->mmu_invalidate_range_start, start);
	kvm->mmu_invalidate_range_end = max(kvm->mmu_invalidate_range_end, end);
}

void kvm_mmu_invalidate_end(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	/* Bumped before the count drops, so that no fault sees neither. */
	kvm->mmu_invalidate_seq++;
	smp_wmb();
	kvm->mmu_invalidate_in_progress--;
	WARN_ON_ONCE(kvm->mmu_invalidate_in_progress < 0);
}

bool kvm_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	kvm_mmu_invalidate_range_add(kvm, range->start, range->end);
	return kvm_unmap_gfn_range(kvm, range);
}

/* The caller holds slots_lock, so the slots, and with them the calls of on_lock, stay in balance. */
void kvm_handle_gfn_range(struct kvm *kvm, struct kvm_mmu_notifier_range *range)
{
	struct kvm_gfn_range part = {
		.attributes = range->attributes,
		.may_block = range->may_block,
	};
	bool found_memslot = false, flush = false;
	int i;

	kvm_for_each_memslot(part.slot, i, kvm) {
		part.start = max(range->start, part.slot->base_gfn);
		part.end = min(range->end, part.slot->base_gfn + part.slot->npages);
		if (part.start >= part.end)
			continue;

		if (!found_memslot) {
			found_memslot = true;
			KVM_MMU_LOCK(kvm);
			if (range->on_lock)
				range->on_lock(kvm);
		}
		if (range->handler(kvm, &part))
			flush = true;
	}

	if (range->flush_on_ret && flush)
		kvm_flush_remote_tlbs(kvm);
	if (found_memslot)
		KVM_MMU_UNLOCK(kvm);
}

static struct kvm *mmu_notifier_to_kvm(struct mmu_notifier *mn)
{
	return container_of(mn, struct kvm, mmu_notifier);
}

/* The VMM's own mapping changes: shared pages only. Slots may change meanwhile, so begin and end are unconditional. */
static int kvm_mmu_notifier_invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mmu_notifier_to_kvm(mn);
	struct kvm_gfn_range part = { .may_block = false };
	bool flush = false;
	int i, idx;

	idx = srcu_read_lock(&kvm->srcu);
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_begin(kvm);

	kvm_for_each_memslot(part.slot, i, kvm) {
		unsigned long hva = part.slot->userspace_addr;
		unsigned long first = max(range->start, hva);
		unsigned long last = min(range->end, hva + (part.slot->npages << PAGE_SHIFT));

		if (first >= last)
			continue;
		part.start = part.slot->base_gfn + ((first - hva) >> PAGE_SHIFT);
		part.end = part.slot->base_gfn + ((last - hva + PAGE_SIZE - 1) >> PAGE_SHIFT);
		if (kvm_mmu_unmap_gfn_range(kvm, &part))
			flush = true;
	}

	if (flush)
		kvm_flush_remote_tlbs(kvm);
	KVM_MMU_UNLOCK(kvm);
	srcu_read_unlock(&kvm->srcu, idx);
	return 0;
}

static void kvm_mmu_notifier_invalidate_range_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mmu_notifier_to_kvm(mn);

	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

const struct mmu_notifier_ops kvm_mmu_notifier_ops = {
	.invalidate_range_start = kvm_mmu_notifier_invalidate_range_start,
	.invalidate_range_end = kvm_mmu_notifier_invalidate_range_end,
};
