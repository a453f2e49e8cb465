/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_KVM_HOST_H
#define _ASM_X86_KVM_HOST_H

#include <linux/static_call.h>
#include <linux/types.h>

#define KVM_HAVE_MMU_RWLOCK

#define KVM_X86_DEFAULT_VM	0
#define KVM_X86_SW_PROTECTED_VM	1
#define KVM_X86_SNP_VM		4

/* Error code of a nested page fault; with SEV-SNP it has 64 bits (mail row A10). */
#define PFERR_WRITE_MASK	BIT_ULL(1)
#define PFERR_FETCH_MASK	BIT_ULL(4)
#define PFERR_GUEST_RMP_MASK	BIT_ULL(31)
#define PFERR_GUEST_ENC_MASK	BIT_ULL(34)
#define PFERR_GUEST_SIZEM_MASK	BIT_ULL(35)

#define PT64_ROOT_LEVEL		4

struct kvm_gfn_range;
struct kvm_memory_slot;

/* Page tables for a fault that is about to hold mmu_lock: allocated ahead (mail row A7). */
struct kvm_mmu_memory_cache {
	int nobjs;
	void *objects[PT64_ROOT_LEVEL];
};

struct kvm_sev_info {
	bool snp_active;
	u32 asid;
};

struct kvm_arch {
	unsigned long vm_type;
	u64 *root_spt;			/* top of the nested page tables */
	u64 private_fault_mask;		/* error code bits that say: private (mail row A10) */
	struct kvm_sev_info sev_info;
};

struct kvm_vcpu_arch {
	struct kvm_mmu_memory_cache mmu_page_table_cache;
	struct vmcb *vmcb;
};

struct kvm_x86_ops {
	int (*vm_init)(struct kvm *kvm);
	void (*vm_destroy)(struct kvm *kvm);
	int (*vcpu_create)(struct kvm_vcpu *vcpu);
	void (*vcpu_free)(struct kvm_vcpu *vcpu);
	void (*vcpu_run)(struct kvm_vcpu *vcpu);
	int (*handle_exit)(struct kvm_vcpu *vcpu);
	void (*flush_tlb_all)(struct kvm *kvm);
	int (*restrictedmem_prepare)(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int *level);
	void (*restrictedmem_invalidate)(struct kvm *kvm, kvm_pfn_t start, kvm_pfn_t end, unsigned int order);
};

extern struct kvm_x86_ops kvm_x86_ops;

#define KVM_X86_OP(func) DECLARE_STATIC_CALL(kvm_x86_##func, *kvm_x86_ops.func);
#include <asm/kvm-x86-ops.h>

#define kvm_x86_call(func)	static_call(kvm_x86_##func)

int kvm_x86_vendor_init(const struct kvm_x86_ops *ops);

int kvm_mmu_create(struct kvm *kvm);
void kvm_mmu_destroy(struct kvm *kvm);
void kvm_mmu_free_memory_caches(struct kvm_vcpu *vcpu);
void kvm_zap_gfn_range(struct kvm *kvm, gfn_t start, gfn_t end);
int kvm_mmu_page_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);

#endif
