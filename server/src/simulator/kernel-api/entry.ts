/** C text beside the executed kernel: where actors enter it, and the constants that the models need of its headers. */

export const ENTRY_FILE = 'gmem-lens-entry.c';

/** The function that every actor's thread is in; scenario/ models it. */
export const ACTOR_FUNCTION = '__gmem_lens_actor';

/** fallocate(2). */
export const FALLOCATE_FUNCTION = '__gmem_lens_fallocate';

const HEADERS = [
  'linux/kvm_host.h',
  'linux/falloc.h',
  'linux/pagemap.h',
  'linux/task_work.h',
  'asm/sev.h',
  'asm/pgtable.h',
];

export const CONSTANTS = [
  'GFP_KERNEL',
  '__GFP_ZERO',
  'KVM_CREATE_VM',
  'KVM_CREATE_VCPU',
  'KVM_SET_USER_MEMORY_REGION2',
  'KVM_SET_MEMORY_ATTRIBUTES',
  'KVM_GET_MEMORY_ATTRIBUTES',
  'KVM_GET_SUPPORTED_MEMORY_ATTRIBUTES',
  'KVM_CREATE_GUEST_MEMFD',
  'KVM_RUN',
  'KVM_MEM_SLOTS_NUM',
  'KVM_MEM_READONLY',
  'KVM_MEM_GUEST_MEMFD',
  'KVM_MEM_PRIVATE',
  'KVM_MEMORY_ENCRYPT_REG_REGION',
  'KVM_MEMORY_ENCRYPT_UNREG_REGION',
  'KVM_SET_USER_MEMORY_REGION',
  'MFD_INACCESSIBLE',
  'F_SEAL_AUTO_ALLOCATE',
  'RMFD_HUGEPAGE',
  'RMFD_HUGETLB',
  'KVM_MEMORY_ATTRIBUTE_NO_READ',
  'KVM_MEMORY_ATTRIBUTE_NO_WRITE',
  'KVM_MEMORY_ATTRIBUTE_NO_EXEC',
  'KVM_MEMORY_ATTRIBUTE_PRIVATE',
  'KVM_MEMORY_ATTRIBUTES_WRITE',
  'KVM_MEMORY_ATTRIBUTES_OR',
  'KVM_MEMORY_ATTRIBUTES_AND',
  'KVM_X86_SW_PROTECTED_VM',
  'KVM_X86_SNP_VM',
  'KVM_X86_TDX_VM',
  'KVM_X86_DEFAULT_VM',
  'X86_FEATURE_SVM',
  'X86_FEATURE_SEV_SNP',
  'X86_FEATURE_TDX_HOST',
  'FALLOC_FL_KEEP_SIZE',
  'FALLOC_FL_PUNCH_HOLE',
  'PG_LEVEL_4K',
  'PG_LEVEL_2M',
  'PG_LEVEL_1G',
  'PT64_ROOT_LEVEL',
  'RMP_PG_SIZE_2M',
  'SVM_EXIT_INTR',
  'SVM_EXIT_NPF',
] as const;

/**
 * The system call's own few lines around vfs_fallocate (fs/open.c): SYSCALL_DEFINE makes its function from a macro, whose
 * name nothing in the text says.
 */
const FALLOCATE = `
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

/** What a kernel doesn't have is 0: no bit of a mask, no request of an ioctl. Enumerators are in every kernel. */
const constantText = (name: string): string => {
  const value = `const unsigned long __lens_${name} =`;
  if (name.startsWith('PG_LEVEL_')) return `${value} ${name};`;
  return `#ifdef ${name}\n${value} ${name};\n#else\n${value} 0;\n#endif`;
};

/** @param headers more of them, that the kernel's actors need */
export const entryText = (headers: readonly string[] = []): string =>
  [
    ...[...HEADERS, ...headers].map((header) => `#include <${header}>`),
    '#include "arch/x86/kvm/svm/svm.h"',
    `long ${ACTOR_FUNCTION}(int actor);`,
    ...CONSTANTS.map(constantText),
    FALLOCATE,
  ].join('\n');
