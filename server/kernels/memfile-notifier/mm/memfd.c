// SPDX-License-Identifier: MIT
/* Files in memory, made by memfd_create(2), and what they can be sealed against. */
#include <linux/memfd.h>
#include <linux/shmem_fs.h>

/* Sized at once, which userspace needs ftruncate(2) for. */
int memfd_create(unsigned int flags, loff_t size)
{
	struct file *file;
	int fd;

	if ((flags & ~MFD_INACCESSIBLE) || size <= 0 || !PAGE_ALIGNED(size))
		return -EINVAL;
	fd = get_unused_fd();
	if (fd < 0)
		return fd;
	file = shmem_file_setup("memfd", size, flags & MFD_INACCESSIBLE);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/* fcntl(F_ADD_SEALS). A seal is never taken off. */
int memfd_add_seals(struct file *file, unsigned int seals)
{
	struct shmem_file *shmem = file->private_data;

	if (seals & ~F_SEAL_AUTO_ALLOCATE)
		return -EINVAL;
#ifdef CONFIG_MEMFILE_SEAL_AUTO_ALLOCATE
	shmem->seals |= seals;
	return 0;
#else
	/* Before the seal was there (mail row E4). */
	return shmem ? -EINVAL : 0;
#endif
}
