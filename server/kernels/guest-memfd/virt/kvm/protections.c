// SPDX-License-Identifier: MIT
/*
 * Read, write and execute for each gfn. Its slot gives them, its attributes take of them: a page is never allowed more
 * than both say (mail row D4). What no page table can say is refused when it is asked for (mail row D5).
 */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

unsigned int kvm_effective_protections(const struct kvm_memory_slot *slot, unsigned long attributes)
{
	unsigned int prot = KVM_PROT_ALL;

#ifndef CONFIG_KVM_BUG_PROTECTIONS_OVER_SLOT
	/* Attributes can't give back what the slot doesn't have (mail row D4). */
	if (slot && (slot->flags & KVM_MEM_READONLY))
		prot &= ~KVM_PROT_WRITE;
#endif
	if (attributes & KVM_MEMORY_ATTRIBUTE_NO_READ)
		prot &= ~KVM_PROT_READ;
	if (attributes & KVM_MEMORY_ATTRIBUTE_NO_WRITE)
		prot &= ~KVM_PROT_WRITE;
	if (attributes & KVM_MEMORY_ATTRIBUTE_NO_EXEC)
		prot &= ~KVM_PROT_EXEC;
	return prot;
}

/* Why @prot can't be mapped, or NULL. Nothing at all can: it is just not mapped. */
static const char *kvm_protections_refused(unsigned int prot)
{
	if ((prot & KVM_PROT_WRITE) && !(prot & KVM_PROT_READ))
		return "no architecture has write-only memory";
	if (prot == KVM_PROT_EXEC)
		return "nested page tables have no exec-only mappings";
#ifndef CONFIG_KVM_NO_EXEC
	if ((prot & KVM_PROT_READ) && !(prot & KVM_PROT_EXEC))
		return "no-exec mappings aren't supported";
#endif
	return NULL;
}

/* May @gfn of @slot get these attributes? The reason why not is for the log: an errno can't say it. */
int kvm_check_protections(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn, unsigned long attributes)
{
	unsigned int prot = kvm_effective_protections(slot, attributes);
	const char *why = kvm_protections_refused(prot);

	lockdep_assert_held(&kvm->slots_lock);

#ifdef CONFIG_KVM_BUG_PROTECTIONS_UNCHECKED
	/* Wrong: the guest gets more than it was to have, since less can't be mapped (mail row D5). */
	return 0;
#endif
	if (!why)
		return 0;
	pr_info("gfn 0x%llx can't be %s%s%s: %s\n", gfn, prot & KVM_PROT_READ ? "r" : "-",
		prot & KVM_PROT_WRITE ? "w" : "-", prot & KVM_PROT_EXEC ? "x" : "-", why);
	return -EINVAL;
}
