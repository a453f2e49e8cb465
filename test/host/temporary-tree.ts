/** Folders and small kernel trees that tests make and throw away, and a freshly built worker to read them with. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as esbuild from 'esbuild';
import { onTestFinished } from 'vitest';
import type { BundleFiles } from '../../server/src/host/bundle-files.ts';

const root = join(import.meta.dirname, '..', '..');
const require = createRequire(join(root, 'server', 'package.json'));

/** An empty folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gmem-lens-host-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files; paths are relative to the folder. */
export function writeFiles(folder: string, files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** A tree with the given files; one that looks like a kernel's. */
export function temporaryTree(files: Record<string, string | Uint8Array>): string {
  const tree = temporaryFolder();
  mkdirSync(join(tree, 'virt', 'kvm'), { recursive: true });
  writeFiles(tree, files);
  return tree;
}

/** Bundles modules of the project for Node, as scripts/build.mjs does. */
export async function bundleInto(folder: string, entries: Record<string, string>): Promise<void> {
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([out, source]) => ({ in: source, out })),
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as __gmemCreateRequire}from'node:module';const require=__gmemCreateRequire(import.meta.url);",
    },
  });
}

/** The present sources' worker, and the WASM files it needs. */
export async function builtBundle(
  folder: string,
  worker = 'server/src/host/worker.ts',
): Promise<BundleFiles> {
  writeFiles(folder, { 'package.json': '{"type":"module"}' });
  await bundleInto(folder, { worker });
  return {
    worker: join(folder, 'worker.js'),
    runtime: require.resolve('web-tree-sitter/tree-sitter.wasm'),
    grammar: require.resolve('tree-sitter-c/tree-sitter-c.wasm'),
  };
}
