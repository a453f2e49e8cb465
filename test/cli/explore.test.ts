/** `gmem-lens explore`: what it prints, its exit status, and that its schedule replays. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gmemLens, temporaryFolder } from '../support/cli.ts';

test('a violation as JSON, whose schedule is replayed by run', async () => {
  const name = 'fault-races-punch-hole@no-retry-check';
  const { status, stdout } = await gmemLens('explore', name, '--format', 'json');
  expect(status).toBe(1);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({
    outcome: 'violation',
    complete: false,
    hazard: { kind: 'stale-guest-mapping' },
  });
  for (const key of ['states', 'transitions', 'depth', 'statesPerSecond'])
    expect(found[key]).toBeGreaterThan(0);
  const file = join(await temporaryFolder(), 'found.json');
  await writeFile(file, stdout);
  const replayed = await gmemLens('run', name, '--schedule', file, '--format', 'json');
  expect(JSON.parse(replayed.stdout).hazards[0]).toMatchObject({
    kind: found.hazard.kind,
    line: found.hazard.line,
  });
});

test('what can not be explored or replayed is one line', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'empty.json');
  await writeFile(file, '{}');
  const { status, stderr } = await gmemLens('run', 'fault-races-punch-hole', '--schedule', file);
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/^gmem-lens: .*empty\.json: there is no `schedule`/),
  ]);
  const missing = await gmemLens('run', 'fault-races-punch-hole', '--schedule', join(folder, 'none.json'));
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringMatching(/There is no file/)]);
  const unknown = await gmemLens('explore', 'nothing-like-this');
  expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringMatching(/There is no scenario/)]);
});
