/** The bundled kernel in the variant that updates the RMP at the wrong place. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyTree, type TreeCopy } from '../support/kernel-copy.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');

let tree: TreeCopy;
let workbench: Workbench;

beforeAll(async () => {
  tree = await copyTree(kernel);
  workbench = await Workbench.open({
    folder: tree.path,
    settings: { 'gmemLens.config': 'configs/hook-set-attributes.config' },
  });
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

test('the status bar counts functions and findings', async () => {
  await workbench.status.waitFor(/functions/);
  expect(await workbench.status.text()).toMatch(/^gmem: [\d,]+ functions, [1-9]\d* findings?$/);
});

test('a click on it tells more', async () => {
  await workbench.status.element.click();
  await expect.poll(() => workbench.notifications()).toEqual([expect.stringContaining(tree.path)]);
  await workbench.runCommand('Notifications: Clear All Notifications');
});

test('the findings are listed before any file is opened', async () => {
  const problems = await workbench.openProblems();
  await expect
    .poll(() => problems.all())
    .toContainEqual(
      expect.objectContaining({
        severity: 'warning',
        rule: 'rmp-under-mmu-lock',
        message: expect.stringContaining('rmp_make_private() updates the RMP'),
      }),
    );
});

test('each step of a path opens its file', async () => {
  const problems = await workbench.openProblems();
  await problems.filter('rmp_make_private() updates the RMP while');
  await expect.poll(async () => (await problems.all()).length).toBe(1);
  const steps = await problems.related();
  expect(steps.map(({ file }) => file)).toEqual(['kvm_main.c', 'kvm_main.c', 'mmu.c', 'x86.c', 'sev.c']);
  for (const [index, { file, line }] of steps.entries()) {
    await problems.openRelated(index);
    await expect.poll(() => workbench.activeFile()).toBe(file);
    await expect.poll(async () => (await workbench.cursor()).line).toBe(line);
  }
  await workbench.screenshot('finding');
  await problems.filter('');
});

test('a configuration of the workspace goes before, and is read at once', async () => {
  await mkdir(join(tree.path, '.vscode'));
  await writeFile(
    join(tree.path, '.vscode', 'settings.json'),
    JSON.stringify({ 'gmemLens.config': 'configs/correct.config' }),
  );
  await workbench.status.waitFor(/ 0 findings/);
  await expect.poll(() => workbench.problems()).toEqual([]);
});
