// SPDX-License-Identifier: MIT
/*
 * guest_memfd: a file whose pages only a guest can use. A memslot binds a range
 * of it; faults of the guest on private gfns get their pages here.
 */
#include <linux/falloc.h>
#include <linux/kvm_host.h>
#include <linux/pagemap.h>

#include "kvm_mm.h"

#ifdef CONFIG_GMEM_BUG_SHORT_RANGE
/* Wrong: the end is exclusive already, so the last page keeps its mapping (mail row A11). */
#define GMEM_LAST_PAGE_LEFT	1
#else
#define GMEM_LAST_PAGE_LEFT	0
#endif

/* One open guest_memfd; it keeps its VM alive. */
struct kvm_gmem {
	struct kvm *kvm;
	struct xarray bindings;		/* memslot by file index, under the mapping's invalidate_lock */
	struct list_head entry;		/* on the mapping's i_private_list */
};

static pgoff_t kvm_gmem_get_index(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return gfn - slot->base_gfn + slot->gmem.pgoff;
}

/*
 * The folio at @index, locked and with a reference; allocated if there is none, which
 * may sleep. No gfn is known here, so nothing is private yet (mail row A4): the host
 * can still write, and clears what it had in the page.
 */
static struct folio *kvm_gmem_get_folio(struct inode *inode, pgoff_t index)
{
	struct folio *folio = filemap_grab_folio(inode->i_mapping, index);

	if (!IS_ERR(folio) && !folio_test_uptodate(folio)) {
		clear_highpage(folio_page(folio, 0));
		folio_mark_uptodate(folio);
	}
	return folio;
}

/*
 * Keeps the guest from [start, end) of the file until kvm_gmem_invalidate_end():
 * zaps what the bindings map of it, and makes faults retry (mail rows A1, A8).
 *
 * mmu_lock is taken for the first binding found, so a range that nothing is bound
 * to costs nothing. The bindings must not change before the end, or begin and end
 * no longer balance: the caller holds invalidate_lock over both.
 */
static void kvm_gmem_invalidate_begin(struct kvm_gmem *gmem, pgoff_t start, pgoff_t end)
{
	bool found_memslot = false, zapped = false;
	struct kvm_memory_slot *slot;
	struct kvm *kvm = gmem->kvm;
	unsigned long index;

	xa_for_each_range(&gmem->bindings, index, slot, start, end - 1) {
		pgoff_t first = max(start, slot->gmem.pgoff);
		pgoff_t last = min(end, slot->gmem.pgoff + slot->npages);
		struct kvm_gfn_range range = {
			.slot = slot,
			.start = slot->base_gfn + (first - slot->gmem.pgoff),
			.end = slot->base_gfn + (last - slot->gmem.pgoff) - GMEM_LAST_PAGE_LEFT,
			.only_private = true,
			.may_block = true,
		};

		if (!found_memslot) {
			found_memslot = true;
			KVM_MMU_LOCK(kvm);
			kvm_mmu_invalidate_begin(kvm);
		}
		if (kvm_mmu_unmap_gfn_range(kvm, &range))
			zapped = true;
	}

	if (zapped)
		kvm_flush_remote_tlbs(kvm);
	if (found_memslot)
		KVM_MMU_UNLOCK(kvm);
}

static void kvm_gmem_invalidate_end(struct kvm_gmem *gmem, pgoff_t start, pgoff_t end)
{
	struct kvm *kvm = gmem->kvm;
	unsigned long index = start;

	if (!xa_find(&gmem->bindings, &index, end - 1))
		return;

	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);
}

/*
 * Userspace may punch whenever it likes, private or not (mail row A1). The pages go
 * back to the host between begin and end, without mmu_lock: kvm_gmem_free_folio()
 * has to undo their RMP entries, which may sleep (mail rows A4, A6).
 */
static long kvm_gmem_punch_hole(struct inode *inode, loff_t offset, loff_t len)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t start = offset >> PAGE_SHIFT;
	pgoff_t end = (offset + len) >> PAGE_SHIFT;
	struct kvm_gmem *gmem;

	filemap_invalidate_lock(mapping);

	list_for_each_entry(gmem, &mapping->i_private_list, entry)
		kvm_gmem_invalidate_begin(gmem, start, end);

	truncate_inode_pages_range(mapping, offset, offset + len - 1);

#ifdef CONFIG_GMEM_BUG_UNBALANCED
	/* Wrong: nothing is left to fault on, but other gfns of the VM never map again either (mail row A1). */
	if (len >= inode->i_size) {
		filemap_invalidate_unlock(mapping);
		return 0;
	}
