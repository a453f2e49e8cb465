import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diskReader, listScope } from '../../server/src/host/scope.ts';
import { TreeError } from '../../server/src/host/tree.ts';
import { temporaryFolder, temporaryTree } from './temporary-tree.ts';

const empty = (...paths: string[]) => Object.fromEntries(paths.map((path) => [path, '']));
const pathsOf = (tree: string, scope: string, architecture = 'x86') =>
  listScope(tree, scope, architecture).files.map((file) => file.path);

test('the scope kvm takes its roots and headers, with the architecture put in', () => {
  const tree = temporaryTree(
    empty(
      'virt/kvm/kvm_main.c',
      'virt/kvm/deep/er/x.c',
      'arch/x86/kvm/mmu/mmu.c',
      'arch/x86/kvm/Makefile',
      'arch/arm64/kvm/mmu.c',
      'arch/arm64/include/asm/kvm_host.h',
      'include/linux/kvm_host.h',
      'include/linux/kvm_types.h',
      'include/linux/unrelated.h',
      'mm/shmem.c',
      'mm/slub.c',
    ),
  );
  expect(pathsOf(tree, 'kvm')).toEqual([
    'arch/x86/kvm/mmu/mmu.c',
    'include/linux/kvm_host.h',
    'include/linux/kvm_types.h',
    'mm/shmem.c',
    'virt/kvm/deep/er/x.c',
    'virt/kvm/kvm_main.c',
  ]);
  expect(pathsOf(tree, 'kvm', 'arm64')).toContain('arch/arm64/include/asm/kvm_host.h');
  expect(pathsOf(tree, 'kvm', 'arm64')).not.toContain('arch/x86/kvm/mmu/mmu.c');
});

test('the scope all leaves out other architectures, tools and hidden folders', () => {
  const tree = temporaryTree(
    empty(
      'arch/x86/a.c',
      'arch/arm64/b.c',
      'arch/c.c',
      'drivers/arch/arm64/d.c',
      'tools/e.c',
      'drivers/tools/f.h',
      'Documentation/g.c',
      'samples/h.c',
      'scripts/i.c',
      '.git/j.c',
      'fs/k.S',
      'l.c',
    ),
  );
  expect(pathsOf(tree, 'all')).toEqual([
    'arch/c.c',
    'arch/x86/a.c',
    'drivers/arch/arm64/d.c',
    'drivers/tools/f.h',
    'l.c',
  ]);
});

test.each([
  ['virt/kvm/*.c', ['virt/kvm/a.c']],
  ['virt/**', ['virt/kvm/a.c', 'virt/kvm/b.h', 'virt/kvm/sub/c.c']],
  ['**/c.c', ['mm/c.c', 'virt/kvm/sub/c.c']],
  ['virt/**/c.c', ['virt/kvm/sub/c.c']],
  ['**/kvm/**/*.c', ['virt/kvm/a.c', 'virt/kvm/sub/c.c']],
  ['{mm,virt/kvm}/?.{c,h}', ['mm/c.c', 'virt/kvm/a.c', 'virt/kvm/b.h']],
  [' mm/c.c , virt/kvm/a.c,', ['mm/c.c', 'virt/kvm/a.c']],
  ['./mm//c.c', ['mm/c.c']],
  ['virt/../mm/*', ['mm/c.c']],
  ['**/**/b.h', ['virt/kvm/b.h']],
  ['.hidden/h.c', ['.hidden/h.c']],
  ['mm/a+b(1).c', ['mm/a+b(1).c']],
])('the glob %s', (scope, expected) => {
  const tree = temporaryTree(
    empty(
      'virt/kvm/a.c',
      'virt/kvm/b.h',
      'virt/kvm/sub/c.c',
      'virt/kvm/note.txt',
      'mm/c.c',
      '.hidden/h.c',
      'mm/a+b(1).c',
    ),
  );
  const found = pathsOf(tree, scope);
  // The odd name is there for the glob that spells it.
  expect(scope.includes('+') ? found : found.filter((path) => !path.includes('+'))).toEqual(expected);
});

test('a glob that matches nothing, or leads out of the tree, is an error', () => {
  const tree = temporaryTree(empty('virt/kvm/a.c'));
  writeFileSync(join(tree, '..', 'outside.c'), '');
  for (const scope of ['mm/*.c', '../*.c', '../../**', 'virt/kvm/*.txt', ',', '{', '**/'])
    expect(() => pathsOf(tree, `${scope}${scope === '**/' ? 'x' : ''}`)).toThrow(TreeError);
});

