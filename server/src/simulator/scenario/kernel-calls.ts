/** How actions become calls of a kernel. Each kernel's interface has its own implementation (guest-memfd-calls.ts). */
import type { Kernel } from '../kernel-api/kernel.js';
import type { ActorState } from './actor-state.js';
import type { Doing } from './doing.js';
import type { Guest } from './guest.js';
import type { BackingKind } from './model.js';

/** An action's state over its turns; saved with the thread. */
export interface ActionTurn {
  [key: string]: number | boolean | string;
  index: number;
  /** Calls of this action that were made. */
  calls: number;
  inCall: boolean;
  inWork: boolean;
  /** What the action's call returned. */
  result: number;
  /** Address of an ioctl's argument, in decimal, where it is looked at afterwards. */
  argument: string;
}

/** What the next call of an action is; a number is its result. */
export type NextCall =
  | { target: bigint | { name: string; file: string }; args: bigint[] }
  | { result: number };

export interface KernelCalls {
  /** The next call that an action makes, or its result: 0 or more, or a negative errno. */
  next(action: Doing, turn: ActionTurn, actor: string): NextCall;
  /** An action is done. */
  done?(action: Doing, result: number, actor: string): void;
  /** What the kernel answered, where the scenario says what it must be and it isn't that. */
  answer?(action: Doing, turn: ActionTurn): string | undefined;
  /** pfn in a file's page cache. */
  pageInFile(file: string, offset: number): number | undefined;
  /** Attribute of a gpa, as the kernel has it. */
  attributeOf(gpa: number): string;
}

/** What an implementation works on. */
export interface CallContext {
  kernel: Kernel;
  guest: Guest;
  /** Replaced as a whole when a state is restored. */
  readonly state: ActorState;
  /** KVM_CREATE_VM's argument. */
  vmType: string;
  /** Of files that say nothing else. */
  backing: BackingKind;
}
