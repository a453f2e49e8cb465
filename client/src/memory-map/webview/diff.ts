/** What is another than it was at the last stop: a step over a call is many steps of C. Knows no drawing. */
import type { FrameView, MachineViewBody } from '../../protocol.ts';
import { frameAt } from './bands.ts';

/** Members that are compared; numbers that count along are worth nothing by themselves. */
const COMPARED = [
  'pfn',
  'attribute',
  'npt',
  'writable',
  'executable',
  'sept',
  'rmp',
  'rmpSize',
  'asid',
  'td',
  'directmap',
  'order',
  'owner',
  'status',
  'file',
  'content',
] as const;

/**
 * The runs of a view, cut where something changed since another one, and marked.
 * What isn't in both, or is seen at another zoom, is as the session marks it.
 */
export function markChanges(
  before: MachineViewBody | undefined,
  after: MachineViewBody,
): readonly FrameView[] {
  if (!before || before.space !== after.space || before.cell !== after.cell) return after.runs;
  const marked: FrameView[] = [];
  let index = 0;
  for (const run of after.runs) {
    let at = run.start;
    const end = run.start + run.pages;
    while (at < end) {
      while (index < before.runs.length && endOf(before.runs[index]!) <= at) index++;
      const old = before.runs[index];
      const isKnown = old !== undefined && old.start <= at;
      const to = Math.min(end, old === undefined ? end : isKnown ? endOf(old) : old.start);
      const part = { ...frameAt(run, at), pages: to - at };
      push(marked, isKnown ? withChanges(part, frameAt(old, at)) : part, at === run.start);
      at = to;
    }
  }
  return marked;
}

const endOf = ({ start, pages }: FrameView): number => start + pages;

function withChanges(part: FrameView, old: FrameView): FrameView {
  const changed = COMPARED.filter((name) => part[name] !== old[name]);
  const { changed: _, ...rest } = part;
  return changed.length > 0 ? { ...rest, changed } : rest;
}

/** Parts of one run that changed alike stay one. */
function push(marked: FrameView[], part: FrameView, isFirst: boolean): void {
  const last = marked.at(-1);
  if (!isFirst && last && `${last.changed ?? ''}` === `${part.changed ?? ''}`)
    marked[marked.length - 1] = { ...last, pages: last.pages + part.pages };
  else marked.push(part);
}
