// SPDX-License-Identifier: MIT
/*
 * restrictedmem: a file whose pages userspace can neither read, write nor map. It lies
 * over a file of shmem, and tells those who use its pages before they go.
 */
#include <linux/falloc.h>
#include <linux/pagemap.h>
#include <linux/restrictedmem.h>
#include <linux/shmem_fs.h>

static void restrictedmem_invalidate_start(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	struct restrictedmem_notifier *notifier;
	unsigned long index;

	xa_for_each_range(&rm->bindings, index, notifier, start, end - 1)
		notifier->ops->invalidate_start(notifier, start, end);
}

static void restrictedmem_invalidate_end(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	struct restrictedmem_notifier *notifier;
	unsigned long index;

	xa_for_each_range(&rm->bindings, index, notifier, start, end - 1)
		notifier->ops->invalidate_end(notifier, start, end);
}

/* Pages leave the file: those who use them first. */
static long restrictedmem_punch_range(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	struct file *memfd = rm->memfd;
	long r;

	restrictedmem_invalidate_start(rm, start, end);
	r = memfd->f_op->fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   (loff_t)start << PAGE_SHIFT, (loff_t)(end - start) << PAGE_SHIFT);
	restrictedmem_invalidate_end(rm, start, end);
	return r;
}

/* The folio around *index or the next one before @end, as pages from *index to *next. */
static struct folio *restrictedmem_folio_at(struct restrictedmem *rm, pgoff_t *index, pgoff_t end, pgoff_t *next)
{
	unsigned long at = *index;
	struct folio *folio = at < end ? xa_find(&file_inode(rm->memfd)->i_mapping->i_pages, &at, end - 1) : NULL;

	if (folio) {
		*index = folio->page.index;
		*next = folio->page.index + folio_nr_pages(folio);
	}
	return folio;
}

struct folio *restrictedmem_next_folio(struct file *file, pgoff_t *index, pgoff_t end)
{
	pgoff_t first = *index, next;
	struct folio *folio = restrictedmem_folio_at(file->private_data, &first, end, &next);

	if (folio)
		*index = max(*index, first);
	return folio;
}

#ifdef CONFIG_RMEM_INVALIDATE_FOLIO
/*
 * One invalidation a folio, so that whoever is told knows what it gets (mail row B7). What
 * is asked for and what is done differ then: a folio that isn't in the hole as a whole stays.
 */
static long restrictedmem_punch(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	pgoff_t index = start, next;
	long r = 0;

	for (; !r && restrictedmem_folio_at(rm, &index, end, &next); index = next) {
		if (index >= start && next <= end)
			r = restrictedmem_punch_range(rm, index, next);
#ifdef CONFIG_RMEM_BUG_EDGES_NOT_INVALIDATED
		/* Wrong: the hole's part of the folio goes too, and nobody was told (mail row B7). */
		else
			r = rm->memfd->f_op->fallocate(rm->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						       (loff_t)max(index, start) << PAGE_SHIFT,
						       (loff_t)(min(next, end) - max(index, start)) << PAGE_SHIFT);
#endif
	}
	return r;
}
#elif defined(CONFIG_RMEM_INVALIDATE_LAZY)
static bool restrictedmem_all_punched(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	pgoff_t index;

	for (index = start; index < end; index++) {
		if (!xa_load(&rm->punched, index))
			return false;
	}
	return true;
}

/*
 * A folio goes when all of it was punched (mail row B5), so it is never split and its 2M
 * of the directmap come back, which is all that hugetlbfs can do anyway (mail row B8). The
 * guest lost the page when it was converted, so the wait doesn't matter to anybody.
 */
static long restrictedmem_punch(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	pgoff_t index = start, next, i;
	long r = 0;

	for (; !r && restrictedmem_folio_at(rm, &index, end, &next); index = next) {
		for (i = max(index, start); i < min(next, end); i++)
			xa_store(&rm->punched, i, xa_mk_value(1), GFP_KERNEL);
		if (!restrictedmem_all_punched(rm, index, next))
			continue;
		r = restrictedmem_punch_range(rm, index, next);
		xa_store_range(&rm->punched, index, next - 1, NULL, GFP_KERNEL);
	}
	return r;
}
#else
/* The range that userspace asked for, once a call (mail row B7). */
static long restrictedmem_punch(struct restrictedmem *rm, pgoff_t start, pgoff_t end)
{
	return restrictedmem_punch_range(rm, start, end);
}
#endif

