/** Exit status 0, 1 and 2; and when it is 2, one line that says why and what to do. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  correct,
  type Ended,
  faulty,
  gmemLens,
  referenceKernel,
  temporaryFolder,
  treeOf,
} from '../support/cli.ts';

/** It could not run: nothing on stdout, and one line on stderr that matches. */
function expectRefusal({ status, stdout, stderr }: Ended, ...said: RegExp[]): void {
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  for (const pattern of said) expect(stderr).toMatch(pattern);
  expect(stderr).not.toMatch(/\n\s+at |GMEM_LENS_DEBUG/);
}

describe('check', () => {
  test('0 where nothing is found', async () => {
    const { status, stdout } = await gmemLens('check', referenceKernel, ...correct);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^0 findings in \d+ files, \d+ functions\n$/);
  });

  test('1 where something is', async () => {
    const { status, stdout } = await gmemLens('check', referenceKernel, ...faulty);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\S+:\d+:\d+: warning: .* \[rmp-under-mmu-lock\]$/m);
  });

  test('0 where what is found is less than asked for, 1 where it is as much', async () => {
    const less = await gmemLens('check', referenceKernel, ...faulty, '--fail-on', 'error');
    expect(less.status).toBe(0);
    expect(less.stdout).toContain('[rmp-under-mmu-lock]');
    const asMuch = await gmemLens('check', referenceKernel, ...faulty, '--fail-on', 'info');
    expect(asMuch.status).toBe(1);
  });

  test('only the rules that are named', async () => {
    const none = await gmemLens('check', referenceKernel, ...faulty, '--rule', 'directmap-under-mmu-lock');
    expect(none.status).toBe(0);
    const both = ['directmap-under-mmu-lock', 'rmp-under-mmu-lock'].join(', ');
    expect((await gmemLens('check', referenceKernel, ...faulty, '--rule', both)).status).toBe(1);
  });

  test('2 for a rule that there is not, with those that there are', async () => {
    expectRefusal(
      await gmemLens('check', referenceKernel, '--rule', 'rmp-under-lock'),
      /'rmp-under-lock'/,
      /known rules: .*rmp-under-mmu-lock/,
    );
  });
});

describe('what is no kernel tree', () => {
  test('nothing there', async () => {
    const missing = join(await temporaryFolder(), 'nowhere');
    expectRefusal(
      await gmemLens('check', missing),
      /There is no .*nowhere\./,
      /Name an existing kernel tree/,
    );
  });

  test('a file', async () => {
    const tree = await treeOf({ 'some.c': 'int x;' });
    expectRefusal(
      await gmemLens('check', join(tree, 'some.c')),
      /is a file, not a folder/,
      /Name a kernel tree/,
    );
  });

  test('a file inside of a tree', async () => {
    const file = join(referenceKernel, 'virt', 'kvm', 'guest_memfd.c');
    expectRefusal(await gmemLens('check', file), /is a file/, /Name its kernel tree: .*guest-memfd\./);
  });

  test('a folder inside of a tree', async () => {
    expectRefusal(
      await gmemLens('functions', join(referenceKernel, 'virt')),
      /no virt\/kvm/,
      /It lies inside of one: name .*guest-memfd\./,
    );
  });

  test('another folder', async () => {
    expectRefusal(
      await gmemLens('hooks', await temporaryFolder()),
      /is no Linux kernel tree/,
      /--scope GLOB/,
    );
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may not be read', async () => {
    const tree = await treeOf({ 'virt/kvm/x.c': 'int x;' });
    await chmod(tree, 0o000);
    try {
      expectRefusal(await gmemLens('check', tree), /can't be read: permission denied/);
    } finally {
      await chmod(tree, 0o700);
    }
  });

  test('globs that match nothing', async () => {
    expectRefusal(
      await gmemLens('check', referenceKernel, '--scope', 'drivers/**'),
      /matches no \.c or \.h file/,
      /Name kvm, all, or a glob/,
    );
  });

  test('a .config that is none, or is not there', async () => {
    const file = join(await temporaryFolder(), 'other');
    expectRefusal(await gmemLens('check', referenceKernel, '--config', file), /There is no/);
    await writeFile(file, 'hello\n');
    expectRefusal(await gmemLens('check', referenceKernel, '--config', file), /is no kernel \.config/);
  });
});

describe('names and places', () => {
  test.each(['callers', 'locks'])('%s: a function that is nearly one', async (command) => {
    expectRefusal(
      await gmemLens(command, 'kvm_gmem_falocate', referenceKernel),
      /no function 'kvm_gmem_falocate' in scope 'kvm'/,
      /did you mean .*kvm_gmem_fallocate/,
    );
  });

  test.each(['callers', 'locks'])('%s: a function that is like no other', async (command) => {
    expectRefusal(await gmemLens(command, 'qqqq', referenceKernel), /no function 'qqqq'/, /--scope all/);
  });

  test('a part of a name', async () => {
    expectRefusal(
      await gmemLens('callers', 'invalidate_begin', referenceKernel),
      /did you mean .*_invalidate_begin/,
    );
  });

  test('a line in no function, behind the end, in no file', async () => {
    const file = 'virt/kvm/guest_memfd.c';
    expectRefusal(await gmemLens('locks', `${file}:1`, referenceKernel), /:1 is in no function/);
    expectRefusal(await gmemLens('locks', `${file}:99999`, referenceKernel), /the file has \d+ lines/);
    expectRefusal(
      await gmemLens('locks', 'virt/kvm/nowhere.c:1', referenceKernel),
      /nowhere\.c is not in scope 'kvm'/,
      /name it relative to the tree, or use --scope/,
    );
  });
});

describe('arguments', () => {
  test.each([
    ['an option that there is not', ['check', '--colour'], /unknown option '--colour'/],
    ['a command that there is not', ['chekc'], /unknown command 'chekc'/],
    [
      'a format that the command has not',
      ['check', '--format', 'dot'],
      /Allowed choices are text, json, sarif/,
    ],
    ['a number that is none', ['callers', 'x', '--depth', 'deep'], /a whole number is wanted/],
    [
      'a severity that there is not',
      ['check', '--fail-on', 'panic'],
      /Allowed choices are error, warning, info/,
    ],
    ['a function that is not given', ['callers'], /missing required argument 'function'/],
    ['one argument too many', ['check', 'a', 'b'], /too many arguments/],
  ])('2 for %s', async (_what, args, said) => {
    const { status, stdout, stderr } = await gmemLens(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(said);
  });

  test('help and version are results', async () => {
    const help = await gmemLens('--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const command of ['check', 'calls', 'functions', 'callers', 'locks', 'hooks', 'doctor', 'lsp'])
      expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(await gmemLens('--version')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect((await gmemLens('check', '--help')).stdout).toContain('--fail-on');
  });
});

test('a broken file is a note, and everything else is well', async () => {
  const tree = await treeOf({
    'virt/kvm/good.c': 'static void good(void)\n{\n}\n',
    'virt/kvm/random.c': String.fromCharCode(...Array.from({ length: 4000 }, (_, i) => (i * 7919) % 256)),
    'virt/kvm/half.c': 'static void half(int x)\n{\n\tif (x\n',
  });
  const { status, stdout, stderr } = await gmemLens('check', tree);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^0 findings in 3 files/);
  expect(stderr).toMatch(/^note: virt\/kvm\/random\.c:\d+: /m);
  expect((await gmemLens('functions', tree)).stdout).toContain('virt/kvm/good.c:1: good');
});
