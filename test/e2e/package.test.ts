/** What users get: the extension as VS Code unpacked it. */
import { readdir, readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join, relative, sep } from 'node:path';
import { expect, inject, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Paths begin in the extension's folder. */
async function installedFiles(): Promise<{ path: string; content: Buffer }[]> {
  const { extensions } = inject('editor');
  const entries = await readdir(extensions, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.parentPath !== extensions);
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      const [, ...inside] = relative(extensions, path).split(sep);
      return { path: inside.join('/'), content: await readFile(path) };
    }),
  );
}

test('nothing in it names the machine that built it', async () => {
  // The name of a home directory alone may be a word that means something else.
  const traces = [root, `${homedir()}/`, hostname()].filter((trace) => trace.length > 5);
  const files = await installedFiles();
  expect(files.length).toBeGreaterThan(10);
  const found = files.flatMap(({ path, content }) =>
    traces.filter((trace) => content.includes(trace)).map((trace) => `${path}: ${trace}`),
  );
  expect(found).toEqual([]);
});

test('it brings its server, the grammar and the reference kernels, and no source of its own', async () => {
  const paths = (await installedFiles()).map(({ path }) => path);
  // The packer writes readme.md, changelog.md and LICENSE.txt.
  for (const wanted of ['dist/server.js', 'dist/tree-sitter-c.wasm', 'readme.md', 'icon.png', 'LICENSE.txt'])
    expect(paths).toContain(wanted);
  expect(paths.some((path) => path.startsWith('server/kernels/guest-memfd/virt/kvm/'))).toBe(true);
  expect(paths.filter((path) => /\.(ts|map)$|node_modules/.test(path))).toEqual([]);
});

test('every picture of its README is there', async () => {
  const files = await installedFiles();
  const readme = files.find(({ path }) => path === 'readme.md')?.content.toString() ?? '';
  const pictures = [...readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, path]) => path);
  expect(pictures.length).toBeGreaterThan(0);
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(pictures));
});
