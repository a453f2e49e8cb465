import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  COLUMNS,
  cellWidth,
  fittingZoom,
  frameAtPoint,
  type GridShape,
  GUTTER,
  moved,
  ROW_GAP,
  ROW_HEIGHT,
  rowOf,
  rowStart,
  rowsOf,
  scrollTo,
  visibleRows,
  ZOOMS,
} from '../../../client/src/memory-map/webview/grid.ts';

const shapes = fc
  .record({
    start: fc.integer({ min: 0, max: 1 << 20 }),
    pages: fc.integer({ min: 1, max: 1 << 20 }),
    cell: fc.constantFrom(...ZOOMS),
    width: fc.integer({ min: 300, max: 2000 }),
  })
  .map((shape): GridShape => shape);

test('every frame stands in a row, and the rows have every frame', () => {
  fc.assert(
    fc.property(shapes, fc.nat(), (shape, some) => {
      const frame = shape.start + (some % shape.pages);
      const row = rowOf(shape, frame);
      expect(row).toBeGreaterThanOrEqual(0);
      expect(row).toBeLessThan(rowsOf(shape));
      expect(rowStart(shape, row)).toBeLessThanOrEqual(frame);
      expect(rowStart(shape, row + 1)).toBeGreaterThan(frame);
    }),
  );
});

test('a click on a cell means the frame that it begins with', () => {
  fc.assert(
    fc.property(shapes, fc.nat(), fc.nat({ max: COLUMNS - 1 }), (shape, someRow, column) => {
      const row = someRow % rowsOf(shape);
      const frame = rowStart(shape, row) + column * shape.cell;
      const point: [number, number] = [
        GUTTER + (column + 0.5) * cellWidth(shape),
        ROW_GAP + (row + 0.4) * ROW_HEIGHT,
      ];
      const isInside = frame >= shape.start && frame < shape.start + shape.pages;
      expect(frameAtPoint(shape, ...point)).toBe(isInside ? frame : undefined);
    }),
  );
});

test('beside the cells there is no frame', () => {
  const shape = { start: 0, pages: 512, cell: 1, width: 700 };
  expect(frameAtPoint(shape, GUTTER - 1, 40)).toBeUndefined();
  expect(frameAtPoint(shape, 300, ROW_GAP - 1)).toBeUndefined();
  expect(frameAtPoint(shape, 300, ROW_GAP + rowsOf(shape) * ROW_HEIGHT + 1)).toBeUndefined();
});

test('keys lead to frames of the map only, from the middle of it to its ends', () => {
  const shape = { start: 0x200, pages: 0x200, cell: 1, width: 700 };
  expect(moved(shape, 0x200, 'ArrowLeft', 5)).toBe(0x200);
  expect(moved(shape, 0x200, 'ArrowRight', 5)).toBe(0x201);
  expect(moved(shape, 0x200, 'ArrowDown', 5)).toBe(0x200 + COLUMNS);
  expect(moved(shape, 0x210, 'End', 5)).toBe(0x3ff);
  expect(moved(shape, 0x210, 'Home', 5)).toBe(0x200);
  expect(moved(shape, 0x3f0, 'PageDown', 5)).toBe(0x3ff);
  expect(moved(shape, 0x210, 'x', 5)).toBeUndefined();
});

test('scrolling to a frame brings it into view, and moves no further than it must', () => {
  fc.assert(
    fc.property(shapes, fc.nat(), fc.nat({ max: 5000 }), (shape, some, scroll) => {
      const frame = shape.start + (some % shape.pages);
      const height = 600;
      const there = scrollTo(shape, frame, scroll, height);
      const [first, last] = visibleRows(shape, there, height);
      const row = rowOf(shape, frame);
      expect(row).toBeGreaterThanOrEqual(first);
      expect(row).toBeLessThan(last);
      expect(scrollTo(shape, frame, there, height)).toBe(there);
    }),
  );
});

test('the first zoom shows all of it, as finely as it can', () => {
  expect(fittingZoom(512, 24)).toBe(1);
  expect(fittingZoom(32768, 24)).toBe(64);
  expect(fittingZoom(1 << 30, 24)).toBe(262144);
});
