// Time and memory of `gmem-lens check`, as ratios to a floor measured in the same run: see floor.ts; of `callers` in
// the whole tree, as a ratio to one search with ripgrep; of edits; and the language server's memory.
// Runs are interleaved, so that whatever else the machine does weighs on all of them; numbers are medians.
//
// usage: node test/bench/bench.mjs [TREE] [--runs N]    TREE: default the tests' Linux 6.12
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { serverMemory } from './server-memory.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const dist = join(root, 'dist');
const cli = join(dist, 'cli.js');

/** What the project wants to stay below. */
const limits = {
  cold: 1.0,
  warm: 0.15,
  /** Of `callers --scope all`, to one search. */
  callers: 8,
  /** MiB. */
  server: 200,
  edits: { 'virt/kvm/guest_memfd.c': 15, 'arch/x86/kvm/x86.c': 50 },
};
/** Asked of the whole tree. */
const CALLED = 'set_memory_4k';
const EDITS = 200;

const { values, positionals } = parseArgs({ options: { runs: { type: 'string' } }, allowPositionals: true });
const runs = Number(values.runs ?? 5);
if (!Number.isInteger(runs) || runs < 1) stop(`--runs wants a whole number from 1 on, not ${values.runs}`);
if (!existsSync(cli)) stop(`there is no ${cli}; npm run build makes it`);

const scratch = await mkdtemp(join(tmpdir(), 'gmem-lens-bench-'));
try {
  await main();
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function main() {
  await bundle(['floor.ts', 'edits.ts', '../kernel/fetch-kernel.ts']);
  const tree = positionals[0] === undefined ? await defaultTree() : resolve(positionals[0]);
  const found = { node: [], floor: [], cold: [], warm: [], facts: [], search: [], callers: [] };
  let floor;
  const search = searchProgram();
  for (let run = 0; run < runs; run++) {
    const floorRun = await measure([join(scratch, 'floor.mjs'), tree, dist]);
    floor = JSON.parse(floorRun.stdout);
    found.floor.push({ ms: floor.ms, rss: floorRun.rss });
    found.node.push(await measure(['-e', '']));
    const cache = join(scratch, `cache-${run}`);
    const check = [cli, 'check', tree, '--format', 'json'];
    found.cold.push(await measure(check, { GMEM_LENS_CACHE: cache }));
    found.warm.push(await measure(check, { GMEM_LENS_CACHE: cache }));
    found.facts.push(
      await measure([cli, 'functions', tree, '--format', 'jsonl'], { GMEM_LENS_CACHE: cache }),
    );
    if (search) {
      found.search.push(await time(search, ['--count', '--word-regexp', CALLED, tree]));
      const callers = [cli, 'callers', CALLED, tree, '--scope', 'all', '--format', 'json'];
      found.callers.push(await measure(callers, { GMEM_LENS_CACHE: 'off' }));
    }
    await rm(cache, { recursive: true, force: true });
  }
  report(floor, found);
  const edits = await measure([join(scratch, 'edits.mjs'), tree, dist, String(EDITS)], {
    GMEM_LENS_CACHE: join(scratch, 'cache-edits'),
  });
  reportEdits(edits);
  const rows = await serverMemory(cli, tree, join(scratch, 'cache-server'));
  if (rows.length > 0) reportServer(rows);
}

function reportServer(rows) {
  console.log('\nlanguage server, resident memory (the most so far)');
  for (const { when, rss, peak } of rows) {
    const verdict = `goal ≤ ${limits.server}: ${peak <= limits.server ? 'met' : 'missed'}`;
    console.log(`${when.padEnd(34)}${rss.toFixed(0).padStart(6)} MiB (${peak.toFixed(0)} MiB)  ${verdict}`);
  }
}

function reportEdits({ stdout, rss }) {
  console.log(
    `\none typed character to new diagnostics, whole scope loaded (${(rss / 1024).toFixed(0)} MiB)`,
  );
  for (const line of stdout.trim().split('\n')) {
    const { file, p50, p95, max, parseMs } = JSON.parse(line);
    const limit = limits.edits[file];
    console.log(
      `${file.padEnd(34)}p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, max ${max.toFixed(0)} ms; ` +
        `p95 is ${(p95 / parseMs).toFixed(2)}× one parse of the file; goal ≤ ${limit} ms: ${p95 <= limit ? 'met' : 'missed'}`,
    );
  }
}

function report(floor, found) {
  const floorMs = median(found.floor.map((run) => run.ms));
  const megabytes = (floor.bytes / 1e6).toFixed(1);
  console.log(`${floor.files} files, ${megabytes} MB of C; ${runs} runs, medians\n`);
  const row = (name, measured, limit) => {
    const ms = median(measured.map((run) => run.ms));
    const rss = median(measured.map((run) => run.rss / 1024));
    const ratio = ms / floorMs;
    const verdict =
      limit === undefined ? '' : `  goal ≤ ${limit.toFixed(2)}: ${ratio <= limit ? 'met' : 'missed'}`;
    const memory = Number.isNaN(rss) ? '' : `${rss.toFixed(0).padStart(6)} MiB`;
    console.log(
      `${name.padEnd(34)}${ms.toFixed(0).padStart(6)} ms${ratio.toFixed(2).padStart(7)}×${memory}${verdict}`,
    );
  };
  row('floor: parse and one query', found.floor);
  row('check, cold', found.cold, limits.cold);
  row('check, warm', found.warm, limits.warm);
  row('functions, from cached facts', found.facts);
  row('node alone', found.node);
  if (found.search.length === 0) return;
  row('ripgrep, one word, whole tree', found.search);
  row(`callers ${CALLED}, whole tree`, found.callers);
  const ratio = median(found.callers.map(({ ms }) => ms)) / median(found.search.map(({ ms }) => ms));
  const verdict = ratio <= limits.callers ? 'met' : 'missed';
  console.log(`  ${ratio.toFixed(1)}× the search; goal ≤ ${limits.callers}: ${verdict}`);
}

/** TypeScript → modules that Node 20 can run. */
async function bundle(sources) {
  const server = createRequire(join(root, 'server', 'package.json'));
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: sources.map((source) => ({
      in: join(here, source),
      out: source.replace(/^.*\/|\.ts$/g, ''),
    })),
    outdir: scratch,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    alias: { 'web-tree-sitter': server.resolve('web-tree-sitter').replace(/\.cjs$/, '.js') },
  });
}

