/** Actions as calls of a real tree. */

import { ENTRY_FILE } from '../kernel-api/entry.js';
import type { Doing } from '../scenario/doing.js';
import { GuestMemfdCalls } from '../scenario/guest-memfd-calls.js';
import type { ActionTurn, CallContext, NextCall } from '../scenario/kernel-calls.js';
import { newTreeFile } from './file-models.js';
import { rmpRegion } from './rmp-table.js';
import { isSnp, SEV_INIT_FUNCTION } from './sev-models.js';

export class TreeCalls extends GuestMemfdCalls {
  constructor(context: CallContext) {
    super(context);
    context.kernel.regions.push(rmpRegion(context.kernel));
  }

  /** An SNP guest is begun by the firmware before anything else is done with it. */
  override next(action: Doing, turn: ActionTurn, actor: string): NextCall {
    if (action.do !== 'create-vm' || turn.calls === 0 || !isSnp(this.kernel))
      return super.next(action, turn, actor);
    if (turn.calls > 1 || turn.result < 0) return { result: Number(turn.fd ?? turn.result) };
    turn.fd = turn.result;
    const kvm = this.fileObject(turn.result).get('private_data');
    return { target: { name: SEV_INIT_FUNCTION, file: ENTRY_FILE }, args: [kvm] };
  }

  protected override newDeviceFile(operations: bigint): bigint {
    return newTreeFile(this.kernel, operations, 0n, '/dev/kvm');
  }
}
