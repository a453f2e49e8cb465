/** Debian's kernel in VS Code: what a KVM developer sees, clicks and types. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fetchKernel } from '../kernel/fetch-kernel.ts';
import { copyKernel, type TreeCopy } from '../support/kernel-copy.ts';
import { LockMarks } from './harness/lock-marks.ts';
import { PeekView } from './harness/peek.ts';
import { placeOf } from './harness/source-place.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const guestMemfd = 'virt/kvm/guest_memfd.c';
const noC = 'virt/kvm/no_c.c';
const indexingTimeoutMs = 120_000;

let tree: TreeCopy;
let workbench: Workbench;

beforeAll(async () => {
  tree = await copyKernel(await fetchKernel('6.12'));
  await writeFile(join(tree.path, noC), arbitraryBytes(100_000));
  workbench = await Workbench.open({ folder: tree.path });
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

/** The same in every run. */
function arbitraryBytes(length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let size = 0; size < length; size += 32) blocks.push(createHash('sha256').update(`${size}`).digest());
  return Buffer.concat(blocks);
}

const inTree = (path: string, ...texts: string[]) => placeOf(join(tree.path, path), ...texts);

/** Lenses that tell of the code, without those that run it. */
const analysisAbove = async (text: string): Promise<string[]> =>
  (await workbench.lenses.above(text)).filter((title) => !/^▶ Run|^Step$/.test(title));

describe('the status bar', () => {
  test('shows progress while the tree is read, then what there is', async () => {
    await workbench.status.waitFor(/functions/, indexingTimeoutMs);
    const history = await workbench.status.history();
    const percentages = history
      .map((text) => /^gmem: (\d+)%$/.exec(text)?.[1])
      .filter(Boolean)
      .map(Number);
    expect(percentages.length).toBeGreaterThan(0);
    expect(percentages).toEqual([...percentages].sort((a, b) => a - b));
    expect(await workbench.status.text()).toMatch(/^gmem: [\d,]+ functions, \d+ findings?$/);
  });

  test('a file that is no C is a note and nothing more', async () => {
    await workbench.status.element.click();
    await expect
      .poll(() => workbench.notifications())
      .toEqual([expect.stringMatching(/files · 1 note, in the output · /)]);
    await workbench.runCommand('Guest Memory Lens: Show Output');
    await expect.poll(() => workbench.outputText()).toContain(`note: ${noC}:1: `);
    await workbench.screenshot('note');
    await workbench.runCommand('Notifications: Clear All Notifications');
    expect((await workbench.problems()).filter(({ message }) => message.includes('no_c'))).toEqual([]);
    await workbench.runCommand('View: Toggle Panel Visibility');
  });
});

describe('code lenses', () => {
  test('name the callers, the lock context and the role of a hook', async () => {
    await workbench.openFile(guestMemfd);
    await workbench.gotoText('static void kvm_gmem_free_folio');
    await expect
      .poll(() => analysisAbove('static void kvm_gmem_free_folio('))
      .toEqual([
        expect.stringMatching(/^\d+ callers$/),
        'mmu_lock: never held',
        expect.stringMatching(/^free: .*page cache/),
      ]);
    await workbench.screenshot('lenses');
  });

  test('functions off the guest memory paths have none', async () => {
    await workbench.gotoText('static inline kvm_pfn_t folio_file_pfn');
    await expect.poll(() => workbench.lenses.first('caller').isVisible()).toBe(true);
    expect(await workbench.lenses.above('static inline kvm_pfn_t folio_file_pfn(')).toEqual([]);
  });

  test('are in headers too', async () => {
    await workbench.openFile('include/linux/kvm_host.h');
    await workbench.gotoText('mmu_invalidate_retry_gfn(struct kvm');
    await expect
      .poll(() => workbench.lenses.above('mmu_invalidate_retry_gfn(struct kvm'))
      .toContainEqual(expect.stringMatching(/^retry-check: /));
  });

  test('tell where mmu_lock is always held', async () => {
    await workbench.openFile('arch/x86/kvm/mmu/mmu.c');
    await workbench.gotoText('bool kvm_unmap_gfn_range(');
    await expect
      .poll(() => workbench.lenses.above('bool kvm_unmap_gfn_range('))
      .toContain('mmu_lock: always held');
  });
});

