/** Tasks, the scheduler, the processor and other subsystems around KVM, as far as its guest memory asks for them. */

import { Hazard } from '../execution/hazard.js';
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { formatted } from '../kernel-api/basic-functions.js';
import { FILE_FUNCTIONS } from '../kernel-api/file-functions.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { entriesOf, type ModelEntry, type ModelTable } from '../kernel-api/table-entry.js';

const nothing = (source: string): ModelEntry => ({ source, run: () => undefined });
const zero = (source: string): ModelEntry => ({ source, run: () => 0 });

/** struct task_struct of the thread that runs; all of them are threads of one VMM. */
function current(kernel: Kernel, call: ModelledCall): Outcome {
  const task = kernel.singleton(`task of thread ${call.thread.id}`, 'struct task_struct');
  if (task.get('mm') === 0n) task.set('mm', kernel.singleton('mm of the VMM', 'struct mm_struct').address);
  return task.address;
}

function print(kernel: Kernel, call: ModelledCall): Outcome {
  const [to, size] = [call.address(0), call.int(1)];
  const bytes = [...new TextEncoder().encode(formatted(call, 2))].slice(0, Math.max(0, size - 1));
  for (const [at, byte] of [...bytes, 0].entries()) kernel.c.storeValue(to + BigInt(at), 1, BigInt(byte));
  return bytes.length;
}

/** An optional operation that its owner left out does nothing and gives 0: include/linux/static_call.h. */
function staticCall(kernel: Kernel, call: ModelledCall): Outcome {
  const target = call.address(0);
  return target === 0n ? kernel.c.addressOfFunction('__lens_no_operation', call.loc.file) : target;
}

export const SYSTEM: ModelTable = {
  get_current: { source: 'arch/x86/include/asm/current.h', run: current },
  snprintf: { source: 'Documentation/core-api/printk-formats.rst', run: print },
  scnprintf: { source: 'Documentation/core-api/printk-formats.rst', run: print },
  __lens_static_call: { source: 'include/linux/static_call.h', run: staticCall },
  __static_call_return0: zero('include/linux/static_call.h'),
  __lens_no_operation: zero('include/linux/static_call.h, __static_call_return0'),
  __lens_bug: {
    source: 'include/asm-generic/bug.h',
    run: (_, call) => {
      throw new Hazard('kernel-bug', `kernel BUG: ${call.text(0)}`);
    },
  },
  guest_cpu_cap_has: zero('arch/x86/kvm/cpuid.h: a guest with nothing optional'),
  guest_cpuid_has: zero('arch/x86/kvm/cpuid.h: a guest with nothing optional'),
  __lens_cpu_has: zero('arch/x86/include/asm/cpufeature.h: a processor with nothing optional'),
  __percpu_counter_init_many: zero('lib/percpu_counter.c: statistics'),
  percpu_counter_destroy_many: nothing('lib/percpu_counter.c: statistics'),
  percpu_counter_add: nothing('lib/percpu_counter.c: statistics'),
  shrinker_alloc: {
    source: 'mm/shrinker.c: there is no memory pressure',
    run: (kernel) => kernel.singleton('shrinker', 'struct shrinker').address,
  },
  shrinker_register: nothing('mm/shrinker.c: there is no memory pressure'),
  kvm_pmu_ops_update: nothing('arch/x86/kvm/pmu.c: guests have no performance counters'),
  pvclock_update_vm_gtod_copy: nothing('arch/x86/kvm/x86.c: guests are given no clock'),
  ktime_get_raw: zero('Documentation/core-api/timekeeping.rst: no time passes'),
  ktime_get_boottime: zero('Documentation/core-api/timekeeping.rst: no time passes'),
  init_timer_key: nothing('kernel/time/timer.c: no time passes'),
  kvm_enable_virtualization: zero('virt/kvm/kvm_main.c: the processor runs guests already'),
  kvm_disable_virtualization: nothing('virt/kvm/kvm_main.c: the processor goes on running guests'),
  kvm_create_vm_debugfs: zero('virt/kvm/kvm_main.c: statistics for people'),
  kvm_destroy_vm_debugfs: nothing('virt/kvm/kvm_main.c: statistics for people'),
  kvm_uevent_notify_change: nothing('virt/kvm/kvm_main.c: messages to user space'),
  register_pm_notifier: zero('kernel/power/main.c: the host is never suspended'),
  unregister_pm_notifier: zero('kernel/power/main.c: the host is never suspended'),
  ...entriesOf(FILE_FUNCTIONS, 'mmu_notifier_register', 'mmu_notifier_unregister'),
  preempt_notifier_inc: nothing('kernel/sched/core.c: vCPUs are never preempted'),
  preempt_notifier_dec: nothing('kernel/sched/core.c: vCPUs are never preempted'),
  signal_pending: {
    source: 'include/linux/sched/signal.h; signals are the scenario’s',
    run: (kernel, call) => kernel.injected(call.name, call) !== undefined,
  },
  interval_tree_insert: nothing('lib/interval_tree.c: nobody looks for a slot by its address in the VMM'),
  interval_tree_remove: nothing('lib/interval_tree.c: nobody looks for a slot by its address in the VMM'),
  preempt_count: zero('include/linux/preempt.h: no interrupt is being handled'),
  call_rcu: nothing('Documentation/RCU/whatisRCU.rst'),
  rcu_read_lock: nothing('Documentation/RCU/whatisRCU.rst'),
  rcu_read_unlock: nothing('Documentation/RCU/whatisRCU.rst'),
};
