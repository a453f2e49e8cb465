// SPDX-License-Identifier: MIT
/* VMs, vCPUs, memslots, and which memory is private: what is the same on every architecture. */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

struct kvm_memory_slot *gfn_to_memslot(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot;
	int i;

	kvm_for_each_memslot(slot, i, kvm) {
		if (gfn >= slot->base_gfn && gfn < slot->base_gfn + slot->npages)
			return slot;
	}
	return NULL;
}

void kvm_flush_remote_tlbs(struct kvm *kvm)
{
	kvm_arch_flush_remote_tlbs(kvm);
}

void kvm_prepare_memory_fault_exit(struct kvm_vcpu *vcpu, gpa_t gpa, gpa_t size, u64 flags)
{
	vcpu->run->exit_reason = KVM_EXIT_MEMORY_FAULT;
	vcpu->run->memory_fault.gpa = gpa;
	vcpu->run->memory_fault.size = size;
	vcpu->run->memory_fault.flags = flags;
}

/* Unmap what was mapped as the other kind; map nothing (mail row A9). */
static bool kvm_pre_set_private(struct kvm *kvm, struct kvm_gfn_range *range)
{
	kvm_mmu_invalidate_range_add(kvm, range->start, range->end);
	return kvm_arch_pre_set_memory_attributes(kvm, range);
}

/*
 * The older way to say which memory is private, an ioctl of SEV's that had registered memory to be pinned (mail row D7).
 * It can say nothing else, and a range is either registered or not.
 */
static int kvm_vm_set_region_private(struct kvm *kvm, const struct kvm_enc_region *region, bool private)
{
	gfn_t start = region->addr >> PAGE_SHIFT, end = (region->addr + region->size) >> PAGE_SHIFT, gfn;
	struct kvm_mmu_notifier_range pre_set_range = {
		.start = start,
		.end = end,
		.handler = kvm_pre_set_private,
		.on_lock = kvm_mmu_invalidate_begin,
		.flush_on_ret = true,
		.may_block = true,
	};
	struct kvm_mmu_notifier_range post_set_range = {
		.start = start,
		.end = end,
		.handler = kvm_arch_post_set_memory_attributes,
		.on_lock = kvm_mmu_invalidate_end,
		.may_block = true,
	};
	void *entry = private ? xa_mk_value(KVM_MEMORY_ATTRIBUTE_PRIVATE) : NULL;
	int r = 0;

	if (!region->size || region->addr + region->size < region->addr)
		return -EINVAL;
	if (!PAGE_ALIGNED(region->addr) || !PAGE_ALIGNED(region->size))
		return -EINVAL;

	mutex_lock(&kvm->slots_lock);

	/* Only memory of a slot that has a file for it can be private. */
	for (gfn = start; gfn < end && !r; gfn++) {
		if (!kvm_slot_can_be_private(gfn_to_memslot(kvm, gfn)))
			r = -EINVAL;
		else
			r = xa_reserve(&kvm->mem_attr_array, gfn, GFP_KERNEL_ACCOUNT);
		cond_resched();
	}
	if (r)
		goto out_unlock;

	kvm_handle_gfn_range(kvm, &pre_set_range);

	for (gfn = start; gfn < end; gfn++) {
		xa_store(&kvm->mem_attr_array, gfn, entry, GFP_KERNEL_ACCOUNT);
		cond_resched();
	}

	kvm_handle_gfn_range(kvm, &post_set_range);

out_unlock:
	mutex_unlock(&kvm->slots_lock);
	return r;
}

/* Deletes: no fault finds the slot any more, then its mappings go, then its hold on the file. */
static void kvm_delete_memslot(struct kvm *kvm, int id)
{
	struct kvm_memory_slot *slot = kvm->memslots[id];

	WRITE_ONCE(kvm->memslots[id], NULL);
	synchronize_srcu(&kvm->srcu);
	kvm_arch_flush_shadow_memslot(kvm, slot);
	kvm_private_mem_unregister(slot);
	kfree(slot);
}

static int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region_ext *mem)
{
	gfn_t base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	unsigned long npages = mem->memory_size >> PAGE_SHIFT;
	struct kvm_memory_slot *slot;
	int i, r;

	lockdep_assert_held(&kvm->slots_lock);

	if (mem->flags & ~(KVM_MEM_READONLY | KVM_MEM_PRIVATE))
		return -EINVAL;
	if (mem->slot >= KVM_MEM_SLOTS_NUM || !PAGE_ALIGNED(mem->guest_phys_addr) ||
	    !PAGE_ALIGNED(mem->memory_size) || !PAGE_ALIGNED(mem->userspace_addr))
		return -EINVAL;

	if (!npages) {
		if (!kvm->memslots[mem->slot])
			return -EINVAL;
		kvm_delete_memslot(kvm, mem->slot);
		return 0;
	}

	if (kvm->memslots[mem->slot])
		return -EINVAL;
	kvm_for_each_memslot(slot, i, kvm) {
		if (base_gfn < slot->base_gfn + slot->npages && slot->base_gfn < base_gfn + npages)
			return -EEXIST;
	}

	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return -ENOMEM;
	slot->kvm = kvm;
	slot->base_gfn = base_gfn;
	slot->npages = npages;
	slot->userspace_addr = mem->userspace_addr;
	slot->flags = mem->flags;

	if (mem->flags & KVM_MEM_PRIVATE) {
		r = kvm_private_mem_register(slot, mem->private_fd, mem->private_offset);
		if (r) {
			kfree(slot);
			return r;
		}
	}
	WRITE_ONCE(kvm->memslots[mem->slot], slot);
	return 0;
}

