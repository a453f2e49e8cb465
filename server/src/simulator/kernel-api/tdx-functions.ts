/** The TDX module's calls and the guest behind TDH.VP.ENTER, bound to the machine. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { frameOf } from '../machine/units.js';
import type { Kernel } from './kernel.js';
import type { ModelEntry, ModelTable } from './table-entry.js';

const ABI = 'Intel TDX Module ABI Specification';
/** Where struct vcpu_tdx is known. */
const TDX_FILE = 'arch/x86/kvm/vmx/tdx.c';
/** Exit reasons and the qualification of an EPT violation: Intel SDM vol. 3, appendix C and table 28-7. */
const EXTERNAL_INTERRUPT = 1;
const EPT_VIOLATION = 48;
const FAULT_WRITE = 1n << 1n;
const FAULT_FETCH = 1n << 4n;
const ACCESS_READ = 1n << 0n;
const ACCESS_WRITE = 1n << 1n;
const ACCESS_FETCH = 1n << 2n;

/** A call about a guest address, its second argument, in bytes. */
const onGpa = (
  name: string,
  run: (kernel: Kernel, gfn: number, call: ModelledCall) => { code: bigint },
): ModelEntry => ({
  source: `${ABI}: ${name}`,
  run: (kernel, call) => run(kernel, frameOf(Number(call.unsigned(1))), call).code,
});

/** TDH.VP.ENTER: the guest runs until it exits; on the machine it is the vCPU that the thread is. */
function enter(kernel: Kernel, call: ModelledCall): Outcome {
  const tdx = kernel.c.object(call.address(0), 'struct vcpu_tdx', TDX_FILE);
  kernel.mirror.root(Number(tdx.get('shared_eptp') >> 12n), Number(kernel.constant('PT64_ROOT_LEVEL')));
  const vcpu = Number(/\d+$/.exec(call.thread.name)?.[0] ?? 0);
  const exit = kernel.guest?.run(vcpu) ?? { kind: 'done' };
  if (exit.kind === 'again') return call.block('the guest repeats its access');
  if (exit.kind === 'done') {
    tdx.set('exit_reason', EXTERNAL_INTERRUPT);
    return undefined;
  }
  const { errorCode, gpa } = exit;
  const access =
    errorCode & FAULT_WRITE ? ACCESS_WRITE : errorCode & FAULT_FETCH ? ACCESS_FETCH : ACCESS_READ;
  tdx.set('exit_reason', EPT_VIOLATION);
  tdx.set('exit_qualification', access);
  tdx.set('exit_gpa', gpa);
  return undefined;
}

export const TDX_FUNCTIONS: ModelTable = {
  tdh_mem_page_aug: onGpa('TDH.MEM.PAGE.AUG', ({ hardware, vm }, gfn, call) =>
    hardware.sept.augment(vm, gfn, frameOf(Number(call.unsigned(2))), '4K'),
  ),
  tdh_mem_range_block: onGpa('TDH.MEM.RANGE.BLOCK', ({ hardware, vm }, gfn) =>
    hardware.sept.block(vm, gfn, '4K'),
  ),
  tdh_mem_range_unblock: onGpa('TDH.MEM.RANGE.UNBLOCK', ({ hardware, vm }, gfn) =>
    hardware.sept.unblock(vm, gfn, '4K'),
  ),
  tdh_mem_page_remove: onGpa('TDH.MEM.PAGE.REMOVE', ({ hardware, vm }, gfn) =>
    hardware.sept.remove(vm, gfn, '4K'),
  ),
  tdh_mem_track: {
    source: `${ABI}: TDH.MEM.TRACK`,
    run: ({ hardware, vm }) => hardware.sept.track(vm).code,
  },
  tdh_phymem_page_reclaim: {
    source: `${ABI}: TDH.PHYMEM.PAGE.RECLAIM`,
    run: ({ hardware }, call) => hardware.sept.reclaim(frameOf(Number(call.unsigned(0)))).code,
  },
  tdh_mng_key_freeid: {
    source: `${ABI}: TDH.MNG.KEY.FREEID`,
    run: ({ hardware, vm }) => {
      hardware.sept.tearDown(vm);
      return 0;
    },
  },
  __tdh_vp_enter: { source: `${ABI}: TDH.VP.ENTER`, preemption: true, run: enter },
  __vmx_kick_vcpus: {
    source:
      'virt/kvm/kvm_main.c, kvm_make_all_cpus_request; Intel TDX Module Base Architecture, TLB tracking',
    run: ({ hardware, vm }) => {
      hardware.flushRemote(vm);
      return undefined;
    },
  },
};
