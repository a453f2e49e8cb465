/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_LINUX_KVM_H
#define _UAPI_LINUX_KVM_H

#include <linux/types.h>

/* The numbers are this kernel's own, the structures those of the interface. */
#define KVM_CREATE_VM			0xae01
#define KVM_CREATE_VCPU			0xae41
#define KVM_SET_USER_MEMORY_REGION2	0xae49
#define KVM_RUN				0xae80
#define KVM_GET_SUPPORTED_MEMORY_ATTRIBUTES	0xaed1
#define KVM_SET_MEMORY_ATTRIBUTES	0xaed2
#define KVM_GET_MEMORY_ATTRIBUTES	0xaed3
#define KVM_CREATE_GUEST_MEMFD		0xaed4

#define KVM_MEM_READONLY		(1ULL << 1)
#define KVM_MEM_GUEST_MEMFD		(1ULL << 2)

/* A slot has both: an address for what is shared, a file and offset for what is private. */
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;		/* bytes; 0 deletes the slot */
	__u64 userspace_addr;
	__u64 guest_memfd_offset;	/* bytes */
	__u32 guest_memfd;
	__u32 pad;
};

struct kvm_create_guest_memfd {
	__u64 size;			/* bytes */
	__u64 flags;
};

/* Protections are inverted, so that 0 is what memory always was: shared, and all allowed (mail row D4). */
#define KVM_MEMORY_ATTRIBUTE_NO_READ	(1ULL << 0)
#define KVM_MEMORY_ATTRIBUTE_NO_WRITE	(1ULL << 1)
#define KVM_MEMORY_ATTRIBUTE_NO_EXEC	(1ULL << 2)
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	(1ULL << 3)

#define KVM_MEMORY_ATTRIBUTES_WRITE	0
#define KVM_MEMORY_ATTRIBUTES_OR	1
#define KVM_MEMORY_ATTRIBUTES_AND	2

/* Set: of the whole range. Get: @attributes and @size are the answer, for as many pages as are alike (mail row D3). */
struct kvm_memory_attributes {
	__u64 address;			/* guest physical, bytes */
	__u64 size;			/* bytes */
	__u64 attributes;
#ifdef CONFIG_KVM_ATTRIBUTES_OPERATION
	__u32 operation;		/* the other form (mail row D2) */
	__u32 flags;
#else
	__u64 flags;
#endif
};

#define KVM_EXIT_MEMORY_FAULT		39
/* Which of the protections was in the way; none of them if it was the conversion. */
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
