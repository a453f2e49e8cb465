// How fast C is executed, as ratios to gcc -O0 measured in the same run; what a saved state costs; and the ways to
// calculate with 64 bits that were to choose from. CPU time, the best of several runs.
//
// usage: node test/bench/execution.mjs [--runs N]
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const execution = join(root, 'server', 'src', 'simulator', 'execution');
const limit = 60;

const { values } = parseArgs({ options: { runs: { type: 'string' } } });
const runs = Number(values.runs ?? 5);

const KERNELS = `
typedef unsigned long long u64;
typedef unsigned int u32;
static u64 state = 88172645463325252ull;
static u64 next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
u64 arithmetic(u32 n)
{
	u64 table[64], sum = 0;
	u32 i, j;

	for (i = 0; i < 64; i++)
		table[i] = i * 0x9e3779b97f4a7c15ull;
	for (i = 0; i < n; i++) {
		u64 v = table[i & 63];

		for (j = 0; j < 8; j++) {
			v ^= v << 13;
			v ^= v >> 7;
			v ^= v << 17;
			if (v & 1)
				sum += v >> 12;
			else
				sum -= v * 3;
		}
		table[(i + 7) & 63] = v + sum;
		sum ^= (u32)v % 1000;
	}
	return sum;
}
struct entry { struct entry *next; u32 key, flags : 4; u64 value; };
u64 lists(u32 n)
{
	struct entry entries[32], *e;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < 32; i++)
		entries[i] = (struct entry){ .next = i ? &entries[i - 1] : 0, .key = i, .value = i * i };
	for (i = 0; i < n; i++)
		for (e = &entries[31]; e; e = e->next)
			if (e->key != (i & 31))
				sum += e->value;
	return sum;
}
u64 calls(u32 n)
{
	u64 sum = 0;

	for (u32 i = 0; i < n; i++)
		sum += next();
	return sum;
}
`;
const SIZES = { arithmetic: 200_000, lists: 50_000, calls: 500_000 };

