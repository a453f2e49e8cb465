/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_LINUX_KVM_H
#define _UAPI_LINUX_KVM_H

#include <linux/types.h>

/* The numbers are this kernel's own, the structures those of the interface. */
#define KVM_CREATE_VM			0xae01
#define KVM_CREATE_VCPU			0xae41
#define KVM_SET_USER_MEMORY_REGION	0xae46
#define KVM_RUN				0xae80
#define KVM_MEMORY_ENCRYPT_REG_REGION	0xaebb
#define KVM_MEMORY_ENCRYPT_UNREG_REGION	0xaebc

#define KVM_MEM_READONLY		(1ULL << 1)
#define KVM_MEM_PRIVATE			(1ULL << 2)

/* The slot of old, and behind it the file for what is private (mail row E1). */
struct kvm_userspace_memory_region_ext {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;		/* bytes; 0 deletes the slot */
	__u64 userspace_addr;
	__u64 private_offset;		/* bytes */
	__u32 private_fd;
	__u32 pad;
};

/* Memory becomes private, or shared again: an ioctl that SEV had already (mail row D7). */
struct kvm_enc_region {
	__u64 addr;			/* guest physical, bytes */
	__u64 size;			/* bytes */
};

/* Only this one can be said by that ioctl. */
#define KVM_MEMORY_ATTRIBUTE_NO_READ	(1ULL << 0)
#define KVM_MEMORY_ATTRIBUTE_NO_WRITE	(1ULL << 1)
#define KVM_MEMORY_ATTRIBUTE_NO_EXEC	(1ULL << 2)
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)

#define KVM_EXIT_MEMORY_FAULT		39
#define KVM_MEMORY_EXIT_FLAG_READ	(1ULL << 0)
#define KVM_MEMORY_EXIT_FLAG_WRITE	(1ULL << 1)
#define KVM_MEMORY_EXIT_FLAG_EXEC	(1ULL << 2)
#define KVM_MEMORY_EXIT_FLAG_PRIVATE	(1ULL << 3)

struct kvm_run {
	__u32 exit_reason;
	struct {
		__u64 flags;
		__u64 gpa;
		__u64 size;
	} memory_fault;
};

#endif
