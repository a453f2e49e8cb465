/** A simulation at one time, and hashes of it. */
import type { Saved } from '../execution/machine.js';
import type { KernelState } from '../kernel-api/state.js';
import { hex } from '../machine/digest.js';
import type { MachineSnapshot } from '../machine/machine.js';
import { hashOfState } from '../plain-state.js';
import type { ActorState } from './actor-state.js';
import type { SavedLog } from './append-log.js';
import type { FaultState } from './faults.js';
import type { GuestState } from './guest.js';
import type { CheckedExpectation, Outcome, StoryEntry } from './result.js';
import type { SavedHazards } from './run-hazards.js';
import type { SavedSchedule } from './schedule.js';

export interface SimulationState {
  readonly c: Saved;
  readonly hardware: MachineSnapshot;
  readonly kernel: KernelState;
  readonly actors: ActorState;
  readonly guest: GuestState;
  readonly faults: FaultState;
  readonly schedule: SavedSchedule;
  readonly story: SavedLog<StoryEntry>;
  readonly hazards: SavedHazards;
  readonly entered: SavedLog<string>;
  readonly checks: SavedLog<CheckedExpectation>;
  readonly used: ReadonlySet<string>;
  readonly stopped: { outcome: Outcome; message?: string } | undefined;
}

interface Parts {
  c: string;
  hardware: string;
  kernel: KernelState;
  actors: ActorState;
  guest: GuestState;
  faults: FaultState;
}

/** `more` is history that is to count as well. */
export function hashOfFuture({ c, hardware, kernel, actors, guest, faults }: Parts, more: unknown[]): string {
  const { counters: _, hazards: __, log: ___, holds, ...rest } = kernel;
  // When a lock was taken, and where, is history.
  const held = holds.map(({ lock, kind, mode, thread }) => ({ lock, kind, mode, thread }));
  const parts: object[] = [rest, { held }, actors, guest, faults, { more }];
  return `${c}${hardware}${parts.map((part) => hex(hashOfState(part))).join('')}`;
}
