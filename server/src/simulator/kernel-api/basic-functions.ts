/** Atomics, barriers, scheduling, messages. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from './kernel.js';
import { callerOf, mightSleep } from './locks.js';
import type { ModelTable } from './table-entry.js';

const ATOMIC = 'Documentation/core-api/wrappers/atomic_t.rst; include/linux/atomic/atomic-instrumented.h';
const BARRIER = 'Documentation/memory-barriers.txt: one thread runs at a time here';

const add = (kernel: Kernel, call: ModelledCall, change: bigint): bigint => {
  const value = BigInt.asIntN(32, kernel.c.loadUnsigned(call.address(0), 4) + change);
  kernel.c.storeValue(call.address(0), 4, value);
  return value;
};

/** What printk makes of a format and its arguments: Documentation/core-api/printk-formats.rst, the plain ones. */
export function formatted(call: ModelledCall, first: number): string {
  let argument = first + 1;
  return call.text(first).replace(/%(?:0?\d+)?(l{0,2}|z)([duxXspi%])/g, (whole, _, kind: string) => {
    if (kind === '%') return '%';
    if (argument >= call.argumentCount) return whole;
    const index = argument++;
    if (call.isUnknown(index)) return '<unknown>';
    if (kind === 's') return call.text(index);
    if (kind === 'd' || kind === 'i') return call.signed(index).toString();
    if (kind === 'u') return call.unsigned(index).toString();
    return call.unsigned(index).toString(16);
  });
}

function printk(kernel: Kernel, call: ModelledCall): Outcome {
  const text = formatted(call, 0).trimEnd();
  kernel.state.log.push(text);
  kernel.note({ kind: 'log', text }, call);
  return text.length;
}

/** Goes on, as the kernel does, and is told. */
function warn(kernel: Kernel, call: ModelledCall): Outcome {
  const happened = call.unsigned(0) !== 0n;
  if (happened)
    kernel.state.hazards.push({
      kind: 'kernel-warning',
      message: `WARNING in ${callerOf(call)}: ${call.text(1)}`,
      actor: call.thread.name,
      at: call.loc,
      function: callerOf(call),
      stack: call.stack.map(({ function: name, loc }) => ({
        function: name,
        file: loc.file,
        line: loc.line,
      })),
    });
  return happened;
}

function cmpxchg(kernel: Kernel, call: ModelledCall): Outcome {
  const [at, old, next] = [call.address(0), call.unsigned(1), call.unsigned(2)];
  const now = kernel.c.loadUnsigned(at, 8);
  if (now === old) kernel.c.storeValue(at, 8, next);
  return now;
}

const nothing = () => undefined;

export const BASIC_FUNCTIONS: ModelTable = {
  smp_rmb: { source: BARRIER, run: nothing },
  smp_wmb: { source: BARRIER, run: nothing },
  cmpxchg64: { source: ATOMIC, run: cmpxchg },
  atomic_read: { source: ATOMIC, run: (kernel, call) => kernel.c.loadUnsigned(call.address(0), 4) },
  atomic_inc_return: { source: ATOMIC, run: (kernel, call) => add(kernel, call, 1n) },
  atomic_dec_and_test: { source: ATOMIC, run: (kernel, call) => add(kernel, call, -1n) === 0n },
  atomic_inc: {
    source: ATOMIC,
    run: (kernel, call) => {
      add(kernel, call, 1n);
      return undefined;
    },
  },
  atomic_set: {
    source: ATOMIC,
    run: (kernel, call) => {
      kernel.c.storeValue(call.address(0), 4, call.signed(1));
      return undefined;
    },
  },
  atomic_inc_not_zero: {
    source: ATOMIC,
    run: (kernel, call) => {
      if (kernel.c.loadUnsigned(call.address(0), 4) === 0n) return false;
      add(kernel, call, 1n);
      return true;
    },
  },
  might_sleep: {
    source: 'include/linux/kernel.h, might_sleep; kernel/sched/core.c, __might_resched',
    preemption: true,
    run: (kernel, call) => {
      mightSleep(kernel, call);
      return undefined;
    },
  },
  cond_resched: {
    source: 'kernel/sched/core.c, __cond_resched',
    preemption: true,
    run: (kernel, call) => {
      mightSleep(kernel, call);
      return 0;
    },
  },
  need_resched: { source: 'include/linux/sched.h: nobody else wants the CPU here', run: () => false },
  pr_err: { source: 'Documentation/core-api/printk-basics.rst', run: printk },
  pr_info: { source: 'Documentation/core-api/printk-basics.rst', run: printk },
  pr_warn: { source: 'Documentation/core-api/printk-basics.rst', run: printk },
  __warn: { source: 'include/asm-generic/bug.h, WARN_ON_ONCE', run: warn },
};
