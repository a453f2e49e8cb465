/** What the commands print, for people and for programs. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  cli,
  type Ended,
  faulty,
  gmemLens,
  jsonLines,
  program,
  referenceKernel,
  treeOf,
} from '../support/cli.ts';

interface Step {
  function: string;
  file: string;
  line: number;
  via: string;
  text: string;
}

interface Finding {
  rule: string;
  severity: string;
  certainty: string;
  message: string;
  file: string;
  line: number;
  column: number;
  function: string;
  lock?: { name: string; mode: string; acquiredAt: { file: string; line: number; function: string } };
  path: Step[];
}

const vias = ['call', 'macro', 'ops', 'static-call', 'pointer', 'cleanup', 'assembly'];

/** It ran, and said nothing but results. */
function expectOnlyResults(ended: Ended, status = 0): string {
  expect(ended).toMatchObject({ status, stderr: '' });
  return ended.stdout;
}

describe('check --format json', () => {
  let report: Record<string, unknown> & { findings: Finding[] };
  beforeAll(async () => {
    const ended = await gmemLens('check', referenceKernel, ...faulty, '--format', 'json');
    report = JSON.parse(expectOnlyResults(ended, 1));
  });

  test('says what it looked at', () => {
    expect(report).toMatchObject({
      tree: referenceKernel,
      files: expect.any(Number),
      functions: expect.any(Number),
      ms: expect.any(Number),
      notes: [],
    });
    expect(report.files).toBeGreaterThan(10);
  });

  test('each finding has its place, its lock and the path between', () => {
    const warnings = report.findings.filter(
      ({ rule, severity }) => rule === 'rmp-under-mmu-lock' && severity === 'warning',
    );
    expect(warnings.length).toBeGreaterThan(0);
    for (const finding of warnings) {
      expect(finding).toMatchObject({
        certainty: expect.stringMatching(/^(always|sometimes)$/),
        message: expect.stringContaining('mmu_lock'),
        column: expect.any(Number),
        lock: { name: 'kvm.mmu_lock', mode: expect.stringMatching(/^(read|write|spin)$/) },
      });
      const [first] = finding.path;
      const last = finding.path[finding.path.length - 1]!;
      expect(first).toMatchObject({ via: 'lock', ...finding.lock!.acquiredAt });
      expect([last.file, last.line, last.function]).toEqual([finding.file, finding.line, finding.function]);
      for (const step of finding.path.slice(1)) expect(vias).toContain(step.via);
    }
  });

  test('paths are relative to the tree, with slashes', () => {
    for (const { file, path } of report.findings)
      for (const name of [file, ...path.map((step) => step.file)])
        expect(name).toMatch(/^(arch|virt|mm|include|fs)\/[\w./-]+$/);
  });

  test('a second time, from the cache, it is the same', async () => {
    const again = JSON.parse(
      (await gmemLens('check', referenceKernel, ...faulty, '--format', 'json')).stdout,
    );
    expect({ ...again, ms: 0 }).toEqual({ ...report, ms: 0 });
  });
});

test('check as text: place, message, and a line for each step of the path', async () => {
  const { stdout } = await gmemLens('check', referenceKernel, ...faulty, '--rule', 'rmp-under-mmu-lock');
  const blocks = stdout.split(/\n(?=\S)/);
  const warning = blocks.find((block) => block.includes(': warning: '))!;
  const [head, ...steps] = warning.split('\n');
  expect(head).toMatch(
    /^[\w./-]+:\d+:\d+: warning: rmp_make_\w+\(\) updates the RMP .* \[rmp-under-mmu-lock\]$/,
  );
  expect(steps.length).toBeGreaterThan(1);
  expect(steps[0]).toMatch(/^ {4}\S+:\d+ +\w+ {2}kvm\.mmu_lock taken for write/);
  for (const step of steps.slice(1)) expect(step).toMatch(/^ {4}\S+:\d+ +\S+ {2}calls \S+/);
  expect(blocks[blocks.length - 1]).toMatch(/^\d+ findings? in \d+ files, \d+ functions\n$/);
});

