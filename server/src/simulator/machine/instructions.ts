/** Return codes of SNP's instructions and of the TDX module's calls, and injected failures. */

/**
 * AMD APM vol. 3, the instructions' pages. PSMASH's `FAIL_BADADDR` is 7 there; early kernel patches called it 4.
 * arch/x86/include/asm/sev.h has 3, 4 and 6.
 */
export const SNP_CODES = {
  SUCCESS: 0,
  FAIL_INPUT: 1,
  FAIL_PERMISSION: 2,
  FAIL_INUSE: 3,
  FAIL_OVERLAP: 4,
  FAIL_SIZEMISMATCH: 6,
  FAIL_BADADDR: 7,
} as const;

export type SnpCodeName = keyof typeof SNP_CODES;

export type SnpInstruction = 'RMPUPDATE' | 'PSMASH' | 'RMPADJUST' | 'PVALIDATE' | 'RMPREAD' | 'RMPQUERY';

export interface SnpResult {
  /** As the instruction leaves it in EAX. */
  code: number;
  name: SnpCodeName;
}

export const snpResult = (name: SnpCodeName): SnpResult => ({ code: SNP_CODES[name], name });

/** Completion status of SEAMCALLs. Intel TDX Module ABI Specification, "Completion Status Codes". */
export const TDX_CODES = {
  TDX_SUCCESS: 0n,
  TDX_OPERAND_INVALID: 0xc000_0100_0000_0000n,
  TDX_OPERAND_BUSY: 0x8000_0200_0000_0000n,
  TDX_PAGE_METADATA_INCORRECT: 0xc000_0300_0000_0000n,
  TDX_OP_STATE_INCORRECT: 0xc000_0608_0000_0000n,
  TDX_EPT_WALK_FAILED: 0xc000_0b00_0000_0000n,
  TDX_EPT_ENTRY_NOT_FREE: 0xc000_0b02_0000_0000n,
  TDX_GPA_RANGE_NOT_BLOCKED: 0xc000_0b06_0000_0000n,
  TDX_GPA_RANGE_ALREADY_BLOCKED: 0x0000_0b07_0000_0000n,
  TDX_TLB_TRACKING_NOT_DONE: 0xc000_0b08_0000_0000n,
  TDX_PAGE_ALREADY_ACCEPTED: 0x0000_0b0a_0000_0000n,
  TDX_PAGE_SIZE_MISMATCH: 0xc000_0b0b_0000_0000n,
  TDX_EPT_ENTRY_STATE_INCORRECT: 0xc000_0b0d_0000_0000n,
} as const;

export type TdxCodeName = keyof typeof TDX_CODES;

export interface TdxResult {
  /** As the module leaves it in RAX. */
  code: bigint;
  name: TdxCodeName;
}

export const tdxResult = (name: TdxCodeName): TdxResult => ({ code: TDX_CODES[name], name });

/** Makes an instruction fail with a code, on one pfn or on any, so many times. */
export interface Injection {
  instruction: SnpInstruction | TdxCall;
  pfn?: number;
  fail: SnpCodeName | TdxCodeName;
  times: number;
}

export type TdxCall =
  | 'TDH.MEM.PAGE.ADD'
  | 'TDH.MEM.PAGE.AUG'
  | 'TDH.MEM.RANGE.BLOCK'
  | 'TDH.MEM.RANGE.UNBLOCK'
  | 'TDH.MEM.TRACK'
  | 'TDH.MEM.PAGE.REMOVE'
  | 'TDH.MEM.PAGE.DEMOTE'
  | 'TDH.PHYMEM.PAGE.RECLAIM'
  | 'TDG.MEM.PAGE.ACCEPT';

/** The failures that are still to come. */
export class Injections {
  private planned: readonly Injection[] = [];

  add(injection: Injection): void {
    if (injection.times > 0) this.planned = [...this.planned, injection];
  }

  /** The failure for this call, used up by it. */
  take(instruction: Injection['instruction'], pfn: number | undefined): Injection['fail'] | undefined {
    const index = this.planned.findIndex(
      (candidate) =>
        candidate.instruction === instruction && (candidate.pfn === undefined || candidate.pfn === pfn),
    );
    const found = this.planned[index];
    if (!found) return undefined;
    const rest = found.times > 1 ? [{ ...found, times: found.times - 1 }] : [];
    this.planned = [...this.planned.slice(0, index), ...rest, ...this.planned.slice(index + 1)];
    return found.fail;
  }

  snapshot(): readonly Injection[] {
    return this.planned;
  }

  restore(planned: readonly Injection[]): void {
    this.planned = planned;
  }
}
