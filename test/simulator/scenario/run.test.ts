/** Scenarios run through the reference kernel's C: what a user reads of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kernelTexts } from '../../../server/src/host/scenario-files.ts';
import { referenceKernel } from '../../../server/src/simulator/scenario/kernel-code.ts';
import { loadScenario } from '../../../server/src/simulator/scenario/load.ts';
import { withVariant } from '../../../server/src/simulator/scenario/model.ts';
import type { RunResult } from '../../../server/src/simulator/scenario/result.ts';
import { type RunOptions, runScenario } from '../../../server/src/simulator/scenario/run.ts';
import { storyText } from '../../../server/src/simulator/scenario/story.ts';

const server = join(import.meta.dirname, '../../../server');
const library = join(server, 'scenarios');
const kernel = join(server, 'kernels/guest-memfd');
const TEXTS = kernelTexts(kernel);
const CONFIG = readFileSync(join(kernel, 'configs/correct.config'), 'utf8');
const kernelOf = (texts: Record<string, string>) => referenceKernel('guest-memfd', texts, CONFIG);
const KERNEL = kernelOf(TEXTS);

/** The kernel's C with a text in one of its files replaced, which must be there once. */
function changed(file: string, from: string, to: string): Record<string, string> {
  expect(TEXTS[file]!.split(from)).toHaveLength(2);
  return { ...TEXTS, [file]: TEXTS[file]!.replace(from, () => to) };
}

interface How extends RunOptions {
  variant?: string;
  texts?: Record<string, string>;
}

function runText(file: string, text: string, { variant, texts = TEXTS, ...options }: How = {}): RunResult {
  const { scenario, problems } = loadScenario(file, (path) => (path === file ? text : undefined));
  expect(problems).toEqual([]);
  const chosen = withVariant(scenario!, variant)!;
  return runScenario(
    { scenario: chosen, kernel: kernelOf(texts), ...(variant !== undefined && { variant }) },
    options,
  );
}

const run = (name: string, how: How = {}): RunResult =>
  runText(`${name}.yaml`, readFileSync(join(library, `${name}.yaml`), 'utf8'), how);

const withActors = (actors: string, more = ''): string => `scenario: A test
platform: snp
memory: 64M
files: [{name: gmem, size: 2M}]
slots: [{id: 0, gpa: 0x200000, size: 2M, file: gmem}]
initial: [{gpa: 0x200000, size: 64K, attribute: private}]
actors:
${actors}
${more}`;

const PUNCH = `  vmm:
    - punch-hole: {file: gmem, offset: 0, size: 4K}`;

/** Locks and functions of one actor in order, `+` taken and `-` released. */
function callsOf({ story }: RunResult, actor: string, names: readonly string[]): string[] {
  return story.flatMap((entry) => {
    if (entry.actor !== actor) return [];
    if (entry.kind === 'enter' && names.includes(entry.function)) return [entry.function];
    if (entry.kind === 'lock' && !/xa_lock|folio|pgd/.test(entry.name))
      return [`${entry.change}${entry.name}`];
    return [];
  });
}

/** Line of a text in a file of the kernel. */
const lineOf = (file: string, text: string): number =>
  TEXTS[file]!.slice(0, TEXTS[file]!.indexOf(text)).split('\n').length;

describe('the library', () => {
  const all = readdirSync(library)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((file) => {
      const { scenario } = loadScenario(file, (path) => readFileSync(join(library, path), 'utf8'));
      return [scenario!, ...scenario!.variants.map(({ name }) => withVariant(scenario!, name)!)];
    });
  const runnable = all.filter(({ design }) => design === 'guest-memfd');

  test.each(runnable.map((scenario) => [scenario.title, scenario] as const))('%s', (_, scenario) => {
    const result = runScenario({ scenario, kernel: KERNEL });
    expect(result.expectations.filter(({ ok }) => !ok)).toEqual([]);
    expect(result.coverage.unmodelled).toEqual([]);
  });

  test('what the kernel can not do is said, not tried', () => {
    const text = withActors(PUNCH).replace('platform: snp', 'platform: snp\nbacking: thp');
    expect(() => runText('a.yaml', text)).toThrow(/backing: thp/);
  });
});

