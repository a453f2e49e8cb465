// Bundles the extension client, the language server, the simulator, the indexing worker and the command line into dist/.
//
// usage: node scripts/build.mjs [--watch] [--only NAME,…]    NAME: cli, server, simulator, worker, client, memory-map
import { chmod, copyFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { precompiledSchema } from './precompile-schema.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const require = createRequire(join(root, 'server', 'package.json'));

/** Entry points by the name they get in dist/. */
const entries = {
  cli: 'server/src/cli/main.ts',
  server: 'server/src/lsp/main.ts',
  simulator: 'server/src/backend/main.ts',
  worker: 'server/src/host/worker.ts',
  client: 'client/src/extension.ts',
  'memory-map': 'client/src/memory-map/webview/page.ts',
};

/** Read at run time by path, next to the bundle that asks for them. */
const wasmFiles = ['web-tree-sitter/tree-sitter.wasm', 'tree-sitter-c/tree-sitter-c.wasm'];

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  sourcemap: 'linked',
  sourcesContent: false,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  legalComments: 'none',
};

/** Some dependencies are CommonJS and call `require('node:…')`, which an ES module doesn't have. */
const requireBanner =
  "import{createRequire as __gmemCreateRequire}from'node:module';const require=__gmemCreateRequire(import.meta.url);";

await main();

async function main() {
  const { watch: watching, only } = parseOptions();
  const chosen = Object.entries(entries).filter(([name]) => !only || only.includes(name));
  await requireSources(chosen.map(([, source]) => source));
  const bundles = describeBundles(chosen.map(([out, source]) => ({ in: source, out })));
  if (watching) await watch(bundles);
  else await buildOnce(bundles);
}

function parseOptions() {
  try {
    const { values } = parseArgs({ options: { watch: { type: 'boolean' }, only: { type: 'string' } } });
    const only = values.only?.split(',');
    const unknown = only?.find((name) => !(name in entries));
    if (unknown !== undefined)
      fail(`no bundle is called ${unknown}; there are ${Object.keys(entries).join(', ')}`);
    return { watch: values.watch ?? false, only };
  } catch (error) {
    return fail(error.message);
  }
}

/** VS Code loads the client as CommonJS; everything else runs as ES modules in Node. */
function describeBundles(entryPoints) {
  const bundles = [
    {
      ...common,
      entryPoints: entryPoints.filter(({ out }) => out !== 'client' && out !== 'memory-map'),
      format: 'esm',
      // Shared code is written once, and what the command line imports lazily stays out of its start-up.
      splitting: true,
      // Chunks lie beside the entries: `import.meta.url` then names dist/ whatever chunk a module falls into.
      chunkNames: 'chunk-[hash]',
      banner: { js: requireBanner },
      plugins: [precompiledSchema(root)],
    },
    {
      ...common,
      entryPoints: entryPoints.filter(({ out }) => out === 'client'),
      outExtension: { '.js': '.cjs' },
      format: 'cjs',
      external: ['vscode'],
    },
    // A page of its own, with a style sheet beside it.
    {
      ...common,
      entryPoints: entryPoints.filter(({ out }) => out === 'memory-map'),
      format: 'iife',
      platform: 'browser',
      target: 'es2022',
    },
  ];
  return bundles.filter((bundle) => bundle.entryPoints.length > 0);
}

async function requireSources(sources) {
  const present = await Promise.all(sources.map((source) => exists(join(root, source))));
  const missing = sources.filter((_, index) => !present[index]);
  if (missing.length > 0) fail(`missing entry point${missing.length > 1 ? 's' : ''}: ${missing.join(', ')}`);
}

/** Builds into a folder of its own and swaps it in, so that nobody sees half a build. */
async function buildOnce(bundles) {
  const started = performance.now();
  const fresh = `${dist}.${process.pid}`;
  try {
    const build = (bundle) => esbuild.build({ ...bundle, outdir: fresh, metafile: true });
    const results = await Promise.all(bundles.map(build));
    await finish(fresh);
    await rm(dist, { recursive: true, force: true });
    await rename(fresh, dist);
    report(results, fresh, started);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // esbuild has printed its own messages already.
    if (error?.errors) fail(`failed with ${error.errors.length} error${error.errors.length > 1 ? 's' : ''}`);
    throw error;
  }
}

async function watch(bundles) {
  await mkdir(dist, { recursive: true });
  const afterBuild = {
    name: 'after-build',
    setup(build) {
      build.onEnd(async (result) => {
        if (result.errors.length > 0) return;
        await finish(dist);
        console.error(`${new Date().toLocaleTimeString()} built`);
      });
    },
  };
  for (const bundle of bundles) {
    const context = await esbuild.context({ ...bundle, outdir: dist, plugins: [afterBuild] });
    await context.watch();
  }
}

async function finish(folder) {
  await Promise.all(
    wasmFiles.map((file) =>
      copyFile(require.resolve(file), join(folder, file.slice(file.lastIndexOf('/') + 1))),
    ),
  );
  const cli = join(folder, 'cli.js');
  if (!(await exists(cli))) return;
  if (!(await readFile(cli, 'utf8')).startsWith('#!')) {
    fail(`${entries.cli} must begin with #!/usr/bin/env node, or dist/cli.js can't be run as a command`);
  }
  await chmod(cli, 0o755);
}

function report(results, folder, started) {
  const outputs = results.flatMap((result) => Object.entries(result.metafile.outputs));
  for (const [path, { bytes }] of outputs) {
    const name = relative(folder, join(root, path));
    // Parts that bundles share say nothing to anybody.
    if (!path.endsWith('.map') && !name.startsWith('chunk-')) {
      console.error(`dist/${name.padEnd(20)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`);
    }
  }
  console.error(`built in ${(performance.now() - started).toFixed(0)} ms`);
}

function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}
