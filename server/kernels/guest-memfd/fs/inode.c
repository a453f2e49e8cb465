// SPDX-License-Identifier: MIT
#include <linux/pagemap.h>

/* Pages that are still private go back to the host here, not at the last close (mail row B6). */
static void evict(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	free_inode(inode);
}

void iput(struct inode *inode)
{
	if (atomic_dec_and_test(&inode->i_count))
		evict(inode);
}