test('calls and locks of a punched hole come in the order of a real kernel', () => {
  const names = [
    'kvm_gmem_punch_hole',
    'kvm_gmem_invalidate_begin',
    'kvm_mmu_invalidate_begin',
    'kvm_unmap_gfn_range',
    'kvm_flush_remote_tlbs',
    'truncate_inode_pages_range',
    'rmp_make_shared',
    'kvm_gmem_invalidate_end',
    'kvm_mmu_invalidate_end',
  ];
  expect(callsOf(run('punch-hole-private-page'), 'vmm', names)).toEqual([
    'kvm_gmem_punch_hole',
    '+address_space.invalidate_lock',
    'kvm_gmem_invalidate_begin',
    '+kvm.mmu_lock',
    'kvm_mmu_invalidate_begin',
    'kvm_unmap_gfn_range',
    'kvm_flush_remote_tlbs',
    '-kvm.mmu_lock',
    'truncate_inode_pages_range',
    'rmp_make_shared',
    'kvm_gmem_invalidate_end',
    '+kvm.mmu_lock',
    'kvm_mmu_invalidate_end',
    '-kvm.mmu_lock',
    '-address_space.invalidate_lock',
  ]);
});

test('a fault on a new private page takes mmu_lock only to map it', () => {
  const names = ['kvm_gmem_get_pfn', 'sev_gmem_prepare', 'rmp_make_private', 'kvm_tdp_mmu_map'];
  expect(callsOf(run('reclaim-under-mmu-lock'), 'vcpu0', names)).toEqual([
    '+kvm_vcpu.mutex',
    'kvm_gmem_get_pfn',
    'sev_gmem_prepare',
    'rmp_make_private',
    '+kvm.mmu_lock',
    'kvm_tdp_mmu_map',
    '-kvm.mmu_lock',
    '-kvm_vcpu.mutex',
  ]);
});

test('a page that is not mapped is punched without a flush', () => {
  const result = runText('a.yaml', withActors(PUNCH));
  expect(result).toMatchObject({ outcome: 'ok', passed: true, counters: { tlbFlushes: 0 } });
});

test('the RMP under mmu_lock: lock, holder, place of the acquisition, way there', () => {
  const { outcome, hazards } = run('rmp-in-set-attributes');
  expect(outcome).toBe('violation');
  expect(hazards).toHaveLength(1);
  const [hazard] = hazards;
  expect(hazard).toMatchObject({
    kind: 'sleeping-while-atomic',
    row: 'A6',
    actor: 'vmm',
    file: 'arch/x86/mm/pat/set_memory.c',
    line: lineOf('arch/x86/mm/pat/set_memory.c', 'might_sleep();'),
    function: 'change_page_attr_split',
    lock: {
      name: 'kvm.mmu_lock',
      mode: 'write',
      acquiredAt: {
        function: 'kvm_handle_gfn_range',
        file: 'virt/kvm/kvm_main.c',
        line: lineOf('virt/kvm/kvm_main.c', 'KVM_MMU_LOCK(kvm);\n\t\t\tif (range->on_lock)'),
      },
    },
  });
  expect(hazard!.message).toMatch(/scheduling while atomic.*kvm\.mmu_lock \(write\)/);
  expect(hazard!.path.map((call) => call.function)).toEqual([
    'kvm_vm_ioctl',
    'kvm_vm_ioctl_set_mem_attributes',
    'kvm_vm_set_mem_attributes',
    'kvm_handle_gfn_range',
    'kvm_arch_post_set_memory_attributes',
    'kvm_arch_gmem_set_mem_attributes',
    'sev_gmem_set_mem_attributes',
    'rmp_make_private',
    'rmpupdate',
    'adjust_direct_map',
    'set_memory_4k',
    'change_page_attr_split',
  ]);
});

