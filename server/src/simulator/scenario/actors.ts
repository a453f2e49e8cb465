/**
 * Actors as threads: each is in one modelled function that carries out its actions one after the other, by calls into the
 * kernel's C (system calls, ioctls) or by accesses to the machine.
 */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { returnsToUser } from '../kernel-api/locks.js';
import { errnoName } from '../kernel-api/table-entry.js';
import { copyState } from '../plain-state.js';
import { type ActorState, newActorState } from './actor-state.js';
import { type Doing, describe } from './doing.js';
import type { Guest } from './guest.js';
import type { ActionTurn, CallContext, KernelCalls } from './kernel-calls.js';
import type { BackingKind } from './model.js';

export interface ActorListener {
  began(actor: string, action: Doing, text: string): void;
  ended(actor: string, action: Doing, result: string): void;
}

export interface ActorOptions {
  guest: Guest;
  vmType: string;
  backing: BackingKind;
  calls: (context: CallContext) => KernelCalls;
  listener: ActorListener;
}

export class Actors {
  /** What is worked on, when somebody looks at each access to the state. */
  watchState: ((state: ActorState) => ActorState) | undefined;
  private own: ActorState = newActorState();
  private seen: ActorState = this.own;
  /** Lists of actions, by the argument of a thread's function. */
  readonly actions: Doing[][] = [];
  readonly calls: KernelCalls;
  private readonly listener: ActorListener;

  constructor(
    private readonly kernel: Kernel,
    { guest, vmType, backing, calls, listener }: ActorOptions,
  ) {
    const state = (): ActorState => this.state;
    this.listener = listener;
    this.calls = calls({
      kernel,
      guest,
      vmType,
      backing,
      get state() {
        return state();
      },
    });
  }

  /** The model of the actors' function: its argument is the number of the list of actions. */
  run(call: ModelledCall): Outcome {
    const turn: ActionTurn = (call.state as ActionTurn | undefined) ?? {
      index: 0,
      calls: 0,
      inCall: false,
      inWork: false,
      result: 0,
      argument: '0',
    };
    call.state = turn;
    const actions = this.actions[call.int(0)]!;
    const actor = call.thread.name;
    if (turn.inCall) {
      turn.result = Number(BigInt.asIntN(32, call.returned));
      turn.inCall = false;
    }
    const action = actions[turn.index];
    if (!action) return 0;
    if (turn.calls > 0) {
      const work = this.nextWork(call);
      if (work) return work;
      returnsToUser(this.kernel, call);
    } else {
      const waited = action.after.find((label) => !this.state.labels.has(label));
      if (waited !== undefined) return call.block(`${actor} waits for ${waited}`);
      this.listener.began(actor, action, describe(action));
    }
    const next = this.calls.next(action, turn, actor);
    if ('result' in next) {
      turn.index++;
      turn.calls = 0;
      this.finish(actor, action, next.result, turn);
      // Others may go on between two actions.
      return this.state.hostIsDown ? 0 : call.pause();
    }
    turn.calls++;
    turn.inCall = true;
    const { target } = next;
    return call.into(
      typeof target === 'bigint' ? target : this.kernel.c.addressOfFunction(target.name, target.file),
      next.args,
    );
  }

  get state(): ActorState {
    return this.seen;
  }

  save(): ActorState {
    return copyState(this.own);
  }

  restore(state: ActorState): void {
    this.own = copyState(state);
    this.seen = this.watchState?.(this.own) ?? this.own;
  }

  /** Work that waits for the way to user mode: the release of a file. */
  private nextWork(call: ModelledCall): Outcome {
    const { state } = this.kernel;
    const [work, ...rest] = state.taskWork.get(call.thread.id) ?? [];
    if (work === undefined) return undefined;
    state.taskWork.set(call.thread.id, rest);
    return call.into(this.kernel.object(work, 'struct callback_head').get('func'), [work]);
  }

  private finish(actor: string, action: Doing, result: number, turn: ActionTurn): void {
    this.calls.done?.(action, result, actor);
    if (action.label !== undefined) this.state.labels.add(`${actor}.${action.label}`);
    const answer = errnoName(BigInt(result)) ?? this.calls.answer?.(action, turn) ?? 'ok';
    this.listener.ended(actor, action, answer);
  }
}
