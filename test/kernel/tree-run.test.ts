/** Scenarios through a real tree's own C, in the order of calls and locks that a real kernel has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { KernelCode } from '../../server/src/simulator/scenario/kernel-code.ts';
import type { RunResult } from '../../server/src/simulator/scenario/result.ts';
import { fetchKernel } from './fetch-kernel.ts';
import { entriesOf, kernelOf, runYaml, sequenceOf } from './tree-support.ts';

let kernel: KernelCode;

beforeAll(async () => {
  kernel = await kernelOf('6.12');
});

const HEAD = `
scenario: On a tree
about: A test.
rows: [A1]
platform: sw-protected
memory: 64M
backing: 4k
design: tree
files: [{name: gmem, size: 4M}]
slots: [{id: 0, gpa: 0x200000, size: 2M, file: gmem}]
`;

/** Function tracing and lockdep of Linux 6.12 on a machine with SVM and nested paging, guest_memfd without SNP. */
const TRACED = {
  unchanged: ['kvm_vm_ioctl_set_mem_attributes', 'kvm_vm_set_mem_attributes', '+slots_lock', '-slots_lock'],
  punchUnmapped: [
    'vfs_fallocate',
    'kvm_gmem_fallocate',
    'kvm_gmem_punch_hole',
    '+invalidate_lock(W)',
    'kvm_gmem_invalidate_begin',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_begin',
    'kvm_mmu_unmap_gfn_range',
    'kvm_unmap_gfn_range',
    '-mmu_lock(W)',
    'truncate_inode_pages_range',
    'find_lock_entries',
    'truncate_cleanup_folio',
    'delete_from_page_cache_batch',
    'kvm_gmem_invalidate_end',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_end',
    '-mmu_lock(W)',
    '-invalidate_lock(W)',
  ],
  toPrivate: [
    'kvm_vm_ioctl_set_mem_attributes',
    'kvm_vm_set_mem_attributes',
    '+slots_lock',
    'kvm_range_has_memory_attributes',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_begin',
    'kvm_pre_set_memory_attributes',
    'kvm_mmu_invalidate_range_add',
    'kvm_arch_pre_set_memory_attributes',
    'hugepage_test_mixed',
    'kvm_mmu_invalidate_range_add',
    'kvm_unmap_gfn_range',
    'kvm_tdp_mmu_unmap_gfn_range',
    'tdp_mmu_zap_leafs',
    'kvm_flush_remote_tlbs',
    '-mmu_lock(W)',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_end',
    'kvm_arch_post_set_memory_attributes',
    'hugepage_has_attrs',
    'hugepage_set_mixed',
    '-mmu_lock(W)',
    '-slots_lock',
  ],
  /** The 2M extent has pages of both kinds already, so it isn't added to the range. */
  toShared: [
    'kvm_vm_ioctl_set_mem_attributes',
    'kvm_vm_set_mem_attributes',
    '+slots_lock',
    'kvm_range_has_memory_attributes',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_begin',
    'kvm_pre_set_memory_attributes',
    'kvm_mmu_invalidate_range_add',
    'kvm_arch_pre_set_memory_attributes',
    'hugepage_test_mixed',
    'kvm_unmap_gfn_range',
    'kvm_tdp_mmu_unmap_gfn_range',
    'tdp_mmu_zap_leafs',
    'kvm_flush_remote_tlbs',
    '-mmu_lock(W)',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_end',
    'kvm_arch_post_set_memory_attributes',
    'hugepage_has_attrs',
    'hugepage_set_mixed',
    '-mmu_lock(W)',
    '-slots_lock',
  ],
  fault: [
    'npf_interception',
    'kvm_mmu_page_fault',
    'kvm_tdp_page_fault',
    'kvm_tdp_mmu_page_fault',
    'fast_page_fault',
    'mmu_topup_memory_caches',
    'kvm_faultin_pfn',
    '__kvm_faultin_pfn',
    'kvm_faultin_pfn_private',
    'kvm_gmem_get_pfn',
    'kvm_gmem_get_index',
    '__kvm_gmem_get_pfn',
    'kvm_gmem_get_folio',
    '__filemap_get_folio',
    'filemap_add_folio',
    'kvm_gmem_prepare_folio',
    '__kvm_gmem_prepare_folio',
    'kvm_max_private_mapping_level',
    '+mmu_lock(R)',
    'is_page_fault_stale',
    'kvm_tdp_mmu_map',
    'kvm_mmu_hugepage_adjust',
    'tdp_mmu_map_handle_target_level',
    'make_spte',
    '-mmu_lock(R)',
    'kvm_release_pfn_clean',
  ],
  punchMapped: [
    'vfs_fallocate',
    'kvm_gmem_fallocate',
    'kvm_gmem_punch_hole',
    '+invalidate_lock(W)',
    'kvm_gmem_invalidate_begin',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_begin',
    'kvm_mmu_unmap_gfn_range',
    'kvm_mmu_invalidate_range_add',
    'kvm_unmap_gfn_range',
    'kvm_flush_remote_tlbs',
    '-mmu_lock(W)',
    'truncate_inode_pages_range',
    'find_lock_entries',
    'truncate_cleanup_folio',
    'delete_from_page_cache_batch',
    'kvm_gmem_invalidate_end',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_end',
    '-mmu_lock(W)',
    '-invalidate_lock(W)',
  ],
  afterClose: ['npf_interception', 'kvm_mmu_page_fault', 'kvm_faultin_pfn', 'kvm_gmem_get_pfn'],
  allocate: [
    'vfs_fallocate',
    'kvm_gmem_fallocate',
    'kvm_gmem_allocate',
    '+invalidate_lock(R)',
    'kvm_gmem_get_folio',
    'kvm_gmem_get_folio',
    '-invalidate_lock(R)',
  ],
  close: [
    'kvm_gmem_release',
    '+slots_lock',
    '+invalidate_lock(W)',
    'kvm_gmem_invalidate_begin',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_begin',
    'kvm_mmu_unmap_gfn_range',
    'kvm_unmap_gfn_range',
    '-mmu_lock(W)',
    'kvm_gmem_invalidate_end',
    '+mmu_lock(W)',
    'kvm_mmu_invalidate_end',
    '-mmu_lock(W)',
    '-invalidate_lock(W)',
    '-slots_lock',
    'kvm_put_kvm',
    'evict',
    'truncate_inode_pages_final',
    'truncate_inode_pages_range',
  ],
} as const;