test('two runs are the same, step by step', () => {
  const text = () =>
    JSON.stringify(run('fault-races-punch-hole', { trace: true }), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  const first = text();
  expect(first.length).toBeGreaterThan(10_000);
  expect(text()).toBe(first);
});

describe('changing a line of the C changes the run', () => {
  const scenario = withActors(`  vcpu0:
    - write: {gpa: 0x200000, pattern: secret}
      label: filled
  vmm:
    - punch-hole: {file: gmem, offset: 0, size: 4K}
      after: vcpu0.filled`);
  const kindsOf = (texts: Record<string, string>) =>
    runText('a.yaml', scenario, { texts }).hazards.map(({ kind }) => kind);

  test.each<[string, string, string, string, string[]]>([
    [
      'as it is',
      'virt/kvm/guest_memfd.c',
      'mapping->a_ops = &kvm_gmem_aops;',
      'mapping->a_ops = &kvm_gmem_aops;',
      [],
    ],
    [
      'no RMP reset',
      'virt/kvm/guest_memfd.c',
      '\tkvm_arch_gmem_invalidate(pfn, pfn + 1);',
      '',
      ['page-freed-while-assigned'],
    ],
    [
      'no zap',
      'virt/kvm/guest_memfd.c',
      'if (kvm_mmu_unmap_gfn_range(kvm, &range))\n\t\t\tzapped = true;',
      '',
      ['stale-guest-mapping'],
    ],
    [
      'no flush',
      'virt/kvm/guest_memfd.c',
      'if (zapped)\n\t\tkvm_flush_remote_tlbs(kvm);',
      '',
      ['stale-guest-mapping'],
    ],
    [
      'an unlock too few',
      'virt/kvm/guest_memfd.c',
      'kvm_gmem_invalidate_end(gmem, start, end);\n\n\tfilemap_invalidate_unlock(mapping);',
      'kvm_gmem_invalidate_end(gmem, start, end);\n',
      ['lock-misuse'],
    ],
    [
      'a lock taken twice',
      'virt/kvm/guest_memfd.c',
      '\ttruncate_inode_pages_range(mapping, offset, offset + len - 1);',
      '\tfilemap_invalidate_lock(mapping);',
      ['deadlock'],
    ],
    [
      'truncation under mmu_lock',
      'virt/kvm/guest_memfd.c',
      '\ttruncate_inode_pages_range(mapping, offset, offset + len - 1);',
      '\twrite_lock(&list_first(mapping)->mmu_lock);\n\ttruncate_inode_pages_range(mapping, offset, offset + len - 1);',
      ['sleeping-while-atomic'],
    ],
    [
      'an invalidation that never ends',
      'virt/kvm/kvm_main.c',
      '\tkvm->mmu_invalidate_in_progress--;',
      '',
      ['livelock'],
    ],
    [
      'a hole that does not end its invalidation',
      'virt/kvm/guest_memfd.c',
      '\tlist_for_each_entry(gmem, &mapping->i_private_list, entry)\n\t\tkvm_gmem_invalidate_end(gmem, start, end);',
      '',
      ['unbalanced-invalidation'],
    ],
  ])('%s', (_, file, from, to, kinds) => {
    const texts = changed(file, from, to);
    // The VM of the first file of a mapping.
    texts[file] = texts[file]!.replace(
      'static long kvm_gmem_punch_hole',
      `static struct kvm *list_first(struct address_space *mapping)
{
	return container_of(mapping->i_private_list.next, struct kvm_gmem, entry)->kvm;
}

static long kvm_gmem_punch_hole`,
    );
    expect(kindsOf(texts)).toEqual(kinds);
  });
});

test('what is neither in the C nor modelled is named, and a decision on it is an error', () => {
  const texts = changed(
    'virt/kvm/guest_memfd.c',
    '\tfilemap_invalidate_lock(mapping);\n\n\tlist_for_each_entry(gmem',
    '\tif (mystery(mapping))\n\t\treturn 0;\n\tfilemap_invalidate_lock(mapping);\n\n\tlist_for_each_entry(gmem',
  );
  texts['virt/kvm/guest_memfd.c'] = `int mystery(void *mapping);\n${texts['virt/kvm/guest_memfd.c']}`;
  const result = runText('a.yaml', withActors(PUNCH), { texts });
  expect(result).toMatchObject({ outcome: 'error', passed: false });
  expect(result.message).toMatch(/mystery\(\) called at virt\/kvm\/guest_memfd\.c:\d+/);
  expect(result.coverage.unmodelled).toMatchObject([{ name: 'mystery', file: 'virt/kvm/guest_memfd.c' }]);
  expect(storyText(result, { trace: false })).toContain('not modelled: mystery()');
});

test('a run that gets nowhere ends at the limit', () => {
  const result = runText('a.yaml', withActors(PUNCH), { maxSteps: 300 });
  expect(result).toMatchObject({ outcome: 'error', passed: false, steps: 300 });
  expect(result.message).toMatch(/300 steps/);
});

test('an expectation that is not met fails, with its line', () => {
  const text = withActors(PUNCH, 'expect:\n  counters: {rmpUpdates: 7}\n');
  const result = runText('a.yaml', text);
  expect(result).toMatchObject({ outcome: 'ok', passed: false });
  expect(result.expectations.filter(({ ok }) => !ok)).toMatchObject([
    {
      what: 'counter rmpUpdates',
      expected: '7',
      actual: '0',
      at: { file: 'a.yaml', line: text.split('\n').length - 1 },
    },
  ]);
});

test('two vCPUs fault on one gfn at once: the page becomes private once and is mapped once', () => {
  const text = withActors(
    `  vcpu0:
    - write: {gpa: 0x200000, pattern: first}
  vcpu1:
    - write: {gpa: 0x200000, pattern: second}`,
    `vcpus: 2
schedule:
  - {run: vcpu0, until: kvm_gmem_get_pfn, at: return}
  - {run: vcpu1, until: kvm_tdp_mmu_map}
  - {run: vcpu0}
expect:
  outcome: ok
  hazards: []
  counters: {rmpLookups: 2, rmpUpdates: 1, nptMaps: 1, nestedFaults: 2}
  final: [{gpa: 0x200000, content: second}]`,
  );
  expect(runText('a.yaml', text).expectations.filter(({ ok }) => !ok)).toEqual([]);
});

test('what a loop over pages says is told once', () => {
  const text = withActors(
    `  vmm:
    - repeat:
        times: 16
        stride: 4K
        do:
          - set-attributes: {gpa: 0x200000, to: shared}
          - punch-hole: {file: gmem, offset: 0, size: 4K}`,
  );
  const story = storyText(runText('a.yaml', text), { trace: false });
  expect(story.match(/^ {2}fallocate/gm)).toHaveLength(1);
  expect(story).toMatch(/the last \d+ lines 15 times more/);
});

test('an injected failure takes the way out that the C has for it', () => {
  const text = withActors(
    '  vmm:\n    - fallocate: {file: gmem, size: 16K}\n      expect: ENOMEM',
    'faults: [{in: alloc_pages, fail: ENOMEM, nth: 3, actor: vmm}]\nexpect:\n  outcome: ok\n  final: [{file: gmem, offset: 0x1000, page: present}, {file: gmem, offset: 0x2000, page: absent}]',
  );
  expect(runText('a.yaml', text).expectations.filter(({ ok }) => !ok)).toEqual([]);
});

test('an injected failure that never happens is told', () => {
  const result = runText('a.yaml', withActors(PUNCH, 'faults: [{in: rmp_make_shared, fail: EIO}]'));
  expect(result).toMatchObject({ outcome: 'ok', passed: false });
  expect(result.expectations.find(({ ok }) => !ok)?.what).toBe('fault in rmp_make_shared');
});

test('a C function that is made to fail returns its error: the page is leaked, not freed', () => {
  const text = withActors(
    `  vcpu0:
    - write: {gpa: 0x200000}
      label: filled
  vmm:
    - punch-hole: {file: gmem, offset: 0, size: 4K}
      after: vcpu0.filled`,
    'faults: [{in: rmp_make_shared, fail: EIO}]\nexpect:\n  outcome: ok\n  calls: [rmp_make_shared, snp_leak_pages]\n  counters: {frees: 0}',
  );
  expect(runText('a.yaml', text).expectations.filter(({ ok }) => !ok)).toEqual([]);
});

test('a change of attributes that maps is a hazard, whatever else it does', () => {
  const texts = changed(
    'arch/x86/kvm/mmu/mmu.c',
    '	lockdep_assert_held_write(&kvm->mmu_lock);\n\n#ifdef CONFIG_GMEM_HOOK_SET_ATTRIBUTES',
    '	u64 *sptep = mmu_walk(kvm, range->start, NULL);\n\n	if (sptep)\n		*sptep = SPTE_TABLE_BITS | (0x100ULL << PAGE_SHIFT);\n#ifdef CONFIG_GMEM_HOOK_SET_ATTRIBUTES',
  );
  const { hazards } = run('attribute-change-unmaps', { texts });
  expect(hazards).toContainEqual(
    expect.objectContaining({ kind: 'attribute-change-maps', row: 'A9', actor: 'vmm', gfn: 0x203 }),
  );
});

test('lines that ran are listed, others are not', () => {
  const { coverage } = runText('a.yaml', withActors(PUNCH));
  const file = 'virt/kvm/guest_memfd.c';
  expect(coverage.treeLines[file]).toContain(lineOf(file, 'truncate_inode_pages_range(mapping, offset'));
  expect(coverage.treeLines[file]).not.toContain(lineOf(file, 'return kvm_gmem_allocate('));
});

test('the story names actor, C line, change and verdict', () => {
  const text = storyText(run('punch-hole-private-page'), { trace: false });
  expect(text).toMatch(/^vmm:$/m);
  expect(text).toMatch(/RMP: pfn 0x\w+ is the host's\s+rmpupdate, arch\/x86\/virt\/svm\/sev\.c:\d+/);
  expect(text).toMatch(/\nas expected: ok; \d+ steps/);
  const traced = storyText(run('punch-hole-private-page', { trace: true }), { trace: true });
  expect(traced.split('\n').length).toBeGreaterThan(5 * text.split('\n').length);
});
