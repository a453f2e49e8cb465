/** Functions that are not executed from C but modelled in TypeScript: what they get, and what they may answer. */

import type { StackEntry } from './hazard.js';
import type { Machine } from './machine.js';
import { addressOf, type Memory } from './memory.js';
import type { Thread } from './thread.js';
import type { Loc } from './tokens.js';
import type { CType, FunctionType } from './types.js';
import { sizeOf } from './types.js';

/** Plain data that is saved with a thread: it must survive `structuredClone`. */
export type Plain =
  | undefined
  | null
  | boolean
  | number
  | string
  | bigint
  | Plain[]
  | { [key: string]: Plain };

/** What a modelled function did: returned (with a value or without one), or one of the special outcomes. */
export type Outcome = bigint | number | boolean | undefined | Special;

export type Special =
  | { k: 'block'; why: string }
  | { k: 'pause' }
  | { k: 'into'; target: bigint; args: readonly bigint[]; stage: number }
  | { k: 'unknown'; why: string };

export type ModelledFunction = (call: ModelledCall) => Outcome;

export interface Modelled {
  run: ModelledFunction;
  /** The thread stops before it, so that others may go first. */
  preemption?: boolean;
}

export interface ModelledArgument {
  l: number;
  h: number;
  p: number;
  type: CType;
  /** Bytes of a struct that is passed by value; its address is in `l`. */
  size: number;
}

/** One call of a modelled function. It may span several turns: what is to be kept goes into `state`. */
export interface ModelledFrame {
  k: 'modelled';
  name: string;
  /** Of the call. */
  loc: Loc;
  args: readonly ModelledArgument[];
  type: FunctionType;
  /** Where a struct that is returned goes; offset in memory. */
  into: number;
  state: Plain;
  stage: number;
  /** What the C that the model called returned. */
  returned?: { l: number; h: number; p: number };
  /** Has the stop before it been made? */
  announced: boolean;
}

export class ModelledCall {
  constructor(
    readonly machine: Machine,
    readonly thread: Thread,
    private readonly frame: ModelledFrame,
  ) {}

  get memory(): Memory {
    return this.machine.memory;
  }

  get name(): string {
    return this.frame.name;
  }

  /** Place of the call. */
  get loc(): Loc {
    return this.frame.loc;
  }

  /** The calls that led here, innermost first; the first is the caller. */
  get stack(): StackEntry[] {
    return this.machine.stackOf(this.thread);
  }

  /** `in kvm_gmem_create (virt/kvm/guest_memfd.c:412)`, for the origin of objects. */
  get place(): string {
    const caller = this.stack[0];
    const { file, line } = this.loc;
    return `in ${caller?.function ?? 'nothing'} (${file}:${line})`;
  }

  get argumentCount(): number {
    return this.frame.args.length;
  }

  private argument(index: number): ModelledArgument {
    const found = this.frame.args[index];
    if (!found) throw new Error(`${this.name} is called with ${this.frame.args.length} arguments`);
    return found;
  }

  /** Is an argument made from what isn't modelled? */
  isUnknown(index: number): boolean {
    return this.argument(index).p !== 0;
  }

  private known(index: number): ModelledArgument {
    const found = this.argument(index);
    if (found.p) this.memory.unknownUsed(found.p, `argument ${index + 1} of ${this.name}`);
    return found;
  }

  /** @throws Hazard where the argument is unknown */
  unsigned(index: number): bigint {
    const { l, h, type } = this.known(index);
    const value = addressOf(l, h);
    return type.k === 'ptr' ? value : BigInt.asUintN(sizeOf(type, this.loc) * 8, value);
  }

  /** @throws Hazard where the argument is unknown */
  signed(index: number): bigint {
    const { type } = this.argument(index);
    return BigInt.asIntN(type.k === 'ptr' ? 64 : sizeOf(type, this.loc) * 8, this.unsigned(index));
  }

  /** A signed argument as a number. @throws RangeError beyond 2^53 */
  int(index: number): number {
    const value = Number(this.signed(index));
    if (!Number.isSafeInteger(value))
      throw new RangeError(`argument ${index + 1} of ${this.name} is ${this.signed(index)}`);
    return value;
  }

  address(index: number): bigint {
    return this.unsigned(index);
  }

  typeOf(index: number): CType {
    return this.argument(index).type;
  }

  /** The C string at an argument. */
  text(index: number): string {
    return this.machine.textAt(this.address(index));
  }

  // ---- over several turns

  /** How often the model has called into C; 0 at first. */
  get stage(): number {
    return this.frame.stage;
  }

  /** What is kept from turn to turn. */
  get state(): Plain {
    return this.frame.state;
  }

  set state(value: Plain) {
    this.frame.state = value;
  }

  /** What the C function that the model called last returned. @throws Hazard where it is unknown */
  get returned(): bigint {
    const { returned } = this.frame;
    if (!returned) return 0n;
    if (returned.p) this.memory.unknownUsed(returned.p, `what ${this.name} was given back`);
    return addressOf(returned.l, returned.h);
  }

  /** The thread can't go on: the model is asked again when the thread is run next. */
  block(why: string): Special {
    return { k: 'block', why };
  }

  /** Ends the step: the model is asked again at the thread's next one. */
  pause(): Special {
    return { k: 'pause' };
  }

  /** Runs a C function (by its address), then the model again at the next stage. */
  into(target: bigint, args: readonly bigint[]): Special {
    return { k: 'into', target, args, stage: this.stage + 1 };
  }

  /** Nobody knows what it returns. */
  unknown(why: string): Special {
    return { k: 'unknown', why };
  }
}
