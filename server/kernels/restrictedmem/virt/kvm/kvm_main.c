// SPDX-License-Identifier: MIT
/* VMs, memslots and attributes: what is the same on every architecture. */
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

/* Every gfn is in some entry of the array, so a range is private when all of its entries are. */
bool kvm_range_is_private(struct kvm *kvm, gfn_t start, gfn_t end)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(&kvm->mem_attr_array, index, entry, start, end - 1) {
		if (!(xa_to_value(entry) & KVM_MEMORY_ATTRIBUTE_PRIVATE))
			return false;
	}
	return true;
}

/* Unmap what was mapped under the old attributes; map nothing (mail row A9). */
static bool kvm_pre_set_memory_attributes(struct kvm *kvm, struct kvm_gfn_range *range)
{
	kvm_mmu_invalidate_range_add(kvm, range->start, range->end);
	return kvm_arch_pre_set_memory_attributes(kvm, range);
}

/*
 * This alone keeps the guest from a page that is converted: the hole in the file may be
 * punched at any time later, or never (mail rows A9, B5).
 */
static int kvm_vm_set_mem_attributes(struct kvm *kvm, gfn_t start, gfn_t end, unsigned long attributes)
{
	struct kvm_mmu_notifier_range pre_set_range = {
		.start = start,
		.end = end,
		.attributes = attributes,
		.handler = kvm_pre_set_memory_attributes,
		.on_lock = kvm_mmu_invalidate_begin,
		.flush_on_ret = true,
		.may_block = true,
	};
	struct kvm_mmu_notifier_range post_set_range = {
		.start = start,
		.end = end,
		.attributes = attributes,
		.handler = kvm_arch_post_set_memory_attributes,
		.on_lock = kvm_mmu_invalidate_end,
		.may_block = true,
	};

	mutex_lock(&kvm->slots_lock);
	kvm_handle_gfn_range(kvm, &pre_set_range);
	xa_store_range(&kvm->mem_attr_array, start, end - 1, xa_mk_value(attributes), GFP_KERNEL_ACCOUNT);
	kvm_handle_gfn_range(kvm, &post_set_range);
	mutex_unlock(&kvm->slots_lock);
	return 0;
}

static int kvm_vm_ioctl_set_mem_attributes(struct kvm *kvm, struct kvm_memory_attributes *attrs)
{
	if (attrs->flags || attrs->attributes & ~KVM_MEMORY_ATTRIBUTE_PRIVATE)
		return -EINVAL;
	if (!attrs->size || attrs->address + attrs->size < attrs->address)
		return -EINVAL;
	if (!PAGE_ALIGNED(attrs->address) || !PAGE_ALIGNED(attrs->size))
		return -EINVAL;

	return kvm_vm_set_mem_attributes(kvm, attrs->address >> PAGE_SHIFT,
					 (attrs->address + attrs->size) >> PAGE_SHIFT, attrs->attributes);
}

/* The older way to say it: one ioctl for private, one for shared, and nothing else to say (mail row D7). */
static int kvm_vm_ioctl_set_encrypted_region(struct kvm *kvm, struct kvm_enc_region *region, bool private)
{
	struct kvm_memory_attributes attrs = {
		.address = region->addr,
		.size = region->size,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, region->addr >> PAGE_SHIFT);

	if (!kvm_slot_can_be_private(slot))
		return -EINVAL;
	return kvm_vm_ioctl_set_mem_attributes(kvm, &attrs);
}

/* No fault finds the slot any more, then its mappings go, then its hold on the file. */
static void kvm_delete_memslot(struct kvm *kvm, int id)
{
	struct kvm_memory_slot *slot = kvm->memslots[id];

	WRITE_ONCE(kvm->memslots[id], NULL);
	synchronize_srcu(&kvm->srcu);
	kvm_arch_flush_shadow_memslot(kvm, slot);
	kvm_restrictedmem_unbind(slot);
	kfree(slot);
}

static int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region2 *mem)
{
	gfn_t base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	unsigned long npages = mem->memory_size >> PAGE_SHIFT;
	struct kvm_memory_slot *slot;
	int i, r;

	lockdep_assert_held(&kvm->slots_lock);

	if (mem->slot >= KVM_MEM_SLOTS_NUM || !PAGE_ALIGNED(mem->guest_phys_addr) ||
	    !PAGE_ALIGNED(mem->memory_size) || !PAGE_ALIGNED(mem->userspace_addr) ||
	    !PAGE_ALIGNED(mem->restrictedmem_offset))
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
	slot->id = mem->slot;
	slot->base_gfn = base_gfn;
	slot->npages = npages;
	slot->userspace_addr = mem->userspace_addr;
	slot->flags = mem->flags;

	if (mem->flags & KVM_MEM_PRIVATE) {
		r = kvm_restrictedmem_bind(kvm, slot, mem->restrictedmem_fd, mem->restrictedmem_offset);
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
	case KVM_SET_USER_MEMORY_REGION2: {
		struct kvm_userspace_memory_region2 mem;

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
		return kvm_vm_ioctl_set_encrypted_region(kvm, &region, ioctl == KVM_MEMORY_ENCRYPT_REG_REGION);
	}
	case KVM_SET_MEMORY_ATTRIBUTES: {
		struct kvm_memory_attributes attrs;

		if (copy_from_user(&attrs, argp, sizeof(attrs)))
			return -EFAULT;
		return kvm_vm_ioctl_set_mem_attributes(kvm, &attrs);
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
	xa_store_range(&kvm->mem_attr_array, 0, INVALID_GFN, xa_mk_value(0), GFP_KERNEL_ACCOUNT);
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

/* The slots may still be bound: their files outlive the VM, and must not keep pages of it (mail row B6). */
static void kvm_destroy_vm(struct kvm *kvm)
{
	int i;

	mmu_notifier_unregister(&kvm->mmu_notifier);
	for (i = 0; i < KVM_MEM_SLOTS_NUM; i++) {
		if (kvm->memslots[i])
			kvm_delete_memslot(kvm, i);
	}
	for (i = 0; i < kvm->created_vcpus; i++) {
		kvm_arch_vcpu_destroy(kvm->vcpus[i]);
		kfree(kvm->vcpus[i]->run);
		kfree(kvm->vcpus[i]);
	}
	kvm_arch_destroy_vm(kvm);
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
