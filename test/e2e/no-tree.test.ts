import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');

let folder: string;
let workbench: Workbench;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gmem-lens-no-tree-'));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'src', 'hello.c'), 'int main(void)\n{\n\treturn 0;\n}\n');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

keepPicturesOfFailures(() => workbench);

describe('a C project that is no kernel', () => {
  beforeAll(async () => {
    workbench = await Workbench.open({ folder });
    await workbench.openFile('src/hello.c');
  });
  afterAll(() => workbench?.[Symbol.asyncDispose]());

  test('the extension stays out of sight, and says why when asked', async () => {
    await workbench.runCommand('Guest Memory Lens: Show Status');
    await expect.poll(() => workbench.notifications()).toEqual([expect.stringContaining('is off here')]);
    expect(await workbench.status.element.isVisible()).toBe(false);
  });
});

describe('a setting that names no kernel tree', () => {
  beforeAll(async () => {
    workbench = await Workbench.open({ folder, settings: { 'gmemLens.tree': 'linux' } });
    await workbench.openFile('src/hello.c');
  });
  afterAll(() => workbench?.[Symbol.asyncDispose]());

  test('the status bar shows the failure, and a click its reason', async () => {
    await workbench.status.waitFor('failed');
    await workbench.status.element.click();
    await expect.poll(() => workbench.outputText()).toContain(`${join(folder, 'linux')} has no virt/kvm.`);
    expect(await workbench.outputText()).toContain('Set gmemLens.tree to a Linux kernel tree');
    await workbench.screenshot('no-tree');
  });
});

describe('a scope in which there is nothing', () => {
  beforeAll(async () => {
    workbench = await Workbench.open({ folder: kernel, settings: { 'gmemLens.scope': 'rust/**' } });
  });
  afterAll(() => workbench?.[Symbol.asyncDispose]());

  test('the status bar shows the failure, and a click its reason', async () => {
    await workbench.status.waitFor('failed');
    await workbench.status.element.click();
    await expect.poll(() => workbench.outputText()).toContain('The scope rust/** matches no .c or .h file');
  });
});
