/* SPDX-License-Identifier: MIT */
#ifndef __KVM_MM_H__
#define __KVM_MM_H__

/* Where the architecture's faults map in parallel, mmu_lock is a rwlock; both kinds spin (mail row A6). */
#ifdef KVM_HAVE_MMU_RWLOCK
#define KVM_MMU_LOCK_INIT(kvm)	rwlock_init(&(kvm)->mmu_lock)
#define KVM_MMU_LOCK(kvm)	write_lock(&(kvm)->mmu_lock)
#define KVM_MMU_UNLOCK(kvm)	write_unlock(&(kvm)->mmu_lock)
#else
#define KVM_MMU_LOCK_INIT(kvm)	spin_lock_init(&(kvm)->mmu_lock)
#define KVM_MMU_LOCK(kvm)	spin_lock(&(kvm)->mmu_lock)
#define KVM_MMU_UNLOCK(kvm)	spin_unlock(&(kvm)->mmu_lock)
#endif

int kvm_check_protections(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn, unsigned long attributes);

int kvm_gmem_create(struct kvm *kvm, struct kvm_create_guest_memfd *args);
int kvm_gmem_bind(struct kvm *kvm, struct kvm_memory_slot *slot, unsigned int fd, loff_t offset);
void kvm_gmem_unbind(struct kvm *kvm, struct kvm_memory_slot *slot);

#endif
