import { expect, test } from 'vitest';
import { CrashPolicy } from '../../client/src/crash-policy.ts';

test('three deaths are forgiven, the fourth within three minutes is not', () => {
  const policy = new CrashPolicy();
  expect([0, 1_000, 2_000, 3_000].map((time) => policy.shouldRestart(time))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test('deaths that are far apart are forgiven for ever', () => {
  const policy = new CrashPolicy();
  for (let time = 0; time < 3_600_000; time += 60_000) expect(policy.shouldRestart(time)).toBe(true);
});

test('a restart by the user starts the count anew', () => {
  const policy = new CrashPolicy();
  for (const time of [0, 1, 2, 3]) policy.shouldRestart(time);
  policy.forget();
  expect(policy.shouldRestart(4)).toBe(true);
});
