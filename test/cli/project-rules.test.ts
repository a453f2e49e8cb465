/** `.gmem-lens.yaml` in a tree's root, as `check` and the other commands see it. */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allRules } from '../../server/src/rules/all-rules.ts';
import { gmemLens, root, treeOf } from '../support/cli.ts';

const SOURCE = `struct kvm { rwlock_t mmu_lock; struct mutex lock; };

static u64 ask_module(u64 leaf)
{
	return __seamcall(leaf);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	ask_module(1);
	write_unlock(&kvm->mmu_lock);
	ask_module(2);
	tdx_mmu_enter(kvm);
	rmp_make_shared(3, 4);
	wait_for_mailbox(5);
	tdx_alloc(6, GFP_KERNEL);
	tdx_alloc(7, GFP_ATOMIC);
	pamt_update(8);
	tdx_mmu_leave(kvm);
	wait_for_mailbox(9);
}
`;

interface Said {
  rule: string;
  severity: string;
  line: number;
  message: string;
}

const treeWith = (yaml: string) => treeOf({ 'virt/kvm/tdx.c': SOURCE, '.gmem-lens.yaml': yaml });

async function said(tree: string, ...args: string[]): Promise<Said[]> {
  const { stdout, stderr } = await gmemLens('check', tree, '--format', 'json', ...args);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { findings: Said[] }).findings;
}

const places = (findings: readonly Said[]) => findings.map(({ rule, line }) => `${line} ${rule}`);

const LOCKS = `locks:
  - { name: tdx_mmu_enter, op: acquire, mode: write, lock: kvm.mmu_lock }
  - { name: tdx_mmu_leave, op: release, mode: write, lock: kvm.mmu_lock }
`;

const FORBID = `forbid:
  - id: no-seamcall-under-mmu-lock
    calls: ['*seamcall*']
    under: kvm.mmu_lock
    why: The module takes its time.
`;

