// SPDX-License-Identifier: MIT
/* read(2) and write(2), as far as it is decided here whether they may be: the bytes are of no interest. */
#include <linux/fs.h>

ssize_t vfs_read(struct file *file, loff_t pos, size_t len)
{
	if (!file->f_op->read)
		return -EINVAL;
	return file->f_op->read(file, pos, len);
}

ssize_t vfs_write(struct file *file, loff_t pos, size_t len)
{
	if (!file->f_op->write)
		return -EINVAL;
	return file->f_op->write(file, pos, len);
}
