// SPDX-License-Identifier: MIT
/* vCPUs as files. */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

static long kvm_vcpu_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = file->private_data;
	int r;

	if (ioctl != KVM_RUN)
		return -ENOTTY;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	r = kvm_arch_vcpu_ioctl_run(vcpu);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static int kvm_vcpu_release(struct inode *inode, struct file *file)
{
	struct kvm_vcpu *vcpu = file->private_data;

	kvm_put_kvm(vcpu->kvm);
	return 0;
}

static const struct file_operations kvm_vcpu_fops = {
	.unlocked_ioctl = kvm_vcpu_ioctl,
	.release = kvm_vcpu_release,
};

int kvm_vm_ioctl_create_vcpu(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	int r = -ENOMEM;

	if (kvm->created_vcpus == KVM_MAX_VCPUS)
		return -EINVAL;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return -ENOMEM;
	vcpu->run = kzalloc(sizeof(*vcpu->run), GFP_KERNEL_ACCOUNT);
	if (!vcpu->run)
		goto free_vcpu;
	vcpu->kvm = kvm;
	vcpu->vcpu_id = kvm->created_vcpus;
	mutex_init(&vcpu->mutex);
	r = kvm_arch_vcpu_create(vcpu);
	if (r)
		goto free_run;

	kvm_get_kvm(kvm);
	r = anon_inode_getfd("kvm-vcpu", &kvm_vcpu_fops, vcpu);
	if (r < 0) {
		/* Not the last reference: the VM's own file is in use. */
		kvm_put_kvm(kvm);
		goto destroy_arch;
	}
	kvm->vcpus[kvm->created_vcpus++] = vcpu;
	return r;

destroy_arch:
	kvm_arch_vcpu_destroy(vcpu);
free_run:
	kfree(vcpu->run);
free_vcpu:
	kfree(vcpu);
	return r;
}
