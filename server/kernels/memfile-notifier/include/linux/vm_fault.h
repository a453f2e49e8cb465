/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_VM_FAULT_H
#define _LINUX_VM_FAULT_H

#include <linux/fs.h>

/* A range of the VMM's address space that shows a file; what is in none of them is anonymous memory. */
struct vm_area_struct {
	struct list_head list;
	unsigned long vm_start, vm_end;	/* bytes, the end exclusive */
	struct file *vm_file;
	pgoff_t vm_pgoff;
};

/* The page behind a user address, with a reference. */
int handle_mm_fault(unsigned long address, struct page **page);

/* The machine's: anonymous memory; marks on a folio; a signal that waits for the current task. */
struct page *alloc_anon_page(unsigned long address);
void folio_set_unmovable(struct folio *folio);
bool folio_test_unmovable(const struct folio *folio);
bool signal_pending(void);

#endif