describe('the call hierarchy', () => {
  const pathUp = [
    'rmp_make_shared',
    'sev_gmem_invalidate',
    'kvm_arch_gmem_invalidate',
    'kvm_gmem_free_folio',
    'filemap_free_folio',
    'delete_from_page_cache_batch',
    'truncate_inode_pages_range',
    'kvm_gmem_punch_hole',
    'kvm_gmem_fallocate',
    'vfs_fallocate',
    'ksys_fallocate',
    'sys_fallocate',
  ];

  test('leads from the callers lens of rmpupdate up to fallocate(2)', async () => {
    await workbench.openFile('arch/x86/virt/svm/sev.c');
    await workbench.gotoText('static int rmpupdate(');
    await expect
      .poll(() => workbench.lenses.above('static int rmpupdate('))
      .toContain('mmu_lock: never held');
    await workbench.lenses.click('static int rmpupdate(', /callers/);
    await workbench.calls.waitFor('rmpupdate');
    const rows = await workbench.calls.walk(pathUp);
    await workbench.widenSideBar(260);
    await workbench.screenshot('callers', true);
    await workbench.widenSideBar(-260);
    const detailOf = (name: string) => rows.find((row) => row.name === name)?.detail;
    expect(detailOf('kvm_arch_gmem_invalidate')).toContain('static call ->gmem_invalidate (kvm_x86_ops)');
    expect(detailOf('filemap_free_folio')).toContain('->free_folio (address_space_operations)');
    expect(detailOf('vfs_fallocate')).toContain('->fallocate (file_operations)');
    expect(detailOf('sys_fallocate')).toContain('← fallocate(2)');
  });

  test('a row opens the call', async () => {
    await workbench.page.keyboard.press('Enter');
    await expect.poll(() => workbench.activeFile()).toBe('open.c');
    const { line } = await inTree('fs/open.c', 'SYSCALL_DEFINE4(fallocate', 'ksys_fallocate(');
    await expect.poll(async () => (await workbench.cursor()).line).toBe(line);
  });

  test('leads from the fallocate of guest_memfd down to rmpupdate', async () => {
    await workbench.openFile(guestMemfd);
    await workbench.gotoText('static long kvm_gmem_fallocate(');
    await expect
      .poll(() => workbench.lenses.above('static long kvm_gmem_fallocate('))
      .toContainEqual(expect.stringMatching(/caller/));
    await workbench.lenses.click('static long kvm_gmem_fallocate(', /caller/);
    await workbench.calls.waitFor('kvm_gmem_fallocate');
    await workbench.calls.show('Outgoing');
    await workbench.calls.waitFor('kvm_gmem_fallocate');
    const down = pathUp.slice(0, pathUp.indexOf('kvm_gmem_fallocate')).reverse();
    await workbench.calls.walk([...down, 'rmpupdate']);
    await workbench.screenshot('callees');
  });

  test('another lens asks about callers again', async () => {
    await workbench.gotoText('static void kvm_gmem_invalidate_end(');
    await workbench.lenses.click('static void kvm_gmem_invalidate_end(', /callers/);
    await workbench.calls.waitFor('kvm_gmem_invalidate_end');
    await workbench.calls.walk(['kvm_gmem_punch_hole', 'kvm_gmem_fallocate']);
  });
});

