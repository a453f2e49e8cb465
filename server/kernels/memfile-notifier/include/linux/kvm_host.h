/* SPDX-License-Identifier: MIT */
#ifndef __KVM_HOST_H
#define __KVM_HOST_H

#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/memfile_notifier.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwlock.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

typedef u64 gpa_t;			/* guest physical address */
typedef u64 gfn_t;			/* guest frame number */
typedef u64 kvm_pfn_t;			/* host frame number */

#define INVALID_GFN	(~(gfn_t)0)

struct kvm;
struct kvm_vcpu;

#include <asm/kvm_host.h>

#define KVM_MEM_SLOTS_NUM	8
#define KVM_MAX_VCPUS		8

/* One slot holds both: an address for what is shared, a file for what is private (mail row E1). */
struct kvm_memory_slot {
	struct kvm *kvm;
	gfn_t base_gfn;
	unsigned long npages;
	unsigned long userspace_addr;	/* where the shared pages are */
	u32 flags;
	struct file *private_file;	/* with a reference */
	pgoff_t private_pgoff;
	struct memfile_notifier notifier;
};

struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_id;
	int srcu_idx;
	struct mutex mutex;		/* one KVM_RUN at a time */
	struct kvm_run *run;
	struct kvm_vcpu_arch arch;
};

struct kvm {
#ifdef KVM_HAVE_MMU_RWLOCK
	rwlock_t mmu_lock;
#else
	spinlock_t mmu_lock;
#endif
	struct mutex slots_lock;	/* memslots and attributes change under it */
	struct srcu_struct srcu;	/* vCPUs read memslots under it */
	struct kvm_memory_slot *memslots[KVM_MEM_SLOTS_NUM];
	struct kvm_vcpu *vcpus[KVM_MAX_VCPUS];
	int created_vcpus;
	atomic_t users_count;

	struct mmu_notifier mmu_notifier;
	/* Changed under mmu_lock (write); a fault looks at them before it maps (mail row A8). */
	unsigned long mmu_invalidate_seq;
	long mmu_invalidate_in_progress;
	gfn_t mmu_invalidate_range_start;
	gfn_t mmu_invalidate_range_end;	/* exclusive (mail row A11) */

	/* Which gfns are private, as KVM_MEMORY_ENCRYPT_REG_REGION says it (mail row D7). */
	struct xarray mem_attr_array;

	struct kvm_arch arch;
};

/* A part of one memslot, handed to what works on SPTEs; @end is exclusive. */
struct kvm_gfn_range {
	struct kvm_memory_slot *slot;
	gfn_t start, end;
	unsigned long attributes;
	bool only_private, only_shared;	/* where both have page tables of their own; neither: both */
	bool may_block;
};

/* The first memslot at or after *i, or NULL; *i becomes its number. */
static inline struct kvm_memory_slot *kvm_next_memslot(struct kvm *kvm, int *i)
{
	for (; *i < KVM_MEM_SLOTS_NUM; ++*i) {
		struct kvm_memory_slot *slot = READ_ONCE(kvm->memslots[*i]);

		if (slot)
			return slot;
	}
	return NULL;
}

#define kvm_for_each_memslot(slot, i, kvm)	\
	for (i = 0; (slot = kvm_next_memslot(kvm, &i)); i++)

static inline bool kvm_slot_can_be_private(const struct kvm_memory_slot *slot)
{
	return slot && (slot->flags & KVM_MEM_PRIVATE);
}

static inline unsigned long kvm_get_memory_attributes(struct kvm *kvm, gfn_t gfn)
{
	return xa_to_value(xa_load(&kvm->mem_attr_array, gfn));
}

static inline bool kvm_mem_is_private(struct kvm *kvm, gfn_t gfn)
{
	return kvm_get_memory_attributes(kvm, gfn) & KVM_MEMORY_ATTRIBUTE_PRIVATE;
}

/*
 * May a fault that read @mmu_seq before it looked for its pfn still map @gfn?
 * While an invalidation covers the gfn, or if one has ended since, the pfn may
 * be on its way back to the host (mail row A8).
 */
static inline bool mmu_invalidate_retry_gfn(struct kvm *kvm, unsigned long mmu_seq, gfn_t gfn)
{
	lockdep_assert_held(&kvm->mmu_lock);
	if (kvm->mmu_invalidate_in_progress &&
	    gfn >= kvm->mmu_invalidate_range_start && gfn < kvm->mmu_invalidate_range_end)
		return true;
	return kvm->mmu_invalidate_seq != mmu_seq;
}

/* What a guest may do with a page. */
#define KVM_PROT_READ	0x1u
#define KVM_PROT_WRITE	0x2u
#define KVM_PROT_EXEC	0x4u
#define KVM_PROT_ALL	(KVM_PROT_READ | KVM_PROT_WRITE | KVM_PROT_EXEC)

unsigned int kvm_effective_protections(const struct kvm_memory_slot *slot, unsigned long attributes);

struct kvm_memory_slot *gfn_to_memslot(struct kvm *kvm, gfn_t gfn);
void kvm_get_kvm(struct kvm *kvm);
void kvm_put_kvm(struct kvm *kvm);
void kvm_flush_remote_tlbs(struct kvm *kvm);
void kvm_prepare_memory_fault_exit(struct kvm_vcpu *vcpu, gpa_t gpa, gpa_t size, u64 flags);

void kvm_mmu_invalidate_begin(struct kvm *kvm);
void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end);
void kvm_mmu_invalidate_end(struct kvm *kvm);
bool kvm_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range);
bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range);

int kvm_arch_init_vm(struct kvm *kvm, unsigned long type);
void kvm_arch_destroy_vm(struct kvm *kvm);
int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_arch_vcpu_destroy(struct kvm_vcpu *vcpu);
int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu);
void kvm_arch_flush_remote_tlbs(struct kvm *kvm);
void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot);
bool kvm_arch_pre_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range);
bool kvm_arch_post_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range);

int kvm_private_mem_get_pfn(struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *pfn, struct page **page);

/* The MMU is that of later kernels, and asks by the later name. */
static inline int kvm_gmem_get_pfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *pfn,
				   struct page **page)
{
	return kvm_private_mem_get_pfn(slot, gfn, pfn, page);
}

int kvm_arch_gmem_prepare(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int max_order);

#endif
