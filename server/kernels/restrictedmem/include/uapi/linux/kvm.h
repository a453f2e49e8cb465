/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_LINUX_KVM_H
#define _UAPI_LINUX_KVM_H

#include <linux/types.h>

/* The numbers are this kernel's own, the structures those of the interface. */
#define KVM_CREATE_VM			0xae01
#define KVM_CREATE_VCPU			0xae41
#define KVM_SET_USER_MEMORY_REGION2	0xae49
#define KVM_RUN				0xae80
#define KVM_MEMORY_ENCRYPT_REG_REGION	0xaebb
#define KVM_MEMORY_ENCRYPT_UNREG_REGION	0xaebc
#define KVM_SET_MEMORY_ATTRIBUTES	0xaed2

#define KVM_MEM_PRIVATE			(1ULL << 2)

/* A slot has both: an address for what is shared, a file and offset for what is private. */
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;		/* bytes; 0 deletes the slot */
	__u64 userspace_addr;
	__u64 restrictedmem_offset;	/* bytes */
	__u32 restrictedmem_fd;
	__u32 pad;
};

/* Conversion as it was up to v9: register makes a range private, unregister shared (mail row D7). */
struct kvm_enc_region {
	__u64 addr;			/* guest physical, bytes */
	__u64 size;			/* bytes */
};

#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)

/* And from v10 on (mail row D1). */
struct kvm_memory_attributes {
	__u64 address;			/* guest physical, bytes */
	__u64 size;			/* bytes */
	__u64 attributes;
	__u64 flags;
};

#define KVM_EXIT_MEMORY_FAULT		39
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
