/* SPDX-License-Identifier: MIT */
#ifndef __KVM_X86_VMX_TDX_H
#define __KVM_X86_VMX_TDX_H

#include <linux/kvm_host.h>

/* Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3, appendix C. */
#define EXIT_REASON_EXTERNAL_INTERRUPT	1
#define EXIT_REASON_EPT_VIOLATION	48

/* Exit qualification of an EPT violation: table 28-7 there. */
#define EPT_VIOLATION_ACC_WRITE		BIT_ULL(1)
#define EPT_VIOLATION_ACC_INSTR		BIT_ULL(2)

/* A trust domain. It outlives its VM as long as pages of it are left in a file: they still have to be reclaimed. */
struct kvm_tdx {
	u32 hkid;			/* the key that its memory is encrypted with */
	bool torn_down;
	atomic_t users_count;		/* the VM, and each page */
	struct xarray private_gfns;	/* struct tdx_page by gfn, under the VM's mmu_lock */
};

/* A page that is the domain's. The hook that takes it back is told its pfn only; the module wants the gfn. */
struct tdx_page {
	struct kvm_tdx *tdx;
	gfn_t gfn;
	bool blocked;
};

struct vcpu_tdx {
	u32 hkid;
	u32 exit_reason;
	u64 exit_qualification;
	u64 exit_gpa;			/* with the shared bit (mail row A10) */
	u64 shared_eptp;
};

/*
 * The TDX module's calls, by the domain's key and in bytes; 0 is success. Intel TDX Module ABI Specification.
 * None of them sleeps, so they may be made under mmu_lock, unlike RMPUPDATE with its directmap (mail row A6).
 */
u64 tdh_mem_page_aug(u32 hkid, u64 gpa, u64 paddr);
u64 tdh_mem_range_block(u32 hkid, u64 gpa);
u64 tdh_mem_range_unblock(u32 hkid, u64 gpa);
u64 tdh_mem_track(u32 hkid);
u64 tdh_mem_page_remove(u32 hkid, u64 gpa);
u64 tdh_phymem_page_reclaim(u64 paddr);
u64 tdh_mng_key_freeid(u32 hkid);
/* Runs the guest until it exits; makes all its vCPUs exit once, so that they begin anew with empty TLBs. */
void __tdh_vp_enter(struct vcpu_tdx *tdx);
void __vmx_kick_vcpus(u32 hkid);

int tdx_vm_init(struct kvm *kvm);
void tdx_vm_destroy(struct kvm *kvm);
void tdx_flush_tlb_all(struct kvm *kvm);
int tdx_gmem_prepare(struct kvm *kvm, kvm_pfn_t pfn, gfn_t gfn, int max_order);
void tdx_gmem_invalidate(kvm_pfn_t start, kvm_pfn_t end);
int tdx_private_map(struct kvm *kvm, gfn_t gfn);
bool tdx_private_zap(struct kvm *kvm, struct kvm_gfn_range *range);

#endif
