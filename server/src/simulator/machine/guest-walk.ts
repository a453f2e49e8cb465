/** From a guest's address to a page: TLB, nested page table or Secure EPT, then the RMP. */
import type { Journal } from './journal.js';
import type { Npt } from './npt.js';
import { PAGE_FAULT, type Platform } from './platform.js';
import type { Rmp } from './rmp.js';
import type { Sept } from './sept.js';
import type { MappingCell, Space } from './state.js';
import { alignDown, PAGE_SIZE, PAGES_OF, PAGES_OF_2M } from './units.js';
import type { VmRecord } from './vms.js';

export type AccessKind = 'read' | 'write' | 'execute';

export interface GuestAddress {
  vm: string;
  vcpu: number;
  gfn: number;
  /** Meant for private memory: the C-bit on SNP, the shared bit clear on TDX. Without encryption KVM's attributes say. */
  private: boolean;
  kind: AccessKind;
}

export type NestedFaultReason =
  | 'not-present'
  | 'not-writable'
  | 'not-executable'
  /** The Secure EPT entry is blocked. */
  | 'blocked'
  /** Private access to a page that isn't assigned, or a shared write to one that is. */
  | 'rmp-not-assigned'
  | 'rmp-assigned'
  | 'rmp-wrong-asid'
  | 'rmp-wrong-gpa'
  | 'rmp-size-mismatch'
  | 'rmp-vmpl';

export interface NestedFault {
  outcome: 'nested-fault';
  gfn: number;
  /** As KVM gets it: on TDX the shared bit is in here, not in the error code. Bytes. */
  gpa: bigint;
  errorCode: bigint;
  reason: NestedFaultReason;
}

/** The guest itself has to handle it. */
export interface GuestException {
  outcome: 'guest-exception';
  /** #VC: the page isn't validated (PVALIDATE). #VE: it isn't accepted. */
  vector: '#VC' | '#VE';
  gfn: number;
}

export interface Translation {
  outcome: 'ok';
  pfn: number;
  via: 'tlb' | 'page-table';
  /** What the page was when the mapping was made. */
  mapping: MappingCell;
}

export interface WalkParts {
  platform: Platform;
  vm: VmRecord;
  npt: Npt;
  sept: Sept;
  rmp: Rmp;
  journal: Journal;
}

/** Translates, fills the TLB and checks; counts the faults. */
export function walk(parts: WalkParts, address: GuestAddress): Translation | NestedFault | GuestException {
  const found = translate(parts, address);
  if (found.outcome !== 'ok') return found;
  const refused = parts.platform.rmp ? checkRmp(parts, address, found) : undefined;
  return refused ?? found;
}

function translate(parts: WalkParts, address: GuestAddress): Translation | NestedFault | GuestException {
  const { gfn, vcpu, kind } = address;
  const space = spaceOf(parts.platform, address.private);
  const tlb = parts.npt.tlb(vcpu, space);
  const cached = tlb.get(gfn);
  if (cached && allows(cached, kind))
    return { outcome: 'ok', pfn: gfn + cached.pfnDelta, via: 'tlb', mapping: cached };
  // A cached entry that forbids the access is dropped and the tables are walked again.
  if (cached) parts.npt.flushTlb(vcpu, space, { gfn, pages: 1 });
  const cell = space === 'private' ? septMapping(parts, address) : parts.npt.table(space).get(gfn);
  if (cell && 'outcome' in cell) return cell;
  if (!cell) return fault(parts, address, 'not-present');
  if (!allows(cell, kind)) return fault(parts, address, kind === 'write' ? 'not-writable' : 'not-executable');
  const pages = PAGES_OF[cell.level];
  const source = parts.npt.table(space);
  const start = alignDown(gfn, pages);
  if (space === 'private') tlb.write(start, pages, cell);
  else for (const run of source.runs(start, pages)) tlb.write(run.start, run.count, run.value);
  return { outcome: 'ok', pfn: gfn + cell.pfnDelta, via: 'page-table', mapping: cell };
}

/** The Secure EPT's leaf as a mapping; an entry that isn't mapped is the TD's own exception or an exit. */
function septMapping(
  parts: WalkParts,
  address: GuestAddress,
): MappingCell | NestedFault | GuestException | undefined {
  const cell = parts.sept.at(parts.vm.id, address.gfn);
  if (!cell) return undefined;
  if (cell.state === 'pending') return { outcome: 'guest-exception', vector: '#VE', gfn: address.gfn };
  if (cell.state !== 'mapped') return fault(parts, address, 'blocked');
  const { level, pfnDelta } = cell;
  return { level, pfnDelta, writable: true, executable: true, backing: `td:${parts.vm.id}` };
}

