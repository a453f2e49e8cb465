/** The guest's side of a run: what each vCPU does between two exits, on the machine. */

import type { GuestProgram, Kernel } from '../kernel-api/kernel.js';
import { LockHazard } from '../kernel-api/locks.js';
import { alignDown, PAGE_SIZE, PAGES_OF_2M } from '../machine/units.js';
import { copyState } from '../plain-state.js';
import { checkGuestAccess } from './invariants.js';
import type { ActionBody } from './model.js';

type GuestAction = Extract<ActionBody, { do: 'write' | 'read' | 'execute' | 'accept' }>;

/** After so many repetitions of one fault nothing will change any more. */
const MOST_RETRIES = 64;

/** Replaced when it changes, so that a saved map of programs stays what it was. */
interface Program {
  readonly action: GuestAction;
  /** Pages done. */
  readonly done: number;
  /** Times that the fault of the current page was delivered. */
  readonly faults: number;
  /** A repeated fault, kept until others had their turn. */
  readonly pending?: { gpa: bigint; errorCode: bigint };
}

export interface GuestState {
  programs: Map<number, Program>;
}

/** The pattern of a guest's write without one. */
const DEFAULT_PATTERN = 'written';

export class Guest implements GuestProgram {
  private state: GuestState = { programs: new Map() };

  constructor(
    private readonly kernel: Kernel,
    private readonly lost: (vcpu: number, message: string, gfn: number) => void,
    private readonly mostRetries = MOST_RETRIES,
  ) {}

  /** What a vCPU will do when it runs. */
  load(vcpu: number, action: GuestAction): void {
    this.state.programs.set(vcpu, { action, done: 0, faults: 0 });
  }

  isDone(vcpu: number): boolean {
    const program = this.state.programs.get(vcpu);
    return !program || program.done * PAGE_SIZE >= program.action.size;
  }

  /** Others have gone on since the access failed: it is as if it were tried for the first time. */
  forgetRetries(vcpu: number): void {
    const program = this.state.programs.get(vcpu);
    if (program) this.state.programs.set(vcpu, { ...program, faults: Math.min(program.faults, 1) });
  }

  save(): GuestState {
    return copyState(this.state);
  }

  restore(state: GuestState): void {
    this.state = copyState(state);
  }

  run(vcpu: number): ReturnType<GuestProgram['run']> {
    const { programs } = this.state;
    const program = programs.get(vcpu);
    if (!program) return { kind: 'done' };
    const { action, pending } = program;
    if (pending) {
      programs.set(vcpu, { action, done: program.done, faults: program.faults });
      return { kind: 'fault', ...pending };
    }
    let { done, faults } = program;
    while (done * PAGE_SIZE < action.size) {
      const fault = this.page(vcpu, { action, done });
      if (!fault) {
        done++;
        faults = 0;
        continue;
      }
      const isRepeated = faults++ > 0;
      programs.set(vcpu, { action, done, faults, ...(isRepeated && { pending: fault }) });
      if (!isRepeated) return { kind: 'fault', ...fault };
      this.kernel.state.counters.faultRetries++;
      if (faults > this.mostRetries)
        throw new LockHazard(
          'livelock',
          `vcpu${vcpu} faults on gfn 0x${(Math.floor(action.gpa / PAGE_SIZE) + done).toString(16)} again and again: ${faults - 1} times, and nothing changes`,
          undefined,
        );
      return { kind: 'again' };
    }
    programs.set(vcpu, { action, done, faults });
    return { kind: 'done' };
  }

  /** One page of the program; `undefined` when it is done. */
  private page(
    vcpu: number,
    { action, done }: Pick<Program, 'action' | 'done'>,
  ): { gpa: bigint; errorCode: bigint } | undefined {
    const { hardware, vm } = this.kernel;
    const gfn = Math.floor(action.gpa / PAGE_SIZE) + done;
    hardware.actAs(`vcpu${vcpu}`);
    if (action.do === 'accept') return this.accept(vcpu, gfn, !action.rescind);
    const access = {
      vm,
      vcpu,
      gfn,
      private: action.private,
      kind: action.do,
      ...(action.do === 'write' && { write: { pattern: action.pattern ?? DEFAULT_PATTERN } }),
    };
    let result = hardware.guest(access);
    // A guest that meets a page for the first time validates it, as Linux does with unaccepted memory.
    if (result.outcome === 'guest-exception') {
      const fault = this.accept(vcpu, gfn, true);
      if (fault) return fault;
      result = hardware.guest(access);
    }
    if (result.outcome === 'nested-fault') return { gpa: result.gpa, errorCode: result.errorCode };
    if (result.outcome === 'ok')
      checkGuestAccess(this.kernel, { vcpu, gfn, kind: action.do, pfn: result.pfn });
    if (result.outcome === 'ok' && action.do === 'read' && action.pattern !== undefined)
      this.compare(vcpu, gfn, result.pfn, action.private, action.pattern);
    return undefined;
  }

  /** By 2M where the page allows it, else by 4K: pvalidate_pages in arch/x86/coco/sev/core.c. */
  private accept(vcpu: number, gfn: number, validate: boolean) {
    const { hardware, vm } = this.kernel;
    if (hardware.platform.sept) return this.acceptTdx(vcpu, gfn);
    if (!hardware.platform.rmp) return undefined;
    const size = hardware.npt(vm).leaf(gfn)?.level ?? '4K';
    if (size !== '4K') {
      const whole = { vm, vcpu, gfn: alignDown(gfn, PAGES_OF_2M), size: '2M', validate } as const;
      const result = hardware.pvalidate(whole);
      if (result.outcome === 'done' && result.name === 'SUCCESS') return undefined;
    }
    const result = hardware.pvalidate({ vm, vcpu, gfn, size: '4K', validate });
    return result.outcome === 'nested-fault' ? { gpa: result.gpa, errorCode: result.errorCode } : undefined;
  }

  /** TDG.MEM.PAGE.ACCEPT; what can't be accepted yet is a fault, as any access to it would be. */
  private acceptTdx(vcpu: number, gfn: number) {
    const { hardware, vm } = this.kernel;
    const { name } = hardware.sept.accept(vm, gfn, '4K');
    if (name === 'TDX_SUCCESS' || name === 'TDX_PAGE_ALREADY_ACCEPTED') return undefined;
    const result = hardware.guest({ vm, vcpu, gfn, private: true, kind: 'read' });
    return result.outcome === 'nested-fault' ? { gpa: result.gpa, errorCode: result.errorCode } : undefined;
  }

  private compare(vcpu: number, gfn: number, pfn: number, isPrivate: boolean, pattern: string): void {
    const { hardware, vm } = this.kernel;
    const key = isPrivate && hardware.platform.encrypts ? hardware.vms.get(vm).key : 0;
    const found = hardware.contents.patternOf(pfn, key);
    if (found === pattern) return;
    this.lost(
      vcpu,
      `vcpu${vcpu} reads gfn 0x${gfn.toString(16)} and expects “${pattern}”, but finds ${found === undefined ? 'something else' : `“${found}”`}`,
      gfn,
    );
  }
}