/** An action's calls and locks, of those that the trace names. */
const traced = (result: RunResult, actor: string, nth: number, wanted: readonly string[]): string[] =>
  sequenceOf(entriesOf(result, actor, nth), wanted);

describe('a file without mappings', () => {
  let result: RunResult;

  beforeAll(() => {
    result = runYaml(
      `${HEAD}
actors:
  vmm:
    - fallocate: {file: gmem, offset: 0, size: 8K}
    - punch-hole: {file: gmem, offset: 0, size: 4K}
    - close-file: {file: gmem}
`,
      kernel,
    );
  });

  test('runs to its end, and says what it ran through', () => {
    expect(result.message).toBeUndefined();
    expect(result.outcome).toBe('ok');
    expect(result.hazards).toEqual([]);
    const { treeLines, modelled } = result.coverage;
    expect(treeLines['virt/kvm/guest_memfd.c']!.length).toBeGreaterThan(60);
    expect(treeLines['mm/truncate.c']!.length).toBeGreaterThan(10);
    expect(modelled.length).toBeGreaterThan(20);
    for (const { source } of modelled) expect(source).not.toBe('');
  });

  test.each<[string, number, readonly string[]]>([
    ['fallocate', 0, TRACED.allocate],
    ['punch hole of a page that is not mapped', 1, TRACED.punchUnmapped],
    ['close with a slot bound', 2, TRACED.close],
  ])('%s', (_, nth, sequence) => {
    expect(traced(result, 'vmm', nth, sequence)).toEqual(sequence);
  });
});

