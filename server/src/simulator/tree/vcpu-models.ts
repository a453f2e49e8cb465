/**
 * Around a vCPU's page faults: making it, and entering the guest. The loop of KVM_RUN, the nested page fault's interception
 * and all below it are the tree's.
 */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { CObject } from '../execution/objects.js';
import type { Kernel } from '../kernel-api/kernel.js';
import type { ModelEntry, ModelTable } from '../kernel-api/table-entry.js';

const X86 = 'arch/x86/kvm/x86.c';
const SVM = 'arch/x86/kvm/svm/svm.c';
const MMU = 'arch/x86/kvm/mmu/mmu.c';

const PHYSICAL_BITS = 48;
/** Protected mode with paging, long mode, as a guest has them that is up: AMD APM vol. 2, 3.1. */
const CR0 = 0x80000001n;
const CR4 = 0x20n;
const EFER = 0xd00n;
/** Exit reasons of include/uapi/linux/kvm.h that don't come from C. */
const KVM_EXIT_INTR = 10n;
const EINTR = -4;

const svmOf = (kernel: Kernel, vcpu: bigint): CObject => kernel.object(vcpu, 'struct vcpu_svm');

/** kvm_arch_vcpu_create without local APIC, FPU, PMU and CPUID: its MMU, its control block, registers of a guest that is up. */
function createVcpu(kernel: Kernel, call: ModelledCall): Outcome {
  const vcpu = call.address(0);
  const { c } = kernel;
  if (call.stage === 0) return call.into(c.addressOfFunction('kvm_mmu_create', MMU), [vcpu]);
  if (call.stage === 1) {
    if (call.returned !== 0n) return BigInt.asIntN(32, call.returned);
    const svm = svmOf(kernel, vcpu);
    const vmcb = kernel.allocate('struct vmcb', 'a VMCB').address;
    svm.set('vmcb', vmcb);
    svm.set('vmcb01.ptr', vmcb);
    svm.set('current_vmcb', svm.addressOf('vmcb01'));
    svm.set('vcpu.arch.cr0', CR0);
    svm.set('vcpu.arch.cr4', CR4);
    svm.set('vcpu.arch.efer', EFER);
    svm.set('vcpu.arch.maxphyaddr', PHYSICAL_BITS);
    svm.set('vcpu.arch.regs_avail', 0xffffffffn);
    return call.into(c.addressOfFunction('kvm_init_mmu', MMU), [vcpu]);
  }
  return 0;
}

/** What kvm_make_request asked for: vcpu_enter_guest does it before the guest goes on. */
function handleRequests(kernel: Kernel, vcpu: CObject): void {
  if (vcpu.get('vcpu.requests') === 0n) return;
  kernel.hardware.flushVcpu(kernel.vm, Number(vcpu.get('vcpu.vcpu_idx')));
  vcpu.set('vcpu.requests', 0n);
}

/** The guest's turn outside of kvm->srcu, as in vcpu_enter_guest; then the exit is handled by the tree. */
function enterGuest(kernel: Kernel, call: ModelledCall): Outcome {
  const vcpu = call.address(0);
  const { c, hardware } = kernel;
  const svm = svmOf(kernel, vcpu);
  if (call.stage === 0) {
    handleRequests(kernel, svm);
    return call.into(c.addressOfFunction('kvm_mmu_reload', MMU), [vcpu]);
  }
  if (call.stage === 2) return BigInt.asIntN(32, call.returned);
  const reloaded = BigInt.asIntN(32, call.returned);
  if (reloaded !== 0n) return reloaded < 0n ? reloaded : 1n;
  const vmcb = kernel.object(svm.get('vmcb'), 'struct vmcb');
  kernel.mirror.root(Number(vmcb.get('control.nested_cr3') >> 12n), Number(rootLevel(kernel, svm)));
  hardware.actAs(call.thread.name);
  const srcu = svm.follow('vcpu.kvm')!.addressOf('srcu');
  const readers = kernel.state.srcuReaders.get(srcu) ?? 0;
  const exit = kernel.guest?.run(Number(svm.get('vcpu.vcpu_idx'))) ?? { kind: 'done' };
  if (exit.kind === 'again') {
    if (call.state !== 'outside') kernel.state.srcuReaders.set(srcu, readers - 1);
    call.state = 'outside';
    return call.block('the guest repeats its access');
  }
  if (call.state === 'outside') kernel.state.srcuReaders.set(srcu, readers + 1);
  call.state = undefined;
  if (exit.kind === 'done') {
    svm.follow('vcpu.run')!.set('exit_reason', KVM_EXIT_INTR);
    return EINTR;
  }
  vmcb.set('control.exit_code', kernel.constant('SVM_EXIT_NPF'));
  vmcb.set('control.exit_info_1', exit.errorCode);
  vmcb.set('control.exit_info_2', exit.gpa);
  return call.into(c.addressOfFunction('npf_interception', SVM), [vcpu]);
}

