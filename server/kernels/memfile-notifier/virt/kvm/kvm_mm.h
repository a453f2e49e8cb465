/* SPDX-License-Identifier: MIT */
#ifndef __KVM_MM_H__
#define __KVM_MM_H__

#include <linux/kvm_host.h>

#define KVM_MMU_LOCK_INIT(kvm)	rwlock_init(&(kvm)->mmu_lock)
#define KVM_MMU_LOCK(kvm)	write_lock(&(kvm)->mmu_lock)
#define KVM_MMU_UNLOCK(kvm)	write_unlock(&(kvm)->mmu_lock)

/* Work on all memslots that overlap [start, end), in gfns. */
struct kvm_mmu_notifier_range {
	gfn_t start, end;
	unsigned long attributes;
	bool (*handler)(struct kvm *kvm, struct kvm_gfn_range *range);	/* each slot's part, under mmu_lock */
	void (*on_lock)(struct kvm *kvm);				/* once, when mmu_lock was taken */
	bool flush_on_ret;
	bool may_block;
};

void kvm_handle_gfn_range(struct kvm *kvm, struct kvm_mmu_notifier_range *range);
extern const struct mmu_notifier_ops kvm_mmu_notifier_ops;

int kvm_vm_ioctl_create_vcpu(struct kvm *kvm);

int kvm_check_protections(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn, unsigned long attributes);

int kvm_private_mem_register(struct kvm_memory_slot *slot, unsigned int fd, loff_t offset);
void kvm_private_mem_unregister(struct kvm_memory_slot *slot);

#endif
