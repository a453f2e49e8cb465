// Adds up what vitest's JSON reporter left in out/test-results.
//
// usage: node scripts/test-summary.mjs SUITE…     prints "N passed, N failed"
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const resultsFolder = join(dirname(fileURLToPath(import.meta.url)), '..', 'out', 'test-results');

/** A suite that left no results, or could not load one of its files, counts as one failure more. */
export function summarize(suites) {
  const sum = { passed: 0, failed: 0 };
  for (const suite of suites) {
    const results = readResults(suite);
    sum.passed += results?.numPassedTests ?? 0;
    sum.failed += results?.numFailedTests ?? 0;
    if (!results || (!results.success && results.numFailedTests === 0)) sum.failed += 1;
  }
  return sum;
}

function readResults(suite) {
  try {
    return JSON.parse(readFileSync(join(resultsFolder, `${suite}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = summarize(process.argv.slice(2));
  console.log(`${passed} passed, ${failed} failed`);
}
