// SPDX-License-Identifier: MIT
#include <linux/fs.h>

static void ____fput(struct callback_head *work)
{
	struct file *file = container_of(work, struct file, f_task_work);
	struct inode *inode = file->f_inode;

	if (file->f_op->release)
		file->f_op->release(inode, file);
	free_file(file);
	iput(inode);
}

/* The last reference may go anywhere, even in a fault with locks held: the release waits for the way out. */
void fput(struct file *file)
{
	if (!atomic_dec_and_test(&file->f_count))
		return;
	init_task_work(&file->f_task_work, ____fput);
	task_work_add(&file->f_task_work);
}
