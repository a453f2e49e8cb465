/** A conversion stepped through in its own C: from the lens, forward and back, the machine beside it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyTree, type TreeCopy } from '../support/kernel-copy.ts';
import { Debugger } from './harness/debugger.ts';
import { MemoryMapView } from './harness/memory-map.ts';
import { placeOf } from './harness/source-place.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
const guestMemfd = 'virt/kvm/guest_memfd.c';
const punchHole = 'static long kvm_gmem_punch_hole(';

let tree: TreeCopy;
let workbench: Workbench;
let debug: Debugger;
let map: MemoryMapView;

beforeAll(async () => {
  tree = await copyTree(kernel);
  workbench = await Workbench.open({
    folder: tree.path,
    settings: { 'debug.inlineValues': 'on', 'debug.internalConsoleOptions': 'neverOpen' },
  });
  debug = new Debugger(workbench.page);
  map = new MemoryMapView(workbench.page);
  await workbench.status.waitFor(/functions/);
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

/** From the lens above the function that punches holes. */
async function step(scenario: string): Promise<void> {
  await workbench.openFile(guestMemfd);
  await workbench.gotoText(punchHole);
  await workbench.lenses.click(punchHole, /^Step$/);
  await workbench.pick(scenario);
  await debug.waitForStop();
}

/** Presses a button and waits until the run, and the map with it, is somewhere else. */
async function move(action: 'Step Over' | 'Step Back'): Promise<number> {
  const before = await map.position();
  await debug.press(action);
  await expect.poll(() => map.position()).not.toBe(before);
  return map.position();
}

describe('a hazard', () => {
  test('stops the run where it happens', async () => {
    await step('punch-hole-private-page@free-without-rmp-reset');
    await debug.press('Continue');
    expect(await debug.exception()).toContain('page-freed-while-assigned');
    await workbench.screenshot('hazard', true);
  });

  test('Restart begins anew, Stop ends', async () => {
    const before = await map.position();
    await debug.press('Restart');
    await expect.poll(() => map.position()).toBeLessThan(before);
    await debug.waitForStop();
    await debug.press('Stop');
    await debug.bar.waitFor({ state: 'hidden' });
    await expect.poll(() => map.heading()).toContain('over');
  });
});

describe('punching a hole over a private page', () => {
  test('Step above a function offers the scenarios that pass through it, and stops in it', async () => {
    await step('punch-hole-private-page');
    await expect.poll(async () => (await debug.frames())[0]).toContain('kvm_gmem_punch_hole');
    const { line } = await placeOf(join(tree.path, guestMemfd), punchHole, 'inode->i_mapping');
    await expect.poll(async () => (await workbench.cursor()).line).toBe(line);
  });

  test('each actor is a thread, with the calls from its action down', async () => {
    expect(await debug.threads()).toEqual(
      expect.arrayContaining([expect.stringContaining('vmm'), expect.stringContaining('vcpu0')]),
    );
    await expect
      .poll(async () => (await debug.frames()).join('\n'))
      .toMatch(/kvm_gmem_punch_hole[\s\S]*kvm_gmem_fallocate[\s\S]*vfs_fallocate/);
  });

  test('the memory map is there, and tells of the private page', async () => {
    await map.waitForPosition(/step \d+/);
    expect(await map.facts()).toMatchObject({
      gfn: '0x203',
      attribute: 'private',
      RMP: expect.stringContaining('validated'),
    });
    expect(await map.colours()).toBeGreaterThan(5);
    await workbench.screenshot('stepping', true);
  });

  test('twenty steps change the RMP entry, in the map and in Variables; back they change it back', async () => {
    await debug.fold('Watch', 'Call Stack', 'Loaded Scripts', 'Breakpoints');
    const rmp = async (): Promise<string> => {
      await debug.expand('Machine');
      await debug.expand('RMP');
      return (await debug.rows()).filter((row) => /^pfn .*private: ASID/.test(row)).join('\n');
    };
    await expect.poll(rmp).not.toBe('');
    const before = await rmp();
    let changedAt: number | undefined;
    let last = await map.position();
    const positions = [last];
    for (let i = 0; i < 20; i++) {
      last = await move('Step Over');
      positions.push(last);
      const { RMP } = await map.facts();
      if (changedAt === undefined && RMP === 'none') {
        changedAt = positions.at(-2);
        await expect.poll(rmp).not.toBe(before);
        await workbench.screenshot('rmp-changed', true);
      }
    }
    expect(changedAt).toBeDefined();
    for (let i = 0; i < 5; i++) {
      const back = await move('Step Back');
      expect(back).toBeLessThan(last);
      last = back;
    }
    await map.scrub(changedAt ?? 0);
    await expect.poll(async () => (await map.facts()).RMP).toContain('validated');
    await expect.poll(rmp).toBe(before);
    await debug.unfold('Call Stack');
  });

  test('arrow keys go over the map, and each page is described', async () => {
    const first = await map.cell();
    await map.press('ArrowRight');
    await expect.poll(() => map.cell()).not.toBe(first);
    expect(await map.cell()).toContain('gfn 0x204');
    await map.press('-');
    expect(await map.root.locator('#zoom').innerText()).toBe('32 KiB');
    await map.press('+');
    await map.press('ArrowLeft');
    expect(await map.root.locator('#zoom').innerText()).toBe('4 KiB');
    await map.filter('private');
    await workbench.screenshot('map-filter');
    await map.filter('');
  });

  test('a page that is watched stops the run when it changes', async () => {
    await map.click('Watch this page');
    await map.root.getByRole('button', { name: 'Stop watching' }).waitFor();
    await debug.press('Continue');
    await workbench.page.locator('.debug-call-stack', { hasText: /changed: /i }).waitFor();
    await map.click('Stop watching');
  });

  test('the last change leads to its line', async () => {
    await map.click('Go to last change');
    await expect.poll(() => workbench.activeFile()).toMatch(/\.c$/);
    await debug.press('Stop');
    await debug.bar.waitFor({ state: 'hidden' });
  });
});

describe('a run from the lens', () => {
  test('its result stays there until the text is another one', async () => {
    await workbench.runCommand('View: Close Other Editors in Group');
    await workbench.openFile(guestMemfd);
    await workbench.gotoText(punchHole);
    await workbench.lenses.click(punchHole, /^▶ Run/);
    await workbench.pick('punch-hole-private-page');
    await expect
      .poll(() => workbench.lenses.above(punchHole))
      .toContainEqual(expect.stringMatching(/^✓ ok · \d+ ms · punch-hole-private-page/));
    await workbench.screenshot('lens-result', true);
    const { line } = await placeOf(join(tree.path, guestMemfd), punchHole, 'filemap_invalidate_lock(');
    await workbench.gotoLine(line);
    await workbench.page.keyboard.press('Home');
    await workbench.typeText(' ');
    await expect
      .poll(() => workbench.lenses.above(punchHole))
      .toContainEqual(expect.stringMatching(/^stale: ✓ ok/));
    await workbench.undoAll();
  });
});
