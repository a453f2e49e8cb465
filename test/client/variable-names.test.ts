import { expect, test } from 'vitest';
import { functionStart, namesBefore } from '../../client/src/debug/variable-names.ts';

const lines = [
  'static int before(int start)',
  '{',
  '\treturn start;',
  '}',
  '',
  'static long punch(struct inode *inode, loff_t offset)',
  '{',
  '\tpgoff_t start = offset >> PAGE_SHIFT; /* offset */',
  '\tlog("start", inode->start, start(1));',
  '\tstart = start + 1;',
  '}',
];
const known = new Set(['inode', 'offset', 'start']);

test('the function around a line begins behind the one before', () => {
  expect(functionStart(lines, 8)).toBe(4);
  expect(functionStart(lines, 2)).toBe(0);
});

test('the last place of each name, up to the line; no members, calls, comments or strings', () => {
  expect(namesBefore(lines, 4, 8, known)).toEqual([
    { name: 'inode', line: 8, character: 14 },
    { name: 'offset', line: 7, character: 17 },
    { name: 'start', line: 7, character: 9 },
  ]);
  expect(namesBefore(lines, 4, 9, known)).toContainEqual({ name: 'start', line: 9, character: 9 });
});

test('names that are no variables of the frame stay out', () => {
  expect(namesBefore(lines, 4, 8, new Set())).toEqual([]);
});
