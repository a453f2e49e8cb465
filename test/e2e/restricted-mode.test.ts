/** A workspace that nobody has said to trust: reading it is safe, its settings are not taken. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { copyTree, type TreeCopy } from '../support/kernel-copy.ts';
import { LockMarks } from './harness/lock-marks.ts';
import { placeOf } from './harness/source-place.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
const guestMemfd = 'virt/kvm/guest_memfd.c';

let tree: TreeCopy;
let workbench: Workbench;

beforeAll(async () => {
  tree = await copyTree(kernel);
  await mkdir(join(tree.path, '.vscode'));
  await writeFile(
    join(tree.path, '.vscode', 'settings.json'),
    JSON.stringify({
      'gmemLens.config': 'configs/hook-set-attributes.config',
      'gmemLens.simulator.address': '127.0.0.1:9',
    }),
  );
  workbench = await Workbench.open({
    folder: tree.path,
    settings: { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never' },
  });
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

test('the tree is read, with its own configuration and not the one that its settings name', async () => {
  await workbench.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
  await workbench.status.waitFor(/functions, 0 findings/);
});

test('lenses are there', async () => {
  await workbench.openFile(guestMemfd);
  await workbench.gotoText('kvm_gmem_free_folio(');
  await workbench.lenses.first('mmu_lock: never held').waitFor();
  await workbench.screenshot('restricted');
});

test('lines under mmu_lock are marked', async () => {
  const { line } = await placeOf(join(tree.path, guestMemfd), 'KVM_MMU_LOCK(kvm)');
  await workbench.gotoLine(line);
  const marks = new LockMarks(workbench.page);
  await expect.poll(async () => (await marks.inView())[line + 1]).toBe('W');
  await expect.poll(() => marks.line('KVM_MMU_LOCK(kvm)')).toContain('mmu_lock (W) taken');
});

test('an edit is warned of', async () => {
  const lock = await placeOf(join(tree.path, guestMemfd), 'KVM_MMU_LOCK(kvm)');
  await workbench.gotoPlace(lock);
  await workbench.page.keyboard.press('End');
  await workbench.page.keyboard.press('Enter');
  await workbench.typeText('rmp_make_shared(start, PG_LEVEL_4K);');
  await expect
    .poll(() => workbench.problems())
    .toContainEqual(expect.objectContaining({ rule: 'rmp-under-mmu-lock', line: lock.line + 1 }));
  await workbench.undoAll();
  await expect.poll(() => workbench.problems()).toEqual([]);
});

test('no scenario is run, from a lens or by the debugger, and it says why', async () => {
  await workbench.gotoText('static long kvm_gmem_punch_hole(');
  for (const lens of [/^▶ Run/, /^Step$/]) {
    await workbench.lenses.click('static long kvm_gmem_punch_hole(', lens);
    await expect
      .poll(() => workbench.notifications())
      .toEqual([expect.stringContaining('runs nothing in Restricted Mode')]);
    await workbench.runCommand('Notifications: Clear All Notifications');
  }
  expect(await simulators()).toEqual([]);
});

test('trust lets the settings of the workspace in', async () => {
  await workbench.runCommand('Workspaces: Manage Workspace Trust');
  await workbench.page.locator('.workspace-trust-editor a.monaco-button', { hasText: /^Trust$/ }).click();
  await workbench.status.waitFor(/[1-9]\d* findings?$/);
});

/** Command lines of simulators and debug adapters that belong to this run's installation of the extension. */
async function simulators(): Promise<string[]> {
  const { extensions } = inject('editor');
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(extensions) && /simulator\.js|\0dap\0/.test(command));
}
