/**
 * What the machine remembers of a frame. Frame numbers inside of a value are differences to the key's frame
 * (`…Delta`), so that neighbours with consecutive numbers are equal values and share an extent.
 */
import type { Level } from './units.js';

export type PageStatus =
  | 'allocated'
  /** Never given out: below the machine's first usable frame, or kept by firmware. */
  | 'reserved'
  /** Taken out of use after a memory error, or as if. */
  | 'poisoned'
  /** Lost on purpose (snp_leak_pages in arch/x86/virt/svm/sev.c). */
  | 'leaked';

/** A frame that isn't free. Free frames have no entry. */
export interface PageState {
  readonly status: PageStatus;
  /** Buddy order of its block, which starts where the frame number is aligned to it. */
  readonly order: number;
  /** Whoever allocated it: `gmem:1`, `shmem`, `vmm`, `kernel` … */
  readonly owner: string;
  /** The file whose page cache it is in. */
  readonly file?: string;
  /** Page index in the file minus pfn. */
  readonly indexDelta?: number;
  /** Neither migrated nor reclaimed (mail row E7). */
  readonly unmovable?: boolean;
  /** Goes out of use when it is freed. */
  readonly poisoned?: boolean;
}

/** An assigned RMP entry, or an immutable one; every other entry is the hypervisor's default. AMD APM vol. 2, 15.36.3. */
export interface RmpCell {
  readonly assigned: boolean;
  /** 0: the host or the firmware. */
  readonly asid: number;
  /** gfn minus pfn. */
  readonly gfnDelta: number;
  readonly size: '4K' | '2M';
  readonly immutable: boolean;
  readonly validated: boolean;
  readonly vmsa: boolean;
  /** Four bits (read, write, user execute, supervisor execute) for each of VMPL 0–3, VMPL 0 in the lowest. */
  readonly vmplPermissions: number;
}

export interface DirectmapCell {
  readonly level: Level;
  readonly present: boolean;
}

/** A leaf of a nested page table, or a guest TLB entry, for each of its frames. */
export interface MappingCell {
  readonly level: Level;
  /** pfn minus gfn. */
  readonly pfnDelta: number;
  readonly writable: boolean;
  readonly executable: boolean;
  /** What the frame held when it was mapped, to tell a later owner from this one; '' if it was free. */
  readonly backing: string;
}

/** Of a Secure EPT leaf. Intel TDX Module Base Architecture Specification, "Secure EPT Entry State". */
export type SeptEntryState = 'pending' | 'mapped' | 'blocked' | 'pending-blocked';

export interface SeptCell {
  readonly level: Level;
  /** pfn minus gfn. */
  readonly pfnDelta: number;
  readonly state: SeptEntryState;
  /** The TD's epoch when it was blocked. */
  readonly blockedAt?: number;
}

/** A page that the TDX module counts as a TD's (PT_REG in its PAMT); pages without an entry are the host's (PT_NDA). */
export interface PamtCell {
  readonly vm: string;
  readonly level: Level;
}

/** What lies in a page, before encryption. */
export interface ContentCell {
  /** `zero`, or any word: bytes that are a function of it. */
  readonly pattern: string;
  /** Key the pattern is stored under: 0 none, else the guest's ASID or key id. */
  readonly key: number;
  /** 16-byte blocks that were written since, by offset in the page. */
  readonly blocks?: readonly ContentBlock[];
}

export interface ContentBlock {
  readonly offset: number;
  /** As stored, so encrypted unless `key` is 0; hexadecimal. */
  readonly stored: string;
  readonly key: number;
  /** Reading it is a machine check. */
  readonly poisoned?: boolean;
}

/** Which page backs a gfn on one side. */
export interface BackingCell {
  /** pfn minus gfn. */
  readonly pfnDelta: number;
}

export type Side = 'private' | 'shared';

/** Which table: one for all (`npt`), or on TDX the Secure EPT (`private`) and KVM's own (`shared`). */
export type Space = 'npt' | Side;

/** One text for each page that a mapping could mean; '' for a free page. */
export const backingOf = (page: PageState | undefined): string =>
  page?.status === 'allocated' ? `${page.owner}|${page.file ?? ''}|${page.indexDelta ?? ''}` : '';

const keys = new WeakMap<object, string>();

/** Text of an immutable plain object, the same whatever the order of its fields; `undefined` fields don't count. */
export function keyOfFields(value: object): string {
  let key = keys.get(value);
  if (key === undefined) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : 1));
    key = JSON.stringify(fields);
    keys.set(value, key);
  }
  return key;
}
