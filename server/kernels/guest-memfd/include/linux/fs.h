/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/task_work.h>
#include <linux/xarray.h>

struct file;
struct inode;
struct vm_area_struct;

struct address_space_operations {
	/* Last call before the page cache drops its reference to a removed folio. */
	void (*free_folio)(struct folio *folio);
	/* Somebody wants the folio's memory for something else: 0, or why it can't be moved. */
	int (*migrate_folio)(struct address_space *mapping, struct folio *folio);
};

/* address_space.flags: large folios stay what they are, as those of hugetlbfs (mail row B8). */
#define AS_NO_SPLIT	0x1ul
/* Single pages come from 2M blocks of their own (mail row B3). */
#define AS_GROUPED	0x2ul

struct address_space {
	struct inode *host;
	struct xarray i_pages;
	struct rw_semaphore invalidate_lock;
	unsigned long flags;
	unsigned int max_order;		/* of folios that are allocated from now on */
	const struct address_space_operations *a_ops;
	struct list_head i_private_list;
};

struct inode {
	loff_t i_size;
	atomic_t i_count;
	struct address_space i_data;
	struct address_space *i_mapping;
};

struct file_operations {
	long (*unlocked_ioctl)(struct file *file, unsigned int ioctl, unsigned long arg);
	int (*release)(struct inode *inode, struct file *file);
	long (*fallocate)(struct file *file, int mode, loff_t offset, loff_t len);
	/* What a file for guests has none of (mail row E2). */
	ssize_t (*read)(struct file *file, loff_t pos, size_t len);
	ssize_t (*write)(struct file *file, loff_t pos, size_t len);
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	int (*fault)(struct file *file, pgoff_t index, struct page **page);
};

struct file {
	const struct file_operations *f_op;
	struct inode *f_inode;
	void *private_data;
	atomic_t f_count;
	struct callback_head f_task_work;
};

/* One way into the page cache at a time for those who take pages out of it. */
static inline void filemap_invalidate_lock(struct address_space *mapping)
{
	down_write(&mapping->invalidate_lock);
}

static inline void filemap_invalidate_unlock(struct address_space *mapping)
{
	up_write(&mapping->invalidate_lock);
}

static inline void filemap_invalidate_lock_shared(struct address_space *mapping)
{
	down_read(&mapping->invalidate_lock);
}

static inline void filemap_invalidate_unlock_shared(struct address_space *mapping)
{
	up_read(&mapping->invalidate_lock);
}

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

/* File descriptors and the memory of files are the machine's; both kinds of file come with an inode of their own. */
struct file *fget(unsigned int fd);
struct file *anon_inode_create_getfile(const char *name, const struct file_operations *fops, void *priv);
int anon_inode_getfd(const char *name, const struct file_operations *fops, void *priv);
int get_unused_fd(void);
void put_unused_fd(unsigned int fd);
void fd_install(unsigned int fd, struct file *file);
void free_file(struct file *file);
void free_inode(struct inode *inode);

void fput(struct file *file);
void iput(struct inode *inode);
int vfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len);
ssize_t vfs_read(struct file *file, loff_t pos, size_t len);
ssize_t vfs_write(struct file *file, loff_t pos, size_t len);

#endif
