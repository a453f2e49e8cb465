/** The bundled kernel in the variant that updates the RMP at the wrong place. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
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

test('a change by another program is noticed', async () => {
  const path = join(tree.path, 'virt/kvm/guest_memfd.c');
  const before = await readFile(path, 'utf8');
  await writeFile(path, before.replaceAll('KVM_MMU_LOCK(kvm);', '$& rmp_make_shared(0, PG_LEVEL_4K);'));
  await expect
    .poll(() => workbench.problems())
    .toContainEqual(expect.objectContaining({ rule: 'rmp-under-mmu-lock', severity: 'warning' }));
  await writeFile(path, before);
  await expect.poll(() => workbench.problems()).toEqual([]);
});

test('a server that dies is started again', async () => {
  const [first, ...others] = await languageServers();
  expect(others).toEqual([]);
  process.kill(first ?? 0, 'SIGKILL');
  await expect.poll(languageServers).toEqual([expect.not.toSatisfy((pid) => pid === first)]);
  await workbench.status.waitFor(/ 0 findings/);
  expect(await workbench.notifications()).toEqual([]);
});

/** Process ids of the language servers that belong to this run's installation of the extension. */
async function languageServers(): Promise<number[]> {
  const { extensions } = inject('editor');
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    processes.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return command.includes(extensions) && command.includes(join('dist', 'server.js')) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
