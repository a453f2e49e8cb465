/**
 * Locks: who holds what in which mode, since which line; sleeping under a lock that spins, waiting for oneself, releasing
 * what isn't held. Rules: Documentation/locking/locktypes.rst; kernel/locking/; __might_resched in kernel/sched/core.c.
 */
import { Hazard } from '../execution/hazard.js';
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { CObject } from '../execution/objects.js';
import { CodeError } from '../execution/tokens.js';
import type { Kernel } from './kernel.js';
import type { Hold, LockKind, LockMode } from './state.js';

/** Lock members of objects that the kernel's models know. */
const MEMBERS: Readonly<Record<string, readonly { path: string; name: string }[]>> = {
  'struct kvm': [
    { path: 'mmu_lock', name: 'kvm.mmu_lock' },
    { path: 'slots_lock', name: 'kvm.slots_lock' },
    { path: 'slots_arch_lock', name: 'kvm.slots_arch_lock' },
    { path: 'mn_invalidate_lock', name: 'kvm.mn_invalidate_lock' },
    { path: 'lock', name: 'kvm.lock' },
    { path: 'irq_lock', name: 'kvm.irq_lock' },
    { path: 'arch.tdp_mmu_pages_lock', name: 'kvm.arch.tdp_mmu_pages_lock' },
    { path: 'arch.mmu_unsync_pages_lock', name: 'kvm.arch.mmu_unsync_pages_lock' },
    { path: 'mem_attr_array.xa_lock', name: 'kvm.mem_attr_array.xa_lock' },
  ],
  'struct kvm_vcpu': [{ path: 'mutex', name: 'kvm_vcpu.mutex' }],
  'struct restrictedmem': [
    { path: 'lock', name: 'restrictedmem.lock' },
    { path: 'bindings.xa_lock', name: 'restrictedmem.bindings.xa_lock' },
  ],
  'struct inode': [
    { path: 'i_data.invalidate_lock', name: 'address_space.invalidate_lock' },
    { path: 'i_data.i_pages.xa_lock', name: 'address_space.i_pages.xa_lock' },
    { path: 'i_lock', name: 'inode.i_lock' },
  ],
};

const SPINNING: ReadonlySet<LockKind> = new Set(['spin', 'rwlock']);

/** A hazard about a lock, with the hold that it is about. */
export class LockHazard extends Hazard {
  constructor(
    kind: string,
    message: string,
    readonly hold: Hold | undefined,
    readonly row?: string,
  ) {
    super(kind, message);
  }
}

/** `undefined` where this kernel's struct has no such member. */
function memberAt(object: CObject, path: string): bigint | undefined {
  try {
    return object.addressOf(path);
  } catch (error) {
    if (error instanceof CodeError) return undefined;
    throw error;
  }
}

export function lockName(kernel: Kernel, lock: bigint): string {
  for (const { address, type } of kernel.state.named)
    for (const { path, name } of MEMBERS[type] ?? [])
      if (memberAt(kernel.object(address, type), path) === lock) return name;
  const pfn = kernel.state.pfnOfPage.get(lock);
  if (pfn !== undefined) return `folio 0x${pfn.toString(16)}`;
  // A lock of its own, such as pgd_lock.
  const variable = /variable (\w+)/.exec(kernel.c.memory.where(lock));
  return variable?.[1] ?? `lock at 0x${lock.toString(16)}`;
}

const heldAt = ({ name, mode, at }: Hold): string =>
  `${name} (${mode}), taken in ${at.function} (${at.file}:${at.line})`;

/** A function that may sleep is called. @throws LockHazard under a lock that spins */
export function mightSleep(kernel: Kernel, call: ModelledCall, row = 'A6'): void {
  const hold = kernel.state.holds.find(({ thread, kind }) => thread === call.thread.id && SPINNING.has(kind));
  if (!hold) return;
  const { file, line } = call.loc;
  throw new LockHazard(
    'sleeping-while-atomic',
    `BUG: scheduling while atomic: ${call.thread.name} calls ${call.name}, which may sleep, at ${file}:${line} while it holds ${heldAt(hold)}`,
    hold,
    row,
  );
}

