// SPDX-License-Identifier: MIT
/* Nested page tables: four levels, mapped under mmu_lock (read), zapped under mmu_lock (write). */
#include "mmu_internal.h"

#define SPTE_TABLE_BITS		(SPTE_PRESENT | SPTE_WRITABLE | SPTE_USER)
/* In a table of level 2 or 3: a mapping of 2M or 1G, no table. */
#define SPTE_LARGE		BIT_ULL(7)
#define SPTE_ADDR_MASK		0x000ffffffffff000ULL
#define SPTE_ENTRIES		512

static int spte_index(gfn_t gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & (SPTE_ENTRIES - 1);
}

static u64 *spte_child(u64 spte)
{
	return __va(spte & SPTE_ADDR_MASK);
}

static bool is_last_spte(u64 spte, int level)
{
	return level == PG_LEVEL_4K || (spte & SPTE_LARGE);
}

static u64 *mmu_alloc_table(void)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	return page ? page_address(page) : NULL;
}

static void mmu_free_table(u64 *table, int level)
{
	int i;

	for (i = 0; level > PG_LEVEL_4K && i < SPTE_ENTRIES; i++) {
		if ((table[i] & SPTE_PRESENT) && !is_last_spte(table[i], level))
			mmu_free_table(spte_child(table[i]), level - 1);
	}
	__free_page(pfn_to_page(__pa(table) >> PAGE_SHIFT));
}

int kvm_mmu_create(struct kvm *kvm)
{
	kvm->arch.root_spt = mmu_alloc_table();
	return kvm->arch.root_spt ? 0 : -ENOMEM;
}

void kvm_mmu_destroy(struct kvm *kvm)
{
	mmu_free_table(kvm->arch.root_spt, PT64_ROOT_LEVEL);
}

/* Before mmu_lock: this allocation may reclaim (mail row A7). */
int mmu_topup_memory_caches(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_memory_cache *cache = &vcpu->arch.mmu_page_table_cache;

	while (cache->nobjs < PT64_ROOT_LEVEL) {
		void *table = mmu_alloc_table();

		if (!table)
			return -ENOMEM;
		cache->objects[cache->nobjs++] = table;
	}
	return 0;
}

void kvm_mmu_free_memory_caches(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_memory_cache *cache = &vcpu->arch.mmu_page_table_cache;

	while (cache->nobjs)
		mmu_free_table(cache->objects[--cache->nobjs], PG_LEVEL_4K);
}

/*
 * The entry of @gfn at *@level, or the last one above it if there is no table below;
 * *@level becomes its own. What maps the gfn already ends the walk as well.
 */
static u64 *mmu_walk(struct kvm *kvm, gfn_t gfn, int *level)
{
	u64 *table = kvm->arch.root_spt;
	int at;

	for (at = PT64_ROOT_LEVEL; at > *level; at--) {
		u64 *sptep = &table[spte_index(gfn, at)];
		u64 spte = READ_ONCE(*sptep);

		if (!(spte & SPTE_PRESENT) || is_last_spte(spte, at)) {
			*level = at;
			return sptep;
		}
		table = spte_child(spte);
	}
	return &table[spte_index(gfn, at)];
}

/* Installs a mapping of that level, or a smaller one where there are tables for one already. */
int tdp_mmu_map(struct kvm_vcpu *vcpu, gfn_t gfn, kvm_pfn_t pfn, int level, u64 bits)
{
	struct kvm_mmu_memory_cache *cache = &vcpu->arch.mmu_page_table_cache;
	struct kvm *kvm = vcpu->kvm;
	unsigned long pages;
	u64 *sptep, *child;
	int at;

	for (;;) {
		at = level;
		sptep = mmu_walk(kvm, gfn, &at);
		if (at == level)
			break;
		/* Mapped already, larger than it was to be. */
		if (READ_ONCE(*sptep) & SPTE_PRESENT)
			return RET_PF_FIXED;
		if (!cache->nobjs)
			return RET_PF_RETRY;
		child = cache->objects[--cache->nobjs];
		if (cmpxchg64(sptep, 0, __pa(child) | SPTE_TABLE_BITS))
			/* Another vCPU was faster; ours stays for the next fault. */
			cache->objects[cache->nobjs++] = child;
	}

	if (READ_ONCE(*sptep) & SPTE_PRESENT) {
		if (is_last_spte(READ_ONCE(*sptep), level))
			return RET_PF_FIXED;
		return tdp_mmu_map(vcpu, gfn, pfn, level - 1, bits);
	}
	pages = KVM_PAGES_PER_HPAGE(level);
	if (level > PG_LEVEL_4K)
		bits |= SPTE_LARGE;
	if (cmpxchg64(sptep, 0, (round_down(pfn, pages) << PAGE_SHIFT) | bits))
		return RET_PF_RETRY;
	return RET_PF_FIXED;
}

/* Zaps whatever maps a gfn of the range, all of it; true if TLBs must be flushed. May drop mmu_lock on the way. */
bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	gfn_t gfn = range->start;
	bool flush = false;

	lockdep_assert_held_write(&kvm->mmu_lock);

	while (gfn < range->end) {
		int level = PG_LEVEL_4K;
		u64 *sptep = mmu_walk(kvm, gfn, &level);

		if (READ_ONCE(*sptep) & SPTE_PRESENT) {
			WRITE_ONCE(*sptep, 0);
			flush = true;
		}
		gfn = round_down(gfn, KVM_PAGES_PER_HPAGE(level)) + KVM_PAGES_PER_HPAGE(level);
		if (range->may_block && need_resched()) {
			/* Nobody may see the lock free while old translations are in use. */
			if (flush)
				kvm_flush_remote_tlbs(kvm);
			flush = false;
			cond_resched_rwlock_write(&kvm->mmu_lock);
		}
	}
	return flush;
}

/* No invalidation is needed: faults don't find the slot any more. */
void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	struct kvm_gfn_range range = {
		.slot = slot,
		.start = slot->base_gfn,
		.end = slot->base_gfn + slot->npages,
		.may_block = true,
	};

	write_lock(&kvm->mmu_lock);
	if (kvm_unmap_gfn_range(kvm, &range))
		kvm_flush_remote_tlbs(kvm);
	write_unlock(&kvm->mmu_lock);
}

/* Whatever is mapped there is to be mapped anew, otherwise. */
void kvm_zap_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct kvm_gfn_range range = { .start = start, .end = end };

	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	if (kvm_mmu_unmap_gfn_range(kvm, &range))
		kvm_flush_remote_tlbs(kvm);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}
