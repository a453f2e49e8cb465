import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { BundleFiles } from '../../server/src/host/bundle-files.ts';
import { type LoadedProgram, type LoadOptions, loadProgram } from '../../server/src/host/load-program.ts';
import { ResultCache } from '../../server/src/host/result-cache.ts';
import { isUnchanged, resultKey, takeSnapshot } from '../../server/src/host/snapshot.ts';
import { run } from '../support/run.ts';
import { builtBundle, bundleInto, temporaryFolder, temporaryTree, writeFiles } from './temporary-tree.ts';

let folder: string;
let bundle: BundleFiles;
let sabotaged: BundleFiles;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gmem-lens-worker-'));
  bundle = await builtBundle(join(folder, 'good'));
  sabotaged = await builtBundle(join(folder, 'bad'), 'test/host/fixtures/sabotaged-worker.ts');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sources = {
  'virt/kvm/kvm_main.c': '#include "kvm_mm.h"\nint kvm_init(void)\n{\n\treturn helper(1);\n}\n',
  'virt/kvm/kvm_mm.h': 'static inline int helper(int x)\n{\n\treturn x;\n}\n',
  'virt/kvm/eventfd.c': 'void kvm_eventfd_init(void)\n{\n}\n',
};

/** Loads and waits until the cache is written: the folder goes away with the test. */
async function load(tree: string, options: Partial<LoadOptions> = {}): Promise<LoadedProgram> {
  const loaded = await loadProgram({ tree, scope: '**', cacheFolder: false, bundle, ...options });
  await loaded.saved;
  return loaded;
}

const functionsOf = ({ program }: LoadedProgram) => [...program.functions()].map((node) => node.id);
const factsOf = ({ program }: LoadedProgram) => [...program.paths].map((path) => [path, program.file(path)]);

test('a tree becomes a program, the same one with any number of threads', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [
      `virt/kvm/f${n}.c`,
      `int f${n}(void)\n{\n\treturn g(${n});\n}\n`.repeat(1),
    ]),
  );
  const tree = temporaryTree({ ...sources, ...many });
  const one = await load(tree, { workers: 1 });
  expect(functionsOf(one)).toContain('virt/kvm/kvm_main.c:kvm_init');
  expect(functionsOf(one)).toHaveLength(63);
  const [caller] = one.program.symbols.functionsByName.get('kvm_init')!;
  expect(one.program.callsFrom(caller!).map((edge) => edge.callee?.file)).toEqual(['virt/kvm/kvm_mm.h']);
  const three = await load(tree, { workers: 3 });
  expect(factsOf(three)).toEqual(factsOf(one));
  expect(three.notes).toEqual(one.notes);
});

test('progress counts every file once', async () => {
  const seen: number[] = [];
  await load(temporaryTree(sources), { onProgress: (done, total) => seen.push(done * 10 + total) });
  expect(seen).toEqual([13, 23, 33]);
});

test('what cannot be read as C is a note on its file, and the others are read', async () => {
  const random = new Uint8Array(50_000).map((_, n) => (n * 2654435761) >>> 13);
  const tree = temporaryTree({
    ...sources,
    'virt/kvm/bytes.c': random,
    'virt/kvm/line.c': `char x[] = "${'a'.repeat(3_000_000)}";`,
    'virt/kvm/big.c': 'int a;\n'.repeat(800_000),
    'virt/kvm/latin1.c': Buffer.from('/* caf\xe9 */ int latin(void)\n{\n\treturn 0;\n}\n', 'latin1'),
    'virt/kvm/empty.c': '',
  });
  const loaded = await load(tree);
  expect(functionsOf(loaded)).toEqual([
    'virt/kvm/eventfd.c:kvm_eventfd_init',
    'virt/kvm/kvm_main.c:kvm_init',
    'virt/kvm/kvm_mm.h:helper',
    'virt/kvm/latin1.c:latin',
  ]);
  expect(loaded.notes).toEqual([
    { file: 'virt/kvm/big.c', line: 1, message: 'not read: 5.3 MB is more than the limit of 4 MB a file' },
    { file: 'virt/kvm/bytes.c', line: 1, message: 'not read: binary data, not C text' },
    {
      file: 'virt/kvm/line.c',
      line: 1,
      message: expect.stringMatching(/^not read: a line of \d+ characters/),
    },
  ]);
});

