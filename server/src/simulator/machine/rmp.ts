/**
 * The reverse map table: one entry a host page, and the host's instructions on it. Entries and who may change them:
 * AMD APM vol. 2, 15.36.3–15.36.5 and 15.36.11; return codes: vol. 3, the instructions' pages. Where the manual leaves
 * a choice, or we couldn't check its wording, the comment says "assumed".
 */
import { MachineError } from './errors.js';
import {
  type Injections,
  SNP_CODES,
  type SnpCodeName,
  type SnpInstruction,
  type SnpResult,
  snpResult,
} from './instructions.js';
import type { Journal } from './journal.js';
import type { RmpCell } from './state.js';
import type { Table } from './tables.js';
import { alignDown, frameOf, isAligned, PAGE_SIZE, PAGES_OF, PAGES_OF_2M } from './units.js';

/** One entry as a reader sees it. */
export interface RmpEntry {
  /** First pfn of the entry: of a 2M entry, the first of its 512. */
  pfn: number;
  assigned: boolean;
  asid: number;
  /** Bytes. */
  gpa: number;
  size: '4K' | '2M';
  immutable: boolean;
  validated: boolean;
  vmsa: boolean;
  /** Read 1, write 2, user execute 4, supervisor execute 8, for VMPL 0 to 3. */
  vmplPermissions: [number, number, number, number];
}

/** What RMPUPDATE is given (struct rmp_state in arch/x86/include/asm/sev.h). */
export interface RmpState {
  assigned: boolean;
  asid: number;
  /** Bytes. */
  gpa: number;
  size: '4K' | '2M';
  immutable: boolean;
}

/** RMPUPDATE gives VMPL 0 everything and the others nothing (APM vol. 2, 15.36.7). */
export const VMPL0_ONLY = 0x000f;

export class Rmp {
  constructor(
    private readonly table: Table<RmpCell>,
    private readonly memory: { start: number; pages: number },
    private readonly injections: Injections,
    private readonly journal: Journal,
    /** Whether the platform has an RMP at all. */
    private readonly enabled: boolean,
  ) {}

  /**
   * RMPUPDATE. Rules: the page is in the table, its address and gpa are aligned to the entry's size, and an entry that
   * isn't assigned has no ASID (FAIL_INPUT); the old entry isn't immutable (FAIL_PERMISSION); a 4K entry doesn't lie in an
   * assigned 2M entry, nor a 2M entry over assigned 4K ones (FAIL_OVERLAP). The new entry is not validated, no VMSA, and
   * open to VMPL 0 only; that it loses `validated` even when nothing changes is assumed.
   *
   * On hardware FAIL_OVERLAP may also be a passing conflict, so Linux repeats it for ever (rmpupdate in
   * arch/x86/virt/svm/sev.c): an overlap that stays is a livelock there.
   */
  update(pfn: number, state: RmpState): SnpResult {
    this.requireEnabled();
    const name = this.injected('RMPUPDATE', pfn) ?? this.refuseUpdate(pfn, state);
    if (!name) {
      this.journal.counters.rmpUpdates++;
      this.table.write(pfn, PAGES_OF[state.size], cellOf(pfn, state));
    }
    return this.done('RMPUPDATE', pfn, name ?? 'SUCCESS');
  }

  /**
   * PSMASH: an assigned 2M entry becomes 512 of 4K with its attributes. FAIL_INPUT where the address isn't a 2M page in
   * the table; FAIL_BADADDR where there is no assigned 2M entry (that this covers both is assumed). APM vol. 2, 15.36.11.
   */
  psmash(pfn: number): SnpResult {
    this.requireEnabled();
    const name = this.injected('PSMASH', pfn) ?? this.refusePsmash(pfn);
    if (!name) {
      this.journal.counters.psmash++;
      const cell = this.table.get(pfn);
      if (cell) this.table.write(pfn, PAGES_OF_2M, { ...cell, size: '4K' });
    }
    return this.done('PSMASH', pfn, name ?? 'SUCCESS');
  }

  /** RMPREAD, or the kernel's own read of the table: the entry around a pfn, `undefined` outside of it. Counted as a look-up. */
  read(pfn: number): RmpEntry | undefined {
    this.requireEnabled();
    this.journal.counters.rmpLookups++;
    return this.contains(pfn, 1) ? this.peek(pfn) : undefined;
  }

  /** The same without counting: for views and checks, not for modelled kernel code. */
  peek(pfn: number): RmpEntry {
    const cell = this.table.get(pfn);
    if (!cell)
      return {
        pfn,
        assigned: false,
        asid: 0,
        gpa: 0,
        size: '4K',
        immutable: false,
        validated: false,
        vmsa: false,
        vmplPermissions: [0, 0, 0, 0],
      };
    const first = cell.size === '2M' ? alignDown(pfn, PAGES_OF_2M) : pfn;
    const { assigned, asid, size, immutable, validated, vmsa, vmplPermissions } = cell;
    const permissions = [0, 4, 8, 12].map((shift) => (vmplPermissions >> shift) & 0xf);
    return {
      pfn: first,
      assigned,
      asid,
      gpa: (first + cell.gfnDelta) * PAGE_SIZE,
      size,
      immutable,
      validated,
      vmsa,
      vmplPermissions: permissions as [number, number, number, number],
    };
  }