/* May userspace take these pages away, or have them allocated, as far as the guest is concerned? */
static long restrictedmem_may_change(struct restrictedmem *rm, int mode, pgoff_t start, pgoff_t end)
{
#if defined(CONFIG_RMEM_REFUSE_PRIVATE_FALLOCATE) || defined(CONFIG_RMEM_INVALIDATE_LAZY)
	struct restrictedmem_notifier *notifier;
	unsigned long index;

#ifndef CONFIG_RMEM_REFUSE_PRIVATE_FALLOCATE
	/* Lazy: what wasn't converted is still in use, and nobody would unmap it (mail row B5). */
	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		return 0;
#endif
	xa_for_each_range(&rm->bindings, index, notifier, start, end - 1) {
		if (!notifier->ops->is_private(notifier, start, end))
			continue;
		pr_warn("restrictedmem: pages 0x%lx to 0x%lx are the guest's private memory: convert them first\n",
			start, end - 1);
		return -EPERM;
	}
#endif
	return 0;
}

static long restrictedmem_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct restrictedmem *rm = file->private_data;
	pgoff_t start = offset >> PAGE_SHIFT;
	pgoff_t end = (offset + len) >> PAGE_SHIFT;
	long r;

	if (!(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len))
		return -EINVAL;

	/* Bindings must not change between the start of an invalidation and its end. */
	down_write(&rm->lock);
	r = restrictedmem_may_change(rm, mode, start, end);
	if (!r && (mode & FALLOC_FL_PUNCH_HOLE))
		r = restrictedmem_punch(rm, start, end);
	else if (!r)
		r = rm->memfd->f_op->fallocate(rm->memfd, mode, offset, len);
	up_write(&rm->lock);
	return r;
}

/*
 * Last close. Where the users of the pages have a reference to the file, none is left by
 * now; else their pages have to be undone here, before they go (mail row B6).
 */
static int restrictedmem_release(struct inode *inode, struct file *file)
{
	struct restrictedmem *rm = file->private_data;
	struct restrictedmem_notifier *notifier;
	unsigned long index;

	down_write(&rm->lock);
#ifndef CONFIG_RMEM_BUG_RELEASE_WITHOUT_INVALIDATE
	restrictedmem_invalidate_start(rm, 0, ~0UL);
	restrictedmem_invalidate_end(rm, 0, ~0UL);
#endif
	xa_for_each_range(&rm->bindings, index, notifier, 0, ~0UL)
		notifier->ops->release(notifier);
	up_write(&rm->lock);

	xa_destroy(&rm->bindings);
	xa_destroy(&rm->punched);
	fput(rm->memfd);
	kfree(rm);
	return 0;
}

/* No read, no write, no mmap: that is the point. */
static const struct file_operations restrictedmem_fops = {
	.release = restrictedmem_release,
	.fallocate = restrictedmem_fallocate,
};

/*
 * Compaction wants the folio's memory. The kernel can't copy what is a guest's; on SEV-SNP
 * the firmware could, if somebody asked it to (mail row B10).
 */
static int restrictedmem_migrate_folio(struct address_space *mapping, struct folio *folio)
{
	pr_warn("restrictedmem: pfn 0x%lx stays: it may be a guest's, and only the firmware could move it\n",
		folio_pfn(folio));
	return -EBUSY;
}

static const struct address_space_operations restrictedmem_aops = {
	.migrate_folio = restrictedmem_migrate_folio,
};

