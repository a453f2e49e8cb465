/** A real kernel's own C stepped through in VS Code: nothing of the tree is adapted, built or written. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchKernel } from '../kernel/fetch-kernel.ts';
import { Debugger } from './harness/debugger.ts';
import { MemoryMapView } from './harness/memory-map.ts';
import { placeOf } from './harness/source-place.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const guestMemfd = 'virt/kvm/guest_memfd.c';
const punchHole = 'static long kvm_gmem_punch_hole(';
const readingTimeoutMs = 120_000;
/** Hundreds of the tree's files are read and their functions compiled before the first stop. */
const startTimeoutMs = 100_000;

let tree: string;
let workbench: Workbench;
let debug: Debugger;
let map: MemoryMapView;

beforeAll(async () => {
  tree = await fetchKernel('6.12');
  workbench = await Workbench.open({
    folder: tree,
    settings: { 'debug.internalConsoleOptions': 'neverOpen' },
  });
  debug = new Debugger(workbench.page);
  map = new MemoryMapView(workbench.page);
  await workbench.status.waitFor(/functions/, readingTimeoutMs);
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

test('Step above kvm_gmem_punch_hole stops in it, called from fallocate(2)', {
  timeout: 240_000,
}, async () => {
  await workbench.openFile(guestMemfd);
  await workbench.gotoText(punchHole);
  await workbench.lenses.click(punchHole, /^Step$/);
  await workbench.pick('tree-conversion');
  await debug.bar.waitFor({ timeout: startTimeoutMs });
  await expect
    .poll(async () => (await debug.frames()).join('\n'), { timeout: startTimeoutMs })
    .toMatch(/kvm_gmem_punch_hole[\s\S]*kvm_gmem_fallocate[\s\S]*vfs_fallocate/);
  const { line } = await placeOf(join(tree, guestMemfd), punchHole, 'i_private_list');
  await expect.poll(async () => (await workbench.cursor()).line).toBe(line);
});

test('steps go forward and back, and the page that is punched leaves the RMP', async () => {
  await map.waitForPosition(/step \d+/);
  expect((await map.facts()).RMP).toContain('validated');
  const first = await map.position();
  let last = first;
  for (let i = 0; i < 20 && (await map.facts()).RMP !== 'none'; i++) {
    await debug.press('Step Over');
    await expect.poll(() => map.position(), { timeout: 30_000 }).toBeGreaterThan(last);
    last = await map.position();
  }
  expect((await map.facts()).RMP).toBe('none');
  await workbench.screenshot('stepping-tree', true);
  await debug.press('Step Back');
  await expect.poll(() => map.position(), { timeout: 30_000 }).toBeLessThan(last);
  await map.scrub(first);
  await expect.poll(async () => (await map.facts()).RMP).toContain('validated');
});
