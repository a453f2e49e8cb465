// SPDX-License-Identifier: MIT
/* Files that live in memory, by folios of the size that their mount says. */
#include <linux/falloc.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

/*
 * The folio around @index, locked and with a reference. A new one is as large as the mount
 * says and begins where such a folio may begin: @index is rounded down, and nobody asks
 * whether the caller's part of the file reaches that far (mail row C2).
 */
int shmem_get_folio(struct inode *inode, pgoff_t index, struct folio **foliop)
{
	struct address_space *mapping = inode->i_mapping;
	unsigned int order = READ_ONCE(mapping->max_order);
	struct folio *folio;

	if (index >= (pgoff_t)inode->i_size >> PAGE_SHIFT)
		return -EINVAL;
	if (((round_down(index, 1UL << order) + (1UL << order)) << PAGE_SHIFT) > (unsigned long)inode->i_size)
		order = 0;

	folio = filemap_grab_folio_order(mapping, index, order);
	/* No such block is free, or small folios are in its place: best effort, except for hugetlbfs (mail row B3). */
	if (folio == ERR_PTR(-EEXIST) || (folio == ERR_PTR(-ENOMEM) && order && !(mapping->flags & AS_NO_SPLIT)))
		folio = filemap_grab_folio(mapping, index);
	if (IS_ERR(folio))
		return PTR_ERR(folio);

	if (!folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_nr_pages(folio) << PAGE_SHIFT);
		folio_mark_uptodate(folio);
	}
	*foliop = folio;
	return 0;
}

static long shmem_allocate(struct inode *inode, pgoff_t index, pgoff_t end)
{
	struct folio *folio;
	int r;

	while (index < end) {
		r = shmem_get_folio(inode, index, &folio);
		if (r)
			return r;
		index = folio->page.index + folio_nr_pages(folio);
		folio_unlock(folio);
		folio_put(folio);
		cond_resched();
	}
	return 0;
}

static long shmem_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file_inode(file);

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		/* Splits what reaches over an edge of the hole, unless it can't be split (mail rows B4, B8). */
		truncate_inode_pages_range(inode->i_mapping, offset, offset + len - 1);
		return 0;
	}
	if (offset + len > inode->i_size)
		return -EINVAL;
	return shmem_allocate(inode, offset >> PAGE_SHIFT, (offset + len) >> PAGE_SHIFT);
}

static const struct file_operations shmem_file_operations = {
	.fallocate = shmem_fallocate,
};

static const struct address_space_operations shmem_aops = {
};

struct file *shmem_file_setup(const char *name, loff_t size, unsigned int order, bool no_split)
{
	struct file *file = anon_inode_create_getfile(name, &shmem_file_operations, NULL);

	if (IS_ERR(file))
		return file;
	file_inode(file)->i_size = size;
	file_inode(file)->i_mapping->a_ops = &shmem_aops;
	file_inode(file)->i_mapping->max_order = order;
	if (no_split)
		file_inode(file)->i_mapping->flags |= AS_NO_SPLIT;
	return file;
}

/* mount -o remount,huge=…: folios that are allocated from now on have that size (mail row C3). */
void shmem_reconfigure(struct file *file, unsigned int order)
{
	WRITE_ONCE(file_inode(file)->i_mapping->max_order, order);
}
