/** SNP's instructions for guests: PVALIDATE and RMPADJUST. */
import { fault, type GuestAddress, type NestedFault, type WalkParts } from './guest-walk.js';
import {
  type Injections,
  SNP_CODES,
  type SnpCodeName,
  type SnpInstruction,
  type SnpResult,
  snpResult,
} from './instructions.js';
import type { RmpEntry } from './rmp.js';
import type { RmpCell } from './state.js';
import type { Table } from './tables.js';
import { isAligned, type Level, PAGE_SIZE, PAGES_OF, PAGES_OF_2M } from './units.js';

export interface GuestRmpParts extends WalkParts {
  injections: Injections;
  rmpTable: Table<RmpCell>;
}

export interface PvalidateRequest extends Omit<GuestAddress, 'kind' | 'private'> {
  size: '4K' | '2M';
  validate: boolean;
}

export type PvalidateResult =
  /** `changed` false: it was so already (the carry flag; Linux's PVALIDATE_FAIL_NOUPDATE). */
  (SnpResult & { outcome: 'done'; changed: boolean }) | NestedFault;

/**
 * PVALIDATE by the guest. FAIL_INPUT for an address that isn't aligned to the size; FAIL_SIZEMISMATCH where the guest
 * says 2M and the mapping or the entry is 4K; a nested fault with RMP and SIZEM where it says 4K and the entry is 2M
 * (sev_handle_rmp_fault in arch/x86/kvm/svm/sev.c, case 1), or where the page isn't this guest's. AMD APM vol. 3,
 * PVALIDATE; that a 2M entry under a 4K mapping is FAIL_SIZEMISMATCH too is assumed.
 */
export function pvalidate(parts: GuestRmpParts, request: PvalidateRequest): PvalidateResult {
  const target = guestPage(parts, 'PVALIDATE', request, request.size);
  if ('outcome' in target) return target;
  if ('refused' in target)
    return { ...done(parts, 'PVALIDATE', request, target.refused), outcome: 'done', changed: false };
  const pages = PAGES_OF[request.size];
  let changed = false;
  for (const { start, count, value } of parts.rmpTable.runs(target.pfn, pages)) {
    if (!value || value.validated === request.validate) continue;
    parts.rmpTable.write(start, count, { ...value, validated: request.validate });
    changed = true;
  }
  parts.journal.counters.pvalidate++;
  return { ...done(parts, 'PVALIDATE', request, 'SUCCESS'), outcome: 'done', changed };
}

export interface RmpadjustRequest extends Omit<GuestAddress, 'kind' | 'private'> {
  size: '4K' | '2M';
  targetVmpl: number;
  /** Read 1, write 2, user execute 4, supervisor execute 8. */
  permissions: number;
  vmsa?: boolean;
}

/**
 * RMPADJUST by the guest. FAIL_INPUT for an address, VMPL or permission that doesn't exist; FAIL_PERMISSION unless the
 * target VMPL is less privileged than the vCPU's and gets no more than the vCPU's own has; sizes as for PVALIDATE.
 * AMD APM vol. 3, RMPADJUST, and vol. 2, 15.36.7. Only VMPL 0 changes the VMSA bit.
 */
export function rmpadjust(
  parts: GuestRmpParts,
  request: RmpadjustRequest,
): (SnpResult & { outcome: 'done' }) | NestedFault {
  const target = guestPage(parts, 'RMPADJUST', request, request.size);
  if ('outcome' in target) return target;
  const answer = (name: SnpCodeName): SnpResult & { outcome: 'done' } => ({
    ...done(parts, 'RMPADJUST', request, name),
    outcome: 'done',
  });
  if ('refused' in target) return answer(target.refused);
  const { targetVmpl, permissions, vmsa } = request;
  const whole = Number.isInteger(targetVmpl) && Number.isInteger(permissions);
  if (!whole || targetVmpl < 0 || targetVmpl > 3 || permissions < 0 || permissions > 0xf)
    return answer('FAIL_INPUT');
  const vmpl = parts.vm.vcpus.find(({ id }) => id === request.vcpu)?.vmpl ?? 0;
  const own = parts.rmp.peek(target.pfn).vmplPermissions[vmpl] ?? 0;
  if (targetVmpl <= vmpl || (permissions & ~own) !== 0) return answer('FAIL_PERMISSION');
  const shift = targetVmpl * 4;
  for (const { start, count, value } of parts.rmpTable.runs(target.pfn, PAGES_OF[request.size])) {
    if (!value) continue;
    const vmplPermissions = (value.vmplPermissions & ~(0xf << shift)) | (permissions << shift);
    const marked = vmpl === 0 && vmsa !== undefined ? { vmsa } : {};
    parts.rmpTable.write(start, count, { ...value, vmplPermissions, ...marked });
  }
  return answer('SUCCESS');
}