describe('locks', () => {
  const mmu = 'arch/x86/kvm/mmu/mmu.c';
  const fault = 'static int kvm_tdp_mmu_page_fault(';
  const x86 = 'arch/x86/kvm/x86.c';
  const invalidate = ['void kvm_arch_gmem_invalidate(', 'kvm_x86_call('];

  test('are marked in the margin, and said where they are taken and released', async () => {
    const marks = new LockMarks(workbench.page);
    const taken = await inTree(mmu, fault, 'read_lock(');
    const released = await inTree(mmu, fault, 'read_unlock(');
    await workbench.openFile(mmu);
    await workbench.gotoPlace(taken);
    await expect.poll(async () => (await marks.inView())[taken.line + 1]).toBe('R');
    const shown = await marks.inView();
    expect([taken.line, released.line, released.line + 1].map((line) => shown[line])).toEqual([
      undefined,
      'R on',
      undefined,
    ]);
    await expect.poll(() => marks.line('read_lock(&vcpu')).toContain('mmu_lock (R) taken');
    expect(await marks.line('read_unlock(&vcpu')).toContain('mmu_lock (R) released');
    await workbench.screenshot('kernel-marks');
  });

  test('have a way in that is shown step by step', async () => {
    await workbench.gotoPlace(await inTree(mmu, 'bool kvm_unmap_gfn_range(', 'kvm_memslots_have_rmaps('));
    await workbench.runCommand('Guest Memory Lens: Show Lock Path');
    const peek = new PeekView(workbench.page);
    await expect.poll(async () => (await peek.rows()).at(-1)).toContain('kvm.mmu_lock is held (write) here');
    expect((await peek.rows())[0]).toContain('kvm.mmu_lock taken for write');
    await workbench.screenshot('kernel-path');
    await peek.close();
  });

  test('going to a static call leads to the function behind it', async () => {
    await workbench.openFile(x86);
    await workbench.gotoPlace(await inTree(x86, ...invalidate, 'gmem_invalidate)'));
    await workbench.page.keyboard.press('F12');
    await expect.poll(() => workbench.activeFile()).toBe('sev.c');
    const { line } = await inTree('arch/x86/kvm/svm/sev.c', 'void sev_gmem_invalidate(');
    await expect.poll(async () => (await workbench.cursor()).line).toBe(line);
  });

  test('going to the macro that makes the call offers both places', async () => {
    await workbench.openFile(x86);
    await workbench.gotoPlace(await inTree(x86, ...invalidate));
    await workbench.page.keyboard.press('F12');
    const peek = new PeekView(workbench.page);
    await expect.poll(() => peek.groups()).toEqual(expect.arrayContaining(['kvm_host.h', 'sev.c']));
    await workbench.screenshot('kernel-definition');
    await peek.close();
  });
});

