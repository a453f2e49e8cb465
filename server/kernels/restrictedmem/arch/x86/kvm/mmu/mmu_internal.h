/* SPDX-License-Identifier: MIT */
#ifndef __KVM_X86_MMU_INTERNAL_H
#define __KVM_X86_MMU_INTERNAL_H

#include <asm/pgtable.h>
#include <linux/kvm_host.h>

enum {
	RET_PF_RETRY = 1,	/* let the guest try again */
	RET_PF_FIXED = 2,
};

#define SPTE_PRESENT		BIT_ULL(0)
#define SPTE_WRITABLE		BIT_ULL(1)
#define SPTE_USER		BIT_ULL(2)

#define KVM_PAGES_PER_HPAGE(level)	(1UL << (9 * ((level) - PG_LEVEL_4K)))

int mmu_topup_memory_caches(struct kvm_vcpu *vcpu);
int tdp_mmu_map(struct kvm_vcpu *vcpu, gfn_t gfn, kvm_pfn_t pfn, int level, u64 bits);

#endif