const scratch = await mkdtemp(join(tmpdir(), 'gmem-lens-bench-'));
try {
  await main();
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** Least CPU milliseconds of several runs, with what the work gives. */
function best(work) {
  let least = Number.POSITIVE_INFINITY;
  let result;
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    result = work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return { ms: least, result };
}

async function main() {
  const { Machine, textsSource } = await machineModule();
  const native = await gccTimes();
  console.log(`best of ${runs} runs, CPU time\n`);
  for (const [name, n] of Object.entries(SIZES)) {
    const machine = new Machine(textsSource({ 'kernel.c': KERNELS }));
    const steps = machine.steps;
    const { ms, result } = best(() => run(machine, name, n));
    const perRun = (machine.steps - steps) / runs;
    const { ms: nativeMs, result: expected } = native[name];
    if (name !== 'calls' && result !== expected) throw new Error(`${name}: ${result}, gcc says ${expected}`);
    const ratio = ms / nativeMs;
    const goal = name === 'arithmetic' ? `  goal ≤ ${limit}: ${ratio <= limit ? 'met' : 'missed'}` : '';
    console.log(
      `${name.padEnd(12)}${ms.toFixed(1).padStart(9)} ms${((perRun / ms) * 1000).toExponential(1).padStart(10)} statements/s` +
        `${nativeMs.toFixed(2).padStart(9)} ms gcc -O0${ratio.toFixed(1).padStart(8)}×${goal}`,
    );
  }
  states(Machine, textsSource);
  console.log('\n64-bit arithmetic, xorshift, 1,000,000 rounds');
  const first = waysOf64Bits(1000).map(([, work]) => {
    const before = performance.now();
    work();
    return performance.now() - before;
  });
  const ways = waysOf64Bits(1_000_000);
  const base = best(ways.at(-1)[1]).ms;
  ways.forEach(([name, work], index) => {
    const { ms } = best(work);
    const early = `first 1,000 rounds ${(first[index] * 1000).toFixed(0).padStart(5)} µs`;
    console.log(
      `${name.padEnd(28)}${ms.toFixed(1).padStart(8)} ms${(ms / base).toFixed(1).padStart(7)}× WASM   ${early}`,
    );
  });
}

function run(machine, name, n) {
  const thread = machine.createThread(name, name, 'kernel.c', [BigInt(n)]);
  const stop = machine.run(thread);
  if (stop.k !== 'ended') throw new Error(`${name}: ${stop.k} ${stop.hazard?.message ?? ''}`);
  machine.threads.pop();
  const { l, h } = thread.returned;
  return ((BigInt(h >>> 0) << 32n) | BigInt(l >>> 0)).toString(16);
}

/** What saving, going back and hashing cost. */
function states(Machine, textsSource) {
  const machine = new Machine(textsSource({ 'kernel.c': KERNELS }));
  const thread = machine.createThread('t', 'arithmetic', 'kernel.c', [1000n]);
  const saved = [];
  const stepping = best(() => {
    saved.length = 0;
    for (let step = 0; step < 1000; step++) {
      saved.push(machine.save());
      machine.step(thread);
    }
  });
  const back = best(() => {
    for (let step = 999; step >= 0; step--) machine.restore(saved[step]);
  });
  const hashing = best(() => {
    for (let step = 0; step < 1000; step += 10) {
      machine.restore(saved[step]);
      machine.hash();
    }
  });
  console.log(
    `\n1000 × save and step ${stepping.ms.toFixed(1)} ms; 1000 steps back, one by one ${back.ms.toFixed(1)} ms; ` +
      `100 × restore and hash ${hashing.ms.toFixed(1)} ms`,
  );
}

async function machineModule() {
  const entry = join(scratch, 'entry.ts');
  const from = (file) => JSON.stringify(join(execution, file));
  await writeFile(
    entry,
    `export { Machine } from ${from('machine.ts')};\nexport { textsSource } from ${from('texts-source.ts')};\n`,
  );
  const outfile = join(scratch, 'machine.mjs');
  const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' };
  await esbuild.build({ entryPoints: [entry], outfile, absWorkingDir: root, ...options });
  return import(pathToFileURL(outfile).href);
}

async function gccTimes() {
  const source = join(scratch, 'kernel.c');
  const program = join(scratch, 'kernel');
  const measured = Object.entries(SIZES).map(
    ([name, n]) => `
	for (int i = 0; i < ${runs}; i++) {
		clock_t from = clock();
		u64 result = ${name}(${n});
		printf("${name} %f %llx\\n", (clock() - from) * 1000.0 / CLOCKS_PER_SEC, result);
	}`,
  );
  await writeFile(
    source,
    `#include <stdio.h>\n#include <time.h>\n${KERNELS}int main(void)\n{${measured.join('')}\n\treturn 0;\n}\n`,
  );
  must('gcc', ['-O0', '-fwrapv', '-o', program, source]);
  const times = {};
  for (const line of must(program, []).trim().split('\n')) {
    const [name, ms, result] = line.split(' ');
    times[name] = { ms: Math.min(times[name]?.ms ?? Number.POSITIVE_INFINITY, Number(ms)), result };
  }
  return times;
}

function must(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
  return stdout;
}

/** The last one is WASM. */
function waysOf64Bits(rounds) {
  // (loop v ^= v << 13; v ^= v >> 7; v ^= v << 17; sum += v; if (--n) continue)
  const body = Buffer.from(
    '01017e0340' +
      ['420d86', '420788', '421186'].map((shift) => `20012001${shift}852101`).join('') +
      '200220017c2102200041016b22000d000b20020b',
    'hex',
  );
  const head = Buffer.from(
    '0061736d01000000010701 60027f7e017e03020100070501016600 00'.replaceAll(' ', ''),
    'hex',
  );
  const code = Buffer.from([0x0a, body.length + 2, 1, body.length]);
  const module = new WebAssembly.Module(Buffer.concat([head, code, body]));
  const { f } = new WebAssembly.Instance(module).exports;
  return [
    [
      'BigInt with asUintN',
      () => {
        let v = 88172645463325252n;
        let sum = 0n;
        for (let i = 0; i < rounds; i++) {
          v = BigInt.asUintN(64, v ^ BigInt.asUintN(64, v << 13n));
          v = BigInt.asUintN(64, v ^ (v >> 7n));
          v = BigInt.asUintN(64, v ^ BigInt.asUintN(64, v << 17n));
          sum = BigInt.asUintN(64, sum + v);
        }
        return sum;
      },
    ],
    [
      'BigUint64Array',
      () => {
        const m = new BigUint64Array([88172645463325252n, 0n]);
        for (let i = 0; i < rounds; i++) {
          m[0] = m[0] ^ (m[0] << 13n);
          m[0] = m[0] ^ (m[0] >> 7n);
          m[0] = m[0] ^ (m[0] << 17n);
          m[1] = m[1] + m[0];
        }
        return m[1];
      },
    ],
    [
      'two int32 in an Int32Array',
      () => {
        const m = new Int32Array([0x0d3f4d44, 0x01394130, 0, 0]);
        for (let i = 0; i < rounds; i++) {
          let l = m[0];
          let h = m[1];
          m[1] = h ^ ((h << 13) | (l >>> 19));
          m[0] = l ^ (l << 13);
          l = m[0];
          h = m[1];
          m[0] = l ^ ((l >>> 7) | (h << 25));
          m[1] = h ^ (h >>> 7);
          l = m[0];
          h = m[1];
          m[1] = h ^ ((h << 17) | (l >>> 15));
          m[0] = l ^ (l << 17);
          const sum = (m[2] + m[0]) | 0;
          m[3] = (m[3] + m[1] + (sum >>> 0 < m[0] >>> 0 ? 1 : 0)) | 0;
          m[2] = sum;
        }
        return m[2];
      },
    ],
    ['WASM, i64', () => f(rounds, 88172645463325252n)],
  ];
}
