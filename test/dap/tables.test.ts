/** Tables and small languages of the debug adapter. */
import { expect, test } from 'vitest';
import explanations from '../../grammars/explanations.json' with { type: 'json' };
import { changesSomething } from '../../server/src/dap/evaluation.ts';
import { ALL, FILTERS } from '../../server/src/dap/hazard-filters.ts';
import { parseHitCondition } from '../../server/src/dap/hit-condition.ts';
import { parseWatch, watchText } from '../../server/src/dap/watchpoints.ts';
import { HAZARD_KINDS } from '../../server/src/simulator/machine/hazards.ts';

test('every hazard can be stopped at, and has its rule and source', () => {
  const filters = FILTERS.map(({ filter }) => filter);
  expect(filters).toEqual(expect.arrayContaining([ALL, ...HAZARD_KINDS]));
  const explained = explanations.hazards.map(({ name }) => name);
  expect(filters.filter((name) => name !== ALL && !explained.includes(name))).toEqual([]);
  for (const { name, title, text, source } of [...explanations.hazards, ...explanations.events])
    expect(
      [name, title, text, source].every((part) => part.length > 3 || name === 'rmp' || name === 'npt'),
    ).toBe(true);
});

test('hit counts', () => {
  const hits = (text: string): number[] =>
    [1, 2, 3, 4, 5, 6].filter((count) => parseHitCondition(text)?.(count) ?? false);
  expect(hits('3')).toEqual([3]);
  expect(hits('== 3')).toEqual([3]);
  expect(hits('>4')).toEqual([5, 6]);
  expect(hits('>= 4')).toEqual([4, 5, 6]);
  expect(hits('< 2')).toEqual([1]);
  expect(hits('<= 2')).toEqual([1, 2]);
  expect(hits('% 3')).toEqual([3, 6]);
  for (const none of ['', 'often', '-1', '3 4', '% 0', '> x'])
    expect(parseHitCondition(none), none).toBeUndefined();
});

test('what is watched', () => {
  expect(watchText(parseWatch('rmp 0x1200')!)).toBe('RMP entry of pfn 0x1200');
  expect(watchText(parseWatch('attribute 0x203')!)).toBe('attribute of gfn 0x203');
  expect(watchText(parseWatch('c ffffc90000400010 8 slot->base_gfn')!)).toBe('slot->base_gfn');
  for (const none of ['', 'moon 0x1', 'rmp 1200', 'c 10 3 x', 'rmp 0x'])
    expect(parseWatch(none), none).toBeUndefined();
});

test('expressions that change something are told from those that don’t', () => {
  for (const text of ['a = 1', 'a += 1', 'i++', '--i', 'p->x <<= 2', '*p = 3'])
    expect(changesSomething(text), text).toBe(true);
  for (const text of ['a == 1', 'a <= b', 'a != b', 'a - -b', '"x = 1"', 'a >> 2', 'p->x'])
    expect(changesSomething(text), text).toBe(false);
});