test('a folder without virt/kvm has what a glob finds in it', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src', 'a.c'), 'int a;');
  expect(pathsOf(folder, '**')).toEqual(['src/a.c']);
  expect(listScope(folder, '**', 'x86').files[0]).toMatchObject({ size: 6 });
});

test('links in a circle, special files and dangling links cost nothing', () => {
  const tree = temporaryTree(empty('virt/kvm/a.c'));
  const kvm = join(tree, 'virt', 'kvm');
  symlinkSync(kvm, join(kvm, 'self'));
  symlinkSync(tree, join(kvm, 'up'));
  symlinkSync('nowhere.c', join(kvm, 'dangling.c'));
  symlinkSync('circle.c', join(kvm, 'circle.c'));
  symlinkSync('a.c', join(kvm, 'alias.c'));
  mkdirSync(join(kvm, 'folder.c'));
  execFileSync('mkfifo', [join(kvm, 'pipe.c')]);
  const { files, notes } = listScope(tree, 'virt/**', 'x86');
  expect(files.map((file) => file.path)).toEqual(['virt/kvm/a.c', 'virt/kvm/alias.c']);
  expect(notes).toEqual([
    { file: 'virt/kvm/circle.c', line: 1, message: 'not read: its symbolic links lead in a circle' },
  ]);
});

test('a linked folder outside of the tree is entered once', () => {
  const outside = temporaryFolder();
  writeFileSync(join(outside, 'x.c'), '');
  symlinkSync(outside, join(outside, 'again'));
  const tree = temporaryTree(empty('virt/kvm/a.c'));
  symlinkSync(outside, join(tree, 'virt', 'one'));
  symlinkSync(outside, join(tree, 'virt', 'two'));
  const found = pathsOf(tree, 'virt/**');
  expect(found).toHaveLength(2);
  expect(found[0]).toBe('virt/kvm/a.c');
  expect(found[1]).toMatch(/^virt\/(one|two)\/x\.c$/);
});

test('a folder that cannot be read is a note, and the others are read', () => {
  const tree = temporaryTree(empty('virt/kvm/a.c', 'virt/kvm/secret/b.c', 'virt/kvm/c.c'));
  const reader = {
    ...diskReader,
    list: (path: string) => {
      if (path.endsWith('secret')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
      return diskReader.list(path);
    },
  };
  const { files, notes } = listScope(tree, 'kvm', 'x86', reader);
  expect(files.map((file) => file.path)).toEqual(['virt/kvm/a.c', 'virt/kvm/c.c']);
  expect(notes).toEqual([
    { file: 'virt/kvm/secret', line: 1, message: 'directory not read: permission denied' },
  ]);
});

test('names that are not UTF-8 are noted', () => {
  const tree = temporaryTree(empty('virt/kvm/a.c'));
  writeFileSync(
    Buffer.concat([Buffer.from(`${tree}/virt/kvm/caf`), Buffer.from([0xe9]), Buffer.from('.c')]),
    '',
  );
  const { files, notes } = listScope(tree, 'virt/**', 'x86');
  expect(files.map((file) => file.path)).toEqual(['virt/kvm/a.c']);
  expect(notes).toEqual([
    { file: 'virt/kvm/caf\ufffd.c', line: 1, message: 'not read: its name is not UTF-8' },
  ]);
});

test('whatever is typed as a glob, the walk ends and stays in the tree', () => {
  const tree = temporaryTree(empty('virt/kvm/a.c', 'mm/b.c', 'mm/x/y/z.h'));
  const piece = fc.constantFrom(
    '**',
    '*',
    '?',
    '..',
    '.',
    '/',
    '{',
    '}',
    ',',
    'mm',
    'virt',
    'a.c',
    '*.c',
    '[',
    '\\',
    '$',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const scope = pieces.join('');
      fc.pre(scope !== 'kvm' && scope !== 'all');
      try {
        const found = pathsOf(tree, scope);
        expect(found.length).toBeGreaterThan(0);
        for (const path of found) expect(['virt/kvm/a.c', 'mm/b.c', 'mm/x/y/z.h']).toContain(path);
      } catch (error) {
        expect(error).toBeInstanceOf(TreeError);
      }
    }),
  );
});
