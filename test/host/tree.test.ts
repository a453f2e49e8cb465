import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findTree, openTree, TreeError } from '../../server/src/host/tree.ts';
import { temporaryFolder, temporaryTree } from './temporary-tree.ts';

function errorOf(action: () => unknown): TreeError {
  try {
    action();
  } catch (error) {
    if (error instanceof TreeError) return error;
    throw error;
  }
  throw new Error('no error');
}

test('a folder with virt/kvm is a tree; links to it are resolved', () => {
  const tree = temporaryTree({});
  const link = join(temporaryFolder(), 'linux');
  symlinkSync(tree, link);
  expect(openTree(tree)).toBe(tree);
  expect(openTree(link)).toBe(tree);
});

test('each way of not being a tree is said in one line, with what to do', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file.c');
  writeFileSync(file, '');
  const loop = join(folder, 'loop');
  symlinkSync(loop, loop);
  const cases: [string, string][] = [
    [join(folder, 'missing'), `There is no ${folder}/missing.`],
    [file, `${file} is a file, not a folder.`],
    [join(file, 'below'), `${file}/below can't be opened: a part of its path is no directory.`],
    [loop, `${loop} can't be opened: its symbolic links lead in a circle.`],
    [folder, `${folder} is no Linux kernel tree: it has no virt/kvm.`],
  ];
  for (const [path, message] of cases) {
    const error = errorOf(() => openTree(path));
    expect(error.message).toBe(message);
    expect(error.remedy).toMatch(/^[A-Z][^\n]*\.$/);
  }
});

test('a folder or file inside of a tree names the tree', () => {
  const tree = temporaryTree({ 'virt/kvm/kvm_main.c': '' });
  expect(errorOf(() => openTree(join(tree, 'virt'))).remedy).toContain(`name ${tree}.`);
  expect(errorOf(() => openTree(join(tree, 'virt/kvm/kvm_main.c'))).remedy).toContain(`${tree}.`);
  expect(findTree(join(tree, 'virt/kvm/kvm_main.c'))).toBe(tree);
  expect(findTree(join(tree, 'not/there/yet.c'))).toBe(tree);
  expect(findTree(temporaryFolder())).toBeUndefined();
});

test('globs make any folder do', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'src'));
  expect(openTree(folder, { anyFolder: true })).toBe(folder);
});
