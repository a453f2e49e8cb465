// SPDX-License-Identifier: MIT
/* Nested page tables: four levels, 4K mappings only, mapped under mmu_lock (read), zapped under mmu_lock (write). */
#include <asm/set_memory.h>
#include <linux/kvm_host.h>

#define SPTE_PRESENT		BIT_ULL(0)
#define SPTE_WRITABLE		BIT_ULL(1)
#define SPTE_USER		BIT_ULL(2)
#define SPTE_NX			BIT_ULL(63)
#define SPTE_TABLE_BITS		(SPTE_PRESENT | SPTE_WRITABLE | SPTE_USER)
#define SPTE_ADDR_MASK		0x000ffffffffff000ULL
#define SPTE_ENTRIES		512

/* AMD's format; EPT has no bit for user mode, and says what may be executed instead of what may not. */
static u64 shadow_user_mask = SPTE_USER;
static u64 shadow_nx_mask = SPTE_NX;
static u64 shadow_x_mask;

enum {
	RET_PF_RETRY = 1,	/* let the guest try again */
	RET_PF_FIXED = 2,
};

struct kvm_page_fault {
	gpa_t addr;
	u64 error_code;
	gfn_t gfn;
	struct kvm_memory_slot *slot;
	unsigned int access;		/* the one of KVM_PROT_… that the guest needs */
	unsigned int prot;		/* what it may have */
	bool is_private;
	unsigned long mmu_seq;
	kvm_pfn_t pfn;
	struct page *page;		/* our reference to it */
};

static int spte_index(gfn_t gfn, int level)
{
	return (gfn >> (9 * (level - 1))) & (SPTE_ENTRIES - 1);
}

static u64 *spte_child(u64 spte)
{
	return __va(spte & SPTE_ADDR_MASK);
}

static u64 *mmu_alloc_table(void)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	return page ? page_address(page) : NULL;
}

static void mmu_free_table(u64 *table, int level)
{
	int i;

	for (i = 0; level > 1 && i < SPTE_ENTRIES; i++) {
		if (table[i] & SPTE_PRESENT)
			mmu_free_table(spte_child(table[i]), level - 1);
	}
	__free_page(pfn_to_page(__pa(table) >> PAGE_SHIFT));
}

void kvm_mmu_set_ept_masks(void)
{
	shadow_user_mask = 0;
	shadow_nx_mask = 0;
	shadow_x_mask = BIT_ULL(2);
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
static int mmu_topup_memory_caches(struct kvm_vcpu *vcpu)
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
		mmu_free_table(cache->objects[--cache->nobjs], 1);
}

static u64 *mmu_take_table(struct kvm_mmu_memory_cache *cache)
{
#ifdef CONFIG_GMEM_BUG_ALLOC_UNDER_MMU_LOCK
	/* Wrong: the allocation may reclaim, so it may sleep, and mmu_lock is held (mail row A7). */
	return mmu_alloc_table();
#else
	return cache->objects[--cache->nobjs];
#endif
}

static void mmu_put_table(struct kvm_mmu_memory_cache *cache, u64 *table)
{
#ifdef CONFIG_GMEM_BUG_ALLOC_UNDER_MMU_LOCK
	mmu_free_table(table, 1);
#else
	cache->objects[cache->nobjs++] = table;
#endif
}

/* The 4K entry of @gfn; tables on the way come from @cache, or without one end the walk with NULL. */
static u64 *mmu_walk(struct kvm *kvm, gfn_t gfn, struct kvm_mmu_memory_cache *cache)
{
	u64 *table = kvm->arch.root_spt;
	int level;

	for (level = PT64_ROOT_LEVEL; level > 1; level--) {
		u64 *sptep = &table[spte_index(gfn, level)];
		u64 spte = READ_ONCE(*sptep);

		if (!(spte & SPTE_PRESENT)) {
			u64 *child;

			if (!cache)
				return NULL;
			child = mmu_take_table(cache);
			if (!child)
				return NULL;
			spte = cmpxchg64(sptep, 0, __pa(child) | SPTE_TABLE_BITS);
			if (spte)
				/* Another vCPU was faster; ours stays for the next fault. */
				mmu_put_table(cache, child);
			else
				spte = READ_ONCE(*sptep);
		}
		table = spte_child(spte);
	}
	return &table[spte_index(gfn, 1)];
}