  /**
   * The SNP firmware takes a page back from a guest or from its own use (SNP_PAGE_RECLAIM in the SNP firmware ABI):
   * afterwards RMPUPDATE works on it again. False where it isn't assigned.
   */
  firmwareReclaim(pfn: number): boolean {
    this.requireEnabled();
    const cell = this.table.get(pfn);
    if (!cell?.assigned) return false;
    const first = cell.size === '2M' ? alignDown(pfn, PAGES_OF_2M) : pfn;
    this.table.write(first, PAGES_OF[cell.size], {
      ...cell,
      immutable: false,
      validated: false,
      vmsa: false,
    });
    return true;
  }

  /**
   * The first pfn that keeps the host from writing through a mapping of this size: hardware checks the 2M around the
   * address for 2M and for 1G mappings alike (APM vol. 2, 15.36.10; adjust_direct_map in arch/x86/virt/svm/sev.c).
   * Host reads are not checked: they see what is stored.
   */
  blocksHostWrite(pfn: number, mappedPages: number): number | undefined {
    if (!this.enabled) return undefined;
    if (mappedPages < PAGES_OF_2M) return this.table.get(pfn)?.assigned ? pfn : undefined;
    const runs = this.table.runs(alignDown(pfn, PAGES_OF_2M), PAGES_OF_2M);
    return runs.find((run) => run.value?.assigned)?.start;
  }

  /** Whether no host write to these pages is blocked, whatever size they are mapped by up to 1G. */
  mayWriteAll(pfn: number, pages: number): boolean {
    if (!this.enabled) return true;
    const start = alignDown(pfn, PAGES_OF_2M);
    const end = alignDown(pfn + pages - 1, PAGES_OF_2M) + PAGES_OF_2M;
    return this.table.runs(start, end - start).every(({ value }) => !value?.assigned);
  }

  /** Without SNP these instructions are #UD: throws `wrong-platform`. */
  requireEnabled(): void {
    if (!this.enabled)
      throw new MachineError('wrong-platform', 'this platform has no RMP: only the platform `snp` has one');
  }

  private refuseUpdate(pfn: number, state: RmpState): SnpCodeName | undefined {
    const pages = PAGES_OF[state.size];
    const gfn = frameOf(state.gpa);
    if (!this.contains(pfn, pages) || !isAligned(pfn, pages)) return 'FAIL_INPUT';
    if (state.gpa % PAGE_SIZE !== 0 || (state.assigned && !isAligned(gfn, pages))) return 'FAIL_INPUT';
    if (!state.assigned && state.asid !== 0) return 'FAIL_INPUT';
    const covered = this.table.runs(pfn, pages).flatMap(({ value }) => value ?? []);
    if (covered.some(({ immutable }) => immutable)) return 'FAIL_PERMISSION';
    if (covered.some((cell) => cell.assigned && cell.size !== state.size)) return 'FAIL_OVERLAP';
    return undefined;
  }

  private refusePsmash(pfn: number): SnpCodeName | undefined {
    if (!isAligned(pfn, PAGES_OF_2M) || !this.contains(pfn, PAGES_OF_2M)) return 'FAIL_INPUT';
    const cell = this.table.get(pfn);
    return cell?.assigned && cell.size === '2M' ? undefined : 'FAIL_BADADDR';
  }

  private contains(pfn: number, pages: number): boolean {
    return pfn >= this.memory.start && pfn + pages <= this.memory.start + this.memory.pages;
  }

  private injected(instruction: SnpInstruction, pfn: number): SnpCodeName | undefined {
    const fail = this.injections.take(instruction, pfn);
    return fail !== undefined && fail in SNP_CODES ? (fail as SnpCodeName) : undefined;
  }

  private done(instruction: SnpInstruction, pfn: number, name: SnpCodeName): SnpResult {
    this.journal.record({ kind: 'instruction', instruction, pfn, code: BigInt(SNP_CODES[name]), name });
    return snpResult(name);
  }
}

/** Entries that say nothing are not kept: a hypervisor page without any flag is the default. */
function cellOf(pfn: number, state: RmpState): RmpCell | undefined {
  if (!state.assigned && !state.immutable) return undefined;
  return {
    assigned: state.assigned,
    asid: state.asid,
    gfnDelta: frameOf(state.gpa) - pfn,
    size: state.size,
    immutable: state.immutable,
    validated: false,
    vmsa: false,
    vmplPermissions: VMPL0_ONLY,
  };
}
