/** Draws the rows in view: neighbours that say the same in a band are one rectangle with one text. */
import type { FrameView, SlotView } from '../../protocol.ts';
import { BANDS, type Band, type Cell, hex } from './bands.ts';
import {
  BAND_HEIGHT,
  COLUMNS,
  cellWidth,
  framesOfRow,
  type GridShape,
  GUTTER,
  ROW_GAP,
  ROW_HEIGHT,
  rowOf,
  rowStart,
  visibleRows,
} from './grid.ts';
import type { Theme } from './theme.ts';

export interface MapPicture {
  readonly shape: GridShape;
  readonly runs: readonly FrameView[];
  readonly slots: readonly SlotView[];
  readonly scroll: number;
  readonly height: number;
  /** First frame of the selected cell. */
  readonly selected: number;
  readonly isFocused: boolean;
  readonly matches: ((frame: FrameView) => boolean) | undefined;
  readonly isWatched: (frame: FrameView) => boolean;
}

/** A stretch of a row that says one thing in one band. */
interface Span {
  readonly from: number;
  to: number;
  readonly cell: Cell;
  readonly faded: boolean;
  readonly mixed: boolean;
  readonly changed: boolean;
}

const TEXT_PIXELS = 6;
const FADED = 0.18;
const FILLED = 0.85;

export function drawMap(context: CanvasRenderingContext2D, picture: MapPicture, theme: Theme): void {
  const { shape, scroll, height } = picture;
  context.clearRect(0, 0, shape.width, height);
  context.textBaseline = 'middle';
  const [first, last] = visibleRows(shape, scroll, height);
  for (let row = first; row < last; row++) drawRow(context, picture, theme, row);
  drawSelection(context, picture, theme);
}

function drawRow(context: CanvasRenderingContext2D, picture: MapPicture, theme: Theme, row: number): void {
  const { shape, scroll } = picture;
  const top = ROW_GAP + row * ROW_HEIGHT - scroll;
  const start = rowStart(shape, row);
  const end = start + framesOfRow(shape);
  const runs = runsBetween(picture.runs, start, end);
  context.globalAlpha = 1;
  context.font = `11px ${theme.font}`;
  context.fillStyle = theme.foreground;
  context.textAlign = 'left';
  context.fillText(hex(Math.max(start, shape.start)), 6, top + BAND_HEIGHT / 2);
  context.font = `9px ${theme.font}`;
  context.fillStyle = theme.faint;
  const slot = picture.slots.find(({ gfn, pages }) => gfn < end && gfn + pages > start);
  if (slot)
    context.fillText(
      `slot ${slot.id}${slot.file === undefined ? '' : ` ${slot.file}`}`,
      6,
      top + BAND_HEIGHT * 2,
    );
  for (const [index, band] of BANDS.entries())
    for (const span of spansOf(band, runs, start, end, picture.matches))
      drawSpan(context, picture, theme, span, start, top + index * BAND_HEIGHT);
  for (const run of runs) {
    if (picture.isWatched(run)) mark(context, picture, theme.focus, run.start, top - 3);
  }
}

/** Runs that have frames in a range; they are in order. */
function runsBetween(runs: readonly FrameView[], start: number, end: number): FrameView[] {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const run = runs[middle]!;
    if (run.start + run.pages <= start) low = middle + 1;
    else high = middle;
  }
  const found: FrameView[] = [];
  for (let at = low; at < runs.length && runs[at]!.start < end; at++) found.push(runs[at]!);
  return found;
}

function spansOf(
  band: Band,
  runs: readonly FrameView[],
  start: number,
  end: number,
  matches: MapPicture['matches'],
): Span[] {
  const spans: Span[] = [];
  for (const run of runs) {
    const cell = band.cell(run);
    const span: Span = {
      from: Math.max(run.start, start),
      to: Math.min(run.start + run.pages, end),
      cell,
      faded: matches !== undefined && !matches(run),
      mixed: run.mixed?.some((name) => band.members.includes(name as keyof FrameView)) ?? false,
      changed: run.changed?.some((name) => band.members.includes(name as keyof FrameView)) ?? false,
    };
    const before = spans.at(-1);
    if (before && isAlike(before, span)) before.to = span.to;
    else spans.push(span);
  }
  return spans;
}