/* Whether private memory has page tables of its own, which only the hardware's module can write. */
static bool kvm_has_private_spt(struct kvm *kvm)
{
	return kvm->arch.gpa_shared_mask;
}

/* Zaps the range's SPTEs; true if TLBs must be flushed. May drop mmu_lock on the way. */
bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	bool flush = false;
	gfn_t gfn;

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (kvm_has_private_spt(kvm)) {
		if (!range->only_shared)
			flush = kvm_x86_call(private_zap)(kvm, range);
		if (range->only_private)
			return flush;
	}

	for (gfn = range->start; gfn < range->end; gfn++) {
		u64 *sptep = mmu_walk(kvm, gfn, NULL);

		if (sptep && (READ_ONCE(*sptep) & SPTE_PRESENT)) {
			WRITE_ONCE(*sptep, 0);
			flush = true;
		}
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

bool kvm_arch_pre_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range)
{
#ifdef CONFIG_GMEM_BUG_ATTRIBUTES_KEEP_MAPPED
	/* Wrong: the guest goes on with what was mapped under the old attributes (mail row A9). */
	return false;
#endif
#ifndef CONFIG_KVM_PROTECTIONS
	/* Without protections only a conversion changes anything, and there is none here. */
	if (!kvm_slot_can_be_private(range->slot))
		return false;
#endif
	return kvm_unmap_gfn_range(kvm, range);
}

/*
 * There is nothing to do here: what a gfn should be says nothing about any pfn. The
 * shared page of the same gfn is another pfn that the host owns already (mail row A3).
 */
bool kvm_arch_post_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

#ifdef CONFIG_GMEM_HOOK_SET_ATTRIBUTES
	/* The design that was given up: RMP updates under mmu_lock (mail rows A3, A6). */
	if (kvm_slot_can_be_private(range->slot))
		kvm_arch_gmem_set_mem_attributes(kvm, range);
#endif
	return false;
}

/* Userspace has to see to it: a conversion, or with @access a protection that is in the way. */
static int kvm_memory_fault_exit(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault, unsigned int access)
{
	u64 flags = fault->is_private ? KVM_MEMORY_EXIT_FLAG_PRIVATE : 0;

	if (access & KVM_PROT_READ)
		flags |= KVM_MEMORY_EXIT_FLAG_READ;
	if (access & KVM_PROT_WRITE)
		flags |= KVM_MEMORY_EXIT_FLAG_WRITE;
	if (access & KVM_PROT_EXEC)
		flags |= KVM_MEMORY_EXIT_FLAG_EXEC;
	kvm_prepare_memory_fault_exit(vcpu, fault->gfn << PAGE_SHIFT, PAGE_SIZE, flags);
	return -EFAULT;
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
	if (fault->is_private != kvm_mem_is_private(kvm, fault->gfn))
		return kvm_memory_fault_exit(vcpu, fault, 0);

	/* An attribute that changes from here on makes the fault stale as well. */
	fault->prot = kvm_effective_protections(fault->slot, kvm_get_memory_attributes(kvm, fault->gfn));
	if (fault->access & ~fault->prot)
		return kvm_memory_fault_exit(vcpu, fault, fault->access);

	if (fault->is_private) {
		int r = -EFAULT;

		if (kvm_slot_can_be_private(fault->slot))
			r = kvm_gmem_get_pfn(kvm, fault->slot, fault->gfn, &fault->pfn, &fault->page);
		/* An invalidation is on its way. */
		if (r == -EAGAIN)
			return RET_PF_RETRY;
		return r ? kvm_memory_fault_exit(vcpu, fault, 0) : 0;
	}

	hva = fault->slot->userspace_addr + ((fault->gfn - fault->slot->base_gfn) << PAGE_SHIFT);
	if (get_user_pages_fast(hva, 1, FOLL_WRITE, &fault->page) != 1)
		return -EFAULT;
	fault->pfn = page_to_pfn(fault->page);
	return 0;
}

