// SPDX-License-Identifier: MIT
/* The VMM's address space, as far as files are in it. */
#include <linux/syscalls.h>
#include <linux/vm_fault.h>

static LIST_HEAD(mm_vmas);

/* mmap(2) at an address that the caller chose. A file that can't be mapped has no way to (mail row E2). */
int do_mmap(struct file *file, unsigned long address, unsigned long length, pgoff_t pgoff)
{
	struct vm_area_struct *vma;
	int r;

	if (!length || !PAGE_ALIGNED(address))
		return -EINVAL;
	if (!file->f_op->mmap)
		return -ENODEV;

	vma = kzalloc(sizeof(*vma), GFP_KERNEL_ACCOUNT);
	if (!vma)
		return -ENOMEM;
	vma->vm_start = address;
	vma->vm_end = address + length;
	vma->vm_file = file;
	vma->vm_pgoff = pgoff;
	r = file->f_op->mmap(file, vma);
	if (r) {
		kfree(vma);
		return r;
	}
	/* The mapping keeps the file. */
	atomic_inc(&file->f_count);
	list_add_tail(&vma->list, &mm_vmas);
	return 0;
}

int handle_mm_fault(unsigned long address, struct page **page)
{
	struct vm_area_struct *vma;

	list_for_each_entry(vma, &mm_vmas, list) {
		pgoff_t index = ((address - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;

		if (address >= vma->vm_start && address < vma->vm_end)
			return vma->vm_file->f_op->fault(vma->vm_file, index, page);
	}
	*page = alloc_anon_page(address);
	return *page ? 0 : -ENOMEM;
}