describe('calls --format jsonl', () => {
  let edges: Record<string, unknown>[];
  beforeAll(async () => {
    edges = jsonLines(expectOnlyResults(await gmemLens('calls', referenceKernel, '--format', 'jsonl')));
  });

  test('every edge has the fields that others rely on', () => {
    expect(edges.length).toBeGreaterThan(100);
    for (const edge of edges) {
      expect(edge).toMatchObject({
        caller: expect.any(String),
        callerFile: expect.any(String),
        callerLine: expect.any(Number),
        callee: expect.any(String),
        file: expect.any(String),
        line: expect.any(Number),
        certainty: expect.any(String),
      });
      expect(vias).toContain(edge.via);
      if (edge.calleeFile === null) expect(edge.calleeLine).toBeNull();
      else expect(edge).toMatchObject({ calleeFile: expect.any(String), calleeLine: expect.any(Number) });
    }
  });

  test('a call through a member names it', () => {
    const through = edges.filter(({ slot }) => slot === 'address_space_operations.free_folio');
    expect(through.map(({ callee, via }) => [callee, via])).toContainEqual(['kvm_gmem_free_folio', 'ops']);
  });

  test('a function-like macro is no callee: the calls of its body are', async () => {
    const tree = await treeOf({
      'virt/kvm/a.c':
        '#define BOTH(x) do { one(x); two(x); } while (0)\nvoid one(int x)\n{\n}\nvoid f(int x)\n{\n\tBOTH(x);\n}\n',
    });
    const found = jsonLines((await gmemLens('calls', tree, '--format', 'jsonl')).stdout);
    expect(
      found.map(({ caller, callee, calleeLine, line, via }) => [caller, callee, calleeLine, line, via]),
    ).toEqual([
      ['f', 'one', 2, 7, 'macro'],
      ['f', 'two', null, 7, 'macro'],
    ]);
  });
});

test('functions --format jsonl', async () => {
  const functions = jsonLines(
    expectOnlyResults(await gmemLens('functions', referenceKernel, '--format', 'jsonl')),
  );
  const fallocate = functions.find(({ name }) => name === 'kvm_gmem_fallocate');
  expect(fallocate).toMatchObject({ file: 'virt/kvm/guest_memfd.c', line: expect.any(Number), static: true });
  expect(fallocate!.endLine).toBeGreaterThan(fallocate!.line as number);
  expect(functions.filter(({ name }) => name === undefined)).toEqual([]);
});

