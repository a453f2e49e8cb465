import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameAt } from '../../../client/src/memory-map/webview/bands.ts';
import { markChanges } from '../../../client/src/memory-map/webview/diff.ts';
import type { FrameView, MachineViewBody } from '../../../client/src/protocol.ts';

const view = (runs: readonly FrameView[], more: Partial<MachineViewBody> = {}): MachineViewBody => ({
  position: 0,
  space: 'guest',
  platform: 'snp',
  whole: { start: 0, pages: 64 },
  start: 0,
  pages: 64,
  cell: 1,
  slots: [],
  runs,
  ...more,
});

const run = (start: number, pages: number, rest: Partial<FrameView> = {}): FrameView => ({
  start,
  pages,
  gfn: start,
  ...rest,
});

test('a frame in the middle of a run is cut out where it changed', () => {
  const before = view([run(0, 64, { attribute: 'private', rmp: 'validated', pfn: 0x100 })]);
  const after = view([
    run(0, 3, { attribute: 'private', rmp: 'validated', pfn: 0x100 }),
    run(3, 1, { attribute: 'private' }),
    run(4, 60, { attribute: 'private', rmp: 'validated', pfn: 0x104 }),
  ]);
  const marked = markChanges(before, after);
  expect(marked.map(({ start, pages, changed }) => [start, pages, changed])).toEqual([
    [0, 3, undefined],
    [3, 1, ['pfn', 'rmp']],
    [4, 60, undefined],
  ]);
});

test('the other way round, too: going back marks the same frame', () => {
  const one = view([run(0, 3, { rmp: 'assigned' }), run(3, 1), run(4, 60, { rmp: 'assigned' })]);
  const all = view([run(0, 64, { rmp: 'assigned' })]);
  expect(markChanges(one, all).filter(({ changed }) => changed)).toMatchObject([
    { start: 3, pages: 1, changed: ['rmp'] },
  ]);
});

test('at another zoom, or of the other space, nothing is compared', () => {
  const after = view([run(0, 64, { rmp: 'assigned', changed: ['owner'] })]);
  for (const before of [undefined, view([run(0, 64)], { cell: 8 }), view([run(0, 64)], { space: 'host' })])
    expect(markChanges(before, after)).toBe(after.runs);
});

const states = fc.array(
  fc.record({
    pages: fc.integer({ min: 1, max: 9 }),
    attribute: fc.constantFrom('private' as const, 'shared' as const),
    rmp: fc.constantFrom('assigned' as const, undefined),
  }),
  { minLength: 1, maxLength: 12 },
);

function viewOf(
  parts: readonly { pages: number; attribute: 'private' | 'shared'; rmp: 'assigned' | undefined }[],
): MachineViewBody {
  let at = 0;
  const runs = parts.map(({ pages, attribute, rmp }) => {
    const made = run(at, pages, { attribute, ...(rmp && { rmp }) });
    at += pages;
    return made;
  });
  return view(runs);
}

const frames = (runs: readonly FrameView[]): FrameView[] =>
  runs.flatMap((one) => Array.from({ length: one.pages }, (_, i) => frameAt(one, one.start + i)));

test('frame by frame it is the same as comparing each', () => {
  fc.assert(
    fc.property(states, states, (a, b) => {
      const [before, after] = [viewOf(a), viewOf(b)];
      const old = frames(before.runs);
      const marked = frames(markChanges(before, after));
      expect(marked.map(({ start }) => start)).toEqual(frames(after.runs).map(({ start }) => start));
      for (const [index, frame] of frames(after.runs).entries()) {
        const was = old[index];
        const changed = (['attribute', 'rmp'] as const).filter((name) => was && was[name] !== frame[name]);
        expect(marked[index]?.changed ?? []).toEqual(changed);
      }
    }),
  );
});
