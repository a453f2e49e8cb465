/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_SHMEM_FS_H
#define _LINUX_SHMEM_FS_H

#include <linux/memfile_notifier.h>

/* One file in memory; its struct file's private_data. */
struct shmem_file {
	struct memfile_node memfile_node;
	unsigned int seals;
};

/* How a missing folio is to be treated. */
enum sgp_type {
	SGP_CACHE,			/* allocated, if the file's seals let it */
	SGP_FALLOC,			/* allocated, since that was asked for */
};

int shmem_get_folio(struct file *file, pgoff_t index, enum sgp_type sgp, struct folio **foliop);
struct file *shmem_file_setup(const char *name, loff_t size, bool inaccessible);

#endif
