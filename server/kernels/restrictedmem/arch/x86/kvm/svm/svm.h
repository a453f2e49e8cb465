/* SPDX-License-Identifier: MIT */
#ifndef __SVM_SVM_H
#define __SVM_SVM_H

#include <linux/kvm_host.h>

#define SVM_EXIT_INTR	0x060
#define SVM_EXIT_NPF	0x400

/* The part of the control area that matters here: AMD64 Architecture Programmer's Manual, volume 2, appendix B. */
struct vmcb {
	u32 asid;
	u32 exit_code;
	u64 exit_info_1;		/* page fault: error code */
	u64 exit_info_2;		/* page fault: guest physical address */
	u64 nested_cr3;
};

/* The hardware: runs the guest until it exits; drops all translations of an ASID. */
void __svm_vcpu_run(struct vmcb *vmcb);
void __svm_flush_asid(u32 asid);

int sev_vm_init(struct kvm *kvm);
void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);
int sev_restrictedmem_prepare(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int *level);
void sev_restrictedmem_invalidate(struct kvm *kvm, kvm_pfn_t start, kvm_pfn_t end, unsigned int order);

#endif