describe('attributes', () => {
  test('setting what is set already takes slots_lock and nothing else', () => {
    const result = runYaml(
      `${HEAD}
initial: [{gpa: 0x200000, size: 8K, attribute: private}]
actors:
  vmm:
    - set-attributes: {gpa: 0x200000, size: 8K, attributes: [private]}
`,
      kernel,
    );
    expect(result.outcome).toBe('ok');
    expect(traced(result, 'vmm', 0, TRACED.unchanged)).toEqual(TRACED.unchanged);
  });
});

/** Two private pages, a hole over one of them, a change back to shared, a close, and what is left of it all. */
const life = (platform: string): string => `${HEAD.replace('sw-protected', platform)}
actors:
  vmm:
    - set-attributes: {gpa: 0x200000, size: 8K, attributes: [private]}
      after: vcpu0.shared
      label: private
    - punch-hole: {file: gmem, offset: 0, size: 4K}
      after: vcpu0.filled
    - set-attributes: {gpa: 0x201000, size: 4K, attributes: []}
    - set-attributes: {gpa: 0x201000, size: 4K, attributes: [private]}
      label: changed
    - close-file: {file: gmem}
      after: vcpu0.again
      label: closed
  vcpu0:
    - write: {gpa: 0x200000, size: 4K, pattern: hello, private: false}
      label: shared
    - write: {gpa: 0x200000, size: 8K, pattern: secret}
      after: vmm.private
      label: filled
    - read: {gpa: 0x201000, size: 4K, pattern: secret}
      after: vmm.changed
      label: again
    - read: {gpa: 0x201000, size: 4K}
      after: vmm.closed
      expect: EFAULT
`;

describe.each(['sw-protected', 'snp'])('the life of private pages on %s', (platform) => {
  let result: RunResult;

  beforeAll(() => {
    result = runYaml(life(platform), kernel);
  });

  test('comes out as on a real kernel', () => {
    expect(result.message).toBeUndefined();
    expect(result.hazards).toEqual([]);
    expect(result.expectations.filter(({ ok }) => !ok)).toEqual([]);
  });

  test.each<[string, string, number, readonly string[]]>([
    ['shared to private, mapped', 'vmm', 0, TRACED.toPrivate],
    ['punch hole of a mapped page', 'vmm', 1, TRACED.punchMapped],
    ['private to shared, mapped', 'vmm', 2, TRACED.toShared],
    ['close with a slot bound', 'vmm', 4, TRACED.close],
    ['a fault of a file that is closed', 'vcpu0', 3, TRACED.afterClose],
  ])('%s', (_, actor, nth, sequence) => {
    expect(ordered(traced(result, actor, nth, sequence), sequence)).toEqual(sequence);
  });

  test('a fault of a page that is not there yet, and of one that is prepared', () => {
    const [first] = faultsOf(result, 1);
    expect(ordered(first!, TRACED.fault)).toEqual(TRACED.fault);
    const [prepared] = faultsOf(result, 2);
    const left = ['filemap_add_folio', 'kvm_gmem_prepare_folio', '__kvm_gmem_prepare_folio'];
    const kept = TRACED.fault.filter((name) => !left.includes(name));
    expect(ordered(prepared!, kept)).toEqual(kept);
    for (const name of left) expect(prepared).not.toContain(name);
  });

  test('private memory belongs to the guest by the tree’s own hooks', () => {
    const isSnp = platform === 'snp';
    const entered = new Set(
      result.story.flatMap((entry) => (entry.kind === 'enter' ? [entry.function] : [])),
    );
    expect(entered.has('rmp_make_private')).toBe(isSnp);
    expect(entered.has('rmp_make_shared')).toBe(isSnp);
    expect(result.counters.rmpUpdates).toBe(isSnp ? 4 : 0);
  });
});

/** A vCPU has its page and not yet mmu_lock, when a hole is punched over the page. */
const RACE = `${HEAD}
initial: [{gpa: 0x200000, size: 4K, attribute: private}]
actors:
  vcpu0:
    - read: {gpa: 0x200000, size: 4K}
  vmm:
    - punch-hole: {file: gmem, offset: 0, size: 4K}
schedule:
  - {run: vcpu0, until: kvm_gmem_get_pfn, at: return}
  - {run: vmm}
  - {run: vcpu0}
`;

