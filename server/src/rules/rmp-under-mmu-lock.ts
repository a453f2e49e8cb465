/** RMP updates reachable while `kvm->mmu_lock` is held (mail row A6). */
import { byName, findCallsUnderLock } from './calls-under-lock.js';
import { hooksOfKind } from './hooks.js';
import type { Rule } from './rule.js';

export const rmpUnderMmuLock: Rule = {
  id: 'rmp-under-mmu-lock',
  summary: 'The RMP is updated while kvm->mmu_lock is held',
  explanation: `**What happens.** An RMP update that makes a page the guest's, or gives it back, has to change the kernel's directmap too.
That may split a large mapping, allocate memory and flush every CPU's TLB: it may sleep. \`kvm->mmu_lock\` is a spinning
rwlock; sleeping under it is "BUG: scheduling while atomic", and under load a deadlock.

**Where it is said.** M. Roth, "Re: Rename restrictedmem => guardedmem?", linux-mm, May 2023: RMP updates can't be done while
holding KVM->mmu_lock, because pages have to be unmapped from the directmap (row A6). In the tree: \`rmpupdate()\` and
\`adjust_direct_map()\` in arch/x86/virt/svm/sev.c.

**How it is mended.** RMP updates belong where a page is allocated for the guest (\`kvm_gmem_get_pfn()\`, before mmu_lock is
taken) and where it goes back to the host (truncation, \`free_folio\`); under mmu_lock, zap SPTEs only.`,
  locks: ['kvm.mmu_lock'],
  check: (input) =>
    findCallsUnderLock(input, {
      rule: 'rmp-under-mmu-lock',
      severity: 'warning',
      lock: 'kvm.mmu_lock',
      ...byName(hooksOfKind('rmp-update', input.project)),
      message: (callee, mode, certainty) =>
        `${callee}() updates the RMP while kvm->mmu_lock is ${certainty === 'always' ? '' : 'sometimes '}held for ${mode}; the directmap change it needs may sleep`,
      holderMessage: (callee, via) =>
        `${via}() leads to ${callee}(), an RMP update, while kvm->mmu_lock is held here`,
    }),
};
