// SPDX-License-Identifier: MIT
/*
 * A small VMM: one VM, one slot that has an address for what is shared and a file for
 * what is private. The other side of this kernel's interface, for scenarios.
 */
#include <linux/falloc.h>
#include <linux/kvm.h>

#include "libc.h"

#define GUEST_MEMORY	(16UL << 20)	/* bytes */

struct vmm {
	int kvm, vm, vcpu;
	int guest_memfd;
	void *shared;
};

/* All memory before the guest starts (mail row E6); a signal only means to go on (mail row E5). */
static int vmm_allocate(struct vmm *vmm)
{
#ifdef CONFIG_VMM_BUG_FALLOCATE_UNCHECKED
	/* Wrong: a signal ends the call early, and the guest starts with holes (mail row E5). */
	fallocate(vmm->guest_memfd, FALLOC_FL_KEEP_SIZE, 0, GUEST_MEMORY);
	return 0;
#else
	int r;

	do {
		r = fallocate(vmm->guest_memfd, FALLOC_FL_KEEP_SIZE, 0, GUEST_MEMORY);
	} while (r < 0 && errno == EINTR);
	return r;
#endif
}

static int vmm_add_memory(struct vmm *vmm)
{
	struct kvm_create_guest_memfd file = { .size = GUEST_MEMORY };
	struct kvm_userspace_memory_region2 slot = {
		.flags = KVM_MEM_GUEST_MEMFD,
		.memory_size = GUEST_MEMORY,
	};

	vmm->guest_memfd = ioctl(vmm->vm, KVM_CREATE_GUEST_MEMFD, &file);
	if (vmm->guest_memfd < 0)
		return -1;
	if (vmm_allocate(vmm))
		return -1;

	vmm->shared = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	slot.userspace_addr = (unsigned long)vmm->shared;
	slot.guest_memfd = vmm->guest_memfd;
	return ioctl(vmm->vm, KVM_SET_USER_MEMORY_REGION2, &slot);
}

/* The guest asked for it, or a fault told: [start, start + size) becomes private, or shared. */
static int vmm_convert(struct vmm *vmm, __u64 start, __u64 size, bool private)
{
	struct kvm_memory_attributes attributes = {
		.address = start,
		.size = size,
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};
	int r = ioctl(vmm->vm, KVM_SET_MEMORY_ATTRIBUTES, &attributes);

	/* What is shared now needs no private page any more. */
	while (!r && !private) {
		if (!fallocate(vmm->guest_memfd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, start, size))
			break;
		if (errno != EINTR)
			return -1;
	}
	return r;
}

int main(void)
{
	struct vmm vmm = { .kvm = open("/dev/kvm", O_RDWR) };
	int r;

	vmm.vm = ioctl(vmm.kvm, KVM_CREATE_VM, NULL);
	if (vmm.vm < 0 || vmm_add_memory(&vmm))
		return 1;
	if (vmm_convert(&vmm, 0, GUEST_MEMORY, true))
		return 1;
	vmm.vcpu = ioctl(vmm.vm, KVM_CREATE_VCPU, NULL);
	r = ioctl(vmm.vcpu, KVM_RUN, NULL);

	close(vmm.vcpu);
	close(vmm.guest_memfd);
	close(vmm.vm);
	return r ? 1 : 0;
}
