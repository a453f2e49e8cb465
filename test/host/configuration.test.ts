import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultSymbols, loadConfiguration } from '../../server/src/host/configuration.ts';
import { TreeError } from '../../server/src/host/tree.ts';
import { temporaryFolder, temporaryTree } from './temporary-tree.ts';

const CONFIG = 'CONFIG_KVM=m\n# CONFIG_KVM_AMD_SEV is not set\nCONFIG_HZ=250\n';

test('without a .config the defaults of the architecture hold, and an unlisted symbol is on', () => {
  const { configuration, file } = loadConfiguration(temporaryTree({}), 'x86');
  expect(file).toBeUndefined();
  expect(configuration.valueOf('CONFIG_KVM_AMD_SEV')).toBe(1);
  expect(configuration.valueOf('CONFIG_UNHEARD_OF')).toBe(1);
  expect(configuration.valueOf('CONFIG_PREEMPT_RT')).toBeUndefined();
  expect(configuration.valueOf('KVM_HAVE_MMU_RWLOCK')).toBe(1);
});

test("the tree's .config decides about CONFIG_ symbols alone", () => {
  const tree = temporaryTree({ '.config': CONFIG });
  const { configuration, file } = loadConfiguration(tree, 'x86');
  expect(file).toBe(join(tree, '.config'));
  expect(configuration.valueOf('CONFIG_KVM')).toBe(1);
  expect(configuration.valueOf('CONFIG_HZ')).toBe(250);
  expect(configuration.valueOf('CONFIG_KVM_AMD_SEV')).toBeUndefined();
  expect(configuration.valueOf('CONFIG_X86_64')).toBeUndefined();
  expect(configuration.valueOf('KVM_HAVE_MMU_RWLOCK')).toBe(1);
});

test('a named .config goes before the tree’s, and each has its own key', () => {
  const tree = temporaryTree({ '.config': CONFIG });
  const other = join(temporaryFolder(), 'other.config');
  writeFileSync(other, 'CONFIG_SMP=y\n');
  const [own, named, none] = [
    loadConfiguration(tree, 'x86'),
    loadConfiguration(tree, 'x86', other),
    loadConfiguration(temporaryTree({}), 'x86'),
  ];
  expect(named.configuration.valueOf('CONFIG_KVM')).toBeUndefined();
  expect(new Set([own.data.key, named.data.key, none.data.key]).size).toBe(3);
  expect(loadConfiguration(tree, 'x86').data.key).toBe(own.data.key);
});

test('a .config that cannot be used is an error with a remedy', () => {
  const folder = temporaryFolder();
  const text = join(folder, 'readme');
  writeFileSync(text, 'hello\n');
  const cases: [string, RegExp][] = [
    [join(folder, 'none'), /^There is no .*none\.$/],
    [folder, /can't be read: it is a directory\.$/],
    [text, /is no kernel \.config: it has no CONFIG_ line\.$/],
  ];
  for (const [file, message] of cases) {
    const action = () => loadConfiguration(folder, 'x86', file);
    expect(action).toThrow(TreeError);
    expect(action).toThrow(message);
  }
  mkdirSync(join(folder, '.config'));
  expect(() => loadConfiguration(folder, 'x86')).toThrow(/\.config can't be read: it is a directory\.$/);
});

test('an architecture without a table gets what the others agree on', () => {
  const symbols = defaultSymbols('riscv');
  expect(symbols.CONFIG_KVM).toBe('y');
  expect(symbols).not.toHaveProperty('CONFIG_KVM_AMD_SEV');
  for (const [name, value] of Object.entries(symbols)) {
    expect(defaultSymbols('x86')[name]).toBe(value);
    expect(defaultSymbols('arm64')[name]).toBe(value);
  }
});
