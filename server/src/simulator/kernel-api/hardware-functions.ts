/** Instructions and page tables of the host, bound to the machine; and the guest behind VMRUN. */
import { Hazard } from '../execution/hazard.js';
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Level } from '../machine/units.js';
import { frameOf } from '../machine/units.js';
import type { Kernel } from './kernel.js';
import type { ModelTable } from './table-entry.js';

const APM3 = "AMD APM vol. 3, the instruction's page; vol. 2, 15.36";

function rmpupdate(kernel: Kernel, call: ModelledCall): Outcome {
  const state = kernel.object(call.address(1), 'struct rmp_state');
  const isLarge = state.get('pagesize') === kernel.constant('RMP_PG_SIZE_2M');
  const assigned = state.get('assigned') !== 0n;
  return kernel.hardware.rmp.update(frameOf(Number(call.unsigned(0))), {
    assigned,
    asid: Number(state.get('asid')),
    gpa: Number(state.get('gpa')),
    size: isLarge ? '2M' : '4K',
    immutable: state.get('immutable') !== 0n,
  }).code;
}

function rmpread(kernel: Kernel, call: ModelledCall): Outcome {
  const entry = kernel.hardware.rmp.read(frameOf(Number(call.unsigned(0))));
  if (!entry) return 1;
  const state = kernel.object(call.address(1), 'struct rmp_state');
  state.set('assigned', entry.assigned ? 1 : 0);
  state.set('pagesize', entry.size === '2M' ? kernel.constant('RMP_PG_SIZE_2M') : 0);
  state.set('immutable', entry.immutable ? 1 : 0);
  state.set('gpa', entry.gpa);
  state.set('asid', entry.asid);
  return 0;
}

const frameIn = (kernel: Kernel, address: bigint): number => {
  const frame = kernel.frameAt(address);
  if (!frame) throw new Hazard('bad-address', `0x${address.toString(16)} is not in the directmap`);
  return frame.pfn;
};

function lookupAddress(kernel: Kernel, call: ModelledCall): Outcome {
  const { level, present } = kernel.hardware.directmap.at(frameIn(kernel, call.address(0)));
  kernel.c.storeValue(call.address(1), 4, kernel.constant(`PG_LEVEL_${level}`));
  if (!present) return 0;
  kernel.state.pte ||= kernel.allocate('pte_t', 'the directmap').address;
  return kernel.state.pte;
}

const BELOW: Readonly<Record<Level, Level>> = { '1G': '2M', '2M': '4K', '4K': '4K' };

function splitDirectmap(kernel: Kernel, call: ModelledCall): Outcome {
  const pfn = frameIn(kernel, call.address(0));
  kernel.hardware.directmap.split(pfn, BELOW[kernel.hardware.directmap.at(pfn).level]);
  return undefined;
}

function setPresent(kernel: Kernel, call: ModelledCall, present: boolean): Outcome {
  kernel.hardware.directmap.setPresent(frameIn(kernel, call.address(0)), call.int(1), present);
  return undefined;
}

/** VMRUN: the guest runs until it exits. AMD APM vol. 2, 15.5 and appendix C (exit codes). */
function vcpuRun(kernel: Kernel, call: ModelledCall): Outcome {
  const vmcb = kernel.object(call.address(0), 'struct vmcb');
  kernel.mirror.root(Number(vmcb.get('nested_cr3') >> 12n), Number(kernel.constant('PT64_ROOT_LEVEL')));
  const vcpu = Number(/\d+$/.exec(call.thread.name)?.[0] ?? 0);
  const exit = kernel.guest?.run(vcpu) ?? { kind: 'done' };
  if (exit.kind === 'again') return call.block('the guest repeats its access');
  if (exit.kind === 'done') {
    vmcb.set('exit_code', kernel.constant('SVM_EXIT_INTR'));
    return undefined;
  }
  kernel.state.faultOf.set(call.thread.id, frameOf(Number(exit.gpa)));
  vmcb.set('exit_code', kernel.constant('SVM_EXIT_NPF'));
  vmcb.set('exit_info_1', exit.errorCode);
  vmcb.set('exit_info_2', exit.gpa);
  return undefined;
}

function bootCpuHas(kernel: Kernel, call: ModelledCall): Outcome {
  const { rmp, sept } = kernel.hardware.platform;
  const feature = call.unsigned(0);
  if (feature === kernel.constant('X86_FEATURE_TDX_HOST')) return sept;
  if (feature === kernel.constant('X86_FEATURE_SEV_SNP')) return rmp;
  return feature === kernel.constant('X86_FEATURE_SVM') && !sept;
}

export const HARDWARE_FUNCTIONS: ModelTable = {
  boot_cpu_has: {
    source: 'arch/x86/include/asm/cpufeature.h; a machine without TDX is AMD’s here',
    run: bootCpuHas,
  },
  __rmpupdate: { source: `${APM3}: RMPUPDATE`, run: rmpupdate },
  __psmash: {
    source: `${APM3}: PSMASH`,
    run: (kernel, call) => kernel.hardware.rmp.psmash(frameOf(Number(call.unsigned(0)))).code,
  },
  __rmpread: { source: `${APM3}: RMPREAD`, run: rmpread },
  lookup_address: { source: 'arch/x86/mm/pat/set_memory.c, lookup_address', run: lookupAddress },
  __split_directmap: { source: 'arch/x86/mm/pat/set_memory.c, __split_large_page', run: splitDirectmap },
  __set_directmap_present: {
    source: 'arch/x86/mm/pat/set_memory.c, __set_pages_p',
    run: (kernel, call) => setPresent(kernel, call, true),
  },
  __clear_directmap_present: {
    source: 'arch/x86/mm/pat/set_memory.c, __set_pages_np',
    run: (kernel, call) => setPresent(kernel, call, false),
  },
  __collapse_directmap: {
    source: 'arch/x86/mm/pat/set_memory.c, cpa_collapse_large_pages (since 6.15)',
    run: (kernel, call) => kernel.hardware.directmap.collapse(frameIn(kernel, call.address(0)), '2M'),
  },
  flush_tlb_all: { source: 'arch/x86/mm/tlb.c: host TLBs are not modelled', run: () => undefined },
  __svm_vcpu_run: { source: 'AMD APM vol. 2, 15.5 (VMRUN)', preemption: true, run: vcpuRun },
  __svm_flush_asid: {
    source: 'AMD APM vol. 2, 15.16 (TLB control)',
    run: (kernel, call) => {
      kernel.hardware.flushAsid(Number(call.unsigned(0)));
      return undefined;
    },
  },
};