/**
 * AMD APM vol. 2, 15.36.10. Private: the entry is assigned to this ASID, at this gpa, with the mapping's page size, its
 * VMPL may do it, and it is validated (else #VC). Shared: only writes are checked, the page must be the host's. Checked
 * on every access: that hardware keeps cached results in step with the RMP is assumed.
 */
function checkRmp(
  parts: WalkParts,
  address: GuestAddress,
  found: Translation,
): NestedFault | GuestException | undefined {
  const entry = parts.rmp.peek(found.pfn);
  if (!address.private) {
    if (address.kind !== 'write') return undefined;
    const blocked = parts.rmp.blocksHostWrite(found.pfn, PAGES_OF[found.mapping.level]);
    return blocked === undefined ? undefined : fault(parts, address, 'rmp-assigned');
  }
  const refused = refusePrivate(parts, address, found, entry);
  if (refused) return fault(parts, address, refused);
  if (!entry.validated) return { outcome: 'guest-exception', vector: '#VC', gfn: address.gfn };
  return undefined;
}

function refusePrivate(
  { vm }: WalkParts,
  { gfn, vcpu, kind }: GuestAddress,
  found: Translation,
  entry: ReturnType<Rmp['peek']>,
): NestedFaultReason | undefined {
  if (!entry.assigned) return 'rmp-not-assigned';
  if (entry.asid !== vm.key) return 'rmp-wrong-asid';
  const largeMapping = PAGES_OF[found.mapping.level] >= PAGES_OF_2M;
  if (largeMapping !== (entry.size === '2M')) return 'rmp-size-mismatch';
  if (entry.gpa / PAGE_SIZE + (found.pfn - entry.pfn) !== gfn) return 'rmp-wrong-gpa';
  const vmpl = vm.vcpus.find((candidate) => candidate.id === vcpu)?.vmpl ?? 0;
  const needed = { read: 1, write: 2, execute: 8 }[kind];
  return (entry.vmplPermissions[vmpl] ?? 0) & needed ? undefined : 'rmp-vmpl';
}

/** A nested page fault with the platform's error code, counted and recorded. */
export function fault(
  { platform, journal }: WalkParts,
  address: GuestAddress,
  reason: NestedFaultReason,
): NestedFault {
  const { vm, vcpu, gfn } = address;
  const errorCode = errorCodeOf(platform, address, reason);
  const shared = platform.privateAccess;
  const bit = shared.kind === 'inverted-gpa-bit' && !address.private ? shared.mask : 0n;
  journal.counters.nestedFaults++;
  if (reason.startsWith('rmp-')) journal.counters.rmpFaults++;
  journal.record({ kind: 'guest-fault', vm, vcpu, gfn, errorCode, reason });
  return { outcome: 'nested-fault', gfn, gpa: BigInt(gfn) * BigInt(PAGE_SIZE) + bit, errorCode, reason };
}

function errorCodeOf(platform: Platform, address: GuestAddress, reason: NestedFaultReason): bigint {
  let code = PAGE_FAULT.user | PAGE_FAULT.final;
  if (address.kind === 'write') code |= PAGE_FAULT.write;
  if (address.kind === 'execute') code |= PAGE_FAULT.fetch;
  if (reason !== 'not-present' && reason !== 'blocked') code |= PAGE_FAULT.present;
  if (platform.privateAccess.kind === 'error-code' && address.private) code |= platform.privateAccess.mask;
  if (reason.startsWith('rmp-')) code |= PAGE_FAULT.rmp;
  if (reason === 'rmp-size-mismatch') code |= PAGE_FAULT.sizeMismatch;
  if (reason === 'rmp-vmpl') code |= PAGE_FAULT.vmpl;
  return code;
}

/** Which table translates an access: with a Secure EPT private and shared memory have one each. */
export const spaceOf = (platform: Platform, isPrivate: boolean): Space =>
  platform.sept ? (isPrivate ? 'private' : 'shared') : 'npt';

const allows = (cell: MappingCell, kind: AccessKind): boolean =>
  kind === 'read' || (kind === 'write' ? cell.writable : cell.executable);
