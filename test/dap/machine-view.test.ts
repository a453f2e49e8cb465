/** The machine as a map: ranges that look alike, in cells of any size. */
import { expect, test } from 'vitest';
import { filesOnDisk } from '../../server/src/backend/files.ts';
import { Launched } from '../../server/src/dap/launched.ts';
import { machineView } from '../../server/src/dap/machine-view.ts';
import type { FrameView, MachineViewArguments } from '../../server/src/simulator/backend/debug-protocol.ts';
import { prepare } from '../../server/src/simulator/backend/prepare.ts';

const launched = new Launched(await prepare({ scenario: 'punch-hole-private-page' }, filesOnDisk));

/** To the first move that tells of an RMP entry that became the guest's. */
function toPrivatePage(): void {
  for (;;) {
    const { result, moved } = launched.forward(undefined);
    expect(moved).toBeDefined();
    if (result.story.some((entry) => entry.kind === 'machine' && entry.event.kind === 'rmp')) return;
  }
}

const view = (asked: MachineViewArguments) => {
  const { position } = launched.history;
  return machineView(launched.simulation, position, launched.told(position), asked);
};

const covers = (runs: readonly FrameView[], start: number, pages: number): void => {
  let at = start;
  for (const run of runs) {
    expect(run.start).toBe(at);
    at += run.pages;
  }
  expect(at).toBe(start + pages);
};

test('a page that has just become private is in the host’s map, in the guest’s variables, and marked', () => {
  toPrivatePage();
  const host = view({ space: 'host' });
  covers(host.runs, host.start, host.pages);
  const changed = host.runs.filter((run) => run.changed);
  expect(changed).toHaveLength(1);
  const [page] = changed;
  expect(page).toMatchObject({ pages: 1, rmp: 'assigned', changed: ['rmp', 'rmpSize'], file: 'gmem' });
  const guest = view({});
  covers(guest.runs, guest.start, guest.pages);
  const behind = guest.runs.find((run) => run.pfn === page!.pfn);
  expect(behind).toMatchObject({ gfn: page!.rmpGfn, attribute: 'private', rmp: 'assigned' });
});

test('larger cells say what differs in them, and cover the same frames', () => {
  for (const cell of [4, 64, 512]) {
    const asked = view({ space: 'host', start: 0, pages: 4096, cell });
    covers(asked.runs, 0, 4096);
    expect(asked.runs.every((run) => run.start % cell === 0)).toBe(true);
    const mixed = asked.runs.filter((run) => run.mixed);
    expect(mixed.length).toBeGreaterThan(0);
    expect(mixed.flatMap((run) => run.mixed)).toContain('owner');
  }
});

test('a map has at most as many runs as are asked for: cells grow', () => {
  const whole = view({ space: 'host', pages: 2048 });
  expect(whole.runs.length).toBeGreaterThan(4);
  const few = view({ space: 'host', pages: 2048, limit: 2 });
  expect(few.runs.length).toBeLessThanOrEqual(2);
  expect(few.cell).toBeGreaterThan(1);
  covers(few.runs, few.start, few.pages);
});

test('outside of what there is nothing is shown', () => {
  expect(view({ start: 0, pages: 10 }).start).toBe(512);
  expect(view({ start: 10_000_000 }).runs).toEqual([]);
});
