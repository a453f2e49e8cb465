/** Each variant of the reference kernels is reported by the rule of its mail row, the right ones by none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gmemLens, referenceKernel } from '../support/cli.ts';

/** Variant → rules that report it, and where. */
const guestMemfd: Record<string, Record<string, string>> = {
  correct: {},
  'attributes-operation': {},
  protections: {},
  'hook-set-attributes': {
    'rmp-in-attribute-change': 'sev_gmem_set_mem_attributes',
    'rmp-under-mmu-lock': 'sev_gmem_set_mem_attributes',
  },
  'hook-map': { 'rmp-under-mmu-lock': 'sev_gmem_prepare', 'sleep-under-mmu-lock': 'tdx_gmem_prepare' },
  'bug-unbalanced': { 'invalidate-unbalanced': 'kvm_gmem_punch_hole' },
  'bug-free-without-rmp-reset': { 'free-without-rmp-reset': '' },
  'bug-directmap-under-mmu-lock': { 'directmap-under-mmu-lock': 'kvm_tdp_mmu_map' },
  'bug-alloc-under-mmu-lock': { 'sleep-under-mmu-lock': 'mmu_alloc_table' },
  'bug-no-retry-check': { 'map-without-retry-check': 'kvm_tdp_page_fault' },
  // Nothing in the text is out of place: that is the simulator's to find.
  'bug-short-range': {},
  'bug-no-directmap-split': {},
  'bug-attributes-keep-mapped': {},
  'bug-protections-over-slot': {},
  'bug-protections-unchecked': {},
  'bug-shared-bit-not-inverted': {},
  'bug-tdx-no-track': {},
  'bug-fallocate-unchecked': { 'fallocate-unchecked': 'vmm_allocate' },
};

const restrictedmem: typeof guestMemfd = {
  correct: {},
  'directmap-remove': {},
  'restore-never': {},
  'restore-when-uniform': {},
  'allocation-grouped': {},
  'invalidation-folio': {},
  'invalidation-lazy': {},
  'refuse-private-fallocate': {},
  'alignment-by-flags': {},
  'file-not-held': {},
  'bug-rmp-under-mmu-lock': {
    'rmp-under-mmu-lock': 'sev_restrictedmem_invalidate',
    'sleep-under-mmu-lock': 'cpa_collapse_large_page',
  },
  'bug-no-retry-check': { 'map-without-retry-check': 'kvm_tdp_page_fault' },
  // Nothing in the text is out of place: that is the simulator's to find.
  'directmap-none': {},
  'bug-restore-partly': {},
  'bug-edges-not-invalidated': {},
  'alignment-none': {},
  'bug-release-without-invalidate': {},
  'bug-unbind-without-invalidate': {},
};

const memfileNotifier: typeof guestMemfd = {
  correct: {},
  preallocated: {},
  'bug-no-retry-check': { 'map-without-retry-check': 'kvm_tdp_page_fault' },
  'bug-fallocate-unchecked': { 'fallocate-unchecked': 'vmm_allocate' },
  // Nothing in the text is out of place: that is the simulator's to find.
  'no-seal': {},
  movable: {},
  'bug-no-notify': {},
  'bug-accessible': {},
};

const kernels = { 'guest-memfd': guestMemfd, restrictedmem, 'memfile-notifier': memfileNotifier };

describe.each(Object.entries(kernels))('%s', (kernel, variants) => {
  const folder = join(referenceKernel, '..', kernel);
  const configs = join(folder, 'configs');

  test.each(Object.entries(variants))('%s', async (variant, expected) => {
    const { stdout, stderr } = await gmemLens(
      ...['check', folder, '--format', 'json'],
      ...['--config', join(configs, `${variant}.config`)],
    );
    expect(stderr).toBe('');
    const { findings } = JSON.parse(stdout) as {
      findings: { rule: string; severity: string; function: string }[];
    };
    const found = findings.filter(({ severity }) => severity !== 'info');
    expect(Object.fromEntries(found.map((one) => [one.rule, one.function]))).toEqual(expected);
  });

  test('every variant is here, and in the README with its rules', () => {
    const files = readdirSync(configs).map((file) => file.replace(/\.config$/, ''));
    expect(Object.keys(variants).sort()).toEqual(files.sort());
    const rows = readFileSync(join(folder, 'README.md'), 'utf8').split('\n');
    for (const [variant, rules] of Object.entries(variants)) {
      const row = rows.find((line) => line.startsWith(`| \`${variant}\``));
      const named = [...(row?.split('|')[4] ?? '').matchAll(/`([\w-]+)`/g)].map((match) => match[1]!);
      expect(named.sort(), variant).toEqual(Object.keys(rules).sort());
    }
  });
});
