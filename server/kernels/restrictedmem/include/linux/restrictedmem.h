/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_RESTRICTEDMEM_H
#define _LINUX_RESTRICTEDMEM_H

#include <linux/fs.h>

/* memfd_restricted(): PMD pages, whatever the mount says (mail row C4). */
#define RMFD_HUGEPAGE	0x1u
/* On a mount of hugetlbfs: folios stay as large as they are (mail row B8). */
#define RMFD_HUGETLB	0x2u

struct restrictedmem_notifier;

/* Ranges are indices of the file, @end exclusive. No spinning lock is held. */
struct restrictedmem_notifier_ops {
	/* Pages of the range are about to leave the file; from here to the end nobody may map them. */
	void (*invalidate_start)(struct restrictedmem_notifier *notifier, pgoff_t start, pgoff_t end);
	void (*invalidate_end)(struct restrictedmem_notifier *notifier, pgoff_t start, pgoff_t end);
	/* Does the guest have some of the range as private memory? */
	bool (*is_private)(struct restrictedmem_notifier *notifier, pgoff_t start, pgoff_t end);
	/* The file goes while it is bound. */
	void (*release)(struct restrictedmem_notifier *notifier);
};

struct restrictedmem_notifier {
	const struct restrictedmem_notifier_ops *ops;
};

/* What is behind a restricted file. */
struct restrictedmem {
	struct rw_semaphore lock;	/* write: bindings change, pages leave; read: pages are handed out */
	struct file *memfd;		/* the pages: a file of shmem or hugetlbfs that nobody else has */
	unsigned int flags;
	struct xarray bindings;		/* notifier by index */
	struct xarray punched;		/* pages of large folios that wait for the rest of them (mail row B5) */
};

int memfd_restricted(unsigned int flags, unsigned int order, loff_t size);
int restrictedmem_reconfigure(struct file *file, unsigned int order);

bool file_is_restrictedmem(const struct file *file);
unsigned int restrictedmem_flags(const struct file *file);
int restrictedmem_bind(struct file *file, pgoff_t start, pgoff_t end, struct restrictedmem_notifier *notifier);
void restrictedmem_unbind(struct file *file, pgoff_t start, pgoff_t end, struct restrictedmem_notifier *notifier);

/* Between these no page leaves the file. */
void restrictedmem_lock_pages(struct file *file);
void restrictedmem_unlock_pages(struct file *file);
int restrictedmem_get_page(struct file *file, pgoff_t index, struct page **pagep, unsigned int *order);
/* The first folio that has pages of [*index, @end), without a reference; *index becomes the first of them. */
struct folio *restrictedmem_next_folio(struct file *file, pgoff_t *index, pgoff_t end);

int migrate_page(struct page *page);

#endif
