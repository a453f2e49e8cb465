/** `gmem-lens run`: exit status, the fields of its JSON, what it says where it can't run. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadScenario } from '../../server/src/simulator/scenario/load.ts';
import { formatProblem } from '../../server/src/simulator/scenario/problem.ts';
import { gmemLens, temporaryFolder } from '../support/cli.ts';

const SCENARIO = `scenario: A hole
platform: snp
memory: 64M
files: [{name: gmem, size: 2M}]
slots: [{id: 0, gpa: 0x200000, size: 2M, file: gmem}]
actors:
  vmm:
    - punch-hole: {file: gmem, offset: 0, size: 4K}
`;

async function scenarioFile(text: string): Promise<string> {
  const file = join(await temporaryFolder(), 'test.yaml');
  await writeFile(file, text);
  return file;
}

test('a scenario of the library, by its name, as JSON', async () => {
  const { status, stdout } = await gmemLens('run', 'rmp-in-set-attributes', '--format', 'json');
  expect(status).toBe(0);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({
    scenario: 'The RMP is updated where attributes change',
    outcome: 'violation',
  });
  expect(result.hazards).toMatchObject([{ kind: 'sleeping-while-atomic', lock: { name: 'kvm.mmu_lock' } }]);
  expect(result.expectations.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
  expect(result.steps).toBeGreaterThan(100);
  expect(result.counters.rmpUpdates).toBe(0);
  expect(result.coverage.treeLines['virt/kvm/kvm_main.c'].length).toBeGreaterThan(50);
  expect(result.coverage.modelled).toContainEqual({
    name: 'mutex_lock',
    source: expect.stringContaining('mutex'),
  });
  expect(result.coverage.unmodelled).toEqual([]);
  expect(result.story).toBeUndefined();
});

test('--trace adds every step to the JSON', async () => {
  const file = await scenarioFile(SCENARIO);
  const { stdout } = await gmemLens('run', file, '--trace', '--format', 'json');
  const { story, steps } = JSON.parse(stdout);
  expect(story.filter(({ kind }: { kind: string }) => kind === 'step').length).toBeGreaterThan(steps / 2);
});

test('1 where a scenario does not come out as it says', async () => {
  const file = await scenarioFile(`${SCENARIO}expect: {outcome: violation}\n`);
  const { status, stdout } = await gmemLens('run', file);
  expect(status).toBe(1);
  expect(stdout).toMatch(/outcome: expected violation, got ok\nNOT AS EXPECTED: ok/);
});

test('--check runs nothing, and says where a scenario is wrong', async () => {
  const good = await gmemLens('run', await scenarioFile(SCENARIO), '--check');
  expect(good).toMatchObject({ status: 0, stderr: '' });
  expect(good.stdout).not.toContain('steps');
  const bad = await gmemLens('run', await scenarioFile(SCENARIO.replace('punch-hole', 'punch')), '--check');
  expect(bad).toMatchObject({ status: 2, stdout: '' });
  expect(bad.stderr).toMatch(/test\.yaml:8:\d+: .*punch/);
});

test('a schedule that never happens is told beforehand where it can be, and at its line afterwards', async () => {
  const typo = await scenarioFile(`${SCENARIO}schedule:\n  - {run: vmm, until: kvm_gmem_get_pfm}\n`);
  const checked = await gmemLens('run', typo, '--check');
  expect(checked.status).toBe(2);
  expect(checked.stderr).toMatch(
    /test\.yaml:10:\d+: vmm is to get to kvm_gmem_get_pfm, .* no such function; did you mean `kvm_gmem_get_pfn`\?/,
  );
  const never = await scenarioFile(`${SCENARIO}schedule:\n  - {run: vmm, until: kvm_gmem_get_pfn}\n`);
  expect((await gmemLens('run', never, '--check')).status).toBe(0);
  const { status, stdout } = await gmemLens('run', never);
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /test\.yaml:10: vmm gets to kvm_gmem_get_pfn: expected yes, got no: it was done without/,
  );
});

test('2 where the design can not carry it out', async () => {
  const file = await scenarioFile(SCENARIO.replace('platform: snp', 'platform: snp\nbacking: hugetlb-1g'));
  const { status, stdout, stderr } = await gmemLens('run', file);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/can't be run: .*backing: hugetlb-1g/);
});

test.each([
  [['run', 'nowhere'], /There is no scenario nowhere: .*punch-hole-private-page/],
  [['run', 'rmp-in-set-attributes@nowhere'], /no variant nowhere; there are hook-get-pfn/],
  [['run', 'rmp-in-set-attributes', '/nowhere'], /\/nowhere is no kernel tree/],
  [['run'], /Which scenario\?/],
])('2 and why: %j', async (args, said) => {
  const { status, stdout, stderr } = await gmemLens(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(said);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('the bundled command says of a wrong file what the sources say: the schema was compiled when it was built', async () => {
  const text =
    `${SCENARIO.replace('64M', '-4')}bogus: 1\nvcpus: many\nslots: {}\nseed: 1.5\nrows: [A1, A1, Z9]\n`.replace(
      'slots: [{id: 0, gpa: 0x200000, size: 2M, file: gmem}]\n',
      '',
    );
  const file = await scenarioFile(text);
  const { stderr } = await gmemLens('run', file, '--check');
  const { problems } = loadScenario(file, () => text);
  expect(problems.length).toBeGreaterThan(5);
  expect(stderr.trimEnd().split('\n')).toEqual(problems.map(formatProblem));
});
