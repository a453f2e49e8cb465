/** Hazards of a run, whatever found them: the C's execution, the machine, the models, the end of the run. */
import type { Hazard } from '../execution/hazard.js';
import type { Machine as CMachine } from '../execution/machine.js';
import type { Thread } from '../execution/thread.js';
import { ENTRY_FILE } from '../kernel-api/entry.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { LockHazard } from '../kernel-api/locks.js';
import type { Hazard as MachineHazard } from '../machine/hazards.js';
import type { ActorState } from './actor-state.js';
import { AppendLog, type SavedLog } from './append-log.js';
import type { CallPlace, RunHazard } from './result.js';

export interface SavedHazards {
  readonly found: SavedLog<RunHazard>;
  readonly ofMachine: number;
  readonly ofKernel: number;
}

export class RunHazards {
  readonly found = new AppendLog<RunHazard>();
  private ofMachine = 0;
  private ofKernel = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly actors: () => ActorState,
    private readonly tell: (hazard: RunHazard) => void,
  ) {}

  private get c(): CMachine {
    return this.kernel.c;
  }

  report(hazard: RunHazard): void {
    this.found.push(hazard);
    this.tell(hazard);
  }

  /** What the machine and the models have noted since the last time. */
  collect(thread: Thread): void {
    const machine = this.kernel.hardware.hazards;

    while (this.ofMachine < machine.length) this.reportOfMachine(machine[this.ofMachine++]!, thread);
    const { hazards } = this.kernel.state;
    while (this.ofKernel < hazards.length) {
      const { at, function: name, stack, ...rest } = hazards[this.ofKernel++]!;
      this.report({
        ...rest,
        ...(at && { file: at.file, line: at.line }),
        ...(name !== undefined && { function: name }),
        path: [...stack].reverse(),
      });
    }
  }

  /** The C can't go on. */
  ofCode(thread: Thread, hazard: Hazard): void {
    const hold = hazard instanceof LockHazard ? hazard.hold : undefined;
    const open = hazard.kind === 'livelock' ? this.openInvalidations() : 0n;
    const row = open > 0n ? 'A1' : hazard instanceof LockHazard ? hazard.row : undefined;
    const why = open > 0n ? `; kvm.mmu_invalidate_in_progress is ${open}` : '';
    this.report({
      kind: hazard.kind,
      message: hazard.message + why,
      ...(row !== undefined && { row }),
      actor: thread.name,
      ...this.whereOf(thread),
      ...(hazard.loc && { file: hazard.loc.file, line: hazard.loc.line }),
      ...(hold && {
        lock: {
          name: hold.name,
          mode: hold.mode,
          acquiredAt: { file: hold.at.file, line: hold.at.line, function: hold.at.function },
        },
      }),
    });
  }

  /** Nobody can go on, and some of them are in the kernel. */
  deadlock(inKernel: Thread, message: string): void {
    this.report({ kind: 'deadlock', message, actor: inKernel.name, ...this.whereOf(inKernel) });
  }

  /** Everybody is in user mode: an invalidation that is still in progress never ends (mail row A1). */
  atTheEnd(): void {
    const open = this.openInvalidations();
    if (open !== 0n)
      this.report({
        kind: 'unbalanced-invalidation',
        message: `all actors are back in user mode, and kvm.mmu_invalidate_in_progress is ${open}: no fault of this VM in gfns of that range will be mapped again`,
        row: 'A1',
        actor: 'vmm',
        path: [],
      });
  }

  save(): SavedHazards {
    return { found: this.found.save(), ofMachine: this.ofMachine, ofKernel: this.ofKernel };
  }

  restore({ found, ofMachine, ofKernel }: SavedHazards): void {
    this.found.restore(found);
    this.ofMachine = ofMachine;
    this.ofKernel = ofKernel;
  }

  private reportOfMachine(
    { kind, message, row, effect, pfn, gfn, actor, at }: MachineHazard,
    thread: Thread,
  ): void {
    this.report({
      kind,
      message,
      ...(row !== undefined && { row }),
      effect,
      ...(pfn !== undefined && { pfn }),
      ...(gfn !== undefined && { gfn }),
      actor,
      ...this.whereOf(thread),
      ...(at && {
        file: at.file,
        line: at.line,
        ...(at.function !== undefined && { function: at.function }),
      }),
    });
  }

  private whereOf(thread: Thread): { path: CallPlace[]; file?: string; line?: number; function?: string } {
    const path = this.c
      .stackOf(thread)
      .filter(({ loc }) => loc.file !== ENTRY_FILE)
      .map(({ function: name, loc }) => ({ function: name, file: loc.file, line: loc.line }))
      .reverse();
    const last = path.at(-1);
    return { path, ...(last && { file: last.file, line: last.line, function: last.function }) };
  }

  /** kvm.mmu_invalidate_in_progress; 0 without a VM. */
  private openInvalidations(): bigint {
    const { kvm } = this.actors();
    if (kvm === 0n || !this.isAlive(kvm)) return 0n;
    return this.kernel.object(kvm, 'struct kvm').get('mmu_invalidate_in_progress');
  }

  private isAlive(address: bigint): boolean {
    const object = this.c.memory.objectAt(address);
    return object !== undefined && object.freedAt === undefined;
  }
}
