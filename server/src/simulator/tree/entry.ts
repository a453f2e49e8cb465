/** C beside a real tree: the actors' way into it, and the constants that the models need of its headers. */

import { ACTOR_FUNCTION, CONSTANTS, FALLOCATE_FUNCTION } from '../kernel-api/entry.js';
import { BOOT_FUNCTION } from './boot.js';
import { SEV_INIT_FUNCTION } from './sev-models.js';

const HEADERS = [
  'linux/kvm_host.h',
  'linux/falloc.h',
  'linux/pagemap.h',
  'linux/mount.h',
  'linux/dcache.h',
  'linux/task_work.h',
  'linux/sched.h',
  'linux/cc_platform.h',
  'asm/sev.h',
  'asm/svm.h',
  'asm/pgtable.h',
  'asm/processor.h',
];

/** Names of other designs (mail rows D2 to D4): a real kernel refuses the bits. */
const OTHER_DESIGNS: Readonly<Record<string, number>> = {
  KVM_MEMORY_ATTRIBUTE_NO_READ: 1,
  KVM_MEMORY_ATTRIBUTE_NO_WRITE: 2,
  KVM_MEMORY_ATTRIBUTE_NO_EXEC: 4,
  KVM_GET_MEMORY_ATTRIBUTES: 0,
  KVM_GET_SUPPORTED_MEMORY_ATTRIBUTES: 0,
  KVM_MEMORY_ATTRIBUTES_WRITE: 0,
  KVM_MEMORY_ATTRIBUTES_OR: 0,
  KVM_MEMORY_ATTRIBUTES_AND: 0,
};

const TREE_CONSTANTS = [
  ...CONSTANTS,
  '__GFP_DIRECT_RECLAIM',
  'FMODE_OPENED',
  'FMODE_READ',
  'FMODE_WRITE',
  'KVM_X86_SW_PROTECTED_VM',
  'PG_locked',
  'CC_ATTR_HOST_SEV_SNP',
] as const;

const text = `
long ${ACTOR_FUNCTION}(int actor);
int ${BOOT_FUNCTION}(void);
int ${SEV_INIT_FUNCTION}(struct kvm *kvm);

long ${FALLOCATE_FUNCTION}(int fd, int mode, loff_t offset, loff_t len)
{
	struct file *file = fget(fd);
	int r;

	if (!file)
		return -EBADF;
	r = vfs_fallocate(file, mode, offset, len);
	fput(file);
	return r;
}
`;

export const treeEntryText = (): string =>
  [
    ...HEADERS.map((header) => `#include <${header}>`),
    '#include "arch/x86/kvm/svm/svm.h"',
    text,
    ...TREE_CONSTANTS.map((name) => `const unsigned long __lens_${name} = ${OTHER_DESIGNS[name] ?? name};`),
  ].join('\n');
