import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyTree, type TreeCopy } from '../support/kernel-copy.ts';
import { LockMarks } from './harness/lock-marks.ts';
import { PeekView } from './harness/peek.ts';
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

test('explore', async () => {
  const marks = new LockMarks(workbench.page);
  const peek = new PeekView(workbench.page);
  await workbench.status.waitFor(/functions/);
  await workbench.openFile('virt/kvm/guest_memfd.c');
  await workbench.gotoText('static void kvm_gmem_invalidate_begin(');
  await new Promise((r) => setTimeout(r, 3000));
  console.log(await marks.inView());
  console.log(await marks.line('KVM_MMU_LOCK'));
  await workbench.screenshot('x1');
  await workbench.openFile('arch/x86/kvm/mmu/mmu.c');
  await workbench.gotoText('kvm_arch_gmem_set_mem_attributes(kvm, range)');
  await new Promise((r) => setTimeout(r, 2000));
  console.log(await marks.inView());
  await workbench.hover('why?');
  await workbench.screenshot('x2');
  await workbench.page.locator('.monaco-hover a', { hasText: 'why?' }).first().click();
  await new Promise((r) => setTimeout(r, 2000));
  await workbench.screenshot('x3');
  console.log(await peek.title(), await peek.rows(), await peek.preview());
  await peek.open('kvm_handle_gfn_range: calls');
  await new Promise((r) => setTimeout(r, 2000));
  await workbench.screenshot('x4');
  console.log(await workbench.activeFile(), await workbench.cursor());
  await workbench.openFile('arch/x86/kvm/svm/sev.c');
  await workbench.gotoText('rmp_make_private(pfn');
  await workbench.page.keyboard.press('Control+.');
  await new Promise((r) => setTimeout(r, 2000));
  await workbench.screenshot('x5');
});
