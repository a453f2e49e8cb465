/** guest_memfd folios that reach the page cache's release without the architecture's hook (mail row A2). */
import type { VariableEntry } from '../program/model.js';
import type { Program } from '../program/program.js';
import type { Finding } from './finding.js';
import { hookOf, hooks, hooksOfKind } from './hooks.js';
import { reaches } from './reachability.js';
import type { Rule, RuleInput } from './rule.js';

/** Address space operations in the files that give private pages to guests. */
function privateAddressSpaces(program: Program): VariableEntry[] {
  const giving = hooks
    .filter((hook) => hook.name === 'kvm_gmem_get_pfn' || hook.name === 'kvm_gmem_prepare_folio')
    .flatMap((hook) => program.symbols.functionsByName.get(hook.name) ?? []);
  const assigns = giving.filter((node) => reaches(program, node, new Set(['rmp_make_private'])));
  const files = new Set(assigns.map((node) => node.file));
  return [...program.symbols.variables.values()]
    .flat()
    .filter(
      (variable) =>
        files.has(variable.file) &&
        variable.facts.type === 'struct address_space_operations' &&
        variable.facts.initialiser !== undefined,
    );
}

function check({ program, project }: RuleInput): Finding[] {
  // The architecture's hook counts for itself only where its text isn't known.
  const unread = [...hooksOfKind('arch-invalidate', project)].filter(
    (name) => !program.symbols.functionsByName.has(name),
  );
  const resets = new Set([...unread, 'rmp_make_shared']);
  const findings: Finding[] = [];
  for (const variable of privateAddressSpaces(program)) {
    const handlers = program
      .functionsInSlot('address_space_operations.free_folio')
      .filter(({ at }) => at.file === variable.file);
    const resetting = handlers.some(({ node }) => reaches(program, node, resets));
    if (resetting) continue;
    const [handler] = handlers;
    const place = handler
      ? { file: handler.node.file, line: handler.node.facts.line, column: handler.node.facts.column }
      : { file: variable.file, line: variable.facts.line, column: 1 };
    findings.push({
      rule: 'free-without-rmp-reset',
      severity: 'warning',
      certainty: 'always',
      message: handler
        ? `${handler.node.name}() gives folios back to the host without ${hookOf('kvm_arch_gmem_invalidate')?.name ?? 'the arch hook'}(): they are still the guest's in the RMP`
        : `${variable.facts.name} has no free_folio: its folios go back to the host while they are still the guest's in the RMP`,
      ...place,
      function: handler?.node.name ?? '',
      path: [],
    });
  }
  return findings;
}

export const freeWithoutRmpReset: Rule = {
  id: 'free-without-rmp-reset',
  summary: "A guest_memfd page goes back to the host while it is the guest's in the RMP",
  explanation: `**What happens.** A page that is still private in the RMP when the host next writes to it raises an RMP fault that takes the host down.
Userspace can free guest_memfd pages whenever it likes, by punching a hole.

**Where it is said.** M. Roth, linux-mm, May 2023 (row A2): pages still marked private will blow up the host if they aren't returned
to the normal state before handing them back to the kernel.

**How it is mended.** Give the file's address_space_operations a \`free_folio\` that calls \`kvm_arch_gmem_invalidate()\`.`,
  locks: [],
  check,
};
