/**
 * RMP entries as the processor keeps them in memory, for kernel C that reads the table itself (struct rmpentry in
 * arch/x86/virt/svm/sev.c). Not architectural: PPR for AMD Family 19h Model 01h, Rev B1; later processors answer RMPREAD
 * instead.
 */
import type { RmpEntry } from './rmp.js';
import { PAGE_SIZE } from './units.js';

/** Bytes at the start of the table that are the processor's own (RMPTABLE_CPU_BOOKKEEPING_SZ). */
export const RMP_BOOKKEEPING_BYTES = 0x4000;

export const RMP_ENTRY_BYTES = 16;

/** Where an entry lies, in bytes from the table's start. */
export const rmpEntryOffset = (pfn: number): number => RMP_BOOKKEEPING_BYTES + pfn * RMP_ENTRY_BYTES;

/**
 * The two 64-bit words of a pfn's entry. Inside of a 2M entry every pfn's own entry says `assigned` and 2M, with the pfn's
 * own gpa: Linux takes the size from the first of the 512 and the rest from the pfn's, so this is what it must find; what
 * real processors store in the other 511 is assumed.
 */
export function encodeRmpEntry(pfn: number, entry: RmpEntry): { low: bigint; high: bigint } {
  const gfn = entry.assigned || entry.immutable ? BigInt(entry.gpa / PAGE_SIZE + (pfn - entry.pfn)) : 0n;
  const bit = (set: boolean, at: bigint): bigint => (set ? 1n << at : 0n);
  const low =
    bit(entry.assigned, 0n) |
    bit(entry.size === '2M', 1n) |
    bit(entry.immutable, 2n) |
    (BigInt.asUintN(39, gfn) << 12n) |
    (BigInt.asUintN(10, BigInt(entry.asid)) << 51n) |
    bit(entry.vmsa, 61n) |
    bit(entry.validated, 62n);
  return { low, high: 0n };
}
