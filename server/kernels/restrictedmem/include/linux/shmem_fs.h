/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_SHMEM_FS_H
#define _LINUX_SHMEM_FS_H

#include <linux/fs.h>

/* Folios of 2^@order pages: best effort, or (@no_split) hugetlbfs's, which are that large for sure and stay so. */
struct file *shmem_file_setup(const char *name, loff_t size, unsigned int order, bool no_split);
void shmem_reconfigure(struct file *file, unsigned int order);
int shmem_get_folio(struct inode *inode, pgoff_t index, struct folio **foliop);

#endif
