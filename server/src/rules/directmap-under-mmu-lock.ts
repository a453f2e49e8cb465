/** Changes of the kernel's directmap reachable while `kvm->mmu_lock` is held (mail row A6). */
import { byName, findCallsUnderLock } from './calls-under-lock.js';
import { hooksOfKind } from './hooks.js';
import type { Rule } from './rule.js';

export const directmapUnderMmuLock: Rule = {
  id: 'directmap-under-mmu-lock',
  summary: "The kernel's directmap is changed while kvm->mmu_lock is held",
  explanation: `**What happens.** Taking pages out of the directmap, or putting them back, splits large mappings (which allocates), drops lazy
vmalloc aliases (which takes mutexes) and flushes every CPU's TLB. All of that may sleep; \`kvm->mmu_lock\` is a spinning rwlock.

**Where it is said.** M. Roth, linux-mm, May 2023 (row A6): pages need to be unmapped from the directmap, which can lead to
scheduling-while-atomic BUG()s. In the tree: \`change_page_attr_set_clr()\` calls \`vm_unmap_aliases()\`, arch/x86/mm/pat/set_memory.c.

**How it is mended.** Change the directmap where the page changes its owner, before mmu_lock is taken or after it is dropped.`,
  locks: ['kvm.mmu_lock'],
  check: (input) => {
    const changes = byName(
      new Set([...hooksOfKind('directmap', input.project)].filter((name) => name !== 'vm_unmap_aliases')),
    );
    // An RMP update changes the directmap on its way; its own rule says so.
    const updates = hooksOfKind('rmp-update', input.project);
    return findCallsUnderLock(input, {
      rule: 'directmap-under-mmu-lock',
      severity: 'warning',
      lock: 'kvm.mmu_lock',
      forbids: changes.forbids,
      isForbidden: (node) => changes.isForbidden(node) || updates.has(node.name),
      message: (callee, mode, certainty) =>
        `${callee}() changes the directmap, which may sleep, while kvm->mmu_lock is ${certainty === 'always' ? '' : 'sometimes '}held for ${mode}`,
      holderMessage: (callee, via) =>
        `${via}() leads to ${callee}(), which changes the directmap, while kvm->mmu_lock is held here`,
    });
  },
};
