/** Scenarios in the Test Explorer, and their files in the editor. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyTree, type TreeCopy } from '../support/kernel-copy.ts';
import { placeOf } from './harness/source-place.ts';
import { TestExplorer } from './harness/test-explorer.ts';
import { keepPicturesOfFailures, Workbench } from './harness/workbench.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
const file = 'gmem-scenarios/hole.gmem.yaml';

/** One page is punched out of a file: three RMP updates are one too many. */
const scenario = `scenario: A hole in a private page
rows: [A2]
platform: snp
memory: 64M
design: guest-memfd
files:
  - {name: gmem, size: 2M}
slots:
  - {id: 0, gpa: 0x200000, size: 2M, file: gmem}
initial:
  - {gpa: 0x200000, size: 64K, attribute: private}
actors:
  vcpu0:
    - write: {gpa: 0x203000, size: 4K, pattern: secret}
      label: filled
  vmm:
    - punch-hole: {file: gmem, offset: 0x3000, size: 4K}
      after: vcpu0.filled
expect:
  outcome: ok
  counters:
    rmpUpdates: 3
variants:
  free-without-rmp-reset:
    config: {CONFIG_GMEM_BUG_FREE_WITHOUT_RMP_RESET: y}
    expect:
      outcome: violation
`;

let tree: TreeCopy;
let workbench: Workbench;
let tests: TestExplorer;

beforeAll(async () => {
  tree = await copyTree(kernel);
  await mkdir(join(tree.path, 'gmem-scenarios'));
  await writeFile(join(tree.path, file), scenario);
  workbench = await Workbench.open({
    folder: tree.path,
    settings: {
      'testing.automaticallyOpenPeekView': 'never',
      'testing.automaticallyOpenTestResults': 'neverOpen',
    },
  });
  tests = new TestExplorer(workbench.page);
  await workbench.status.waitFor(/functions/);
});

afterAll(async () => {
  await workbench?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

keepPicturesOfFailures(() => workbench);

test('scenarios are listed: those of the workspace and of the library, by row', async () => {
  await workbench.runCommand('Testing: Focus on Test Explorer View');
  await tests.expand('Workspace');
  await tests.expand('A2');
  await tests.expand('A hole in a private page');
  expect(await tests.rows()).toEqual(
    expect.arrayContaining([
      'Workspace',
      'A2',
      expect.stringContaining('A hole in a private page'),
      'as it stands',
      'Library',
    ]),
  );
});

test('an expectation that isn’t met is told at its line, and a variant that comes out is passed', async () => {
  await workbench.openFile(file);
  await tests.run('A hole in a private page');
  await expect.poll(() => tests.state('as it stands')).toBe('failed');
  await expect.poll(() => tests.state('free-without-rmp-reset')).toBe('passed');
  const { line } = await placeOf(join(tree.path, file), 'rmpUpdates');
  await workbench.gotoLine(line);
  await expect
    .poll(() => tests.inlineMessages())
    .toContainEqual({ line: 'rmpUpdates: 3', message: expect.stringContaining('2 != 3') });
  await workbench.screenshot('test-failed', true);
});

test('its file has lenses that tell the same, and a mistake in it is reported', async () => {
  await workbench.gotoText('scenario: A hole');
  await expect
    .poll(() => workbench.lenses.above('scenario: A hole'))
    .toContainEqual(expect.stringMatching(/^✗ ok, not as expected/));
  await workbench.gotoText('platform: snp');
  await workbench.typeText('x');
  await expect
    .poll(() => workbench.problems())
    .toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('did you mean `platform`?') }),
    );
  await workbench.undoAll();
});

test('coverage of the kernel’s lines', async () => {
  await tests.run('as it stands', 'Run Test with Coverage');
  await workbench.page.locator('.test-coverage-list-item', { hasText: 'mmu.c' }).first().waitFor();
  await workbench.openFile('virt/kvm/guest_memfd.c');
  await workbench.gotoText('static long kvm_gmem_punch_hole(');
  await workbench.page.locator('.coverage-deco-gutter.coverage-deco-hit').first().waitFor();
  await workbench.page.locator('.coverage-deco-gutter.coverage-deco-miss').first().waitFor();
  await workbench.screenshot('coverage', true);
});
