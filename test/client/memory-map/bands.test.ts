import { expect, test } from 'vitest';
import {
  BANDS,
  describeFrame,
  factsOf,
  frameAt,
  watchIds,
} from '../../../client/src/memory-map/webview/bands.ts';
import { parseFilter } from '../../../client/src/memory-map/webview/filter.ts';
import type { FrameView } from '../../../client/src/protocol.ts';
import { parseWatch } from '../../../server/src/dap/watchpoints.ts';

const assigned: FrameView = {
  start: 0x203,
  pages: 4,
  gfn: 0x203,
  pfn: 0x105,
  attribute: 'private',
  npt: '4K',
  writable: true,
  executable: false,
  rmp: 'validated',
  rmpSize: '4K',
  asid: 1,
  rmpGfn: 0x203,
  directmap: '4K',
  order: 0,
  owner: 'gmem:1',
  status: 'allocated',
  file: 'gmem',
  index: 3,
  changed: ['rmp'],
};
const free: FrameView = { start: 0x300, pages: 1, gfn: 0x300, attribute: 'shared' };
const zapped: FrameView = { start: 0x301, pages: 1, gfn: 0x301, cachedBy: [0] };

test('each band says its part in words', () => {
  expect(Object.fromEntries(BANDS.map((band) => [band.name, band.cell(assigned).text]))).toEqual({
    attribute: 'private',
    NPT: '4K rw-',
    RMP: 'validated 4K ASID 1',
    directmap: '4K',
    folio: 'order 0',
    owner: 'gmem',
  });
});

test('what isn’t there is painted as nothing, what is dangerous as an alarm', () => {
  expect(BANDS.map((band) => band.cell(free).tone)).toEqual([
    'shared',
    'none',
    'none',
    'none',
    'none',
    'none',
  ]);
  expect(BANDS[1]?.cell(zapped)).toMatchObject({ tone: 'alarm', text: expect.stringContaining('TLB') });
  expect(BANDS[3]?.cell({ ...free, directmap: 'no' }).tone).toBe('alarm');
});

test('numbers of a frame count along its run', () => {
  expect(frameAt(assigned, 0x205)).toMatchObject({
    start: 0x205,
    pages: 1,
    gfn: 0x205,
    pfn: 0x107,
    index: 5,
  });
  expect(frameAt(free, 0x300)).not.toHaveProperty('pfn');
});

test('a screen reader is told all that there is, and nothing that isn’t', () => {
  expect(describeFrame(assigned)).toBe(
    'gfn 0x203, pfn 0x105, attribute private, NPT 4K rw-, RMP validated 4K ASID 1, directmap 4K, folio order 0, owner gmem, page of the file 0x3, changed RMP',
  );
  expect(describeFrame(free)).toBe('gfn 0x300, attribute shared');
});

test('an RMP entry for another gfn is told', () => {
  expect(factsOf({ ...assigned, rmpGfn: 0x999 })).toContainEqual(['RMP’s gfn', '0x999']);
});

test('what can be watched of a page, the debug adapter understands', () => {
  const ids = watchIds(assigned);
  expect(ids).toHaveLength(5);
  for (const id of ids) expect(parseWatch(id)).toMatchObject({ k: 'page' });
  expect(watchIds(free).map((id) => parseWatch(id))).toEqual([
    { k: 'page', kind: 'mapping', at: 0x300 },
    { k: 'page', kind: 'attribute', at: 0x300 },
  ]);
});

test.each([
  ['private', true, false],
  ['rmp:validated', true, false],
  ['rmp:none', false, true],
  ['-private', false, true],
  ['changed', true, false],
  ['owner:GMEM npt:4k', true, false],
  ['gfn:0x204', true, false],
  ['gfn:0x2f0-0x310', false, true],
  ['pfn:0x108', true, false],
  ['pfn:0x109', false, false],
  ['attribute:shared', false, true],
  ['nonsense:1', false, false],
  ['gfn:what', false, false],
])('the filter %s', (text, ofAssigned, ofFree) => {
  const matches = parseFilter(text);
  expect([matches?.(assigned), matches?.(free)]).toEqual([ofAssigned, ofFree]);
});

test('an empty filter is none', () => {
  expect(parseFilter('  ')).toBeUndefined();
});
