// Runs the parts of the test suite one after the other, all of them even if one fails.
//
// usage: node scripts/test.mjs [PART…] [option for vitest…]
// Each vitest part leaves its results as out/test-results/PART.json; scripts/test-summary.mjs adds them up.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resultsFolder, summarize } from './test-summary.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (...path) => join(root, 'node_modules', ...path);

/** Programs that say by their exit status whether all is well. */
const checks = {
  lint: [[bin('@biomejs', 'biome', 'bin', 'biome'), 'check', '.']],
  typecheck: [
    [bin('typescript', 'bin', 'tsc'), '-p', '.'],
    [bin('typescript', 'bin', 'tsc'), '-p', 'client/src/memory-map/webview'],
    [bin('typescript', 'bin', 'tsc'), '-p', 'test/e2e'],
  ],
  build: [[join(root, 'scripts', 'build.mjs')]],
};

/** Projects of vitest.config.ts. */
const suites = ['unit', 'kernel', 'e2e'];

const partNames = [...Object.keys(checks), ...suites];

function main(args) {
  const firstOption = args.findIndex((argument) => !partNames.includes(argument));
  const named = firstOption < 0 ? args : args.slice(0, firstOption);
  const vitestOptions = firstOption < 0 ? [] : args.slice(firstOption);
  const parts = named.length > 0 ? named : partNames;

  rmSync(resultsFolder, { recursive: true, force: true });
  mkdirSync(resultsFolder, { recursive: true });
  const failed = parts.filter((part) => !runPart(part, vitestOptions));

  const { passed, failed: failedTests } = summarize(parts.filter((part) => suites.includes(part)));
  console.log(
    `\n${parts.length - failed.length} of ${parts.length} parts are well; tests: ${passed} passed, ${failedTests} failed`,
  );
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function runPart(part, vitestOptions) {
  console.log(`\n── ${part}`);
  return part in checks ? checks[part].every(run) : run(vitestCommand(part, vitestOptions));
}

function vitestCommand(suite, options) {
  const json = join(resultsFolder, `${suite}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
  return [bin('vitest', 'vitest.mjs'), 'run', '--project', suite, ...reporters, ...options];
}

/** @returns whether the program, run by Node, ended well */
function run([program, ...args]) {
  const { status, error } = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
  if (error) console.error(`test: ${program}: ${error.message}`);
  return status === 0;
}

main(process.argv.slice(2));