static bool is_page_fault_stale(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
#ifdef CONFIG_GMEM_BUG_NO_RETRY_CHECK
	/* Wrong: a page that was freed since its pfn was found is mapped all the same (mail row A8). */
	return false;
#else
	return mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);
#endif
}

static u64 make_spte(const struct kvm_page_fault *fault)
{
	u64 spte = (fault->pfn << PAGE_SHIFT) | SPTE_PRESENT | shadow_user_mask;

	if (fault->prot & KVM_PROT_WRITE)
		spte |= SPTE_WRITABLE;
#ifdef CONFIG_KVM_NO_EXEC
	spte |= fault->prot & KVM_PROT_EXEC ? shadow_x_mask : shadow_nx_mask;
#else
	spte |= shadow_x_mask;
#endif
	return spte;
}

static int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	u64 *sptep, old;

	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);

#ifdef CONFIG_GMEM_HOOK_MAP
	/* Wrong: gfn and pfn are known, but the RMP update may sleep, and mmu_lock is held (mail row A6). */
	if (fault->is_private && kvm_arch_gmem_prepare(vcpu->kvm, fault->gfn, fault->pfn, 0))
		return RET_PF_RETRY;
#endif
#ifdef CONFIG_GMEM_BUG_DIRECTMAP_UNDER_MMU_LOCK
	/* Wrong: so does splitting the directmap (mail rows A6, B1). */
	if (fault->is_private && set_memory_4k((unsigned long)pfn_to_kaddr(fault->pfn), 1))
		return RET_PF_RETRY;
#endif

	if (fault->is_private && kvm_has_private_spt(vcpu->kvm))
		return kvm_x86_call(private_map)(vcpu->kvm, fault->gfn) ? RET_PF_RETRY : RET_PF_FIXED;

	sptep = mmu_walk(vcpu->kvm, fault->gfn, &vcpu->arch.mmu_page_table_cache);
	if (!sptep)
		return RET_PF_RETRY;
	old = READ_ONCE(*sptep);
	if (old & SPTE_PRESENT)
		return RET_PF_FIXED;
	if (cmpxchg64(sptep, old, make_spte(fault)) != old)
		return RET_PF_RETRY;
	return RET_PF_FIXED;
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

static unsigned int kvm_fault_access(u64 error_code)
{
	if (error_code & PFERR_WRITE_MASK)
		return KVM_PROT_WRITE;
	return error_code & PFERR_FETCH_MASK ? KVM_PROT_EXEC : KVM_PROT_READ;
}

/* Which memory the guest meant: the hardware says it one way or another, or userspace has said it (mail row A10). */
static bool kvm_fault_is_private(struct kvm *kvm, gpa_t gpa, u64 error_code)
{
	if (kvm->arch.private_fault_mask)
		return error_code & kvm->arch.private_fault_mask;
	if (kvm->arch.gpa_shared_mask)
#ifdef CONFIG_KVM_BUG_SHARED_BIT_NOT_INVERTED
		/* Wrong: the bit is read as SNP's would be (mail row A10). */
		return gpa & kvm->arch.gpa_shared_mask;
#else
		return !(gpa & kvm->arch.gpa_shared_mask);
#endif
	return kvm_mem_is_private(kvm, gpa >> PAGE_SHIFT);
}

int kvm_mmu_page_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	struct kvm_page_fault fault = {
		.addr = gpa,
		.error_code = error_code,
		.gfn = (gpa & ~vcpu->kvm->arch.gpa_shared_mask) >> PAGE_SHIFT,
		.access = kvm_fault_access(error_code),
		.is_private = kvm_fault_is_private(vcpu->kvm, gpa, error_code),
	};

	fault.slot = gfn_to_memslot(vcpu->kvm, fault.gfn);
	return kvm_tdp_page_fault(vcpu, &fault);
}