test('a file that goes away after it was listed is a note', async () => {
  const tree = temporaryTree(sources);
  const snapshot = takeSnapshot({ tree, scope: '**', cacheFolder: false, bundle });
  unlinkSync(join(tree, 'virt/kvm/eventfd.c'));
  const loaded = await load(tree, { snapshot });
  expect(loaded.notes).toEqual([
    { file: 'virt/kvm/eventfd.c', line: 1, message: 'not read: it does not exist' },
  ]);
  expect(functionsOf(loaded)).toHaveLength(2);
});

test.each([
  ['sabotage_exit', 'not read: the thread that read it ended'],
  ['sabotage_slip', 'not read: slipped'],
  ['sabotage_abort', 'not read: memory access out of bounds'],
])('%s in a thread costs its file alone', async (name, message) => {
  const tree = temporaryTree({
    ...sources,
    'virt/kvm/bad.c': `void first(void)\n{\n}\nvoid bad(void)\n{\n\t${name}();\n}\n${'\n'.repeat(500)}`,
    'virt/kvm/worse.c': `void worse(void)\n{\n\t${name}();\n}\n`,
  });
  for (const workers of [1, 2]) {
    const loaded = await load(tree, { bundle: sabotaged, workers });
    expect(loaded.notes).toEqual([
      { file: 'virt/kvm/bad.c', line: 1, message },
      { file: 'virt/kvm/worse.c', line: 1, message },
    ]);
    expect(functionsOf(loaded)).toHaveLength(3);
  }
});

test('a file that takes all memory is a note', async () => {
  const tree = temporaryTree({
    ...sources,
    'virt/kvm/bad.c': 'void bad(void)\n{\n\tsabotage_memory();\n}\n',
  });
  const loaded = await load(tree, { bundle: sabotaged, workers: 1 });
  expect(loaded.notes).toEqual([
    { file: 'virt/kvm/bad.c', line: 1, message: 'not read: reading it took too much memory' },
  ]);
  expect(functionsOf(loaded)).toHaveLength(3);
});

test('a thread that never comes back is ended', async () => {
  const tree = temporaryTree({ ...sources, 'virt/kvm/bad.c': 'void bad(void)\n{\n\tsabotage_hang();\n}\n' });
  const loaded = await load(tree, { bundle: sabotaged, workers: 1, fileTimeoutMs: 3000 });
  expect(loaded.notes).toEqual([
    { file: 'virt/kvm/bad.c', line: 1, message: 'not read: it took longer than 3 s' },
  ]);
  expect(functionsOf(loaded)).toHaveLength(3);
});

test('threads that cannot start are an error, not a wait', async () => {
  const broken = { ...bundle, grammar: join(folder, 'missing.wasm') };
  await expect(load(temporaryTree(sources), { bundle: broken })).rejects.toThrow('missing.wasm');
  await expect(
    load(temporaryTree(sources), { bundle: { ...bundle, worker: join(folder, 'no.js') } }),
  ).rejects.toThrow('no.js');
});

/** A thread's port keeps the process alive as long as the thread does. */
const threadsAlive = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

test('an abort ends the threads, and the reason is what is thrown', async () => {
  const before = threadsAlive();
  const abort = new AbortController();
  const reason = new Error('the user has changed the setting');
  // One file never ends: without the abort this would not, either.
  const tree = temporaryTree({ ...sources, 'virt/kvm/bad.c': 'void bad(void)\n{\n\tsabotage_hang();\n}\n' });
  const loading = load(tree, {
    bundle: sabotaged,
    workers: 2,
    signal: abort.signal,
  });
  setTimeout(() => abort.abort(reason), 500);
  await expect(loading).rejects.toBe(reason);
  await vi.waitFor(() => expect(threadsAlive()).toBe(before), 20_000);
  await expect(load(tree, { signal: abort.signal })).rejects.toBe(reason);
});