async function defaultTree() {
  const { fetchKernel } = await import(join(scratch, 'fetch-kernel.mjs'));
  return fetchKernel('6.12');
}

/** VS Code's ripgrep, where its package could download it. */
function searchProgram() {
  try {
    const { rgPath } = createRequire(join(root, 'server', 'package.json'))('@vscode/ripgrep');
    return existsSync(rgPath) ? rgPath : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a Node process; `rss` is its peak in KiB. */
function measure(args, environment = {}) {
  const preload = ['--import', join(here, 'peak-memory.mjs')];
  return time(process.execPath, [...preload, ...args], environment);
}

function time(program, args, environment = {}) {
  return new Promise((done, fail) => {
    const started = performance.now();
    const env = { ...process.env, ...environment };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '', memory: '' };
    child.stdout.on('data', (data) => (texts.stdout += data));
    child.stderr.on('data', (data) => (texts.stderr += data));
    child.stdio[3].on('data', (data) => (texts.memory += data));
    child.on('error', fail);
    child.on('exit', () => (texts.ms = performance.now() - started));
    child.on('close', (status) => {
      // 1 stands for findings.
      if (status !== 0 && status !== 1)
        fail(new Error(`${args.join(' ')}: status ${status}\n${texts.stderr}`));
      else done({ ms: texts.ms, rss: Number(texts.memory || Number.NaN), stdout: texts.stdout });
    });
  });
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function stop(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}
