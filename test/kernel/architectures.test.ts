/** KVM of other architectures: nothing is found in a correct tree, and callers are found up to the way in. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadProgram } from '../../server/src/host/load-program.ts';
import { LOCK_WORDS } from '../../server/src/locks/primitives.ts';
import type { Program } from '../../server/src/program/program.ts';
import { TreeAnalysis } from '../../server/src/rules/tree-analysis.ts';
import { testCache } from '../support/cache.ts';
import { fetchKernel } from './fetch-kernel.ts';

interface Expected {
  architecture: string;
  /** A function of the architecture, and one that its callers lead up to: the way in. */
  callers: readonly (readonly [name: string, above: string])[];
}

const expected: readonly Expected[] = [
  {
    architecture: 'arm64',
    callers: [
      ['stage2_unmap_walker', 'kvm_mmu_notifier_invalidate_range_start'],
      ['user_mem_abort', 'kvm_vcpu_ioctl'],
      ['kvm_arch_flush_shadow_memslot', 'kvm_vm_ioctl'],
    ],
  },
  {
    architecture: 'riscv',
    callers: [
      ['gstage_unmap_range', 'kvm_mmu_notifier_invalidate_range_start'],
      ['kvm_riscv_gstage_map', 'kvm_vcpu_ioctl'],
    ],
  },
  {
    architecture: 's390',
    callers: [
      ['handle_essa', 'kvm_vcpu_ioctl'],
      ['kvm_s390_pv_init_vm', 'kvm_vm_ioctl'],
    ],
  },
  {
    architecture: 'powerpc',
    callers: [
      ['kvmppc_book3s_hv_page_fault', 'kvm_vcpu_ioctl'],
      ['kvm_unmap_radix', 'kvm_mmu_notifier_invalidate_range_start'],
    ],
  },
  {
    architecture: 'loongarch',
    callers: [
      // From the guest's exit on it is assembly that calls.
      ['kvm_map_page', 'kvm_handle_exit'],
      ['kvm_flush_pte', 'kvm_mmu_notifier_invalidate_range_start'],
    ],
  },
  {
    architecture: 'mips',
    callers: [
      // Exits are called by code that KVM writes at run time.
      ['kvm_mips_map_page', 'kvm_mips_handle_exit'],
      ['kvm_mips_flush_gpa_pt', 'kvm_mmu_notifier_invalidate_range_start'],
    ],
  },
];

/** Names of all functions above. */
function above(program: Program, name: string): Set<string> {
  const found = new Set<string>();
  const pending = [...(program.symbols.functionsByName.get(name) ?? [])];
  for (let node = pending.pop(); node; node = pending.pop())
    for (const { caller } of program.callsTo(node)) {
      if (found.has(caller.name)) continue;
      found.add(caller.name);
      pending.push(caller);
    }
  return found;
}

test.each(expected)('$architecture', async ({ architecture, callers }) => {
  const tree = await fetchKernel('6.12');
  const loaded = await loadProgram({
    tree,
    architecture,
    watched: LOCK_WORDS,
    cacheFolder: join(testCache(), 'facts'),
  });
  await loaded.saved;
  const { program } = loaded;
  for (const [name, entry] of callers) expect([...above(program, name)], name).toContain(entry);
  const findings = new TreeAnalysis(program).findings;
  expect(findings.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([]);
});