test('threads end when the work does', async () => {
  const before = threadsAlive();
  let most = 0;
  const onProgress = () => {
    most = Math.max(most, threadsAlive());
  };
  await load(temporaryTree(sources), { workers: 2, onProgress });
  expect(most).toBeGreaterThan(before);
  await vi.waitFor(() => expect(threadsAlive()).toBe(before), 20_000);
});

test('a second load takes everything from the cache, and it is the same', async () => {
  const [tree, cache] = [temporaryTree(sources), temporaryFolder()];
  const first = await load(tree, { cacheFolder: cache });
  expect(first.statistics).toMatchObject({ cached: 0, parsed: 3 });
  const second = await load(tree, { cacheFolder: cache });
  expect(second.statistics).toMatchObject({ cached: 3, parsed: 0 });
  expect(factsOf(second)).toEqual(factsOf(first));
  expect(second.snapshot.cache.warnings).toEqual([]);
});

test('after a change only what changed is read again', async () => {
  const [tree, cache] = [temporaryTree(sources), temporaryFolder()];
  await load(tree, { cacheFolder: cache });
  writeFiles(tree, {
    'virt/kvm/kvm_main.c': 'int kvm_exit(void)\n{\n\treturn helper(2);\n}\n',
    'virt/kvm/new.c': 'int fresh(void)\n{\n\treturn 0;\n}\n',
    'virt/kvm/kvm_mm.h': sources['virt/kvm/kvm_mm.h'],
  });
  unlinkSync(join(tree, 'virt/kvm/eventfd.c'));
  const changed = await load(tree, { cacheFolder: cache });
  expect(changed.statistics).toMatchObject({ cached: 1, parsed: 2 });
  expect(functionsOf(changed)).toEqual([
    'virt/kvm/kvm_main.c:kvm_exit',
    'virt/kvm/kvm_mm.h:helper',
    'virt/kvm/new.c:fresh',
  ]);
  expect((await load(tree, { cacheFolder: cache })).statistics).toMatchObject({ cached: 3, parsed: 0 });
});

test('a change that keeps size and time is seen', async () => {
  const [tree, cache] = [temporaryTree(sources), temporaryFolder()];
  await load(tree, { cacheFolder: cache });
  const file = join(tree, 'virt/kvm/eventfd.c');
  execFileSync('cp', ['-p', file, `${file}.old`]);
  writeFileSync(file, sources['virt/kvm/eventfd.c'].replace('_init', '_exit'));
  execFileSync('touch', ['-r', `${file}.old`, file]);
  const changed = await load(tree, { cacheFolder: cache });
  expect(functionsOf(changed)).toContain('virt/kvm/eventfd.c:kvm_eventfd_exit');
});

test('size and times vouch for a file only if it had been left alone for a while', () => {
  const file = { path: 'a.c', size: 1, mtimeMs: 10_000, ctimeMs: 11_000 };
  const entry = { ...file, readAt: 20_000, hash: '', check: '', length: 0 };
  expect(isUnchanged(file, entry)).toBe(true);
  expect(isUnchanged({ ...file, size: 2 }, entry)).toBe(false);
  expect(isUnchanged({ ...file, mtimeMs: 10_001 }, entry)).toBe(false);
  expect(isUnchanged({ ...file, ctimeMs: 11_001 }, entry)).toBe(false);
  expect(isUnchanged(file, { ...entry, readAt: 12_000 })).toBe(false);
});

test('another scope, architecture or configuration has its own cache', async () => {
  const [tree, cache] = [temporaryTree(sources), temporaryFolder()];
  await load(tree, { cacheFolder: cache });
  const config = join(temporaryFolder(), '.config');
  writeFileSync(config, 'CONFIG_KVM=y\n');
  for (const other of [{ scope: 'virt/**' }, { architecture: 'arm64' }, { config }]) {
    const loaded = await load(tree, { cacheFolder: cache, ...other });
    expect(loaded.statistics).toMatchObject({ cached: 0, parsed: 3 });
  }
  expect((await load(tree, { cacheFolder: cache })).statistics).toMatchObject({ cached: 3, parsed: 0 });
});