const rootLevel = (kernel: Kernel, svm: CObject): bigint => {
  const mmu = kernel.object(svm.get('vcpu.arch.mmu'), 'struct kvm_mmu');
  return mmu.get('root_role.level');
};

/** Every vCPU that is in the guest leaves it, and does what is asked before it goes on. */
function requestAll(kernel: Kernel, call: ModelledCall): Outcome {
  kernel.hardware.flushRemote(kernel.vm);
  return call.argumentCount > 0;
}

function flushOwn(kernel: Kernel, call: ModelledCall): Outcome {
  kernel.hardware.flushVcpu(kernel.vm, Number(svmOf(kernel, call.address(0)).get('vcpu.vcpu_idx')));
  return undefined;
}

const nothing = (source: string): ModelEntry => ({ source, run: () => undefined });
const zero = (source: string): ModelEntry => ({ source, run: () => 0 });

export const VCPU: ModelTable = {
  kvm_check_tsc_unstable: zero(`${X86}: guests are given no clock`),
  kvm_arch_vcpu_create: { source: `${X86}, kvm_arch_vcpu_create; ${SVM}, svm_vcpu_create`, run: createVcpu },
  kvm_arch_vcpu_postcreate: nothing(`${X86}: guests are given no clock`),
  kvm_create_vcpu_debugfs: nothing('virt/kvm/kvm_main.c: statistics for people'),
  finish_rcuwait: nothing('include/linux/rcuwait.h'),
  kvm_mmu_post_init_vm: zero(`${MMU}: no thread recovers large pages`),
  kvm_mmu_pre_destroy_vm: nothing(`${MMU}: no thread recovers large pages`),
  vcpu_load: nothing('virt/kvm/kvm_main.c, vcpu_load: a vCPU has its CPU'),
  vcpu_put: nothing('virt/kvm/kvm_main.c, vcpu_put: a vCPU has its CPU'),
  kvm_sigset_activate: nothing('virt/kvm/kvm_main.c: signals are the scenario’s'),
  kvm_sigset_deactivate: nothing('virt/kvm/kvm_main.c: signals are the scenario’s'),
  kvm_load_guest_fpu: nothing(`${X86}: no FPU`),
  kvm_put_guest_fpu: nothing(`${X86}: no FPU`),
  lapic_in_kernel: zero('arch/x86/kvm/lapic.h: no local APIC'),
  kvm_set_cr8: zero(`${X86}: no local APIC`),
  post_kvm_run_save: nothing(`${X86}: interrupts are not modelled`),
  kvm_cpu_has_pending_timer: zero('arch/x86/kvm/irq.c: no time passes'),
  kvm_xen_has_pending_events: zero('arch/x86/kvm/xen.h: no Xen guest'),
  __xfer_to_guest_mode_work_pending: zero('include/linux/entry-kvm.h: nobody else wants the CPU'),
  dm_request_for_irq_injection: zero(`${X86}: interrupts are not modelled`),
  vcpu_enter_guest: {
    source: `${X86}, vcpu_enter_guest; AMD APM vol. 2, 15.5 (VMRUN)`,
    preemption: true,
    run: enterGuest,
  },
  kvm_make_all_cpus_request: {
    source: 'virt/kvm/kvm_main.c, kvm_make_all_cpus_request; Documentation/virt/kvm/vcpu-requests.rst',
    run: requestAll,
  },
  svm_flush_tlb_current: { source: `${SVM}; AMD APM vol. 2, 15.16 (TLB control)`, run: flushOwn },
  svm_flush_tlb_all: { source: `${SVM}; AMD APM vol. 2, 15.16 (TLB control)`, run: flushOwn },
  svm_flush_tlb_asid: { source: `${SVM}; AMD APM vol. 2, 15.16 (TLB control)`, run: flushOwn },
};
