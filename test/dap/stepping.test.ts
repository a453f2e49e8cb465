/** Stepping a scenario by the Debug Adapter Protocol, over a real adapter's stdin and stdout. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DapClient } from '../support/dap-client.js';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
let client: DapClient;

afterEach(() => client.kill());

/** Line of a file of the kernel by its text: files may grow above it. */
function lineOf(file: string, text: string, nth = 1): number {
  const lines = readFileSync(join(kernel, file), 'utf8').split('\n');
  let seen = 0;
  const at = lines.findIndex((line) => line.includes(text) && ++seen === nth);
  if (at < 0) throw new Error(`${text} is not in ${file}`);
  return at + 1;
}

/** `function file:line` of the innermost frame. */
async function place(threadId = 1): Promise<string> {
  const [top] = await client.stack(threadId);
  return `${top?.name} ${top?.source?.name}:${top?.line}`;
}

test('twenty steps in, and five back: the same places in reverse', async () => {
  client = new DapClient();
  const entry = await client.launch({ scenario: 'punch-hole-private-page' });
  expect(entry.reason).toBe('entry');
  const places: string[] = [await place()];
  for (let i = 0; i < 20; i++) {
    await client.move('stepIn', { granularity: 'statement' });
    places.push(await place());
  }
  expect(new Set(places).size).toBeGreaterThan(15);
  for (let i = 1; i <= 5; i++) {
    await client.move('stepBack', { granularity: 'statement' });
    expect(await place()).toBe(places[20 - i]);
  }
});

test('step over, in and out follow the calls', async () => {
  client = new DapClient();
  const path = join(kernel, 'virt/kvm/guest_memfd.c');
  const line = lineOf('virt/kvm/guest_memfd.c', 'truncate_inode_pages_range(mapping, offset');
  await client.launch({ scenario: 'punch-hole-private-page' }, () =>
    client.request('setBreakpoints', { source: { path }, breakpoints: [{ line }] }),
  );
  const hit = await client.move('continue');
  expect(hit.reason).toBe('breakpoint');
  const { threadId } = hit;
  expect(await place(threadId)).toBe(`kvm_gmem_punch_hole guest_memfd.c:${line}`);
  await client.move('stepIn', { threadId });
  expect((await client.stack(threadId))[0]?.name).toBe('truncate_inode_pages_range');
  await client.move('stepOut', { threadId });
  const [outer] = await client.stack(threadId);
  expect(outer?.name).toBe('kvm_gmem_punch_hole');
  expect(outer?.line).toBeGreaterThan(line);
  await client.move('stepBack', { threadId });
  expect(await place(threadId)).toBe(`kvm_gmem_punch_hole guest_memfd.c:${line}`);
  await client.move('next', { threadId });
  expect((await client.stack(threadId))[0]).toMatchObject({ name: 'kvm_gmem_punch_hole', line: outer?.line });
});

test('the actor that is stepped goes, and the others stay', async () => {
  client = new DapClient();
  await client.launch({ scenario: 'fault-races-punch-hole' });
  const [vcpu, vmm] = [1, 2];
  const before = await place(vcpu);
  for (let i = 0; i < 3; i++) await client.move('stepIn', { threadId: vmm });
  expect(await place(vcpu)).toBe(before);
  expect((await client.stack(vmm)).length).toBeGreaterThan(1);
});

test('a hazard stops with what, where and who holds what', async () => {
  client = new DapClient();
  await client.launch({ scenario: 'rmp-in-set-attributes' }, () =>
    client.request('setExceptionBreakpoints', { filters: ['sleeping-while-atomic'] }),
  );
  const stop = await client.move('continue');
  expect(stop).toMatchObject({ reason: 'exception', description: 'sleeping-while-atomic' });
  const info = await client.request<{
    exceptionId: string;
    details: { message: string; stackTrace: string };
  }>('exceptionInfo', { threadId: stop.threadId });
  expect(info.exceptionId).toBe('sleeping-while-atomic');
  expect(info.details.message).toContain('mail row A6');
  expect(info.details.message).toContain('kvm.mmu_lock (write), taken in kvm_handle_gfn_range');
  expect(info.details.stackTrace.split('\n')[0]).toContain(join(kernel, 'arch/x86/mm/pat/set_memory.c'));
  expect(await client.scope((await client.stack(stop.threadId))[0]!.id, 'Locks held')).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'kvm.mmu_lock' })]),
  );
});
