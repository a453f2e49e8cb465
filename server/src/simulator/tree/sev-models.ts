/** What the AMD security processor and its driver do for a guest: it is not modelled, its outcome is set. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from '../kernel-api/kernel.js';
import type { ModelTable } from '../kernel-api/table-entry.js';

export const SEV_INIT_FUNCTION = '__gmem_lens_sev_init';

/** SNP guests have the ASIDs below the first one of plain SEV guests: the machine's VM has this one. */
const ASID = 1;
/** AMD APM vol. 2, appendix B (SEV_FEATURES): SNPActive. */
const SNP_ACTIVE = 1;

export const isSnp = ({ hardware }: Kernel): boolean => hardware.platform.name === 'snp';

function sevInit(kernel: Kernel, call: ModelledCall): Outcome {
  const svm = kernel.object(call.address(0), 'struct kvm_svm');
  svm.set('sev_info.active', 1);
  svm.set('sev_info.es_active', 1);
  svm.set('sev_info.need_init', 0);
  svm.set('sev_info.asid', ASID);
  svm.set('sev_info.vmsa_features', SNP_ACTIVE);
  return 0;
}

export const SEV: ModelTable = {
  [SEV_INIT_FUNCTION]: {
    source:
      'Documentation/virt/kvm/x86/amd-memory-encryption.rst: KVM_SEV_INIT2, KVM_SEV_SNP_LAUNCH_START; arch/x86/kvm/svm/sev.c, __sev_guest_init',
    run: sevInit,
  },
};
