// SPDX-License-Identifier: MIT
/* Files that live in memory: a backing store for guests, and for whoever maps them. */
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/vm_fault.h>

/*
 * The folio at @index, locked and with a reference. A file that is sealed against it gets
 * no page just because somebody touched it: the page of the other side is in use, and
 * memory would be taken twice (mail row E4).
 */
int shmem_get_folio(struct file *file, pgoff_t index, enum sgp_type sgp, struct folio **foliop)
{
	struct address_space *mapping = file_inode(file)->i_mapping;
	struct shmem_file *shmem = file->private_data;
	struct folio *folio;

	if (index >= (pgoff_t)file_inode(file)->i_size >> PAGE_SHIFT)
		return -EINVAL;

	if (sgp == SGP_CACHE && (shmem->seals & F_SEAL_AUTO_ALLOCATE)) {
		folio = filemap_lock_folio(mapping, index);
		if (!folio)
			return -ENOENT;
	} else {
		folio = filemap_grab_folio(mapping, index);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
	}

	if (!folio_test_uptodate(folio)) {
		clear_highpage(folio_page(folio, 0));
		folio_mark_uptodate(folio);
	}
	/* Pinned once it is allocated, whoever allocated it (mail row E7). */
	if (shmem->memfile_node.flags & MEMFILE_F_UNMOVABLE)
		folio_set_unmovable(folio);
	*foliop = folio;
	return 0;
}

/* What userspace has mapped of the file is touched. */
static int shmem_fault(struct file *file, pgoff_t index, struct page **page)
{
	struct folio *folio;
	int r = shmem_get_folio(file, index, SGP_CACHE, &folio);

	if (r)
		return r;
	folio_unlock(folio);
	*page = folio_page(folio, 0);
	return 0;
}

/* The guest's pages leave between start and end, so no fault gets one back (mail rows A8, E3). */
static long shmem_punch_hole(struct file *file, pgoff_t start, pgoff_t end)
{
	struct address_space *mapping = file_inode(file)->i_mapping;
	struct shmem_file *shmem = file->private_data;

	filemap_invalidate_lock(mapping);
	memfile_notifier_invalidate_start(&shmem->memfile_node, start, end);
	truncate_inode_pages_range(mapping, (loff_t)start << PAGE_SHIFT, ((loff_t)end << PAGE_SHIFT) - 1);
	memfile_notifier_invalidate_end(&shmem->memfile_node, start, end);
	filemap_invalidate_unlock(mapping);
	return 0;
}

static long shmem_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	pgoff_t index = offset >> PAGE_SHIFT;
	pgoff_t end = (offset + len) >> PAGE_SHIFT;
	struct folio *folio;
	int r;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len))
		return -EINVAL;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return shmem_punch_hole(file, index, end);
	if (offset + len > file_inode(file)->i_size)
		return -EINVAL;

	for (; index < end; index++) {
		/* Gigabytes take their time, and who waits for them wants to be interruptible (mail row E5). */
		if (signal_pending())
			return -EINTR;
		r = shmem_get_folio(file, index, SGP_FALLOC, &folio);
		if (r)
			return r;
		folio_unlock(folio);
		folio_put(folio);
		cond_resched();
	}
	return 0;
}

static int shmem_release(struct inode *inode, struct file *file)
{
	/* Every user of its memory held the file. */
	kfree(file->private_data);
	return 0;
}

static ssize_t shmem_file_read(struct file *file, loff_t pos, size_t len)
{
	return len;
}

static ssize_t shmem_file_write(struct file *file, loff_t pos, size_t len)
{
	return len;
}

static int shmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	return 0;
}

static const struct file_operations shmem_file_operations = {
	.read = shmem_file_read,
	.write = shmem_file_write,
	.mmap = shmem_mmap,
	.fault = shmem_fault,
	.fallocate = shmem_fallocate,
	.release = shmem_release,
};

/* What userspace can do with it is to create, seal, allocate and close it (mail row E2). */
static const struct file_operations shmem_inaccessible_operations = {
	.fallocate = shmem_fallocate,
	.release = shmem_release,
};

static int shmem_migrate_folio(struct address_space *mapping, struct folio *folio)
{
	return folio_test_unmovable(folio) ? -EBUSY : 0;
}

static const struct address_space_operations shmem_aops = {
	.migrate_folio = shmem_migrate_folio,
};

struct file *shmem_file_setup(const char *name, loff_t size, bool inaccessible)
{
	const struct file_operations *fops = inaccessible ? &shmem_inaccessible_operations : &shmem_file_operations;
	struct shmem_file *shmem = kzalloc(sizeof(*shmem), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!shmem)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&shmem->memfile_node.notifiers);
	if (inaccessible)
		shmem->memfile_node.flags = MEMFILE_F_USER_INACCESSIBLE;
#ifdef CONFIG_MEMFILE_BUG_ACCESSIBLE
	/* Wrong: it is called inaccessible, and the VMM maps it all the same (mail row E2). */
	fops = &shmem_file_operations;
#endif
	file = anon_inode_create_getfile(name, fops, shmem);
	if (IS_ERR(file)) {
		kfree(shmem);
		return file;
	}
	file_inode(file)->i_size = size;
	file_inode(file)->i_mapping->a_ops = &shmem_aops;
	return file;
}

/* ---- as a backing store (mail row E3) */

static struct memfile_node *shmem_lookup_memfile_node(struct file *file)
{
	struct shmem_file *shmem = file->private_data;

	if (file->f_op != &shmem_file_operations && file->f_op != &shmem_inaccessible_operations)
		return NULL;
	return &shmem->memfile_node;
}

/* A guest's fault wants the page; whether a missing one is allocated is the kernel's policy (mail row E6). */
static int shmem_get_pfn(struct file *file, pgoff_t offset, unsigned long *pfn, struct page **page)
{
	struct folio *folio;
	int r;

#ifdef CONFIG_MEMFILE_ON_DEMAND
	r = shmem_get_folio(file, offset, SGP_FALLOC, &folio);
	if (r)
		return r;
#else
	folio = filemap_lock_folio(file_inode(file)->i_mapping, offset);
	r = folio ? 0 : -ENOENT;
	if (r)
		return r;
#endif
	folio_unlock(folio);
	*page = folio_page(folio, 0);
	*pfn = folio_pfn(folio);
	return 0;
}

static void shmem_put_pfn(struct page *page)
{
	put_page(page);
}

static struct memfile_backing_store shmem_backing_store = {
#ifdef CONFIG_MEMFILE_UNMOVABLE
	.flags = MEMFILE_F_USER_INACCESSIBLE | MEMFILE_F_UNMOVABLE | MEMFILE_F_UNRECLAIMABLE,
#else
	.flags = MEMFILE_F_USER_INACCESSIBLE,
#endif
	.lookup_memfile_node = shmem_lookup_memfile_node,
	.get_pfn = shmem_get_pfn,
	.put_pfn = shmem_put_pfn,
};

static int __init shmem_init(void)
{
	memfile_register_backing_store(&shmem_backing_store);
	return 0;
}
module_init(shmem_init);