test('a damaged cache is read over, said once and mended', async () => {
  const [tree, cache] = [temporaryTree(sources), temporaryFolder()];
  const first = await load(tree, { cacheFolder: cache });
  const [pack] = readdirSync(join(cache, 'facts'));
  writeFileSync(join(cache, 'facts', pack!), 'not a pack');
  const second = await load(tree, { cacheFolder: cache });
  expect(second.statistics).toMatchObject({ cached: 0, parsed: 3 });
  expect(second.snapshot.cache.warnings).toHaveLength(1);
  expect(factsOf(second)).toEqual(factsOf(first));
  const third = await load(tree, { cacheFolder: cache });
  expect(third.statistics).toMatchObject({ cached: 3, parsed: 0 });
  expect(third.snapshot.cache.warnings).toEqual([]);
});

test('a cache folder that is a file costs only the cache', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const loaded = await load(temporaryTree(sources), { cacheFolder: file });
  expect(functionsOf(loaded)).toHaveLength(3);
  expect(loaded.snapshot.cache.warnings.length).toBeGreaterThan(0);
  expect(new Set(loaded.snapshot.cache.warnings).size).toBe(loaded.snapshot.cache.warnings.length);
});

test('the tree is not written to', async () => {
  const tree = temporaryTree(sources);
  const before = execFileSync('find', [tree, '-printf', '%p %T@ %s\n'], { encoding: 'utf8' });
  await load(tree, { cacheFolder: join(tree, '.cache') });
  expect(execFileSync('find', [tree, '-printf', '%p %T@ %s\n'], { encoding: 'utf8' })).toBe(before);
});

test('a result is found again until a file, the command or the configuration changes', async () => {
  const [tree, cacheFolder] = [temporaryTree(sources), temporaryFolder()];
  const snapshot = (more: Partial<LoadOptions> = {}) =>
    takeSnapshot({ tree, scope: '**', cacheFolder, bundle, ...more });
  const keyOf = (command: unknown, more: Partial<LoadOptions> = {}) => resultKey(snapshot(more), command);
  expect(keyOf(['check'])).toBeUndefined();
  await load(tree, { cacheFolder });

  const key = keyOf(['check'])!;
  const results = new ResultCache(snapshot().cache);
  await results.set(key, 'three findings');
  expect(keyOf(['check'])).toBe(key);
  expect(results.get(key)).toBe('three findings');
  expect(keyOf(['check', '--rule', 'x'])).not.toBe(key);
  expect(keyOf(['check'], { scope: 'virt/**' })).toBeUndefined();

  const file = join(tree, 'virt/kvm/eventfd.c');
  writeFileSync(file, 'int other(void)\n{\n\treturn 1;\n}\n');
  expect(keyOf(['check'])).not.toBe(key);
  writeFileSync(file, sources['virt/kvm/eventfd.c']);
  expect(keyOf(['check'])).toBe(key);
  const gone = snapshot();
  unlinkSync(file);
  expect(resultKey(gone, ['check'])).toBeUndefined();
  expect(keyOf(['check'])).not.toBe(key);
});

test('processes that share a cache at once all get the same, and leave it whole', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`virt/kvm/f${n}.c`, `int f${n}(void)\n{\n\treturn ${n};\n}\n`]),
  );
  const [tree, cache] = [temporaryTree({ ...sources, ...many }), temporaryFolder()];
  await bundleInto(folder, { 'load-twice': 'test/host/fixtures/load-twice.ts' });
  writeFiles(folder, { 'package.json': '{"type":"module"}' });
  const args = [
    join(folder, 'load-twice.js'),
    tree,
    cache,
    join(folder, 'good'),
    bundle.runtime,
    bundle.grammar,
    '3',
  ];
  const outputs = await Promise.all([1, 2, 3].map(() => run(process.execPath, args)));
  const found = outputs.flatMap((output) => output.trim().split('\n'));
  expect(found).toHaveLength(9);
  expect(new Set(found).size).toBe(1);
  expect(JSON.parse(found[0]!)).toMatchObject({ notes: [], warnings: [] });
  expect(JSON.parse(found[0]!).functions).toHaveLength(23);
  expect(readdirSync(join(cache, 'facts'))).toHaveLength(1);
  expect((await load(tree, { cacheFolder: cache })).statistics).toMatchObject({ cached: 23, parsed: 0 });
});