export function acquire(kernel: Kernel, call: ModelledCall, kind: LockKind, mode: LockMode): Outcome {
  if (!SPINNING.has(kind)) mightSleep(kernel, call);
  const lock = call.address(0);
  kernel.onLock?.(lock, mode, true);
  const holders = kernel.state.holds.filter((hold) => hold.lock === lock);
  const own = holders.find(({ thread }) => thread === call.thread.id);
  if (own && !(mode === 'read' && own.mode === 'read'))
    throw new LockHazard(
      'deadlock',
      `${call.thread.name} waits in ${call.name} for what it holds itself: ${heldAt(own)}`,
      own,
    );
  const other = holders.find((hold) => mode !== 'read' || hold.mode !== 'read');
  if (other && !own) return call.block(`${call.name} waits for ${other.actor}, which holds ${heldAt(other)}`);
  const { file, line } = call.loc;
  const name = lockName(kernel, lock);
  const at = { function: callerOf(call), file, line };
  kernel.state.holds.push({
    lock,
    name,
    kind,
    mode,
    thread: call.thread.id,
    actor: call.thread.name,
    at,
    step: kernel.c.steps,
  });
  kernel.note({ kind: 'lock', change: '+', name, mode: mode }, call);
  return undefined;
}

export function release(kernel: Kernel, call: ModelledCall, mode: LockMode): undefined {
  const lock = call.address(0);
  const { holds, counters } = kernel.state;
  const index = holds.findIndex(
    (hold) => hold.lock === lock && hold.thread === call.thread.id && hold.mode === mode,
  );
  const hold = holds[index];
  if (!hold) {
    const other = holds.find((candidate) => candidate.lock === lock);
    const who = other ? `; ${other.actor} holds ${heldAt(other)}` : '; nobody holds it';
    throw new LockHazard(
      'lock-misuse',
      `${call.thread.name} releases ${lockName(kernel, lock)} by ${call.name} and does not hold it so${who}`,
      other,
    );
  }
  holds.splice(index, 1);
  kernel.onLock?.(lock, mode, false);
  if (SPINNING.has(hold.kind))
    counters.longestLockHold = Math.max(counters.longestLockHold, kernel.c.steps - hold.step);
  kernel.note({ kind: 'lock', change: '-', name: hold.name, mode: hold.mode }, call);
  return undefined;
}

/** lockdep_assert_held and its kin. */
export function assertHeld(kernel: Kernel, call: ModelledCall): undefined {
  const lock = call.address(0);
  const how = call.text(1);
  const hold = kernel.state.holds.find((one) => one.lock === lock && one.thread === call.thread.id);
  if (hold && (how === 'held' || how === hold.mode)) return undefined;
  throw new LockHazard(
    'lock-misuse',
    `${callerOf(call)} expects ${lockName(kernel, lock)} to be held (${how}), but ${hold ? `it is held otherwise: ${heldAt(hold)}` : `${call.thread.name} does not hold it`}`,
    hold,
  );
}

/** What a thread still holds when it returns to user mode. @throws LockHazard */
export function returnsToUser(kernel: Kernel, call: ModelledCall): void {
  const hold = kernel.state.holds.find(({ thread }) => thread === call.thread.id);
  if (hold)
    throw new LockHazard(
      'lock-misuse',
      `${call.thread.name} returns to user mode and still holds ${heldAt(hold)}`,
      hold,
    );
}

export function initialise(kernel: Kernel, call: ModelledCall): undefined {
  const lock = call.address(0);
  const hold = kernel.state.holds.find((one) => one.lock === lock);
  if (hold) throw new LockHazard('lock-misuse', `${call.name} on a lock that is held: ${heldAt(hold)}`, hold);
  return undefined;
}

/** The C function that called. */
export function callerOf(call: ModelledCall): string {
  return call.stack[0]?.function ?? 'user mode';
}
