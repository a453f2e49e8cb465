// SPDX-License-Identifier: MIT
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/syscalls.h>

int vfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (!file->f_op->fallocate)
		return -EOPNOTSUPP;
	/* A hole may lie anywhere, but must not move the end of the file. */
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;

	return file->f_op->fallocate(file, mode, offset, len);
}

SYSCALL_DEFINE4(fallocate, int, fd, int, mode, loff_t, offset, loff_t, len)
{
	struct file *file = fget(fd);
	int r;

	if (!file)
		return -EBADF;
	r = vfs_fallocate(file, mode, offset, len);
	fput(file);
	return r;
}
