import { expect, test } from 'vitest';
import type { Status } from '../../client/src/protocol.ts';
import { describeDetails, describeFailure, describeStatus } from '../../client/src/status-text.ts';

const text = (status: Status): string => describeStatus(status).text;

test('progress is a percentage that never says 100 before the end', () => {
  expect(text({ state: 'indexing' })).toBe('$(sync~spin) gmem: reading');
  expect(text({ state: 'indexing', done: 0, total: 0 })).toBe('$(sync~spin) gmem: reading');
  expect(text({ state: 'indexing', done: 1, total: 3 })).toBe('$(sync~spin) gmem: 33%');
  expect(text({ state: 'indexing', done: 3, total: 3 })).toBe('$(sync~spin) gmem: 99%');
});

test('a ready server shows its counts', () => {
  expect(text({ state: 'ready', functions: 5213, findings: 0 })).toBe(
    '$(check) gmem: 5,213 functions, 0 findings',
  );
  expect(text({ state: 'ready', functions: 1, findings: 1 })).toBe('$(warning) gmem: 1 function, 1 finding');
  expect(describeStatus({ state: 'ready', files: 1204, notes: 1, tree: '/src/linux' }).tooltip).toEqual([
    'Guest Memory Lens',
    '1,204 files',
    '1 note, in the output',
    '/src/linux',
  ]);
});

test('a failure says why and what to do', () => {
  const failed = describeStatus({
    state: 'failed',
    message: 'No tree.',
    remedy: 'Set gmemLens.tree.',
    tree: '/x',
  });
  expect(failed).toEqual({
    text: '$(error) gmem: failed',
    tooltip: ['No tree.', 'Set gmemLens.tree.', '/x'],
    failed: true,
  });
  expect(describeStatus({ state: 'failed' }).tooltip).toHaveLength(1);
  expect(describeFailure({ state: 'failed', message: 'No tree.', remedy: 'Set gmemLens.tree.' })).toBe(
    'No tree. Set gmemLens.tree.',
  );
});

test('the details fit on one line and have no icons', () => {
  const status: Status = { state: 'ready', functions: 12, findings: 2, files: 3, tree: '/src/linux' };
  expect(describeDetails(status)).toBe('12 functions, 2 findings · 3 files · /src/linux');
  expect(describeDetails(undefined)).toContain('is off here');
});
