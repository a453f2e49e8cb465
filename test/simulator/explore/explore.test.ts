/** Exploring the library's scenarios: what goes wrong is found without being told when to look. */
import { describe, expect, test } from 'vitest';
import { explore } from '../../../server/src/simulator/explore/explore.ts';
import { explorationText } from '../../../server/src/simulator/explore/report.ts';
import {
  parseSchedule,
  runSchedule,
  ScheduleMismatch,
  storyOfSchedule,
} from '../../../server/src/simulator/explore/schedule.ts';
import { inputOf, libraryInput } from '../../support/scenarios.ts';

const withoutSchedule = (text: string): string => text.replace(/^schedule:\n(?: {2}- .*\n)+/m, '');

describe('a fault races with a punched hole (mail row A8)', () => {
  const wrong = libraryInput('fault-races-punch-hole@no-retry-check', withoutSchedule);
  const found = explore(wrong);

  test('without the retry check a freed page is mapped: found without a schedule', () => {
    expect(wrong.scenario.schedule).toEqual([]);
    expect(found).toMatchObject({
      outcome: 'violation',
      complete: false,
      hazard: { kind: 'stale-guest-mapping', gfn: 0x200, function: 'folio_put' },
    });
    // The vCPU, the VMM, the vCPU; or the VMM is on its way already.
    expect(found.schedule.length).toBeLessThanOrEqual(4);
    expect(found.states).toBeLessThan(5000);
  });

  test('the schedule replays: the same hazard, at the same place', () => {
    const text = JSON.stringify({ schedule: found.schedule });
    const { hazards, outcome } = runSchedule(wrong, parseSchedule(text));
    expect(outcome).toBe('violation');
    const { kind, file, line, actor, gfn } = found.hazard!;
    expect(hazards[0]).toMatchObject({ kind, file, line, actor, gfn });
    expect(storyOfSchedule(wrong, found.schedule).hazards).toHaveLength(1);
  });

  test('it reads as a story with lines', () => {
    const replay = storyOfSchedule(wrong, found.schedule);
    const text = explorationText(wrong.scenario, found, {
      statesPerSecond: 1,
      seconds: 1,
      name: 'x',
      replay,
    });
    expect(text).toMatch(/fallocate\(punch hole\): gmem at 0x0, 4K/);
    expect(text).toMatch(/is free again +folio_put, include\/linux\/mm\.h:\d+\n +!! stale-guest-mapping/);
    expect(text).toMatch(/Who went when:\n +1\. \w+ +up to \w+, [\w/.]+:\d+ \(\d+ steps\)/);
    expect(text).toMatch(/gmem-lens run x --schedule found\.json/);
  });

  test('a schedule is refused where it does not fit', () => {
    const [first, ...rest] = found.schedule;
    const moved = [{ ...first!, at: { ...first!.at!, line: first!.at!.line + 1 } }, ...rest];
    expect(() => runSchedule(wrong, moved)).toThrow(ScheduleMismatch);
    expect(() => runSchedule(wrong, [{ actor: 'nobody', steps: 1 }])).toThrow(/no such actor/);
    for (const text of ['{', '[{"actor": 1}]', '{"schedule": 3}', '[{"actor": "vmm", "steps": -1}]'])
      expect(() => parseSchedule(text)).toThrow(ScheduleMismatch);
  });

  test('with the retry check no interleaving goes wrong, and all were looked at', () => {
    const { outcome, complete, states, schedule } = explore(
      libraryInput('fault-races-punch-hole', withoutSchedule),
    );
    expect({ outcome, complete, schedule }).toEqual({ outcome: 'ok', complete: true, schedule: [] });
    expect(states).toBeGreaterThan(1000);
  }, 180_000);
});

const TWO_CHANGES = `scenario: Two changes of attributes
platform: snp
memory: 64M
files: [{name: gmem, size: 2M}]
slots: [{id: 0, gpa: 0x200000, size: 2M, file: gmem}]
actors:
  vmm:
    - set-attributes: {gpa: 0x200000, size: 4K, to: private}
  vmm1:
    - punch-hole: {file: gmem, offset: 8K, size: 4K}
`;

test('the same scenario is explored the same way each time', () => {
  const [first, second] = [explore(inputOf(TWO_CHANGES)), explore(inputOf(TWO_CHANGES))];
  expect(first).toEqual(second);
  expect(first).toMatchObject({ outcome: 'ok', complete: true });
});

test('a bound is kept, and so is a limit', () => {
  const bounded = explore(inputOf(TWO_CHANGES), { preemptions: 0 });
  const all = explore(inputOf(TWO_CHANGES));
  expect(bounded).toMatchObject({ outcome: 'ok', complete: true, preemptions: 0 });
  expect(bounded.states).toBeLessThan(all.states);
  const cut = explore(inputOf(TWO_CHANGES), { maxStates: 5 });
  expect(cut).toMatchObject({ outcome: 'ok', complete: false });
});