export interface RmpqueryRequest extends Omit<GuestAddress, 'kind' | 'private'> {
  targetVmpl: number;
}

export type RmpqueryResult =
  | (SnpResult & { outcome: 'done'; permissions: number; size: '4K' | '2M' })
  | NestedFault;

/**
 * RMPQUERY by the guest: what a VMPL may do with a page, and the entry's size. FAIL_INPUT for a VMPL that doesn't exist,
 * FAIL_PERMISSION for one that is more privileged than the vCPU's. AMD APM vol. 3, RMPQUERY; that it reads entries of
 * either size is assumed.
 */
export function rmpquery(parts: GuestRmpParts, request: RmpqueryRequest): RmpqueryResult {
  const found = ownPage(parts, 'RMPQUERY', request);
  if ('outcome' in found) return found;
  const name = 'refused' in found ? found.refused : (refuseQuery(parts, request) ?? 'SUCCESS');
  const { size = '4K', vmplPermissions } = 'entry' in found ? found.entry : {};
  const permissions = name === 'SUCCESS' ? (vmplPermissions?.[request.targetVmpl] ?? 0) : 0;
  parts.journal.counters.rmpLookups++;
  return { ...done(parts, 'RMPQUERY', request, name), outcome: 'done', permissions, size };
}

function refuseQuery(parts: GuestRmpParts, { vcpu, targetVmpl }: RmpqueryRequest): SnpCodeName | undefined {
  if (!Number.isInteger(targetVmpl) || targetVmpl < 0 || targetVmpl > 3) return 'FAIL_INPUT';
  const vmpl = parts.vm.vcpus.find(({ id }) => id === vcpu)?.vmpl ?? 0;
  return targetVmpl < vmpl ? 'FAIL_PERMISSION' : undefined;
}

/** The page behind a guest's RMP instruction that names a size: it must fit the mapping and the entry. */
function guestPage(
  parts: GuestRmpParts,
  instruction: SnpInstruction,
  request: Omit<GuestAddress, 'kind' | 'private'>,
  size: '4K' | '2M',
): { pfn: number } | { refused: SnpCodeName } | NestedFault {
  if (!isAligned(request.gfn, PAGES_OF[size])) return { refused: 'FAIL_INPUT' };
  const found = ownPage(parts, instruction, request);
  if (!('entry' in found)) return found;
  const { entry, level } = found;
  if (size === '2M' && (entry.size === '4K' || PAGES_OF[level] < PAGES_OF_2M))
    return { refused: 'FAIL_SIZEMISMATCH' };
  if (size === '4K' && entry.size === '2M')
    return fault(parts, { ...request, private: true, kind: 'read' }, 'rmp-size-mismatch');
  return found;
}

/** The page behind a guest's address, which must be the guest's own at that address. */
function ownPage(
  parts: GuestRmpParts,
  instruction: SnpInstruction,
  request: Omit<GuestAddress, 'kind' | 'private'>,
): { pfn: number; entry: RmpEntry; level: Level } | { refused: SnpCodeName } | NestedFault {
  const { gfn } = request;
  const address: GuestAddress = { ...request, private: true, kind: 'read' };
  const leaf = parts.npt.leaf(gfn);
  if (!leaf) return fault(parts, address, 'not-present');
  const pfn = leaf.pfn + (gfn - leaf.gfn);
  const injected = parts.injections.take(instruction, pfn);
  if (injected !== undefined && injected in SNP_CODES) return { refused: injected as SnpCodeName };
  const entry = parts.rmp.peek(pfn);
  if (!entry.assigned) return fault(parts, address, 'rmp-not-assigned');
  if (entry.asid !== parts.vm.key) return fault(parts, address, 'rmp-wrong-asid');
  if (gfn !== entry.gpa / PAGE_SIZE + (pfn - entry.pfn)) return fault(parts, address, 'rmp-wrong-gpa');
  return { pfn, entry, level: leaf.level };
}

function done(
  parts: GuestRmpParts,
  instruction: SnpInstruction,
  { vm, gfn }: { vm: string; gfn: number },
  name: SnpCodeName,
): SnpResult {
  parts.journal.record({ kind: 'instruction', instruction, vm, gfn, code: BigInt(SNP_CODES[name]), name });
  return snpResult(name);
}
