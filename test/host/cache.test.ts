import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { CacheFolder, defaultCacheFolder } from '../../server/src/host/cache-folder.ts';
import { type PackRecord, readPack, readPackIndex, writePack } from '../../server/src/host/fact-pack.ts';
import { ResultCache } from '../../server/src/host/result-cache.ts';
import { hashOf } from '../../server/src/host/source-file.ts';
import { temporaryFolder } from './temporary-tree.ts';

/** A disk that takes so many bytes and no more. */
const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (...args) => {
    const file = await real.open(...args);
    const writev = file.writev.bind(file);
    file.writev = async (buffers) => {
      disk.free -= buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
      if (disk.free < 0)
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      return writev(buffers);
    };
    return file;
  };
  return { ...real, open };
});

afterEach(() => {
  disk.free = Number.POSITIVE_INFINITY;
});

function record(path: string, content: string): PackRecord {
  const facts = Buffer.from(content);
  const entry = {
    path,
    size: 1,
    mtimeMs: 2.5,
    ctimeMs: 3,
    readAt: 4,
    hash: hashOf(path),
    check: hashOf(facts),
    length: facts.length,
  };
  return { entry, facts };
}

const records = [record('a.c', 'facts of a'), record('b.c', ''), record('ü.h', 'x'.repeat(5000))];
const contentOf = (pack: Map<string, PackRecord>) =>
  [...pack].map(([path, { entry, facts }]) => [path, entry.hash, Buffer.from(facts).toString()]);
const written = contentOf(new Map(records.map((one) => [one.entry.path, one])));

test('a pack comes back as it was written, its index alone, too', async () => {
  const folder = CacheFolder.open(temporaryFolder(), '/tree');
  expect(readPack(folder, 'p').size).toBe(0);
  expect(await writePack(folder, 'p', records)).toBe(true);
  expect(contentOf(readPack(folder, 'p'))).toEqual(written);
  expect([...readPackIndex(folder, 'p').values()]).toEqual(records.map((one) => one.entry));
  expect(folder.warnings).toEqual([]);
});

test('an index larger than what is read of a pack at first is found', async () => {
  const folder = CacheFolder.open(temporaryFolder(), '/tree');
  const many = Array.from({ length: 3000 }, (_, n) => record(`drivers/some/where/file-${n}.c`, String(n)));
  await writePack(folder, 'p', many);
  expect(readPackIndex(folder, 'p').size).toBe(3000);
  expect(readPack(folder, 'p').size).toBe(3000);
  expect(folder.warnings).toEqual([]);
});

test('of a damaged pack only what is whole is used, and the damage is said once', async () => {
  const path = temporaryFolder();
  await writePack(CacheFolder.open(path, '/tree'), 'p', records);
  const file = join(path, 'facts', 'p');
  const good = readFileSync(file);
  fc.assert(
    fc.property(
      fc.nat(good.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      (at, change, cut) => {
        const bad = Buffer.from(cut ? good.subarray(0, at) : good);
        if (!cut) bad[at]! ^= change;
        writeFileSync(file, bad);
        const folder = CacheFolder.open(path, '/tree');
        for (const row of contentOf(readPack(folder, 'p'))) expect(written).toContainEqual(row);
        readPackIndex(folder, 'p');
        expect(folder.warnings).toHaveLength(1);
        expect(folder.warnings[0]).toContain(file);
      },
    ),
    { numRuns: 300 },
  );
  expect(await writePack(CacheFolder.open(path, '/tree'), 'p', records)).toBe(true);
  expect(contentOf(readPack(CacheFolder.open(path, '/tree'), 'p'))).toEqual(written);
});

test('a pack of other bytes altogether is not used', () => {
  const path = temporaryFolder();
  mkdirSync(join(path, 'facts'));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      writeFileSync(join(path, 'facts', 'p'), bytes);
      expect(readPack(CacheFolder.open(path, '/tree'), 'p').size).toBe(0);
    }),
  );
});

test('results come back, damaged ones do not', async () => {
  const path = temporaryFolder();
  const results = new ResultCache(CacheFolder.open(path, '/tree'));
  expect(results.get('key')).toBeUndefined();
  await results.set('key', 'findings: ∅\n');
  expect(results.get('key')).toBe('findings: ∅\n');
  const file = join(path, 'results', 'key');
  for (const bad of ['', 'x', readFileSync(file, 'utf8').replace('∅', '1')]) {
    writeFileSync(file, bad);
    const folder = CacheFolder.open(path, '/tree');
    expect(new ResultCache(folder).get('key')).toBeUndefined();
    expect(folder.warnings).toHaveLength(1);
  }
});

