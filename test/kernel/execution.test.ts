/** Functions of a real kernel tree, run as they are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadProgram } from '../../server/src/host/load-program.ts';
import { Machine, type MachineOptions } from '../../server/src/simulator/execution/machine.ts';
import { programSource } from '../../server/src/simulator/execution/program-source.ts';
import { type CodeSource, layered } from '../../server/src/simulator/execution/source.ts';
import { textsSource } from '../../server/src/simulator/execution/texts-source.ts';
import { testCache } from '../support/cache.ts';
import { fetchKernel } from './fetch-kernel.ts';

let tree: CodeSource;

beforeAll(async () => {
  const loaded = await loadProgram({
    tree: await fetchKernel('6.12'),
    cacheFolder: join(testCache(), 'facts'),
  });
  await loaded.saved;
  tree = programSource(loaded.program, loaded.configuration.configuration, (path) => {
    const file = join(loaded.tree, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  });
});

const DRIVER = 'virt/kvm/driver.c';

function machine(driver: string, options: MachineOptions = {}): Machine {
  return new Machine(layered([textsSource({ [DRIVER]: driver }), tree]), options);
}

function call(on: Machine, name: string, file: string, ...args: bigint[]): bigint {
  const thread = on.createThread(name, name, file, args);
  const stop = on.run(thread, { maxSteps: 100_000, preemption: false });
  if (stop.k === 'hazard')
    throw new Error(`${stop.hazard.message} at ${stop.hazard.loc?.file}:${stop.hazard.loc?.line}`);
  expect(stop.k).toBe('ended');
  const { l, h, p } = thread.returned!;
  if (p) throw new Error(`unknown: ${on.memory.unknownName(p)}`);
  return BigInt.asUintN(64, (BigInt(h) << 32n) | BigInt(l >>> 0));
}

describe('helpers of the tree', () => {
  test.each<[string, string, bigint[], bigint]>([
    ['gfn_to_gpa', 'include/linux/kvm_host.h', [5n], 0x5000n],
    ['gpa_to_gfn', 'include/linux/kvm_host.h', [0x5fffn], 5n],
    ['is_shadow_present_pte', 'arch/x86/kvm/mmu/spte.h', [0n], 0n],
    ['is_large_pte', 'arch/x86/kvm/mmu/spte.h', [0x80n], 1n],
    ['is_last_spte', 'arch/x86/kvm/mmu/spte.h', [0n, 1n], 1n],
    ['spte_to_pfn', 'arch/x86/kvm/mmu/spte.h', [0x8000000123456087n], 0x123456n],
    ['gfn_to_index', 'include/linux/kvm_host.h', [0x12345n, 0x10000n, 2n], 0x11n],
    ['is_error_noslot_pfn', 'include/linux/kvm_host.h', [1n << 63n], 1n],
    ['pfn_to_hpa', 'include/linux/kvm_host.h', [3n], 0x3000n],
  ])('%s', (name, file, args, expected) => {
    // The tree defines it outside of what is read.
    const on = machine('unsigned long long physical_mask = 0x000fffffffffffff;');
    expect(call(on, name, file, ...args)).toBe(expected);
  });
});
