// Writes the documents that are made from the scenario library: docs/scenarios.md, and the README's table of rows between its
// markers.
//
// usage: npm run docs
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const folder = await mkdtemp(join(tmpdir(), 'gmem-lens-docs-'));
try {
  const outfile = join(folder, 'scenario-docs.mjs');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['scripts/scenario-docs.ts'],
    bundle: true,
    outfile,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // A dependency is CommonJS and calls `require`, which an ES module doesn't have.
    banner: {
      js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);",
    },
  });
  const { documents } = await import(pathToFileURL(outfile).href);
  for (const [path, text] of Object.entries(documents(root))) {
    await writeFile(join(root, path), text);
    console.log(path);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
