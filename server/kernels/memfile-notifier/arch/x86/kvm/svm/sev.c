// SPDX-License-Identifier: MIT
/* The series came without SEV-SNP: pages are nobody's but the host's, and userspace alone says what is private. */
#include "svm.h"

static atomic_t sev_last_asid;

int sev_vm_init(struct kvm *kvm)
{
	kvm->arch.sev_info.asid = atomic_inc_return(&sev_last_asid);
	return 0;
}

int sev_gmem_prepare(struct kvm *kvm, kvm_pfn_t pfn, gfn_t gfn, int max_order)
{
	return 0;
}

void sev_gmem_invalidate(kvm_pfn_t start, kvm_pfn_t end)
{
}
