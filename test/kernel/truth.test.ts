/**
 * The call graph of Linux 6.12 against the compiler's: virt, arch/x86/kvm, arch/x86/virt/svm, the headers of the
 * architecture, and what the paths to and from them need of mm, fs and drivers/crypto/ccp. Misses are printed by cause.
 */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { loadProgram } from '../../server/src/host/load-program.ts';
import { LISTED_SCOPE } from '../../server/src/host/scope.ts';
import { testCache } from '../support/cache.ts';
import { CallTruth, type Score } from './call-truth.ts';
import { fetchKernel } from './fetch-kernel.ts';

let truth: CallTruth;
beforeAll(async () => {
  const tree = await fetchKernel('6.12');
  const loaded = await loadProgram({ tree, scope: LISTED_SCOPE, cacheFolder: join(testCache(), 'facts') });
  await loaded.saved;
  truth = new CallTruth(loaded.program);
});

function atLeast(percent: number, score: Score): void {
  console.log(`${expect.getState().currentTestName}: ${score}`);
  expect(score.total).toBeGreaterThan(0);
  expect(score.percent, String(score)).toBeGreaterThanOrEqual(percent);
}

test('functions', () => atLeast(99.5, truth.functionsFound()));

test('plain calls', () => atLeast(99.8, truth.plainCalls()));

test('calls out of macros', () => atLeast(97, truth.macroCalls()));

test('calls through pointers', () => {
  const { score, medianTargets } = truth.indirectCalls();
  console.log(`median of ${medianTargets} targets`);
  atLeast(97, score);
  expect(medianTargets).toBeLessThanOrEqual(2);
});

test('nothing that is not there', () => atLeast(99.5, truth.wrongEdges()));
