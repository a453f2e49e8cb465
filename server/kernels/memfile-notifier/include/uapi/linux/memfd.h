/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_LINUX_MEMFD_H
#define _UAPI_LINUX_MEMFD_H

/* memfd_create(): nobody reads, writes or maps the file; its memory is for a guest (mail row E2). */
#define MFD_INACCESSIBLE	0x0008U

/* fcntl(F_ADD_SEALS): a page that nobody asked for by fallocate() isn't there (mail row E4). */
#define F_ADD_SEALS		1033
#define F_SEAL_AUTO_ALLOCATE	0x0020

#endif
