import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchKernel } from './fetch-kernel.ts';

const quarterHour = 15 * 60_000;

test('6.12 has guest_memfd and 6.1 is from before it', { timeout: quarterHour }, async () => {
  const [newer, older] = [await fetchKernel('6.12'), await fetchKernel('6.1')];
  expect(existsSync(join(newer, 'virt', 'kvm', 'guest_memfd.c'))).toBe(true);
  expect(existsSync(join(older, 'virt', 'kvm', 'kvm_main.c'))).toBe(true);
  expect(existsSync(join(older, 'virt', 'kvm', 'guest_memfd.c'))).toBe(false);
});

test('a variable that names no kernel tree is an error', async () => {
  const before = process.env.GMEM_LENS_KERNEL_6_12;
  process.env.GMEM_LENS_KERNEL_6_12 = import.meta.dirname;
  try {
    await expect(fetchKernel('6.12')).rejects.toThrow('no kernel tree');
  } finally {
    if (before === undefined) delete process.env.GMEM_LENS_KERNEL_6_12;
    else process.env.GMEM_LENS_KERNEL_6_12 = before;
  }
});
