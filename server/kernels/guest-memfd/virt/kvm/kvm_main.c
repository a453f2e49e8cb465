// SPDX-License-Identifier: MIT
/* VMs, vCPUs, memslots and attributes: what is the same on every architecture. */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

/* Work on all memslots that overlap [start, end), in gfns. */
struct kvm_mmu_notifier_range {
	gfn_t start, end;
	unsigned long attributes;
	bool (*handler)(struct kvm *kvm, struct kvm_gfn_range *range);	/* each slot's part, under mmu_lock */
	void (*on_lock)(struct kvm *kvm);				/* once, when mmu_lock was taken */
	bool flush_on_ret;
	bool may_block;
};

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

/*
 * Invalidation: from begin to end no fault maps a gfn of the range; after the end,
 * the sequence tells a fault that began earlier to try again (mail row A8).
 */
void kvm_mmu_invalidate_begin(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!kvm->mmu_invalidate_in_progress++) {
		kvm->mmu_invalidate_range_start = INVALID_GFN;
		kvm->mmu_invalidate_range_end = 0;
	}
}

/* Several invalidations at once share one range, which only grows. @end is exclusive (mail row A11). */
void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	WARN_ON_ONCE(!kvm->mmu_invalidate_in_progress);

	kvm->mmu_invalidate_range_start = min(kvm->mmu_invalidate_range_start, start);
	kvm->mmu_invalidate_range_end = max(kvm->mmu_invalidate_range_end, end);
}

void kvm_mmu_invalidate_end(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	/* Bumped before the count drops, so that no fault sees neither. */
	kvm->mmu_invalidate_seq++;
	smp_wmb();
	kvm->mmu_invalidate_in_progress--;
	WARN_ON_ONCE(kvm->mmu_invalidate_in_progress < 0);
}

bool kvm_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	kvm_mmu_invalidate_range_add(kvm, range->start, range->end);
	return kvm_unmap_gfn_range(kvm, range);
}

/* The caller holds slots_lock, so the slots, and with them the calls of on_lock, stay in balance. */
static __always_inline void kvm_handle_gfn_range(struct kvm *kvm, struct kvm_mmu_notifier_range *range)
{
	struct kvm_gfn_range part = {
		.attributes = range->attributes,
		.may_block = range->may_block,
	};
	bool found_memslot = false, flush = false;
	int i;

	kvm_for_each_memslot(part.slot, i, kvm) {
		part.start = max(range->start, part.slot->base_gfn);
		part.end = min(range->end, part.slot->base_gfn + part.slot->npages);
		if (part.start >= part.end)
			continue;

		if (!found_memslot) {
			found_memslot = true;
			KVM_MMU_LOCK(kvm);
			if (range->on_lock)
				range->on_lock(kvm);
		}
		if (range->handler(kvm, &part))
			flush = true;
	}

	if (range->flush_on_ret && flush)
		kvm_flush_remote_tlbs(kvm);
	if (found_memslot)
		KVM_MMU_UNLOCK(kvm);
}

static struct kvm *mmu_notifier_to_kvm(struct mmu_notifier *mn)
{
	return container_of(mn, struct kvm, mmu_notifier);
}

/* The VMM's own mapping changes: shared pages only. Slots may change meanwhile, so begin and end are unconditional. */
static int kvm_mmu_notifier_invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mmu_notifier_to_kvm(mn);
	struct kvm_gfn_range part = { .only_shared = true };
	bool flush = false;
	int i, idx;

	idx = srcu_read_lock(&kvm->srcu);
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_begin(kvm);

	kvm_for_each_memslot(part.slot, i, kvm) {
		unsigned long hva = part.slot->userspace_addr;
		unsigned long first = max(range->start, hva);
		unsigned long last = min(range->end, hva + (part.slot->npages << PAGE_SHIFT));

		if (first >= last)
			continue;
		part.start = part.slot->base_gfn + ((first - hva) >> PAGE_SHIFT);
		part.end = part.slot->base_gfn + ((last - hva + PAGE_SIZE - 1) >> PAGE_SHIFT);
		if (kvm_mmu_unmap_gfn_range(kvm, &part))
			flush = true;
	}

	if (flush)
		kvm_flush_remote_tlbs(kvm);
	KVM_MMU_UNLOCK(kvm);
	srcu_read_unlock(&kvm->srcu, idx);
	return 0;
}

static void kvm_mmu_notifier_invalidate_range_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct kvm *kvm = mmu_notifier_to_kvm(mn);

	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

static const struct mmu_notifier_ops kvm_mmu_notifier_ops = {
	.invalidate_range_start = kvm_mmu_notifier_invalidate_range_start,
	.invalidate_range_end = kvm_mmu_notifier_invalidate_range_end,
};