describe('an RMP update under mmu_lock', () => {
  const call = 'rmp_make_shared(start, PG_LEVEL_4K);';
  const ofThisRule = async () =>
    (await workbench.problems()).filter(({ rule }) => rule === 'rmp-under-mmu-lock');

  beforeAll(async () => {
    await workbench.runCommand('View: Show Explorer');
    await workbench.openFile(guestMemfd);
    expect(await ofThisRule()).toEqual([]);
  });

  test('is reported at the call while it is typed, with the way there', async () => {
    const lock = await inTree(guestMemfd, 'void kvm_gmem_invalidate_end', 'KVM_MMU_LOCK(kvm)');
    await workbench.focusEditor();
    await workbench.gotoPlace(lock);
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.press('Enter');
    await workbench.typeText(call);
    await expect.poll(ofThisRule).toEqual([
      {
        severity: 'warning',
        message: expect.stringContaining('rmp_make_shared() updates the RMP while kvm->mmu_lock is held'),
        rule: 'rmp-under-mmu-lock',
        line: lock.line + 1,
        column: lock.column,
      },
    ]);
    const problems = await workbench.openProblems();
    expect(await problems.related()).toEqual([
      { file: 'guest_memfd.c', ...lock, message: expect.stringContaining('kvm.mmu_lock taken for write') },
      {
        file: 'guest_memfd.c',
        line: lock.line + 1,
        column: lock.column,
        message: expect.stringContaining('calls rmp_make_shared()'),
      },
    ]);
    await workbench.screenshot('warning', true);
    expect(await readFile(join(tree.path, guestMemfd), 'utf8')).not.toContain(call);
  });

  test('each step of the way is a link', async () => {
    const problems = await workbench.openProblems();
    const steps = await problems.related();
    for (const [index, { line }] of steps.entries()) {
      await problems.openRelated(index);
      await expect.poll(async () => (await workbench.cursor()).line).toBe(line);
    }
  });

  test('the hover says which locks are held, and since where', async () => {
    const lock = await inTree(guestMemfd, 'void kvm_gmem_invalidate_end', 'KVM_MMU_LOCK(kvm)');
    await workbench.gotoLine(lock.line + 1, lock.column + 4);
    const text = await workbench.hover('Locks held');
    await workbench.screenshot('hover', true);
    expect(text).toContain('rmp_make_shared — ');
    expect(text).toContain(`Locks held before line ${lock.line + 1}`);
    expect(text).toContain(`kvm.mmu_lock (write), taken in kvm_gmem_invalidate_end:${lock.line}`);
    expect(text).toMatch(/address_space\.invalidate_lock \(write\), taken in kvm_gmem_punch_hole:\d+/);
    await workbench.page.keyboard.press('Escape');
  });

  test('the function that is called has another lock context now', async () => {
    await workbench.openFile('arch/x86/virt/svm/sev.c');
    await workbench.gotoText('int rmp_make_shared(');
    await expect
      .poll(() => workbench.lenses.above('int rmp_make_shared('))
      .toContain('mmu_lock: sometimes held');
  });

  test('is forgotten with the edit', async () => {
    await workbench.openFile(guestMemfd);
    await workbench.undoAll();
    await expect.poll(ofThisRule).toEqual([]);
    await workbench.openFile('arch/x86/virt/svm/sev.c');
    await expect.poll(() => workbench.lenses.above('int rmp_make_shared(')).toContain('mmu_lock: never held');
    await workbench.screenshot('undone');
  });
});

describe('code that is being typed', () => {
  beforeAll(async () => {
    await workbench.runCommand('View: Toggle Panel Visibility');
    await workbench.openFile(guestMemfd);
  });

  afterEach(() => workbench.undoAll());

  test.each([
    ['a call without its end', 'kvm_mmu_invalidate_end('],
    ['a condition without its body', 'if (start < end && (gmem'],
    ['a brace too many', '{'],
    ['a brace too few', '}'],
    ['a comment without its end', '/* the rest'],
    ['a string without its end', 'pr_warn("gmem: '],
    ['a directive without its end', '#ifdef CONFIG_KVM_AMD_SEV'],
  ])('%s leaves the functions before it as they were', async (_, text) => {
    const lock = await inTree(guestMemfd, 'void kvm_gmem_invalidate_end', 'KVM_MMU_LOCK(kvm)');
    await workbench.gotoPlace(lock);
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.press('Enter');
    await workbench.typeText(text);
    if (text === '{') await workbench.screenshot('half-typed');
    // A hover is answered from the text as it is now.
    await workbench.gotoPlace(
      await inTree(guestMemfd, 'void kvm_gmem_invalidate_begin', 'KVM_MMU_UNLOCK(kvm)'),
    );
    expect(await workbench.hover('Locks held')).toContain(
      'kvm.mmu_lock (write), taken in kvm_gmem_invalidate_begin:',
    );
    await workbench.gotoText('static void kvm_gmem_invalidate_begin(');
    await expect
      .poll(() => analysisAbove('static void kvm_gmem_invalidate_begin('))
      .toEqual([
        expect.stringMatching(/^\d+ callers$/),
        'mmu_lock: never held',
        expect.stringMatching(/^invalidation: /),
      ]);
    expect(await workbench.notifications()).toEqual([]);
    expect(await workbench.status.text()).toMatch(/functions/);
  });

  test('and all is well again afterwards', async () => {
    await workbench.gotoText('static int kvm_gmem_release(');
    await expect
      .poll(() => workbench.lenses.above('static int kvm_gmem_release('))
      .toContain('mmu_lock: never held');
    expect((await workbench.problems()).filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