#endif
	list_for_each_entry(gmem, &mapping->i_private_list, entry)
		kvm_gmem_invalidate_end(gmem, start, end);

	filemap_invalidate_unlock(mapping);
	return 0;
}

/* Allocation only: the guest has no gfn for these pages yet, so the RMP can wait (mail rows A4, E6). */
static long kvm_gmem_allocate(struct inode *inode, loff_t offset, loff_t len)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t index = offset >> PAGE_SHIFT;
	pgoff_t end = (offset + len) >> PAGE_SHIFT;
	long r = 0;

	if (offset + len > inode->i_size)
		return -EINVAL;

	filemap_invalidate_lock_shared(mapping);
	for (; index < end; index++) {
		struct folio *folio = kvm_gmem_get_folio(inode, index);

		if (IS_ERR(folio)) {
			r = PTR_ERR(folio);
			break;
		}
		folio_unlock(folio);
		folio_put(folio);
		cond_resched();
	}
	filemap_invalidate_unlock_shared(mapping);
	return r;
}

static long kvm_gmem_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len))
		return -EINVAL;

	if (mode & FALLOC_FL_PUNCH_HOLE)
		return kvm_gmem_punch_hole(file_inode(file), offset, len);
	return kvm_gmem_allocate(file_inode(file), offset, len);
}

/*
 * Last close. The pages stay until the inode is evicted, but no slot may reach them
 * any more: what is mapped is zapped, and faults find no file (mail row B6).
 */
static int kvm_gmem_release(struct inode *inode, struct file *file)
{
	struct kvm_gmem *gmem = file->private_data;
	struct address_space *mapping = inode->i_mapping;
	struct kvm *kvm = gmem->kvm;
	struct kvm_memory_slot *slot;
	unsigned long index;

	/* Keeps slots from being unbound, and freed, while they are looked at. */
	mutex_lock(&kvm->slots_lock);
	filemap_invalidate_lock(mapping);

	xa_for_each_range(&gmem->bindings, index, slot, 0, ~0UL)
		WRITE_ONCE(slot->gmem.file, NULL);

	kvm_gmem_invalidate_begin(gmem, 0, ~0UL);
	kvm_gmem_invalidate_end(gmem, 0, ~0UL);
	list_del(&gmem->entry);

	filemap_invalidate_unlock(mapping);
	mutex_unlock(&kvm->slots_lock);

	xa_destroy(&gmem->bindings);
	kfree(gmem);
	kvm_put_kvm(kvm);
	return 0;
}

static const struct file_operations kvm_gmem_fops = {
	.release = kvm_gmem_release,
	.fallocate = kvm_gmem_fallocate,
};

#ifndef CONFIG_GMEM_BUG_FREE_WITHOUT_RMP_RESET
/*
 * The page goes back to the host, whatever made it leave: punch hole, or the end of
 * the inode. One that is still private in the RMP would fault the host (mail row A2).
 */
static void kvm_gmem_free_folio(struct folio *folio)
{
#ifdef CONFIG_HAVE_KVM_ARCH_GMEM_INVALIDATE
	kvm_pfn_t pfn = folio_pfn(folio);

	kvm_arch_gmem_invalidate(pfn, pfn + 1);
#endif
}
#endif

static const struct address_space_operations kvm_gmem_aops = {
#ifndef CONFIG_GMEM_BUG_FREE_WITHOUT_RMP_RESET
	.free_folio = kvm_gmem_free_folio,
#endif
};

int kvm_gmem_create(struct kvm *kvm, struct kvm_create_guest_memfd *args)
{
	struct kvm_gmem *gmem;
	struct inode *inode;
	struct file *file;
	int fd;

	if (args->flags || !args->size || !PAGE_ALIGNED(args->size))
		return -EINVAL;

	fd = get_unused_fd();
	if (fd < 0)
		return fd;

	gmem = kzalloc(sizeof(*gmem), GFP_KERNEL);
	if (!gmem) {
		put_unused_fd(fd);
		return -ENOMEM;
	}

	file = anon_inode_create_getfile("[kvm-gmem]", &kvm_gmem_fops, gmem);
	if (IS_ERR(file)) {
		kfree(gmem);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}

	inode = file_inode(file);
	inode->i_size = args->size;
	inode->i_mapping->a_ops = &kvm_gmem_aops;

	kvm_get_kvm(kvm);
	gmem->kvm = kvm;
	xa_init(&gmem->bindings);
	list_add_tail(&gmem->entry, &inode->i_mapping->i_private_list);

	fd_install(fd, file);
	return fd;
}

