/** What users get: the extension as VS Code unpacked it. */
import { readdir, readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, inject, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

async function installedFiles(): Promise<{ path: string; content: Buffer }[]> {
  const { extensions } = inject('editor');
  const entries = await readdir(extensions, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.parentPath !== extensions);
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { path: relative(extensions, path), content: await readFile(path) };
    }),
  );
}

test('nothing in it names the machine that built it', async () => {
  // Of a home directory as short as /root, a path below it is looked for: the word alone may stand for anything.
  const home = homedir();
  const traces = [root, dirname(process.execPath), `${home}/`, hostname()].filter(
    (trace) => trace.length > 5,
  );
  const files = await installedFiles();
  expect(files.length).toBeGreaterThan(10);
  const found = files.flatMap(({ path, content }) =>
    traces.filter((trace) => content.includes(trace)).map((trace) => `${path}: ${trace}`),
  );
  expect(found).toEqual([]);
});

test('it brings its server, the grammar and the reference kernels, and no source of its own', async () => {
  const paths = (await installedFiles()).map(({ path }) => path.split('/').slice(1).join('/'));
  for (const wanted of ['dist/server.js', 'dist/tree-sitter-c.wasm', 'README.md', 'icon.png', 'LICENSE.txt'])
    expect(paths).toContain(wanted);
  expect(paths.some((path) => path.startsWith('server/kernels/guest-memfd/virt/kvm/'))).toBe(true);
  expect(paths.filter((path) => /\.(ts|map)$|node_modules/.test(path))).toEqual([]);
});

test('every picture of its README is there', async () => {
  const files = await installedFiles();
  const readme = files.find(({ path }) => path.endsWith('README.md'));
  const pictures = [...(readme?.content.toString() ?? '').matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(
    ([, path]) => path,
  );
  expect(pictures.length).toBeGreaterThan(0);
  for (const picture of pictures) expect(files.some(({ path }) => path.endsWith(`/${picture}`))).toBe(true);
});
