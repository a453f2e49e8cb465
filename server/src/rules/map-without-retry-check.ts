/** Mappings installed without asking whether an invalidation overtook the look-up of their pfn (mail row A8). */
import { columnOf, type Position } from '../kernel-c/syntax.js';
import { lineOf } from '../locks/flow-builder.js';
import type { FunctionNode } from '../program/model.js';
import type { Finding } from './finding.js';
import { lookups } from './invalidation-table.js';
import { PfnFlow, type StaleInstall } from './pfn-flow.js';
import type { Rule } from './rule.js';

const ID = 'map-without-retry-check';

const step = (node: FunctionNode, p: Position, text: string): Finding['path'][number] => ({
  function: node.name,
  file: node.file,
  line: lineOf(node, p),
  column: columnOf(p) + 1,
  via: 'call',
  text,
});

function findingOf({ node, install, since }: StaleInstall): Finding {
  const isLookup = lookups.has(since.name) || !/lock|resched/.test(since.name);
  const why = isLookup
    ? `since ${since.name}() found the pfn, nothing under kvm->mmu_lock has asked whether it was invalidated`
    : `kvm->mmu_lock was dropped by ${since.name}() after the retry check`;
  return {
    rule: ID,
    severity: 'warning',
    certainty: 'always',
    message: `${install.name}() maps a pfn that may be gone: ${why}`,
    file: node.file,
    line: lineOf(node, install.p),
    column: columnOf(install.p) + 1,
    function: node.name,
    path: [
      step(
        node,
        since.p,
        isLookup ? `calls ${since.name}(), which looks the pfn up` : `${since.name}() drops mmu_lock`,
      ),
      step(node, install.p, `calls ${install.name}(), which installs the mapping`),
    ],
  };
}

export const mapWithoutRetryCheck: Rule = {
  id: ID,
  summary: 'A mapping is installed without the retry check under mmu_lock',
  explanation: `**What happens.** The pfn behind a gfn is looked up without \`kvm->mmu_lock\`, since that may sleep. Until the lock is held, a punched
hole or an attribute change may have taken the page away. Mapping it all the same gives the guest a page that the host uses for something
else: memory of others is read and overwritten, and with SEV-SNP the host faults on it.

**Where it is said.** S. Christopherson, linux-mm, May 2023 (row A8): the elevated mmu_invalidate_in_progress keeps KVM from establishing
a new mapping until truncation and attribute change are complete. In the tree: \`mmu_invalidate_retry_gfn()\`, include/linux/kvm_host.h, and
\`is_page_fault_stale()\` in arch/x86/kvm/mmu/mmu.c.

**How it is mended.** Read \`mmu_invalidate_seq\` before the look-up; with mmu_lock held, and not dropped again before the mapping is in
place, ask \`mmu_invalidate_retry_gfn()\` and let the guest retry where it says so.`,
  locks: ['kvm.mmu_lock'],
  check: ({ program, contexts }) => {
    const found = new Map<string, Finding>();
    for (const one of new PfnFlow(program, contexts).stale) {
      const finding = findingOf(one);
      const place = `${finding.file}:${finding.line}:${finding.column}`;
      if (!found.has(place)) found.set(place, finding);
    }
    return [...found.values()];
  },
};