/* Ties a new slot to a range of the file; the slot keeps no reference to the file. */
int kvm_gmem_bind(struct kvm *kvm, struct kvm_memory_slot *slot, unsigned int fd, loff_t offset)
{
	pgoff_t start = offset >> PAGE_SHIFT;
	pgoff_t end = start + slot->npages;
	struct address_space *mapping;
	unsigned long index = start;
	struct kvm_gmem *gmem;
	struct file *file;
	int r = -EINVAL;

	lockdep_assert_held(&kvm->slots_lock);

	file = fget(fd);
	if (!file)
		return -EBADF;
	if (file->f_op != &kvm_gmem_fops)
		goto out;
	gmem = file->private_data;
	if (gmem->kvm != kvm)
		goto out;
	if (offset < 0 || !PAGE_ALIGNED(offset) || (loff_t)(end << PAGE_SHIFT) > file_inode(file)->i_size)
		goto out;

	mapping = file_inode(file)->i_mapping;
	filemap_invalidate_lock(mapping);
	if (xa_find(&gmem->bindings, &index, end - 1)) {
		r = -EEXIST;
	} else {
		slot->gmem.pgoff = start;
		WRITE_ONCE(slot->gmem.file, file);
		xa_store_range(&gmem->bindings, start, end - 1, slot, GFP_KERNEL);
		r = 0;
	}
	filemap_invalidate_unlock(mapping);
out:
	fput(file);
	return r;
}

/* With slots_lock held, a file that is still there can't be released before we let go of it. */
void kvm_gmem_unbind(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	struct file *file = slot->gmem.file;
	struct address_space *mapping;
	struct kvm_gmem *gmem;

	lockdep_assert_held(&kvm->slots_lock);
	if (!file)
		return;

	gmem = file->private_data;
	mapping = file_inode(file)->i_mapping;
	filemap_invalidate_lock(mapping);
	xa_store_range(&gmem->bindings, slot->gmem.pgoff, slot->gmem.pgoff + slot->npages - 1, NULL, GFP_KERNEL);
	WRITE_ONCE(slot->gmem.file, NULL);
	filemap_invalidate_unlock(mapping);
}

/* Fails once the last reference is gone, though release() may still be to come. */
static struct file *kvm_gmem_get_file(struct kvm_memory_slot *slot)
{
	struct file *file = READ_ONCE(slot->gmem.file);

	if (!file || !atomic_inc_not_zero(&file->f_count))
		return NULL;
	return file;
}

/*
 * The page behind a private gfn, with a reference, ready for the guest. No lock of
 * KVM's MMU is held here, so it may allocate with reclaim and update the RMP
 * (mail rows A4, A6, A7). This is also where the gfn is known, which the RMP needs.
 *
 * It runs at every fault: sev_gmem_prepare() looks the page up in the RMP each time
 * to see whether there is anything to do (mail row A5).
 */
int kvm_gmem_get_pfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *pfn, struct page **page)
{
	struct file *file = kvm_gmem_get_file(slot);
	struct folio *folio;
	int r = 0;

	if (!file)
		return -EFAULT;

	folio = kvm_gmem_get_folio(file_inode(file), kvm_gmem_get_index(slot, gfn));
	if (IS_ERR(folio)) {
		r = PTR_ERR(folio);
		goto out;
	}

	*page = folio_page(folio, 0);
	*pfn = folio_pfn(folio);
#ifdef CONFIG_GMEM_HOOK_GET_PFN
	r = kvm_arch_gmem_prepare(kvm, gfn, *pfn, 0);
#endif
	folio_unlock(folio);
	if (r)
		folio_put(folio);
out:
	fput(file);
	return r;
}

#ifdef CONFIG_GMEM_HOOK_SET_ATTRIBUTES
/*
 * Which pfn a gfn has in the file, if any: all that a hook in the attribute change
 * can ask, since it must not allocate under mmu_lock (mail rows A3, A7).
 */
bool kvm_gmem_find_pfn(struct kvm_memory_slot *slot, gfn_t gfn, kvm_pfn_t *pfn)
{
	struct file *file = READ_ONCE(slot->gmem.file);
	struct folio *folio;

	if (!file)
		return false;

	folio = xa_load(&file_inode(file)->i_mapping->i_pages, kvm_gmem_get_index(slot, gfn));
	if (!folio)
		return false;

	*pfn = folio_pfn(folio);
	return true;
}
#endif
