import { expect, test } from 'vitest';
import { DARK, LIGHT, markIcon } from '../../client/src/lock-mark-icons.ts';
import { keyOf, type MarkKind, markRuns } from '../../client/src/lock-mark-runs.ts';
import type { LockMark } from '../../client/src/protocol.ts';

const mark = (lock: string, startLine: number, endLine: number, rest: Partial<LockMark> = {}): LockMark => ({
  lock,
  modes: ['write'],
  when: 'always',
  startLine,
  endLine,
  ...rest,
});

const locks = ['kvm.mmu_lock', 'kvm.slots_lock'];
const runs = (...marks: LockMark[]) =>
  Object.fromEntries(
    markRuns({ version: 1, locks, marks }).map(({ kind, runs: of }) => [
      keyOf(kind).trim(),
      of.map(({ startLine, endLine }) => `${startLine}-${endLine}`).join(),
    ]),
  );

test('the first line of those that are held alike has the letters', () => {
  expect(runs(mark('kvm.mmu_lock', 3, 6), mark('kvm.mmu_lock', 10, 10))).toEqual({
    'W!': '3-3,10-10',
    W: '4-6',
  });
});

test('another mode, or certainty, begins anew', () => {
  expect(
    runs(
      mark('kvm.mmu_lock', 1, 2),
      mark('kvm.mmu_lock', 3, 4, { when: 'sometimes' }),
      mark('kvm.mmu_lock', 5, 6, { modes: ['read'] }),
      mark('kvm.mmu_lock', 7, 7, { modes: ['read', 'write'] }),
    ),
  ).toEqual({ 'W!': '1-1', W: '2-2', 'W?!': '3-3', 'W?': '4-4', 'R!': '5-5', R: '6-6', 'RW!': '7-7' });
});

test('other locks stand beside it', () => {
  expect(
    runs(
      mark('kvm.mmu_lock', 2, 3),
      mark('kvm.slots_lock', 1, 4, { modes: ['mutex'] }),
      mark('rcu', 9, 9, { modes: ['rcu'], when: 'sometimes' }),
    ),
  ).toEqual({ '- always': '1-1,4-4', 'W! always': '2-2', 'W always': '3-3', '- sometimes': '9-9' });
});

/** Every kind of mark, as a picture. */
const pictures = (palette: typeof DARK) => {
  const kinds: MarkKind[] = [];
  for (const letters of ['R', 'W', 'RW', 'L'] as const)
    for (const sometimes of [false, true])
      for (const first of [false, true])
        for (const others of [undefined, 'always', 'sometimes'] as const)
          kinds.push({ main: { letters, sometimes, first }, ...(others && { others }) });
  kinds.push({ others: 'always' }, { others: 'sometimes' });
  return kinds.map((kind) => markIcon(kind, palette));
};

test('every mark can be told from every other without colour', () => {
  const shapes = pictures(DARK).map((svg) =>
    svg.replace(/<title>.*<\/title>/, '').replaceAll(/(fill|stroke)="#\w+"/g, ''),
  );
  expect(new Set(shapes).size).toBe(shapes.length);
});

test('light and dark themes have colours of their own', () => {
  const dark = pictures(DARK);
  for (const [index, svg] of pictures(LIGHT).entries()) expect(svg).not.toBe(dark[index]);
});

test('bars of consecutive lines are one', () => {
  const svg = markIcon({ main: { letters: 'W', sometimes: false, first: false } }, DARK);
  expect(svg).toContain('viewBox="0 0 18 18"');
  expect(svg).toMatch(/<rect x="1" y="0" width="5" height="18"/);
});
