import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findKernelTree } from '../../client/src/kernel-tree.ts';

let scratch: string;
let tree: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'gmem-lens-tree-'));
  tree = join(scratch, 'linux');
  await mkdir(join(tree, 'virt', 'kvm'), { recursive: true });
  await mkdir(join(scratch, 'elsewhere', 'virt'), { recursive: true });
  await writeFile(join(scratch, 'elsewhere', 'virt', 'kvm'), 'a file of that name is no tree');
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

test('a workspace folder that is a tree, or lies in one, needs no setting', async () => {
  expect(await findKernelTree('', [tree])).toEqual({ kind: 'found', tree });
  expect(await findKernelTree('', [join(tree, 'virt', 'kvm')])).toEqual({ kind: 'found', tree });
  expect(await findKernelTree('', [join(scratch, 'elsewhere'), tree])).toEqual({ kind: 'found', tree });
});

test('other workspaces are left alone', async () => {
  expect(await findKernelTree('', [join(scratch, 'elsewhere')])).toEqual({ kind: 'none' });
  expect(await findKernelTree('', [])).toEqual({ kind: 'none' });
});

test('a setting wins, relative to the first folder, and must name a tree', async () => {
  expect(await findKernelTree('../linux', [join(scratch, 'elsewhere')])).toEqual({ kind: 'found', tree });
  expect(await findKernelTree(tree, [])).toEqual({ kind: 'found', tree });
  expect(await findKernelTree('nowhere', [tree])).toMatchObject({
    kind: 'invalid',
    message: `${join(tree, 'nowhere')} has no virt/kvm.`,
  });
});
