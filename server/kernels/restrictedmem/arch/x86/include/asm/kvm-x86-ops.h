/* SPDX-License-Identifier: MIT */
/* One line an operation of struct kvm_x86_ops; whoever includes this says what to make of each. */
KVM_X86_OP(vm_init)
KVM_X86_OP(vm_destroy)
KVM_X86_OP(vcpu_create)
KVM_X86_OP(vcpu_free)
KVM_X86_OP(vcpu_run)
KVM_X86_OP(handle_exit)
KVM_X86_OP(flush_tlb_all)
KVM_X86_OP(restrictedmem_prepare)
KVM_X86_OP(restrictedmem_invalidate)

#undef KVM_X86_OP
