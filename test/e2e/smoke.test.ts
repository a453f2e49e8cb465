import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');

let workbench: Workbench;

beforeAll(async () => {
  workbench = await Workbench.open({ folder: kernel });
});

afterAll(() => workbench?.[Symbol.asyncDispose]());

test('the status bar counts the functions of the tree', async () => {
  await workbench.waitForStatus(/functions/);
  await workbench.screenshot('status');
  expect(await workbench.statusBarText()).toMatch(/^gmem: [\d,]+ functions?, \d+ findings?$/);
});

test('a click on it tells more', async () => {
  await workbench.statusBarItem.click();
  await expect.poll(() => workbench.notifications()).toEqual([expect.stringContaining(kernel)]);
});
