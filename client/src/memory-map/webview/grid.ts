/** Where frames stand: rows of cells that scroll, and zoom by powers of eight. Knows no drawing. */
import { BANDS } from './bands.ts';

/** Frames in a cell, from 4 KiB to 1 GiB. */
export const ZOOMS = [1, 8, 64, 512, 4096, 32768, 262144] as const;

export const COLUMNS = 64;
export const BAND_HEIGHT = 9;
export const ROW_GAP = 10;
export const ROW_HEIGHT = BANDS.length * BAND_HEIGHT + ROW_GAP;
/** Left of the cells, for the number of a row's first frame. */
export const GUTTER = 84;

export interface GridShape {
  /** First frame of the space, and how many there are. */
  readonly start: number;
  readonly pages: number;
  /** Frames in a cell. */
  readonly cell: number;
  /** Pixels. */
  readonly width: number;
}

/** A row begins at a multiple of its frames. */
export const framesOfRow = ({ cell }: GridShape): number => COLUMNS * cell;

export const firstRow = (shape: GridShape): number => Math.floor(shape.start / framesOfRow(shape));

export const rowsOf = (shape: GridShape): number =>
  Math.max(1, Math.ceil((shape.start + shape.pages) / framesOfRow(shape)) - firstRow(shape));

export const cellWidth = ({ width }: GridShape): number => Math.max(2, (width - GUTTER) / COLUMNS);

/** Pixels of everything. */
export const contentHeight = (shape: GridShape): number => rowsOf(shape) * ROW_HEIGHT + ROW_GAP;

/** First frame of a row, counted from 0. */
export const rowStart = (shape: GridShape, row: number): number =>
  (firstRow(shape) + row) * framesOfRow(shape);

export const rowOf = (shape: GridShape, frame: number): number =>
  Math.floor(frame / framesOfRow(shape)) - firstRow(shape);

/** Rows that are in view, last exclusive. */
export function visibleRows(shape: GridShape, scroll: number, height: number): readonly [number, number] {
  const first = Math.max(0, Math.floor((scroll - ROW_GAP) / ROW_HEIGHT));
  const last = Math.min(rowsOf(shape), Math.ceil((scroll + height) / ROW_HEIGHT));
  return [Math.min(first, last), last];
}

/** The frame that a cell at a point begins with; undefined beside the cells. */
export function frameAtPoint(shape: GridShape, x: number, y: number): number | undefined {
  const row = Math.floor((y - ROW_GAP) / ROW_HEIGHT);
  const column = Math.floor((x - GUTTER) / cellWidth(shape));
  if (x < GUTTER || y < ROW_GAP || column >= COLUMNS || row >= rowsOf(shape)) return undefined;
  const frame = rowStart(shape, row) + column * shape.cell;
  return frame >= shape.start && frame < shape.start + shape.pages ? frame : undefined;
}

/** Scroll position at which a frame is in view, changed as little as can be. */
export function scrollTo(shape: GridShape, frame: number, scroll: number, height: number): number {
  const top = rowOf(shape, frame) * ROW_HEIGHT;
  if (top < scroll) return top;
  const bottom = top + ROW_HEIGHT + ROW_GAP;
  return bottom > scroll + height ? bottom - height : scroll;
}

/** The zoom at which the whole space fits into so many rows, no finer than a page. */
export function fittingZoom(pages: number, rows: number): number {
  return ZOOMS.find((cell) => pages / (cell * COLUMNS) <= rows) ?? ZOOMS.at(-1)!;
}

/** What a key does to the selected frame; undefined for other keys. */
export function moved(shape: GridShape, frame: number, key: string, rowsInView: number): number | undefined {
  const step = {
    ArrowLeft: -shape.cell,
    ArrowRight: shape.cell,
    ArrowUp: -framesOfRow(shape),
    ArrowDown: framesOfRow(shape),
    PageUp: -framesOfRow(shape) * rowsInView,
    PageDown: framesOfRow(shape) * rowsInView,
    Home: shape.start - frame,
    End: shape.start + shape.pages - 1 - frame,
  }[key];
  if (step === undefined) return undefined;
  const last = shape.start + shape.pages - 1;
  // A frame in the middle of a cell stands for the cell.
  const next = frame + step - ((frame + step) % shape.cell);
  return Math.min(last - (last % shape.cell), Math.max(shape.start, next));
}