const isAlike = (a: Span, b: Span): boolean =>
  a.to === b.from &&
  a.cell.text === b.cell.text &&
  a.cell.tone === b.cell.tone &&
  a.faded === b.faded &&
  a.mixed === b.mixed &&
  a.changed === b.changed;

function drawSpan(
  context: CanvasRenderingContext2D,
  { shape }: MapPicture,
  theme: Theme,
  { from, to, cell, faded, mixed, changed }: Span,
  rowFrom: number,
  top: number,
): void {
  const width = cellWidth(shape);
  const x = GUTTER + ((from - rowFrom) / shape.cell) * width;
  const w = Math.max(1, ((to - from) / shape.cell) * width - 1);
  const h = BAND_HEIGHT - 1;
  context.globalAlpha = faded ? FADED : 1;
  if (cell.tone === 'none') {
    context.fillStyle = theme.border;
    context.globalAlpha *= 0.35;
    context.fillRect(x, top + h - 1, w, 1);
  } else {
    const color = cell.tone === 'owner' ? theme.owners[cell.hue ?? 0]! : theme.tones[cell.tone];
    if (theme.outlines) {
      context.strokeStyle = color;
      context.strokeRect(x + 0.5, top + 0.5, Math.max(1, w - 1), h - 1);
    } else {
      context.fillStyle = color;
      context.globalAlpha *= FILLED;
      context.fillRect(x, top, w, h);
      context.globalAlpha = faded ? FADED : 1;
    }
    label(context, theme, cell, x, top, w, h);
  }
  if (mixed) hatch(context, theme, x, top, w, h);
  if (!changed) return;
  context.globalAlpha = 1;
  context.strokeStyle = theme.changed;
  context.lineWidth = 2;
  context.strokeRect(x, top, w, h);
  context.lineWidth = 1;
}

/** The longest of its texts that fits. */
function label(
  context: CanvasRenderingContext2D,
  theme: Theme,
  cell: Cell,
  x: number,
  top: number,
  w: number,
  h: number,
): void {
  const text = [cell.text, cell.short].find((one) => one.length * TEXT_PIXELS <= w - 4);
  if (!text) return;
  context.font = `${theme.outlines ? '' : 'bold '}8px ${theme.font}`;
  context.fillStyle = theme.outlines ? theme.foreground : theme.background;
  context.textAlign = 'left';
  context.fillText(text, x + 3, top + h / 2 + 0.5);
}

/** Frames of the cell differ in this. */
function hatch(
  context: CanvasRenderingContext2D,
  theme: Theme,
  x: number,
  top: number,
  w: number,
  h: number,
): void {
  context.strokeStyle = theme.foreground;
  context.globalAlpha = 0.6;
  context.beginPath();
  for (let at = x + 2; at < x + w - h / 2; at += 5) {
    context.moveTo(at, top + h);
    context.lineTo(at + h / 2, top);
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** A small triangle above a frame. */
function mark(
  context: CanvasRenderingContext2D,
  { shape }: MapPicture,
  color: string,
  frame: number,
  top: number,
): void {
  const row = rowOf(shape, frame);
  const x = GUTTER + ((frame - rowStart(shape, row)) / shape.cell + 0.5) * cellWidth(shape);
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x - 4, top - 3);
  context.lineTo(x + 4, top - 3);
  context.lineTo(x, top + 2);
  context.fill();
}

function drawSelection(context: CanvasRenderingContext2D, picture: MapPicture, theme: Theme): void {
  const { shape, selected, scroll, isFocused } = picture;
  const row = rowOf(shape, selected);
  const column = Math.floor((selected - rowStart(shape, row)) / shape.cell);
  if (column < 0 || column >= COLUMNS) return;
  const width = cellWidth(shape);
  context.globalAlpha = 1;
  context.strokeStyle = isFocused ? theme.focus : theme.foreground;
  context.lineWidth = isFocused ? 2 : 1;
  const top = ROW_GAP + row * ROW_HEIGHT - scroll;
  context.strokeRect(GUTTER + column * width - 1, top - 2, width + 1, BANDS.length * BAND_HEIGHT + 3);
  context.lineWidth = 1;
}
