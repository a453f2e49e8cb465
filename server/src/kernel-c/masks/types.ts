/** `typeof(x)`, `offsetof(t, a.b)`, `__alignof__(t)`: types and numbers made of expressions. */
import { Mark } from '../word-marks.js';
import type { MaskContext } from './mask-context.js';

/** `typeof(…)` → a type's name of the same length, told by its `typeof____`. */
export function maskTypeof(m: MaskContext, i: number): boolean {
  const close = m.closeBehind(i);
  if (close < 0) return false;
  const line = m.source.indexOf('\n', m.start(i));
  const end = line >= 0 && line < m.end(close) ? line : m.end(close);
  m.overwrite(i, close, 'typeof'.padEnd(end - m.start(i), '_'));
  m.skipTo = close;
  return true;
}

/** The grammar takes one member name; `offsetof(struct x, a.b)` and `offsetof(struct x, a[i])` become a number. */
export function maskOffsetof(m: MaskContext, i: number, marks: number): boolean {
  const isOffset = (marks & Mark.Offsetof) !== 0;
  const close = m.closeBehind(i);
  if (close < 0) return false;
  const comma = m.argumentCommas(i + 1, close)[0];
  if (isOffset && (comma === undefined || close === comma + 2)) return true;
  m.overwrite(i, close, '0');
  m.skipTo = close;
  return true;
}