static long kvm_vm_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = file->private_data;
	void __user *argp = (void __user *)arg;
	int r;

	switch (ioctl) {
	case KVM_CREATE_VCPU:
		mutex_lock(&kvm->slots_lock);
		r = kvm_vm_ioctl_create_vcpu(kvm);
		mutex_unlock(&kvm->slots_lock);
		return r;
	case KVM_SET_USER_MEMORY_REGION: {
		struct kvm_userspace_memory_region_ext mem;

		if (copy_from_user(&mem, argp, sizeof(mem)))
			return -EFAULT;
		mutex_lock(&kvm->slots_lock);
		r = kvm_set_memory_region(kvm, &mem);
		mutex_unlock(&kvm->slots_lock);
		return r;
	}
	case KVM_MEMORY_ENCRYPT_REG_REGION:
	case KVM_MEMORY_ENCRYPT_UNREG_REGION: {
		struct kvm_enc_region region;

		if (copy_from_user(&region, argp, sizeof(region)))
			return -EFAULT;
		return kvm_vm_set_region_private(kvm, &region, ioctl == KVM_MEMORY_ENCRYPT_REG_REGION);
	}
	default:
		return -ENOTTY;
	}
}

static int kvm_vm_release(struct inode *inode, struct file *file)
{
	kvm_put_kvm(file->private_data);
	return 0;
}

static const struct file_operations kvm_vm_fops = {
	.unlocked_ioctl = kvm_vm_ioctl,
	.release = kvm_vm_release,
};

static struct kvm *kvm_create_vm(unsigned long type)
{
	struct kvm *kvm = kzalloc(sizeof(*kvm), GFP_KERNEL_ACCOUNT);
	int r;

	if (!kvm)
		return ERR_PTR(-ENOMEM);

	KVM_MMU_LOCK_INIT(kvm);
	mutex_init(&kvm->slots_lock);
	xa_init(&kvm->mem_attr_array);
	atomic_set(&kvm->users_count, 1);

	r = init_srcu_struct(&kvm->srcu);
	if (r)
		goto free_kvm;
	r = kvm_arch_init_vm(kvm, type);
	if (r)
		goto free_srcu;
	kvm->mmu_notifier.ops = &kvm_mmu_notifier_ops;
	r = mmu_notifier_register(&kvm->mmu_notifier);
	if (r)
		goto destroy_arch;
	return kvm;

destroy_arch:
	kvm_arch_destroy_vm(kvm);
free_srcu:
	cleanup_srcu_struct(&kvm->srcu);
free_kvm:
	kfree(kvm);
	return ERR_PTR(r);
}

/* The slots let go of their files here; what is in those stays until userspace closes them as well. */
static void kvm_destroy_vm(struct kvm *kvm)
{
	int i;

	mmu_notifier_unregister(&kvm->mmu_notifier);
	for (i = 0; i < kvm->created_vcpus; i++) {
		kvm_arch_vcpu_destroy(kvm->vcpus[i]);
		kfree(kvm->vcpus[i]->run);
		kfree(kvm->vcpus[i]);
	}
	kvm_arch_destroy_vm(kvm);
	for (i = 0; i < KVM_MEM_SLOTS_NUM; i++) {
		if (kvm->memslots[i])
			kvm_private_mem_unregister(kvm->memslots[i]);
		kfree(kvm->memslots[i]);
	}
	xa_destroy(&kvm->mem_attr_array);
	cleanup_srcu_struct(&kvm->srcu);
	kfree(kvm);
}

void kvm_get_kvm(struct kvm *kvm)
{
	atomic_inc(&kvm->users_count);
}

void kvm_put_kvm(struct kvm *kvm)
{
	if (atomic_dec_and_test(&kvm->users_count))
		kvm_destroy_vm(kvm);
}

static long kvm_dev_ioctl(struct file *file, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm;
	int r;

	if (ioctl != KVM_CREATE_VM)
		return -ENOTTY;

	kvm = kvm_create_vm(arg);
	if (IS_ERR(kvm))
		return PTR_ERR(kvm);
	r = anon_inode_getfd("kvm-vm", &kvm_vm_fops, kvm);
	if (r < 0)
		kvm_put_kvm(kvm);
	return r;
}

const struct file_operations kvm_chardev_ops = {
	.unlocked_ioctl = kvm_dev_ioctl,
};
