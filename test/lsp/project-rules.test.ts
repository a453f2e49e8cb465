/** A tree's `.gmem-lens.yaml` in the editor: its rules report, and what is wrong with it stands in it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { diagnosticsByUri } from '../../server/src/lsp/features/diagnostics.ts';
import { KernelWorkspace } from '../../server/src/lsp/kernel-workspace.ts';
import { readSettings } from '../../server/src/lsp/settings.ts';
import { temporaryFolder, treeOf } from '../support/cli.ts';

const SOURCE = `struct kvm { rwlock_t mmu_lock; };

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	seamcall(1);
	write_unlock(&kvm->mmu_lock);
}
`;

const FORBID = `forbid:
  - { id: no-seamcall, calls: [seamcall], under: kvm.mmu_lock, severity: error, why: It takes long. }
`;

const { settings } = readSettings(undefined);

async function problems(yaml: string) {
  const tree = await treeOf({ 'virt/kvm/tdx.c': SOURCE, '.gmem-lens.yaml': yaml });
  const workspace = new KernelWorkspace({ onProgress: () => {}, onChange: () => {} });
  const cache = await temporaryFolder();
  const said = async () => {
    const open = await workspace.load(tree, settings, cache);
    return (name: string) =>
      (diagnosticsByUri(open).get(pathToFileURL(join(tree, name)).toString()) ?? []).map(
        ({ range, message }) => `${range.start.line + 1}: ${message}`,
      );
  };
  return { tree, said };
}

test('a rule of the project reports', async () => {
  const { said } = await problems(FORBID);
  const at = await said();
  expect(at('virt/kvm/tdx.c')).toEqual([expect.stringMatching(/^6: seamcall\(\).*It takes long/)]);
  expect(at('.gmem-lens.yaml')).toEqual([]);
});

test('a mistake in the file stands in the file, and the tree is read all the same', async () => {
  const { tree, said } = await problems(FORBID.replace('calls', 'call'));
  const at = await said();
  expect(at('.gmem-lens.yaml')).toEqual([
    expect.stringContaining('calls is missing'),
    expect.stringContaining('Is calls meant?'),
  ]);
  expect(at('virt/kvm/tdx.c')).toEqual([]);
  await writeFile(join(tree, '.gmem-lens.yaml'), FORBID);
  expect((await said())('virt/kvm/tdx.c')).toHaveLength(1);
});
