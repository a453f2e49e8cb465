/** Locks in the editor: the margin, hints, the way to a lock, and what can be done about a finding. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { copyTree, type TreeCopy } from '../support/kernel-copy.ts';
import { CodeActionMenu } from './harness/code-actions.ts';
import { LockMarks } from './harness/lock-marks.ts';
import { PeekView } from './harness/peek.ts';
import { placeOf } from './harness/source-place.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
const guestMemfd = 'virt/kvm/guest_memfd.c';
const mmu = 'arch/x86/kvm/mmu/mmu.c';
const sev = 'arch/x86/kvm/svm/sev.c';
/** The variant that updates the RMP at the wrong place. */
const config = 'configs/hook-set-attributes.config';

let tree: TreeCopy;
let workbench: Workbench;
let marks: LockMarks;
let peek: PeekView;
let actions: CodeActionMenu;

beforeAll(async () => {
  tree = await copyTree(kernel);
  await mkdir(join(tree.path, '.vscode'));
  await configure({});
  workbench = await Workbench.open({ folder: tree.path });
  marks = new LockMarks(workbench.page);
  peek = new PeekView(workbench.page);
  actions = new CodeActionMenu(workbench.page);
  await workbench.status.waitFor(/functions/);
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

/** The workspace's settings, from now on: in one step, for the editor reads a file while it is written. */
async function configure(settings: object): Promise<void> {
  const path = join(tree.path, '.vscode', 'settings.json');
  await writeFile(`${path}.new`, JSON.stringify({ 'gmemLens.config': config, ...settings }));
  await rename(`${path}.new`, path);
}

const inTree = (path: string, ...texts: string[]) => placeOf(join(tree.path, path), ...texts);

/** Marks of some lines around a place, from `from` to `to` lines away from it. */
async function marksAround(line: number, from: number, to: number): Promise<string[]> {
  const inView = await marks.inView();
  return Array.from({ length: to - from + 1 }, (_, offset) => inView[line + from + offset] ?? '');
}

describe('the margin', () => {
  const end = 'static void kvm_gmem_invalidate_end(';

  test('marks the lines from an acquisition to its release', async () => {
    const { line } = await inTree(guestMemfd, end, 'KVM_MMU_LOCK(kvm)');
    await workbench.openFile(guestMemfd);
    await workbench.gotoLine(line);
    await expect.poll(() => marksAround(line, -1, 3)).toEqual(['', '', 'W', 'W on', '']);
  });

  test('says where the lock is held only sometimes', async () => {
    const { line } = await inTree(guestMemfd, 'static void kvm_gmem_invalidate_begin(', 'KVM_MMU_LOCK(kvm)');
    await workbench.gotoLine(line);
    await expect.poll(() => marksAround(line, -2, 4)).toEqual(['W? on', '', '', 'W', 'W on', 'W on', 'W on']);
    await workbench.screenshot('marks', true);
  });

  test('tells read from write, and marks functions that are entered with the lock', async () => {
    const read = await inTree(mmu, 'read_lock(&vcpu->kvm->mmu_lock)');
    await workbench.openFile(mmu);
    await workbench.gotoPlace(read);
    await expect.poll(() => marksAround(read.line, 0, 4)).toEqual(['', 'R', 'R on', 'R on', '']);
    const body = await inTree(mmu, 'bool kvm_unmap_gfn_range(', '{');
    await workbench.gotoPlace(body);
    await expect.poll(() => marksAround(body.line, -1, 2)).toEqual(['', 'W', 'W on', 'W on']);
  });

  test('says at the end of a line what it takes and releases', async () => {
    await workbench.gotoPlace(await inTree(mmu, 'read_lock(&vcpu->kvm->mmu_lock)'));
    await expect.poll(() => marks.line('read_lock(&vcpu')).toContain('mmu_lock); mmu_lock (R) taken');
    expect(await marks.line('read_unlock(&vcpu')).toContain('mmu_lock); mmu_lock (R) released');
    await workbench.screenshot('read');
  });

  test('follows the text while it is typed', async () => {
    const lock = await inTree(guestMemfd, end, 'KVM_MMU_LOCK(kvm)');
    await workbench.openFile(guestMemfd);
    await workbench.gotoPlace(lock);
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.press('Enter');
    await workbench.typeText('if (start < end)');
    await expect.poll(() => marksAround(lock.line, 0, 4)).toEqual(['', 'W', 'W on', 'W on', '']);
    await workbench.page.keyboard.press('Enter');
    await workbench.typeText('KVM_MMU_UNLOCK(kvm);');
    await expect.poll(() => marksAround(lock.line, 0, 5)).toEqual(['', 'W', 'W on', 'W?', 'W? on', '']);
    await workbench.undoAll();
    await expect.poll(() => marksAround(lock.line, 0, 4)).toEqual(['', 'W', 'W on', '', '']);
  });

  test('is switched off and on by a command', async () => {
    const { line } = await inTree(guestMemfd, end, 'KVM_MMU_LOCK(kvm)');
    await workbench.runCommand('Guest Memory Lens: Toggle Lock Marks');
    await expect.poll(() => marks.inView()).toEqual({});
    await workbench.runCommand('Guest Memory Lens: Toggle Lock Marks');
    await expect.poll(() => marksAround(line, 1, 2)).toEqual(['W', 'W on']);
  });

  test('shows other locks on request', async () => {
    const { line } = await inTree(guestMemfd, 'static long kvm_gmem_punch_hole(', 'filemap_invalidate_lock(');
    await workbench.gotoLine(line);
    await configure({ 'gmemLens.lockMarks.locks': ['mmu_lock', 'invalidate_lock'] });
    await expect.poll(() => marksAround(line, 0, 2)).toEqual(['', 'other', 'other']);
    await expect
      .poll(() => marks.line('filemap_invalidate_lock(mapping)'))
      .toContain('invalidate_lock (W) taken');
    await workbench.gotoPlace(await inTree(guestMemfd, end, 'KVM_MMU_LOCK(kvm)'));
    await expect.poll(async () => Object.values(await marks.inView())).toContain('W + other');
    await workbench.screenshot('other-locks');
    await configure({});
    await expect.poll(async () => Object.values(await marks.inView()).join()).not.toContain('other');
  });

  test.each(['Default Light Modern', 'Default High Contrast', 'Default High Contrast Light'])(
    'is there in the theme %s',
    async (theme) => {
      await configure({ 'workbench.colorTheme': theme });
      const { line } = await inTree(
        guestMemfd,
        'static void kvm_gmem_invalidate_begin(',
        'KVM_MMU_LOCK(kvm)',
      );
      await workbench.gotoLine(line);
      const isLight = theme.includes('Light');
      await expect.poll(() => marks.themes()).toEqual([isLight ? 'light' : 'dark']);
      await expect.poll(() => marksAround(line, -1, 1)).toEqual(['', '', 'W']);
      await workbench.screenshot(`theme-${theme.replaceAll(' ', '-')}`);
      await configure({});
      await expect.poll(() => marks.themes()).toEqual(['dark']);
    },
  );
});

describe('the way to a lock', () => {
  const steps = [
    /^\/\* 1\. kvm_handle_gfn_range: kvm\.mmu_lock taken for write — kvm_main\.c:\d+ \*\/$/,
    /^\/\* 2\. kvm_handle_gfn_range: calls kvm_arch_post_set_memory_attributes\(\) through \S+ — kvm_main\.c:\d+ \*\/$/,
    /^\/\* 3\. kvm_arch_post_set_memory_attributes: kvm\.mmu_lock is held \(write\) here — mmu\.c:\d+ \*\/$/,
  ].map((step) => expect.stringMatching(step));
  const function_ = 'bool kvm_arch_post_set_memory_attributes(';

  afterEach(async () => {
    if (await peek.element.isVisible()) await peek.close();
  });

  test('is shown by "why?" in the hover', async () => {
    await workbench.openFile(mmu);
    await workbench.gotoPlace(await inTree(mmu, function_, 'range->slot'));
    const text = await workbench.hover('why?');
    expect(text).toMatch(/kvm\.mmu_lock \(write\), taken in kvm_handle_gfn_range:\d+ — why\?/);
    await workbench.screenshot('hover-why');
    await workbench.clickInHover('why?');
    await expect.poll(() => peek.rows()).toEqual(steps);
    expect(await peek.title()).toContain(
      'kvm.mmu_lock is held (write) in kvm_arch_post_set_memory_attributes',
    );
    expect(await peek.preview()).toContain('kvm_slot_can_be_private(range->slot)');
    await workbench.screenshot('lock-path', true);
  });

  test('is shown by a code action on the line, and a row opens the place', async () => {
    await workbench.openFile(mmu);
    await workbench.gotoPlace(await inTree(mmu, function_, 'range->slot'));
    expect(await actions.open()).toContain('Show lock path of kvm.mmu_lock');
    await actions.choose('Show lock path of kvm.mmu_lock');
    await expect.poll(() => peek.rows()).toEqual(steps);
    const taken = await inTree('virt/kvm/kvm_main.c', 'kvm_handle_gfn_range(struct kvm', 'KVM_MMU_LOCK(kvm)');
    await peek.open('1. kvm_handle_gfn_range');
    await expect.poll(() => workbench.activeFile()).toBe('kvm_main.c');
    await expect.poll(async () => (await workbench.cursor()).line).toBe(taken.line);
    const tabs = await workbench.page.locator('.tabs-container .tab').allInnerTexts();
    expect(tabs.filter((tab) => tab.includes('mmu_lock'))).toEqual([]);
  });

  test('is shown by a command for the line at the cursor, which says when there is none', async () => {
    await workbench.openFile(guestMemfd);
    await workbench.gotoPlace(
      await inTree(guestMemfd, 'static long kvm_gmem_fallocate(', 'kvm_gmem_punch_hole('),
    );
    await workbench.runCommand('Guest Memory Lens: Show Lock Path');
    await expect.poll(() => workbench.notifications()).toEqual(['No lock is known to be held on this line.']);
    await workbench.runCommand('Notifications: Clear All Notifications');
  });
});

describe('a finding', () => {
  const rule = 'rmp-under-mmu-lock';
  const call = ['sev_gmem_set_mem_attributes(', 'rmp_make_private('];
  /** Of the finding and of the mark at the lock holder's call. The panel lists what is in view, so one at a time. */
  const severities = async () => {
    const problems = await workbench.openProblems();
    const found: string[] = [];
    for (const text of ['rmp_make_private() updates the RMP while', 'leads to rmp_make_private(), an RMP']) {
      await problems.filter(text);
      await expect
        .poll(async () => (await problems.all()).every(({ message }) => message.includes(text)))
        .toBe(true);
      const shown = (await problems.all()).filter((problem) => problem.rule === rule);
      found.push(shown.map(({ severity }) => severity).join());
    }
    return found;
  };

  test('offers its way, its explanation and to be taken back', async () => {
    await workbench.openFile(sev);
    await expect.poll(severities).toEqual(['warning', 'info']);
    await workbench.focusEditor();
    await workbench.gotoPlace(await inTree(sev, ...call));
    const offered = await actions.open();
    expect(offered).toEqual(
      expect.arrayContaining(['Show lock path', `Ignore ${rule} here, with a reason`, `Explain ${rule}`]),
    );
    await workbench.screenshot('quick-fix', true);
    await actions.choose('Show lock path');
    await expect
      .poll(async () => (await peek.rows()).at(-1))
      .toMatch(/calls rmp_make_private\(\) — sev\.c:\d+/);
    await workbench.screenshot('finding-path');
    await peek.close();
  });

  test('is taken back by a comment whose reason is asked for', async () => {
    const place = await inTree(sev, ...call);
    await workbench.focusEditor();
    await workbench.gotoPlace(place);
    await actions.open();
    await actions.choose(`Ignore ${rule} here`);
    await expect.poll(() => marks.line('gmem-lens: ignore')).toContain(`${rule}: reason */`);
    await workbench.typeText('the design that was given up');
    await expect
      .poll(() => marks.line('gmem-lens: ignore'))
      .toContain(`${rule}: the design that was given up */`);
    await expect.poll(async () => (await severities())[0]).toBe('');
    await workbench.screenshot('ignored');
    await workbench.undoAll();
    await expect.poll(severities).toEqual(['warning', 'info']);
  });

  test('is as severe as the settings say, at once', async () => {
    await configure({ 'gmemLens.rules': { [rule]: 'error' } });
    await expect.poll(severities).toEqual(['error', 'info']);
    await configure({ 'gmemLens.rules': { [rule]: 'off' } });
    await expect.poll(severities).toEqual(['', '']);
    await configure({});
    await expect.poll(severities).toEqual(['warning', 'info']);
  });

  test('leads to the page about its rule', async () => {
    const problems = await workbench.openProblems();
    await problems.filter('');
    await problems.element
      .locator('.marker-code', { hasText: rule })
      .first()
      .click({ modifiers: ['Control'] });
    const page = workbench.page.frameLocator('iframe.webview').frameLocator('iframe');
    await page
      .getByText(/mended/i)
      .first()
      .waitFor();
    await workbench.screenshot('rule');
  });
});

test('going to a call that a macro makes offers both places', async () => {
  await workbench.openFile(guestMemfd);
  await workbench.gotoPlace(
    await inTree(guestMemfd, 'static void kvm_gmem_invalidate_end(', 'KVM_MMU_LOCK(kvm)'),
  );
  await workbench.page.keyboard.press('F12');
  await expect.poll(() => peek.groups()).toEqual(expect.arrayContaining(['kvm_mm.h', 'rwlock.h']));
  await workbench.screenshot('definition');
  await peek.close();
});