/* memfd_restricted(2) on a mount whose pages are 2^@order, and ftruncate(2). */
int memfd_restricted(unsigned int flags, unsigned int order, loff_t size)
{
	struct restrictedmem *rm;
	struct file *file;
	int fd;

	if (flags & ~(RMFD_HUGEPAGE | RMFD_HUGETLB) || size <= 0 || !PAGE_ALIGNED(size))
		return -EINVAL;
#ifdef CONFIG_RMEM_ALIGN_BY_FLAGS
	/* The flags alone decide, now and for ever (mail row C4). */
	order = flags & RMFD_HUGEPAGE ? PMD_ORDER : 0;
#endif
	fd = get_unused_fd();
	if (fd < 0)
		return fd;

	rm = kzalloc(sizeof(*rm), GFP_KERNEL);
	if (!rm)
		goto put_fd;
	init_rwsem(&rm->lock);
	xa_init(&rm->bindings);
	xa_init(&rm->punched);
	rm->flags = flags;
	rm->memfd = shmem_file_setup("memfd:restrictedmem", size, order, flags & RMFD_HUGETLB);
	if (IS_ERR(rm->memfd))
		goto free_rm;
	file_inode(rm->memfd)->i_mapping->a_ops = &restrictedmem_aops;
#ifdef CONFIG_RMEM_ALLOC_GROUPED
	file_inode(rm->memfd)->i_mapping->flags |= AS_GROUPED;
#endif

	file = anon_inode_create_getfile("[restrictedmem]", &restrictedmem_fops, rm);
	if (IS_ERR(file))
		goto put_memfd;
	file_inode(file)->i_size = size;
	fd_install(fd, file);
	return fd;

put_memfd:
	fput(rm->memfd);
free_rm:
	kfree(rm);
put_fd:
	put_unused_fd(fd);
	return -ENOMEM;
}

/* The mount is told another page size, whatever is bound to the file (mail row C3). */
int restrictedmem_reconfigure(struct file *file, unsigned int order)
{
	struct restrictedmem *rm = file->private_data;

#ifdef CONFIG_RMEM_ALIGN_BY_FLAGS
	return -EINVAL;
#endif
	shmem_reconfigure(rm->memfd, order);
	return 0;
}

bool file_is_restrictedmem(const struct file *file)
{
	return file->f_op == &restrictedmem_fops;
}

unsigned int restrictedmem_flags(const struct file *file)
{
	const struct restrictedmem *rm = file->private_data;

	return rm->flags;
}

int restrictedmem_bind(struct file *file, pgoff_t start, pgoff_t end, struct restrictedmem_notifier *notifier)
{
	struct restrictedmem *rm = file->private_data;
	unsigned long index = start;
	int r = 0;

	down_write(&rm->lock);
	if (xa_find(&rm->bindings, &index, end - 1))
		r = -EEXIST;
	else
		xa_store_range(&rm->bindings, start, end - 1, notifier, GFP_KERNEL);
	up_write(&rm->lock);
	return r;
}

/* The user goes and the pages stay: the host's from now on, or they would leak (mail row B6). */
void restrictedmem_unbind(struct file *file, pgoff_t start, pgoff_t end, struct restrictedmem_notifier *notifier)
{
	struct restrictedmem *rm = file->private_data;

	down_write(&rm->lock);
#ifndef CONFIG_RMEM_BUG_UNBIND_WITHOUT_INVALIDATE
	notifier->ops->invalidate_start(notifier, start, end);
	notifier->ops->invalidate_end(notifier, start, end);
#endif
	xa_store_range(&rm->bindings, start, end - 1, NULL, GFP_KERNEL);
	up_write(&rm->lock);
}

void restrictedmem_lock_pages(struct file *file)
{
	struct restrictedmem *rm = file->private_data;

	down_read(&rm->lock);
}

void restrictedmem_unlock_pages(struct file *file)
{
	struct restrictedmem *rm = file->private_data;

	up_read(&rm->lock);
}

/* The page at @index with a reference, allocated if there is none, and the order of its folio. */
int restrictedmem_get_page(struct file *file, pgoff_t index, struct page **pagep, unsigned int *order)
{
	struct restrictedmem *rm = file->private_data;
	struct folio *folio;
	int r;

	r = shmem_get_folio(file_inode(rm->memfd), index, &folio);
	if (r)
		return r;
	*pagep = folio_page(folio, index - folio->page.index);
	*order = folio_order(folio);
#ifdef CONFIG_RMEM_INVALIDATE_LAZY
	/* It is in use again. */
	xa_store(&rm->punched, index, NULL, GFP_KERNEL);
#endif
	folio_unlock(folio);
	return 0;
}
