// Packs the extension as guest-memory-lens-VERSION.vsix.
//
// usage: node scripts/package.mjs [--out FILE]
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createVSIX, listFiles, PackageManager } from '@vscode/vsce';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What a package can't do without; a name that ends in / stands for at least one file below it. */
const required = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'icon.png',
  'dist/client.cjs',
  'dist/server.js',
  'dist/simulator.js',
  'dist/worker.js',
  'dist/cli.js',
  'dist/memory-map.js',
  'dist/memory-map.css',
  'dist/tree-sitter.wasm',
  'dist/tree-sitter-c.wasm',
  'server/kernels/',
];

/** Anything else in the package is there by mistake. */
const permitted =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|icon\.png|docs\/screenshots\/[^/]+\.png|docs\/rules\/[^/]+\.md|docs\/project-rules\.md|grammars\/[^/]+\.schema\.json|dist\/[^/]+\.(js|cjs|wasm)|dist\/memory-map\.css|server\/(kernels|scenarios)\/.+)$/;

async function main() {
  const out = outFile();
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
  if (build.status !== 0) fail('the build failed');
  await checkContent();
  await createVSIX({
    cwd: root,
    packagePath: out,
    // Everything is bundled, so node_modules stays out.
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
  console.error(`${out} (${(statSync(out).size / 1024).toFixed(0)} KiB)`);
}

function outFile() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  try {
    const { values } = parseArgs({ options: { out: { type: 'string' } } });
    return resolve(values.out ?? join(root, `guest-memory-lens-${version}.vsix`));
  } catch (error) {
    return fail(error.message);
  }
}

async function checkContent() {
  const listed = await listFiles({ cwd: root, packageManager: PackageManager.None });
  const files = listed.map((file) => file.replaceAll('\\', '/'));
  const has = (name) => files.some((file) => (name.endsWith('/') ? file.startsWith(name) : file === name));
  const missing = required.filter((name) => !has(name));
  if (missing.length > 0) fail(`missing from the package: ${missing.join(', ')}`);
  const strange = files.filter((file) => !permitted.test(file));
  if (strange.length > 0) fail(`not meant for the package (see .vscodeignore): ${strange.join(', ')}`);
}

function fail(message) {
  console.error(`package: ${message}`);
  process.exit(1);
}

await main();
