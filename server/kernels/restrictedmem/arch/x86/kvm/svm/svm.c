// SPDX-License-Identifier: MIT
#include "svm.h"

/* Back to userspace, which has a signal to see to. */
static int intr_interception(struct kvm_vcpu *vcpu)
{
	return -EINTR;
}

static int npf_interception(struct kvm_vcpu *vcpu)
{
	u64 error_code = vcpu->arch.vmcb->exit_info_1;
	gpa_t gpa = vcpu->arch.vmcb->exit_info_2;
	int r = kvm_mmu_page_fault(vcpu, gpa, error_code);

	/* Mapped, and still the RMP says no: the sizes don't fit. */
	if (r > 0 && error_code & PFERR_GUEST_RMP_MASK)
		sev_handle_rmp_fault(vcpu, gpa, error_code);
	return r;
}

/* More than 0: into the guest again. */
static int (*const svm_exit_handlers[])(struct kvm_vcpu *vcpu) = {
	[SVM_EXIT_INTR] = intr_interception,
	[SVM_EXIT_NPF] = npf_interception,
};

static int svm_handle_exit(struct kvm_vcpu *vcpu)
{
	u32 exit_code = vcpu->arch.vmcb->exit_code;

	if (exit_code >= ARRAY_SIZE(svm_exit_handlers) || !svm_exit_handlers[exit_code])
		return -EINVAL;
	return svm_exit_handlers[exit_code](vcpu);
}

static void svm_vcpu_run(struct kvm_vcpu *vcpu)
{
	__svm_vcpu_run(vcpu->arch.vmcb);
}

static void svm_flush_tlb_all(struct kvm *kvm)
{
	__svm_flush_asid(kvm->arch.sev_info.asid);
}

static int svm_vm_init(struct kvm *kvm)
{
	return sev_vm_init(kvm);
}

/* The next guest with this ASID must not find translations of ours. */
static void svm_vm_destroy(struct kvm *kvm)
{
	svm_flush_tlb_all(kvm);
}

static int svm_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vmcb *vmcb = kzalloc(sizeof(*vmcb), GFP_KERNEL_ACCOUNT);

	if (!vmcb)
		return -ENOMEM;
	vmcb->asid = vcpu->kvm->arch.sev_info.asid;
	vmcb->nested_cr3 = __pa(vcpu->kvm->arch.root_spt);
	vcpu->arch.vmcb = vmcb;
	return 0;
}

static void svm_vcpu_free(struct kvm_vcpu *vcpu)
{
	kfree(vcpu->arch.vmcb);
}

static const struct kvm_x86_ops svm_x86_ops = {
	.vm_init = svm_vm_init,
	.vm_destroy = svm_vm_destroy,
	.vcpu_create = svm_vcpu_create,
	.vcpu_free = svm_vcpu_free,
	.vcpu_run = svm_vcpu_run,
	.handle_exit = svm_handle_exit,
	.flush_tlb_all = svm_flush_tlb_all,
	.restrictedmem_prepare = sev_restrictedmem_prepare,
	.restrictedmem_invalidate = sev_restrictedmem_invalidate,
};

static int __init svm_init(void)
{
	return kvm_x86_vendor_init(&svm_x86_ops);
}
module_init(svm_init);