describe('callers', () => {
  interface Tree {
    function: string;
    file: string | null;
    entry?: string;
    callers: (Tree & { call: { file: string; line: number; via: string; certainty: string } })[];
  }
  const all = (tree: Tree): Tree[] => [tree, ...tree.callers.flatMap(all)];

  test('json: a tree up to where paths begin', async () => {
    const ended = await gmemLens('callers', 'rmp_make_shared', referenceKernel, '--format', 'json');
    const tree = JSON.parse(expectOnlyResults(ended)) as Tree;
    expect(tree).toMatchObject({ function: 'rmp_make_shared', file: expect.stringContaining('sev.c') });
    expect(all(tree).map((node) => node.function)).toContain('kvm_gmem_fallocate');
    expect(all(tree).flatMap((node) => node.entry ?? [])).not.toEqual([]);
    for (const { call } of all(tree).flatMap((node) => node.callers))
      expect(call).toMatchObject({
        file: expect.any(String),
        line: expect.any(Number),
        via: expect.any(String),
      });
  });

  test('--depth cuts it', async () => {
    const ended = await gmemLens(
      'callers',
      'rmp_make_shared',
      referenceKernel,
      '--format',
      'json',
      '--depth',
      '1',
    );
    const tree = JSON.parse(ended.stdout) as Tree;
    expect(tree.callers.length).toBeGreaterThan(0);
    expect(tree.callers.flatMap((caller) => caller.callers)).toEqual([]);
  });

  test('dot: a graph of quoted names', async () => {
    const text = expectOnlyResults(
      await gmemLens('callers', 'rmp_make_shared', referenceKernel, '--format', 'dot'),
    );
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe('digraph callers {');
    expect(lines[lines.length - 1]).toBe('}');
    const edges = lines.filter((line) => line.includes('->'));
    expect(edges.length).toBeGreaterThan(3);
    for (const edge of edges)
      expect(edge).toMatch(/^ {2}"(?:[^"\\]|\\.)+" -> "(?:[^"\\]|\\.)+" \[label="[^"]*"\];$/);
  });

  test('text: one line for each call', async () => {
    const text = expectOnlyResults(await gmemLens('callers', 'rmp_make_shared', referenceKernel));
    expect(text).toMatch(/^rmp_make_shared {2}\S+sev\.c:\d+\n/);
    expect(text).toMatch(/^[│ ]*[├└]─ \w+ {2}\S+:\d+/m);
  });

  test('a name that two files have may be given with its file', async () => {
    const tree = await treeOf({
      'virt/kvm/a.c': 'static void same(void)\n{\n}\nvoid a(void)\n{\n\tsame();\n}\n',
      'virt/kvm/b.c': 'static void same(void)\n{\n}\nvoid b(void)\n{\n\tsame();\n}\n',
    });
    const found = JSON.parse(
      (await gmemLens('callers', 'b.c:same', tree, '--format', 'json')).stdout,
    ) as Tree;
    expect(found.callers.map((caller) => caller.function)).toEqual(['b']);
  });

  test('a caller through a pointer is one that can be given the function; who fills the table is no caller', async () => {
    const walk = (name: string, visitor: string) =>
      `static int ${name}(struct visitor *v)\n{\n\treturn v->visit(1);\n}\n` +
      `long ${name}_${visitor}(void)\n{\n\tstruct visitor v = { .visit = ${visitor} };\n\treturn ${name}(&v);\n}\n`;
    const tree = await treeOf({
      'virt/kvm/a.c':
        'struct visitor { int (*visit)(int); };\nstruct file_operations { long (*unlocked_ioctl)(void); };\n' +
        'static int share(int gfn)\n{\n\treturn gfn;\n}\nstatic int zap(int gfn)\n{\n\treturn -gfn;\n}\n' +
        `${walk('walk', 'share')}${walk('other_walk', 'zap')}` +
        'static struct file_operations fops = { .unlocked_ioctl = walk_share };\n' +
        'int create(void)\n{\n\treturn getfd(&fops);\n}\n',
    });
    const text = expectOnlyResults(await gmemLens('callers', 'share', tree));
    expect(text).toMatch(/─ walk .*ops visitor\.visit/);
    expect(text).toMatch(/─ walk_share .*<- ioctl\(\)$/m);
    expect(text).not.toContain('other_walk');
    expect(text).not.toContain('create');
  });
});

describe('locks', () => {
  test('of all functions: one object a line', async () => {
    const records = jsonLines(
      expectOnlyResults(await gmemLens('locks', referenceKernel, '--format', 'jsonl')),
    );
    const unmap = records.find((record) => record.function === 'kvm_unmap_gfn_range');
    expect(unmap).toEqual({
      function: 'kvm_unmap_gfn_range',
      file: expect.stringContaining('mmu.c'),
      line: expect.any(Number),
      entry: expect.arrayContaining([
        { lock: 'kvm.mmu_lock', mode: 'write', when: 'always', paths: expect.any(Number) },
      ]),
    });
    for (const { entry } of records)
      for (const context of entry as Record<string, unknown>[]) {
        expect(context.mode).toMatch(/^(read|write|spin|mutex|srcu|rcu)$/);
        expect(context.when).toMatch(/^(always|sometimes)$/);
      }
  });

  test('of one function', async () => {
    const text = expectOnlyResults(await gmemLens('locks', 'kvm_unmap_gfn_range', referenceKernel));
    expect(text).toMatch(/^\S+mmu\.c:\d+: kvm_unmap_gfn_range: kvm\.mmu_lock \(write, always\)/);
  });

  test('before a line', async () => {
    const tree = await treeOf({
      'virt/kvm/a.c':
        'struct kvm { rwlock_t mmu_lock; };\nvoid f(struct kvm *kvm)\n{\n\twrite_lock(&kvm->mmu_lock);\n\tg(kvm);\n\twrite_unlock(&kvm->mmu_lock);\n}\n',
    });
    expect((await gmemLens('locks', 'virt/kvm/a.c:5', tree)).stdout).toBe(
      'virt/kvm/a.c:5 in f: kvm.mmu_lock (write, always)\n',
    );
    expect((await gmemLens('locks', './virt/kvm/a.c:4', tree)).stdout).toBe('virt/kvm/a.c:4 in f: no lock\n');
    const [record] = jsonLines(
      JSON.stringify(
        JSON.parse((await gmemLens('locks', `${tree}/virt/kvm/a.c:5`, tree, '--format', 'jsonl')).stdout),
      ),
    );
    expect(record).toMatchObject({
      function: 'f',
      file: 'virt/kvm/a.c',
      line: 5,
      locks: [{ lock: 'kvm.mmu_lock', mode: 'write', when: 'always' }],
    });
  });
});

test('hooks: definitions, callers, lock context', async () => {
  const hooks = JSON.parse(expectOnlyResults(await gmemLens('hooks', referenceKernel, '--format', 'json')));
  const begin = (hooks as Record<string, unknown>[]).find(({ name }) => name === 'kvm_mmu_invalidate_begin');
  expect(begin).toMatchObject({
    kind: 'invalidation',
    mmuLock: 'always',
    definitions: [{ file: expect.any(String) }],
  });
  expect((begin!.callers as unknown[]).length).toBeGreaterThan(0);
});

test('doctor: well on a tree, not on a folder that is none', async () => {
  const well = await gmemLens('doctor', referenceKernel);
  expect(well.status).toBe(0);
  expect(well.stdout).not.toMatch(/^BAD/m);
  const ill = await gmemLens('doctor', await treeOf({ 'a.c': '' }));
  expect(ill.status).toBe(2);
  expect(ill.stdout).toMatch(/^BAD .*no Linux kernel tree/m);
});

test('a reader that has seen enough is no error', async () => {
  // Far more than a pipe holds.
  const functions = Array.from(
    { length: 4000 },
    (_, i) => `void function_number_${i}(void)\n{\n\tfunction_number_${i + 1}();\n}\n`,
  );
  const tree = await treeOf({ 'virt/kvm/many.c': functions.join('') });
  const command = `"$1" "$2" calls "$3" --format jsonl | head -n 2; exit "\${PIPESTATUS[0]}"`;
  const ended = await program('bash', ['-c', command, 'bash', process.execPath, cli, tree], {
    ...process.env,
    GMEM_LENS_CACHE: 'off',
  });
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(jsonLines(ended.stdout)).toHaveLength(2);
});
