// SPDX-License-Identifier: MIT
/* Intel's side of kvm_x86_ops; its only guests here are trust domains. */
#include <asm/cpufeature.h>

#include "tdx.h"

/* Back to userspace, which has a signal to see to. */
static int tdx_handle_external_interrupt(struct kvm_vcpu *vcpu)
{
	return -EINTR;
}

static int tdx_handle_ept_violation(struct kvm_vcpu *vcpu)
{
	u64 qualification = vcpu->arch.tdx->exit_qualification;
	u64 error_code = 0;

	if (qualification & EPT_VIOLATION_ACC_WRITE)
		error_code |= PFERR_WRITE_MASK;
	if (qualification & EPT_VIOLATION_ACC_INSTR)
		error_code |= PFERR_FETCH_MASK;
	return kvm_mmu_page_fault(vcpu, vcpu->arch.tdx->exit_gpa, error_code);
}

/* More than 0: into the guest again. */
static int (*const vt_exit_handlers[])(struct kvm_vcpu *vcpu) = {
	[EXIT_REASON_EXTERNAL_INTERRUPT] = tdx_handle_external_interrupt,
	[EXIT_REASON_EPT_VIOLATION] = tdx_handle_ept_violation,
};

static int vt_handle_exit(struct kvm_vcpu *vcpu)
{
	u32 exit_reason = vcpu->arch.tdx->exit_reason;

	if (exit_reason >= ARRAY_SIZE(vt_exit_handlers) || !vt_exit_handlers[exit_reason])
		return -EINVAL;
	return vt_exit_handlers[exit_reason](vcpu);
}

static void vt_vcpu_run(struct kvm_vcpu *vcpu)
{
	__tdh_vp_enter(vcpu->arch.tdx);
}

static int vt_vm_init(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_TDX_VM ? tdx_vm_init(kvm) : -EINVAL;
}

static int vt_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = kzalloc(sizeof(*tdx), GFP_KERNEL_ACCOUNT);

	if (!tdx)
		return -ENOMEM;
	tdx->hkid = vcpu->kvm->arch.tdx->hkid;
	tdx->shared_eptp = __pa(vcpu->kvm->arch.root_spt);
	vcpu->arch.tdx = tdx;
	return 0;
}

static void vt_vcpu_free(struct kvm_vcpu *vcpu)
{
	kfree(vcpu->arch.tdx);
}

static const struct kvm_x86_ops vt_x86_ops = {
	.vm_init = vt_vm_init,
	.vm_destroy = tdx_vm_destroy,
	.vcpu_create = vt_vcpu_create,
	.vcpu_free = vt_vcpu_free,
	.vcpu_run = vt_vcpu_run,
	.handle_exit = vt_handle_exit,
	.flush_tlb_all = tdx_flush_tlb_all,
	.gmem_prepare = tdx_gmem_prepare,
	.gmem_invalidate = tdx_gmem_invalidate,
	.private_map = tdx_private_map,
	.private_zap = tdx_private_zap,
};

static int __init vt_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_TDX_HOST))
		return -ENODEV;
	kvm_mmu_set_ept_masks();
	return kvm_x86_vendor_init(&vt_x86_ops);
}
module_init(vt_init);
