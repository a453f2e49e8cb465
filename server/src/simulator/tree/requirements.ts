/** What a tree must have for `design: tree`: the functions that this folder calls or models by name. */
import type { Program } from '../../program/program.js';

const GUEST_MEMFD = 'virt/kvm/guest_memfd.c';

/** Entered from here, or replaced by a model: without one of them a run would be about something else. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  [GUEST_MEMFD]: ['kvm_gmem_create', 'kvm_gmem_bind', 'kvm_gmem_init', 'kvm_gmem_get_pfn'],
  'virt/kvm/kvm_main.c': [
    'kvm_dev_ioctl',
    'kvm_vm_ioctl',
    'kvm_vcpu_ioctl',
    'kvm_enable_virtualization',
    'kvm_make_all_cpus_request',
  ],
  'arch/x86/kvm/x86.c': ['kvm_ops_update', 'kvm_arch_vcpu_create', 'vcpu_enter_guest'],
  'arch/x86/kvm/mmu/mmu.c': [
    'kvm_mmu_x86_module_init',
    'kvm_mmu_vendor_module_init',
    'kvm_configure_mmu',
    'kvm_mmu_create',
    'kvm_init_mmu',
  ],
  'arch/x86/kvm/mmu.h': ['kvm_mmu_reload'],
  'arch/x86/kvm/svm/svm.c': ['npf_interception'],
  'fs/open.c': ['vfs_fallocate'],
  'fs/file_table.c': ['fput'],
  'fs/inode.c': ['iput'],
};

/** A header's stub of the name, for kernels without the feature, is not what is meant. */
const isDefinedIn = (found: string | undefined, file: string): boolean =>
  found !== undefined && (found === file || found.endsWith('.c'));

/** Why a tree can't be run; nothing if it can. */
export function missingIn(program: Program): string[] {
  if (!program.file(GUEST_MEMFD))
    return [
      `this tree has no ${GUEST_MEMFD}: guest_memfd came with Linux 6.8. Name a newer tree, or run the scenario on a reference kernel (\`design: guest-memfd\`)`,
    ];
  const symbols = program.definitions();
  return Object.entries(FUNCTIONS).flatMap(([file, names]) =>
    names
      .filter((name) => !isDefinedIn(symbols.fn(name, file)?.file, file))
      .map(
        (name) =>
          `this tree has no ${name}() in ${file}, which \`design: tree\` enters or models: it has another name there, or is gone`,
      ),
  );
}