/* Everything that this kernel can be asked for; one query tells userspace all of it (mail row D3). */
static u64 kvm_supported_mem_attributes(void)
{
#ifdef CONFIG_KVM_PROTECTIONS
	return KVM_MEMORY_ATTRIBUTE_PRIVATE | KVM_MEMORY_ATTRIBUTE_NO_READ |
	       KVM_MEMORY_ATTRIBUTE_NO_WRITE | KVM_MEMORY_ATTRIBUTE_NO_EXEC;
#else
	return KVM_MEMORY_ATTRIBUTE_PRIVATE;
#endif
}

/*
 * What a gfn's attributes become. All at once, so there is nothing to unset and nothing to combine (mail row D1);
 * or by an operation on the old ones, so that userspace needn't read them first (mail row D2).
 */
static unsigned long kvm_new_attributes(unsigned long old, const struct kvm_memory_attributes *attrs)
{
#ifdef CONFIG_KVM_ATTRIBUTES_OPERATION
	if (attrs->operation == KVM_MEMORY_ATTRIBUTES_OR)
		return old | attrs->attributes;
	if (attrs->operation == KVM_MEMORY_ATTRIBUTES_AND)
		return old & attrs->attributes;
#endif
	return attrs->attributes;
}

static bool kvm_range_has_memory_attributes(struct kvm *kvm, gfn_t start, gfn_t end,
					    const struct kvm_memory_attributes *attrs)
{
	gfn_t gfn;

	for (gfn = start; gfn < end; gfn++) {
		unsigned long now = kvm_get_memory_attributes(kvm, gfn);

		if (kvm_new_attributes(now, attrs) != now)
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

static int kvm_vm_set_mem_attributes(struct kvm *kvm, gfn_t start, gfn_t end,
				     const struct kvm_memory_attributes *attrs)
{
	struct kvm_mmu_notifier_range pre_set_range = {
		.start = start,
		.end = end,
		.attributes = attrs->attributes,
		.handler = kvm_pre_set_memory_attributes,
		.on_lock = kvm_mmu_invalidate_begin,
		.flush_on_ret = true,
		.may_block = true,
	};
	struct kvm_mmu_notifier_range post_set_range = {
		.start = start,
		.end = end,
		.attributes = attrs->attributes,
		.handler = kvm_arch_post_set_memory_attributes,
		.on_lock = kvm_mmu_invalidate_end,
		.may_block = true,
	};
	gfn_t gfn;
	int r = 0;

	mutex_lock(&kvm->slots_lock);

	if (kvm_range_has_memory_attributes(kvm, start, end, attrs))
		goto out_unlock;

	/* Whatever can fail does so before anything is unmapped. */
	for (gfn = start; gfn < end; gfn++) {
#ifdef CONFIG_KVM_PROTECTIONS
		r = kvm_check_protections(kvm, gfn_to_memslot(kvm, gfn), gfn,
					  kvm_new_attributes(kvm_get_memory_attributes(kvm, gfn), attrs));
		if (r)
			goto out_unlock;
#endif
		r = xa_reserve(&kvm->mem_attr_array, gfn, GFP_KERNEL_ACCOUNT);
		if (r)
			goto out_unlock;
		cond_resched();
	}

	kvm_handle_gfn_range(kvm, &pre_set_range);

	for (gfn = start; gfn < end; gfn++) {
		unsigned long attributes = kvm_new_attributes(kvm_get_memory_attributes(kvm, gfn), attrs);

		xa_store(&kvm->mem_attr_array, gfn, attributes ? xa_mk_value(attributes) : NULL,
			 GFP_KERNEL_ACCOUNT);
		cond_resched();
	}

	kvm_handle_gfn_range(kvm, &post_set_range);

out_unlock:
	mutex_unlock(&kvm->slots_lock);
	return r;
}

static bool kvm_attributes_range_ok(const struct kvm_memory_attributes *attrs)
{
	return attrs->size && attrs->address + attrs->size > attrs->address &&
	       PAGE_ALIGNED(attrs->address) && PAGE_ALIGNED(attrs->size);
}

static int kvm_vm_ioctl_set_mem_attributes(struct kvm *kvm, struct kvm_memory_attributes *attrs)
{
	if (attrs->flags || attrs->attributes & ~kvm_supported_mem_attributes())
		return -EINVAL;
#ifdef CONFIG_KVM_ATTRIBUTES_OPERATION
	if (attrs->operation > KVM_MEMORY_ATTRIBUTES_AND)
		return -EINVAL;
#endif
	if (!kvm_attributes_range_ok(attrs))
		return -EINVAL;

	return kvm_vm_set_mem_attributes(kvm, attrs->address >> PAGE_SHIFT,
					 (attrs->address + attrs->size) >> PAGE_SHIFT, attrs);
}

/* For debugging, and for userspace that changes one attribute and keeps the others (mail row D3). */
static int kvm_vm_ioctl_get_mem_attributes(struct kvm *kvm, struct kvm_memory_attributes *attrs)
{
	gfn_t start = attrs->address >> PAGE_SHIFT, gfn = start;

	if (attrs->flags || !kvm_attributes_range_ok(attrs))
		return -EINVAL;

	mutex_lock(&kvm->slots_lock);
	attrs->attributes = kvm_get_memory_attributes(kvm, start);
	while (gfn < (attrs->address + attrs->size) >> PAGE_SHIFT &&
	       kvm_get_memory_attributes(kvm, gfn) == attrs->attributes)
		gfn++;
	mutex_unlock(&kvm->slots_lock);

	attrs->size = (gfn - start) << PAGE_SHIFT;
	return 0;
}

/* Deletes: no fault finds the slot any more, then its mappings go, then its hold on the file. */
static void kvm_delete_memslot(struct kvm *kvm, int id)
{
	struct kvm_memory_slot *slot = kvm->memslots[id];

	WRITE_ONCE(kvm->memslots[id], NULL);
	synchronize_srcu(&kvm->srcu);
	kvm_arch_flush_shadow_memslot(kvm, slot);
	kvm_gmem_unbind(kvm, slot);
	kfree(slot);
}

/* A slot's flags may make of attributes that were fine something that can't be mapped (mail row D4). */
static int kvm_check_slot_protections(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	gfn_t last = slot->base_gfn + slot->npages - 1;
	unsigned long index;
	void *entry;
	int r;

	xa_for_each_range(&kvm->mem_attr_array, index, entry, slot->base_gfn, last) {
		r = kvm_check_protections(kvm, slot, index, xa_to_value(entry));
		if (r)
			return r;
	}
	return 0;
}

static int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region2 *mem)
{
	gfn_t base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	unsigned long npages = mem->memory_size >> PAGE_SHIFT;
	struct kvm_memory_slot *slot;
	int i, r;

	lockdep_assert_held(&kvm->slots_lock);

	if (mem->flags & ~(KVM_MEM_READONLY | KVM_MEM_GUEST_MEMFD))
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
	slot->base_gfn = base_gfn;
	slot->npages = npages;
	slot->userspace_addr = mem->userspace_addr;
	slot->flags = mem->flags;

	r = kvm_check_slot_protections(kvm, slot);
	if (!r && (mem->flags & KVM_MEM_GUEST_MEMFD))
		r = kvm_gmem_bind(kvm, slot, mem->guest_memfd, mem->guest_memfd_offset);
	if (r) {
		kfree(slot);
		return r;
	}
	WRITE_ONCE(kvm->memslots[mem->slot], slot);
	return 0;
}

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

static int kvm_vm_ioctl_create_vcpu(struct kvm *kvm)
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
	case KVM_SET_MEMORY_ATTRIBUTES: {
		struct kvm_memory_attributes attrs;

		if (copy_from_user(&attrs, argp, sizeof(attrs)))
			return -EFAULT;
		return kvm_vm_ioctl_set_mem_attributes(kvm, &attrs);
	}
	case KVM_GET_MEMORY_ATTRIBUTES: {
		struct kvm_memory_attributes attrs;

		if (copy_from_user(&attrs, argp, sizeof(attrs)))
			return -EFAULT;
		r = kvm_vm_ioctl_get_mem_attributes(kvm, &attrs);
		if (r)
			return r;
		return copy_to_user(argp, &attrs, sizeof(attrs)) ? -EFAULT : 0;
	}
	case KVM_GET_SUPPORTED_MEMORY_ATTRIBUTES: {
		u64 supported = kvm_supported_mem_attributes();

		return copy_to_user(argp, &supported, sizeof(supported)) ? -EFAULT : 0;
	}
	case KVM_CREATE_GUEST_MEMFD: {
		struct kvm_create_guest_memfd guest_memfd;

		if (copy_from_user(&guest_memfd, argp, sizeof(guest_memfd)))
			return -EFAULT;
		return kvm_gmem_create(kvm, &guest_memfd);
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

/* Every vCPU and every guest_memfd held a reference, so all bindings are gone by now. */
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
	for (i = 0; i < KVM_MEM_SLOTS_NUM; i++)
		kfree(kvm->memslots[i]);
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