test('a fault that raced with a punched hole is retried (A8)', () => {
  const result = runYaml(RACE, kernel);
  expect(result.outcome).toBe('ok');
  expect(result.counters.faultRetries).toBe(1);
});

describe('a change of the C changes the run', () => {
  const changed = async (
    file: string,
    change: (text: string) => string,
    yaml: string,
  ): Promise<RunResult> => {
    const text = readFileSync(join(await fetchKernel('6.12'), file), 'utf8');
    const other = change(text);
    expect(other).not.toBe(text);
    return runYaml(yaml, await kernelOf('6.12', { [file]: other }));
  };

  test('without kvm_arch_gmem_invalidate, a page goes back to the host that the guest still owns (A2)', async () => {
    const result = await changed(
      'virt/kvm/guest_memfd.c',
      (text) => text.replace(/^\tkvm_arch_gmem_invalidate\(.*\);$/m, ''),
      life('snp'),
    );
    expect(result.outcome).toBe('violation');
    expect(result.hazards.map(({ kind, row }) => [kind, row])).toContainEqual([
      'page-freed-while-assigned',
      'A2',
    ]);
  });

  test('rmp_make_shared in kvm_unmap_gfn_range schedules while atomic (A6)', async () => {
    const result = await changed(
      'arch/x86/kvm/mmu/mmu.c',
      (text) =>
        text.replace(
          /^(bool kvm_unmap_gfn_range\(.*\)\n\{\n)/m,
          '$1\trmp_make_shared(range->start, PG_LEVEL_4K);\n',
        ),
      life('snp'),
    );
    expect(result.hazards[0]).toMatchObject({
      kind: 'sleeping-while-atomic',
      row: 'A6',
      lock: { name: 'kvm.mmu_lock', mode: 'write' },
    });
    expect(result.hazards[0]!.path.map((call) => call.function)).toContain('kvm_unmap_gfn_range');
  });
});

describe('what can not be run says why', () => {
  test('a tree without guest_memfd', async () => {
    const old = await kernelOf('6.1');
    expect(() => runYaml(life('snp'), old)).toThrow(/this tree has no virt\/kvm\/guest_memfd\.c/);
  });

  test('a function under another name', async () => {
    const file = 'virt/kvm/guest_memfd.c';
    const text = readFileSync(join(await fetchKernel('6.12'), file), 'utf8');
    const renamed = await kernelOf('6.12', { [file]: text.replaceAll('kvm_gmem_bind', 'kvm_gmem_attach') });
    expect(() => runYaml(life('snp'), renamed)).toThrow(
      /this tree has no kvm_gmem_bind\(\) in virt\/kvm\/guest_memfd\.c/,
    );
  });

  test('a function that can not be read', async () => {
    const file = 'virt/kvm/guest_memfd.c';
    const text = readFileSync(join(await fetchKernel('6.12'), file), 'utf8');
    const broken = text.replace(/(static long kvm_gmem_allocate\([^{]*\{\n)/, '$1\tint x = = 3;\n');
    const line = broken.slice(0, broken.indexOf('int x = = 3')).split('\n').length;
    const result = runYaml(
      `${HEAD}\nactors:\n  vmm:\n    - fallocate: {file: gmem, offset: 0, size: 4K}\n`,
      await kernelOf('6.12', { [file]: broken }),
    );
    expect(result.outcome).toBe('error');
    expect(result.message).toContain(`${file}:${line}`);
  });
});

/** The faults of an action of the vCPU, one after the other. */
function faultsOf(result: RunResult, nth: number): string[][] {
  const all = sequenceOf(entriesOf(result, 'vcpu0', nth), TRACED.fault);
  const starts = all.flatMap((name, at) => (name === 'npf_interception' ? [at] : []));
  return starts.map((from, i) => all.slice(from, starts[i + 1]));
}

/**
 * What of a trace stands where a sequence has it next. Calls between that the sequence has elsewhere, or once for a loop, are
 * left out; locks are not.
 */
function ordered(seen: readonly string[], wanted: readonly string[]): string[] {
  const found: string[] = [];
  for (const name of seen) if (name === wanted[found.length] || /^[+-]/.test(name)) found.push(name);
  return found;
}
