/** What a host instruction does to memory: directmap (or the process's own mapping), then the RMP, then the contents. */
import type { Contents } from './contents.js';
import type { Directmap } from './directmap.js';
import type { Journal } from './journal.js';
import type { Pages } from './pages.js';
import { PAGE_FAULT } from './platform.js';
import type { Rmp } from './rmp.js';
import type { Sept } from './sept.js';
import { alignDown, hexFrame, type Level, PAGE_SIZE, PAGES_OF } from './units.js';

export interface HostAccess {
  pfn: number;
  /** Bytes into the page, 0 if not given. */
  offset?: number;
  /** A write, unless it is a read. `pattern` fills the whole page, as clear_highpage does with `zero`. */
  write?: Uint8Array | { pattern: string };
  /** Bytes to read, 8 if not given. */
  length?: number;
  /** The kernel's mapping, or a user mapping of that size (hugetlb maps 2M by one entry). */
  via?: 'directmap' | Level;
}

export type HostResult =
  /** `garbled`: what was read is stored under another key. Empty bytes for a write. */
  | { outcome: 'ok'; bytes: Uint8Array; garbled: boolean }
  | {
      outcome: 'page-fault';
      /** As the processor pushes it; bit 31 is the RMP's (X86_PF_RMP). */
      errorCode: bigint;
      reason: 'not-present' | 'rmp';
      /** The assigned pfn that is in the way; with a large mapping not the one that was accessed. */
      blockedBy?: number;
    }
  | { outcome: 'machine-check' };

export interface HostParts {
  pages: Pages;
  rmp: Rmp;
  sept: Sept;
  directmap: Directmap;
  contents: Contents;
  journal: Journal;
}

/**
 * One access. Throws MachineError `outside-memory` or `bad-offset`. Rules: writes are RMP-checked, reads aren't and see
 * ciphertext (AMD APM vol. 2, 15.36.10; mail rows A2, B1). On TDX a host write poisons what it hits, and the TD's next
 * read of it is a machine check (Documentation/arch/x86/tdx.rst, "Erratum": there for partial writes; here for all).
 */
export function hostAccess(parts: HostParts, access: HostAccess): HostResult {
  const { pfn, via = 'directmap' } = access;
  parts.pages.checkInside(pfn, 1);
  const write = access.write !== undefined;
  if (via === 'directmap' && !parts.directmap.at(pfn).present) return notPresent(parts, pfn, write);
  const mapped = PAGES_OF[via === 'directmap' ? parts.directmap.at(pfn).level : via];
  if (!write) return read(parts, access);
  const blockedBy = parts.rmp.blocksHostWrite(pfn, mapped);
  if (blockedBy !== undefined) return rmpFault(parts, { pfn, via, mapped, blockedBy });
  return store(parts, access);
}

/** Writes of whole pages from one on: those that nothing is in the way of at once, the others one by one. */
export function hostFill(
  parts: HostParts,
  { pfn, pages, pattern }: { pfn: number; pages: number; pattern: string },
): HostResult {
  parts.pages.checkInside(pfn, pages);
  for (let at = pfn; at < pfn + pages; ) {
    const around = parts.directmap.mappingAround(at);
    const count = Math.min(around.start + around.pages, pfn + pages) - at;
    if (parts.sept.enabled || !parts.directmap.at(at).present || !parts.rmp.mayWriteAll(at, count)) {
      const result = hostAccess(parts, { pfn: at, write: { pattern } });
      if (result.outcome !== 'ok') return result;
      at++;
      continue;
    }
    parts.contents.fill(at, count, pattern, 0);
    at += count;
  }
  return { outcome: 'ok', bytes: new Uint8Array(0), garbled: false };
}

function read({ contents }: HostParts, { pfn, offset = 0, length = 8 }: HostAccess): HostResult {
  const { bytes, garbled, poisoned } = contents.read(pfn, offset, length, 0);
  return poisoned ? { outcome: 'machine-check' } : { outcome: 'ok', bytes, garbled };
}

function store(parts: HostParts, { pfn, offset = 0, write }: HostAccess): HostResult {
  const owner = parts.sept.ownerOf(pfn);
  if (owner !== undefined) {
    parts.journal.hazard({
      kind: 'td-page-written',
      message: `a host write hits pfn ${hexFrame(pfn)}, a private page of the trust domain ${owner}: its next read of it is a machine check`,
      effect: 'guest',
      row: 'A12',
      vm: owner,
      pfn,
    });
  }
  if (write instanceof Uint8Array) parts.contents.write(pfn, offset, write, 0, owner !== undefined);
  else if (write && owner === undefined) parts.contents.fill(pfn, 1, write.pattern, 0);
  else if (write) parts.contents.write(pfn, 0, new Uint8Array(PAGE_SIZE), 0, true);
  return { outcome: 'ok', bytes: new Uint8Array(0), garbled: false };
}

function notPresent({ journal }: HostParts, pfn: number, write: boolean): HostResult {
  const errorCode = write ? PAGE_FAULT.write : 0n;
  journal.record({ kind: 'host-fault', pfn, errorCode, reason: 'not-present' });
  journal.hazard({
    kind: 'directmap-not-present',
    message: `the host accesses pfn ${hexFrame(pfn)} through the directmap, which doesn't map it: page fault in the kernel`,
    effect: 'host',
    pfn,
  });
  return { outcome: 'page-fault', errorCode, reason: 'not-present' };
}

function rmpFault(
  { journal, rmp }: HostParts,
  fault: { pfn: number; via: 'directmap' | Level; mapped: number; blockedBy: number },
): HostResult {
  const { pfn, via, mapped, blockedBy } = fault;
  const errorCode =
    PAGE_FAULT.present | PAGE_FAULT.write | PAGE_FAULT.rmp | (via === 'directmap' ? 0n : PAGE_FAULT.user);
  journal.record({ kind: 'host-fault', pfn, errorCode, reason: 'rmp' });
  const { asid, gpa } = rmp.peek(blockedBy);
  const assigned = `assigned to ASID ${asid} at gpa 0x${gpa.toString(16)}`;
  const mapping = `a ${mapped === PAGES_OF['1G'] ? '1G' : '2M'} mapping from pfn ${hexFrame(alignDown(pfn, mapped))}`;
  const message =
    blockedBy === pfn
      ? `a host write hits pfn ${hexFrame(pfn)}, ${assigned}: RMP #PF`
      : `a host write to pfn ${hexFrame(pfn)} goes through ${mapping}, which overlaps pfn ${hexFrame(blockedBy)}, ${assigned}: RMP #PF`;
  journal.hazard({
    kind: 'rmp-violation',
    message,
    effect: via === 'directmap' ? 'host' : 'process',
    row: blockedBy === pfn ? 'A2' : 'B1',
    pfn: blockedBy,
  });
  return { outcome: 'page-fault', errorCode, reason: 'rmp', blockedBy };
}
