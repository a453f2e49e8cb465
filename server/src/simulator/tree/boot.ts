/**
 * What a kernel has done before anybody opens /dev/kvm. Of KVM's own initialisation the part is executed that the MMU, the
 * vendor's operations and guest_memfd rest on; what it found out of the processor is set here. Each variable has the place
 * that sets it in a real boot; a tree that doesn't have it does without.
 */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { CObject } from '../execution/objects.js';
import { CodeError } from '../execution/tokens.js';
import { asInt, sizeOf } from '../execution/types.js';
import type { Kernel } from '../kernel-api/kernel.js';
import type { ModelTable } from '../kernel-api/table-entry.js';
import { RMP_TABLE } from './rmp-table.js';
import { isSnp } from './sev-models.js';

/** Models of this name run all of it. */
export const BOOT_FUNCTION = '__gmem_lens_boot';

const PHYSICAL_BITS = 48;

interface Setting {
  variable: string;
  /** A file that sees it. */
  file: string;
  /** A member, where the variable is a struct. */
  member?: string;
  value: bigint | ((kernel: Kernel) => bigint);
  source: string;
}

const X86 = 'arch/x86/kvm/x86.c';
const SVM = 'arch/x86/kvm/svm/svm.c';
const SEV = 'arch/x86/kvm/svm/sev.c';
const MMU = 'arch/x86/kvm/mmu/mmu.c';
const RMP = 'arch/x86/virt/svm/sev.c';

const vmTypes = (kernel: Kernel): bigint =>
  [
    0n,
    kernel.constant('KVM_X86_SW_PROTECTED_VM'),
    ...(isSnp(kernel) ? [kernel.constant('KVM_X86_SNP_VM')] : []),
  ]
    .map((type) => 1n << type)
    .reduce((all, bit) => all | bit, 0n);
const lastPfn = ({ hardware }: Kernel): bigint => BigInt(hardware.pages.memory.pages - 1);

/** Found out of the processor and of memory before KVM is loaded. */
const HOST: readonly Setting[] = [
  { variable: 'rmptable', file: RMP, value: RMP_TABLE, source: `${RMP}, snp_rmptable_init` },
  { variable: 'rmptable_max_pfn', file: RMP, value: lastPfn, source: `${RMP}, snp_rmptable_init` },
];

/** What the vendor module found out, once kvm_mmu_vendor_module_init has run. */
const VENDOR: readonly Setting[] = [
  {
    variable: 'kvm_host',
    member: 'maxphyaddr',
    file: X86,
    value: BigInt(PHYSICAL_BITS),
    source: `${X86}, kvm_x86_vendor_init`,
  },
  {
    variable: 'kvm_caps',
    member: 'supported_vm_types',
    file: X86,
    value: vmTypes,
    source: `${X86}, kvm_x86_vendor_init; ${SEV}, sev_hardware_setup`,
  },
  {
    variable: 'sev_enabled',
    file: SEV,
    value: (kernel) => (isSnp(kernel) ? 1n : 0n),
    source: `${SEV}, sev_hardware_setup`,
  },
  {
    variable: 'sev_es_enabled',
    file: SEV,
    value: (kernel) => (isSnp(kernel) ? 1n : 0n),
    source: `${SEV}, sev_hardware_setup`,
  },
  {
    variable: 'sev_snp_enabled',
    file: SEV,
    value: (kernel) => (isSnp(kernel) ? 1n : 0n),
    source: `${SEV}, sev_hardware_setup`,
  },
  { variable: 'min_sev_asid', file: SEV, value: 2n, source: `${SEV}, sev_hardware_setup: CPUID 0x8000001f` },
  { variable: 'max_sev_asid', file: SEV, value: 2n, source: `${SEV}, sev_hardware_setup: CPUID 0x8000001f` },
  { variable: 'nr_asids', file: SEV, value: 3n, source: `${SEV}, sev_hardware_setup` },
  {
    variable: 'sev_asid_bitmap',
    file: SEV,
    value: (kernel) => kernel.c.allocateZeroed(8, 8, 'sev_asid_bitmap'),
    source: `${SEV}, sev_hardware_setup`,
  },
  {
    variable: 'sev_reclaim_asid_bitmap',
    file: SEV,
    value: (kernel) => kernel.c.allocateZeroed(8, 8, 'sev_reclaim_asid_bitmap'),
    source: `${SEV}, sev_hardware_setup`,
  },
  { variable: 'enable_apicv', file: X86, value: 0n, source: `${SVM}, svm_hardware_setup: without AVIC` },
  {
    variable: 'kvm_vcpu_cache',
    file: 'virt/kvm/kvm_main.c',
    value: (kernel) => cacheOf(kernel, 'struct vcpu_svm'),
    source: 'virt/kvm/kvm_main.c, kvm_init',
  },
];

function cacheOf(kernel: Kernel, type: string): bigint {
  const cache = kernel.c.allocateZeroed(8, 16, `kmem_cache of ${type}`);
  kernel.c.storeValue(cache, 8, BigInt(kernel.sizeOf(type)));
  return cache;
}

function apply(kernel: Kernel, { variable, file, member, value }: Setting, zeroed: Set<string>): void {
  const { c } = kernel;
  try {
    const { address, type } = c.addressOfGlobal(variable, file);
    const wanted = typeof value === 'function' ? value(kernel) : value;
    const loc = { file, line: 1, column: 1 };
    // What is defined outside of the files that are read has no value at all yet.
    const isDefined = c.world.unit({ file }).globalNamed(variable)?.extern === false;
    if (!isDefined && !zeroed.has(variable)) c.fill(address, 0, sizeOf(type, loc));
    zeroed.add(variable);
    if (member !== undefined) new CObject(c, address, type, file).set(member, wanted);
    else c.storeValue(address, (asInt(type, loc)?.size ?? 8) as 1 | 2 | 4 | 8, wanted);
  } catch (error) {
    // Another version of the kernel has no such variable.
    if (!(error instanceof CodeError)) throw error;
  }
}

interface Part {
  /** Set before the call. */
  settings?: readonly Setting[];
  name: string;
  file: string;
  args?: (kernel: Kernel) => bigint[];
}

const NPT_LEVEL = 4n;

/** The tree's own functions, in the order of a real boot. */
const PARTS: readonly Part[] = [
  { settings: HOST, name: 'kvm_mmu_x86_module_init', file: MMU },
  { name: 'kvm_mmu_vendor_module_init', file: MMU },
  {
    settings: VENDOR,
    name: 'kvm_configure_mmu',
    file: MMU,
    args: (kernel) => [1n, NPT_LEVEL, NPT_LEVEL, kernel.constant('PG_LEVEL_1G')],
  },
  {
    name: 'kvm_ops_update',
    file: X86,
    args: ({ c }) => [c.addressOfGlobal('svm_init_ops', SVM).address],
  },
  { name: 'kvm_gmem_init', file: 'virt/kvm/guest_memfd.c', args: () => [0n] },
];

function boot(kernel: Kernel, call: ModelledCall): Outcome {
  const part = PARTS[call.stage];
  if (!part) return 0;
  const zeroed = new Set<string>();
  for (const setting of part.settings ?? []) apply(kernel, setting, zeroed);
  return call.into(kernel.c.addressOfFunction(part.name, part.file), part.args?.(kernel) ?? []);
}

export const BOOT: ModelTable = {
  [BOOT_FUNCTION]: { source: `${X86}, kvm_x86_vendor_init; virt/kvm/kvm_main.c, kvm_init`, run: boot },
};
