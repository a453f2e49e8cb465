// SPDX-License-Identifier: MIT
/* What AMD and Intel share; the vendor's part is behind kvm_x86_ops. */
#include <linux/kvm_host.h>

struct kvm_x86_ops kvm_x86_ops;

#define KVM_X86_OP(func) DEFINE_STATIC_CALL_NULL(kvm_x86_##func, *kvm_x86_ops.func);
#include <asm/kvm-x86-ops.h>

static void kvm_ops_update(const struct kvm_x86_ops *ops)
{
	memcpy(&kvm_x86_ops, ops, sizeof(kvm_x86_ops));

#define KVM_X86_OP(func) static_call_update(kvm_x86_##func, kvm_x86_ops.func);
#include <asm/kvm-x86-ops.h>
}

int kvm_x86_vendor_init(const struct kvm_x86_ops *ops)
{
	kvm_ops_update(ops);
	return 0;
}

int kvm_arch_init_vm(struct kvm *kvm, unsigned long type)
{
	int r;

	kvm->arch.vm_type = type;
	r = kvm_mmu_create(kvm);
	if (r)
		return r;
	r = kvm_x86_call(vm_init)(kvm);
	if (r)
		kvm_mmu_destroy(kvm);
	return r;
}

void kvm_arch_destroy_vm(struct kvm *kvm)
{
	kvm_x86_call(vm_destroy)(kvm);
	kvm_mmu_destroy(kvm);
}

int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu)
{
	return kvm_x86_call(vcpu_create)(vcpu);
}

void kvm_arch_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	kvm_x86_call(vcpu_free)(vcpu);
	kvm_mmu_free_memory_caches(vcpu);
}

void kvm_arch_flush_remote_tlbs(struct kvm *kvm)
{
	kvm_x86_call(flush_tlb_all)(kvm);
}

/* Runs the guest until an exit is userspace's business. Memslots are only looked at outside of the guest. */
int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{
	int r;

	do {
		kvm_x86_call(vcpu_run)(vcpu);

		vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
		r = kvm_x86_call(handle_exit)(vcpu);
		srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	} while (r > 0);

	return r;
}

int kvm_arch_restrictedmem_prepare(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int *level)
{
	return kvm_x86_call(restrictedmem_prepare)(kvm, gfn, pfn, level);
}

void kvm_arch_restrictedmem_invalidate(struct kvm *kvm, kvm_pfn_t start, kvm_pfn_t end, unsigned int order)
{
	kvm_x86_call(restrictedmem_invalidate)(kvm, start, end, order);
}