describe('what a project adds', () => {
  test('nothing, and the tree is read as any other', async () => {
    expect(await said(await treeWith('# nothing yet\n'))).toEqual([]);
    expect(await said(await treeOf({ 'virt/kvm/tdx.c': SOURCE }))).toEqual([]);
  });

  test('locks of its own', async () => {
    expect(places(await said(await treeWith(LOCKS)))).toEqual(['15 rmp-under-mmu-lock']);
  });

  test('sleepers, allocators and hooks of its own', async () => {
    const tree = await treeWith(`${LOCKS}
sleepers: [wait_for_mailbox]
allocators:
  - { name: tdx_alloc, flags: 1 }
hooks:
  - { name: pamt_update, kind: rmp-update, role: Changes the owner of a page. }
`);
    expect(places(await said(tree))).toEqual([
      '15 rmp-under-mmu-lock',
      '16 sleep-under-mmu-lock',
      '17 sleep-under-mmu-lock',
      '19 rmp-under-mmu-lock',
    ]);
  });

  test('calls that it forbids, found where a wrapper makes them', async () => {
    const tree = await treeWith(FORBID);
    const findings = await said(tree);
    expect(findings.map(({ line, severity }) => `${line} ${severity}`)).toEqual(['5 warning', '11 info']);
    expect(findings[0]!.message).toContain('The module takes its time');
    expect(await said(tree, '--rule', 'no-seamcall-under-mmu-lock')).toEqual(findings);
    expect(await said(tree, '--rule', 'sleep-under-mmu-lock')).toEqual([]);
  });

  test('a comment takes back what a rule of its own says', async () => {
    const tree = await treeOf({
      'virt/kvm/tdx.c': SOURCE.replace(
        '\treturn __seamcall',
        '\t/* gmem-lens: ignore no-seamcall-under-mmu-lock: only reads a cache */\n\treturn __seamcall',
      ),
      '.gmem-lens.yaml': FORBID,
    });
    expect((await said(tree)).filter(({ severity }) => severity !== 'info')).toEqual([]);
  });

  test('SARIF knows its rules', async () => {
    const { stdout } = await gmemLens('check', await treeWith(FORBID), '--format', 'sarif');
    const [run] = (
      JSON.parse(stdout) as {
        runs: {
          tool: { driver: { rules: { id: string }[] } };
          results: { ruleId: string; ruleIndex: number }[];
        }[];
      }
    ).runs;
    expect(run!.results.length).toBeGreaterThan(0);
    for (const { ruleId, ruleIndex } of run!.results)
      expect(run!.tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
  });
});

describe('severities', () => {
  test('raised, lowered, off; the exit status follows', async () => {
    const tree = await treeWith(`${LOCKS}rules:\n  rmp-under-mmu-lock: error\n`);
    expect((await said(tree)).map(({ severity }) => severity)).toEqual(['error']);
    expect((await gmemLens('check', tree, '--fail-on', 'error')).status).toBe(1);
    await writeFile(join(tree, '.gmem-lens.yaml'), `${LOCKS}rules:\n  rmp-under-mmu-lock: info\n`);
    expect((await gmemLens('check', tree)).status).toBe(0);
    await writeFile(join(tree, '.gmem-lens.yaml'), `${LOCKS}rules:\n  rmp-under-mmu-lock: off\n`);
    expect(await said(tree)).toEqual([]);
    // Asked for by name, a rule runs all the same.
    expect(places(await said(tree, '--rule', 'rmp-under-mmu-lock'))).toEqual(['15 rmp-under-mmu-lock']);
  });

  test('an unchanged tree with another file has other results', async () => {
    const tree = await treeWith(LOCKS);
    expect(places(await said(tree))).toEqual(['15 rmp-under-mmu-lock']);
    expect(places(await said(tree))).toEqual(['15 rmp-under-mmu-lock']);
    await rm(join(tree, '.gmem-lens.yaml'));
    expect(await said(tree)).toEqual([]);
  });
});

describe('what is wrong with the file is said with its place and what to do', () => {
  test.each([
    ['rules:\n  rmp-under-mmulock: error\n', '2:3', 'Is rmp-under-mmu-lock meant?'],
    ['rules:\n  rmp-under-mmu-lock: fatal\n', '2:23', 'Write one of off, info, warning, error.'],
    ['lock: []\n', '1:1', 'Is locks meant?'],
    ['sleepers: f\n', '1:11', 'Begin each entry with "- ".'],
    ['sleepers: ["f()"]\n', '1:12', 'without brackets'],
    ['locks:\n  - name: f\n    op: aquire\n    mode: read\n    argument: 0\n', '3:9', 'Is acquire meant?'],
    ['locks:\n  - { name: f, op: acquire, mode: read }\n', '2:5', 'argument: 0'],
    ['locks:\n  - { name: f, op: acquire, argument: 0 }\n', '2:5', 'Add mode: to this entry.'],
    [
      'forbid:\n  - { id: x, calls: [f], under: kvm->mmu_lock, why: y }\n',
      '2:33',
      'Write a lock as kvm.mmu_lock',
    ],
    ['forbid:\n  - { id: x, calls: [], under: kvm.mmu_lock, why: y }\n', '2:21', 'calls is empty'],
    [
      'forbid:\n  - { id: rmp-under-mmu-lock, calls: [f], under: kvm.mmu_lock, why: y }\n',
      '2:11',
      'a name of its own',
    ],
    ['sleepers: [a, b\n', '2:1', 'no YAML'],
    ['rules:\n\toff\n', '2:1', 'indentation is by spaces'],
  ])('%j', async (yaml, place, remedy) => {
    const { status, stdout, stderr } = await gmemLens('check', await treeWith(yaml));
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`.gmem-lens.yaml:${place}: `);
    expect(stderr).toContain(remedy);
  });

  test('all of it at once', async () => {
    const { stderr } = await gmemLens(
      'check',
      await treeWith('rules:\n  sleep-under-mmu-lock: bad\nsleepers: 3\nhook: []\n'),
    );
    expect(stderr.match(/\.gmem-lens\.yaml:\d+:\d+/g)).toEqual([
      '.gmem-lens.yaml:2:25',
      '.gmem-lens.yaml:3:11',
      '.gmem-lens.yaml:4:1',
    ]);
  });
});

test('a lock that the tree does not have is noted', async () => {
  const { status, stderr } = await gmemLens(
    'check',
    await treeWith(FORBID.replace('under: kvm.mmu_lock', 'under: kvm.mmu_lok')),
  );
  expect(status).toBe(0);
  expect(stderr).toContain(
    '.gmem-lens.yaml:4: no-seamcall-under-mmu-lock: nothing in the scope is called under',
  );
});

describe('what is said about the file is so', () => {
  test("the documentation's example is accepted", async () => {
    const page = readFileSync(join(root, 'docs/project-rules.md'), 'utf8');
    const example = /```yaml\n([\s\S]*?)```/.exec(page)![1]!;
    const { stderr } = await gmemLens('check', await treeWith(example));
    expect(stderr).toBe('');
  });

  test('the schema offers every rule', () => {
    const schema = JSON.parse(readFileSync(join(root, 'grammars/project-rules.schema.json'), 'utf8')) as {
      properties: { rules: { properties: object } };
    };
    expect(Object.keys(schema.properties.rules.properties)).toEqual(allRules.map(({ id }) => id));
  });
});
