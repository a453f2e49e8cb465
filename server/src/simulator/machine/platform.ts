/** What tells the platforms apart; the rest of the machine asks these tables instead of the platform's name. */

export type PlatformName = 'snp' | 'tdx' | 'sw-protected';

/** How KVM learns whether an access is meant for private or shared memory (mail row A10). */
export type PrivateAccessBy =
  | { kind: 'error-code'; mask: bigint }
  /** The bit is set on *shared* addresses. */
  | { kind: 'inverted-gpa-bit'; mask: bigint }
  /** The guest doesn't say: KVM asks its attribute array. */
  | { kind: 'attributes' };

export interface Platform {
  readonly name: PlatformName;
  /** Reverse map table: checks on host writes and on guest accesses. */
  readonly rmp: boolean;
  /** Secure EPT kept by the TDX module, beside the shared EPT. */
  readonly sept: boolean;
  /** Private memory is stored under the guest's key. */
  readonly encrypts: boolean;
  readonly privateAccess: PrivateAccessBy;
  readonly source: string;
}

export const PLATFORMS: Readonly<Record<PlatformName, Platform>> = {
  snp: {
    name: 'snp',
    rmp: true,
    sept: false,
    encrypts: true,
    privateAccess: { kind: 'error-code', mask: 1n << 34n },
    source:
      'AMD APM vol. 2, 15.36.10; PFERR_GUEST_ENC_MASK in arch/x86/include/asm/kvm_host.h; mail row A10 (a configurable bit of the 64-bit error code)',
  },
  tdx: {
    name: 'tdx',
    rmp: false,
    sept: true,
    encrypts: true,
    // Bit 47 with a guest physical address width of 48, bit 51 with 52; this machine's guests have 52.
    privateAccess: { kind: 'inverted-gpa-bit', mask: 1n << 51n },
    source: 'Intel TDX Module Base Architecture Specification, shared bit of the GPA; mail row A10',
  },
  'sw-protected': {
    name: 'sw-protected',
    rmp: false,
    sept: false,
    encrypts: false,
    privateAccess: { kind: 'attributes' },
    source:
      'KVM_X86_SW_PROTECTED_VM in Documentation/virt/kvm/api.rst; kvm_mem_is_private in arch/x86/kvm/mmu/mmu_internal.h',
  },
};

/** Error-code bits of nested and host page faults. */
export const PAGE_FAULT = {
  present: 1n << 0n,
  write: 1n << 1n,
  user: 1n << 2n,
  fetch: 1n << 4n,
  /** RMP check failed (X86_PF_RMP, PFERR_GUEST_RMP_MASK). */
  rmp: 1n << 31n,
  /** While translating the guest's final address, not its page tables. */
  final: 1n << 32n,
  /** The guest accessed the page with the C-bit set. */
  encrypted: 1n << 34n,
  /** Page sizes of RMP and nested page table, or of the guest's instruction, don't fit. */
  sizeMismatch: 1n << 35n,
  /** VMPL permission. */
  vmpl: 1n << 36n,
} as const;