test('a folder that cannot be written is said once, and nothing is left in it', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, 'mine');
  const folder = CacheFolder.open(file, '/tree');
  expect(await writePack(folder, 'p', records)).toBe(false);
  expect(await new ResultCache(folder).set('key', 'text')).toBe(false);
  expect(folder.warnings.filter((warning) => warning.includes("can't be written"))).toHaveLength(1);
  expect(readFileSync(file, 'utf8')).toBe('mine');
});

test('a full disk costs the cache and leaves nothing half written', async () => {
  const path = temporaryFolder();
  const before = CacheFolder.open(path, '/tree');
  await writePack(before, 'p', records.slice(0, 1));
  disk.free = 1000;
  const folder = CacheFolder.open(path, '/tree');
  expect(await writePack(folder, 'p', records)).toBe(false);
  expect(folder.warnings).toEqual([
    `The cache in ${path} can't be written: the disk is full. Work goes on without it.`,
  ]);
  expect(readdirSync(join(path, 'facts'))).toEqual(['p']);
  expect(contentOf(readPack(folder, 'p'))).toEqual(written.slice(0, 1));
});

test('a cache inside of the tree is no cache, by whatever path', async () => {
  const tree = temporaryFolder();
  const link = join(temporaryFolder(), 'link');
  symlinkSync(tree, link);
  for (const path of [tree, join(tree, 'deep', 'cache'), join(link, 'cache')]) {
    const folder = CacheFolder.open(path, tree);
    expect(await writePack(folder, 'p', records)).toBe(false);
    expect(folder.warnings).toEqual([
      `The cache folder ${path} lies inside of the kernel tree; nothing is cached.`,
    ]);
  }
  expect(readdirSync(tree)).toEqual([]);
  const beside = CacheFolder.open(`${tree}-cache`, tree);
  expect(beside.warnings).toEqual([]);
});

test('no folder, no cache, and no word about it', async () => {
  const folder = CacheFolder.open(undefined, '/tree');
  expect(await writePack(folder, 'p', records)).toBe(false);
  expect(readPack(folder, 'p').size).toBe(0);
  expect(folder.warnings).toEqual([]);
});

test('what is old, too much or abandoned goes; the rest and what is not ours stays', async () => {
  const path = temporaryFolder();
  const at = (kind: string, name: string, daysAgo: number, bytes: number) => {
    mkdirSync(join(path, kind), { recursive: true });
    const file = join(path, kind, name);
    writeFileSync(file, Buffer.alloc(bytes));
    const time = Date.now() / 1000 - daysAgo * 86_400;
    utimesSync(file, time, time);
    return file;
  };
  const gone = [
    at('facts', 'ancient', 100, 10),
    at('results', 'second-oldest', 10, 400),
    at('facts', 'killed.123.tmp', 1, 10),
  ];
  const kept = [
    at('facts', 'recent', 1, 500),
    at('results', 'older', 2, 300),
    at('facts', 'being-written.9.tmp', 0, 10),
    at('other', 'ancient', 100, 10_000),
  ];
  await new ResultCache(CacheFolder.open(path, '/tree', 1000)).set('new', 'x'.repeat(35));
  expect(gone.filter(existsSync)).toEqual([]);
  expect(kept.filter((file) => !existsSync(file))).toEqual([]);
  expect(existsSync(join(path, 'results', 'new'))).toBe(true);
});

test('a file that is of use again counts as new', async () => {
  const path = temporaryFolder();
  await new ResultCache(CacheFolder.open(path, '/tree')).set('key', 'text');
  const file = join(path, 'results', 'key');
  utimesSync(file, 0, 0);
  const folder = CacheFolder.open(path, '/tree');
  await folder.used('results', 'key');
  await new ResultCache(folder).set('other', 'text');
  expect(existsSync(file)).toBe(true);
});

test('the environment decides where the cache is', () => {
  const home = defaultCacheFolder({});
  expect(home).toMatch(/guest-memory-lens$/);
  expect(defaultCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/guest-memory-lens');
  expect(defaultCacheFolder({ XDG_CACHE_HOME: 'relative' })).toBe(home);
  expect(defaultCacheFolder({ XDG_CACHE_HOME: '/x', GMEM_LENS_CACHE: '/own' })).toBe('/own');
  expect(defaultCacheFolder({ GMEM_LENS_CACHE: 'off' })).toBeUndefined();
});
