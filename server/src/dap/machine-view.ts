/** gmem/machineView: frames as ranges that look alike, in cells of the size that a map is drawn in. */
import type {
  FrameRange,
  FrameView,
  MachineViewArguments,
  MachineViewBody,
} from '../simulator/backend/debug-protocol.js';
import type { MachineEvent } from '../simulator/machine/events.js';
import { framesOf, type GuestFrameRun, guestFramesOf } from '../simulator/machine/views.js';
import type { StoryEntry } from '../simulator/scenario/result.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { type AttributeRun, attributeRuns, type FilePages, filePages, guestSlots } from './guest-memory.js';

type View = { -readonly [Key in keyof FrameView]: FrameView[Key] };

const DEFAULT_LIMIT = 4096;
const LARGEST_CELL = 262_144;

/** @param told by the last step */
export function machineView(
  simulation: Simulation,
  position: number,
  told: readonly StoryEntry[],
  asked: MachineViewArguments,
): MachineViewBody {
  const { hardware } = simulation;
  const space = asked.space ?? 'guest';
  const whole = wholeOf(simulation, space);
  const start = Math.min(Math.max(asked.start ?? whole.start, whole.start), whole.start + whole.pages);
  const pages = Math.min(asked.pages ?? whole.pages, whole.start + whole.pages - start);
  const limit = asked.limit ?? DEFAULT_LIMIT;
  const runs = pages > 0 ? runsOf(simulation, space, start, pages) : [];
  let cell = 2 ** Math.ceil(Math.log2(asked.cell ?? 1));
  let views = marked(inCells(runs, cell), changesIn(told), space);
  while (views.length > limit && cell < LARGEST_CELL) {
    cell *= 2;
    views = marked(inCells(runs, cell), changesIn(told), space);
  }
  return {
    position,
    space,
    platform: hardware.platform.name,
    whole,
    start,
    pages,
    cell,
    slots: guestSlots(simulation),
    runs: views,
  };
}

function wholeOf(simulation: Simulation, space: 'guest' | 'host'): FrameRange {
  if (space === 'host') return simulation.hardware.pages.memory;
  const slots = guestSlots(simulation);
  const start = Math.min(...slots.map(({ gfn }) => gfn));
  const end = Math.max(...slots.map(({ gfn, pages }) => gfn + pages));
  return slots.length === 0 ? { start: 0, pages: 0 } : { start, pages: end - start };
}

function runsOf(simulation: Simulation, space: 'guest' | 'host', start: number, pages: number): View[] {
  return space === 'host' ? hostRuns(simulation, start, pages) : guestRuns(simulation, start, pages);
}

function hostRuns({ hardware }: Simulation, start: number, pages: number): View[] {
  return framesOf(hardware, start, pages).map((frame) => {
    const { pfn, page, rmp, directmap, td, content } = frame;
    const file = page?.file;
    return clean({
      start: pfn,
      pages: frame.pages,
      pfn,
      rmp: rmp && (rmp.validated ? 'validated' : rmp.assigned ? 'assigned' : 'immutable'),
      rmpSize: rmp?.size,
      asid: rmp?.asid,
      rmpGfn: rmp?.assigned ? Math.floor(rmp.gpa / 4096) + (pfn - rmp.pfn) : undefined,
      td,
      directmap: directmap.present ? directmap.level : 'no',
      order: page?.order,
      owner: page?.owner,
      status: page && page.status !== 'allocated' ? page.status : undefined,
      file,
      index: file === undefined ? undefined : pfn + (page?.indexDelta ?? 0),
      content: content.pattern === 'zero' && content.key === 0 ? undefined : content.pattern,
      encrypted: content.key === 0 ? undefined : true,
    });
  });
}

interface NoGuest {
  gfn: number;
  pages: number;
}

/** A guest's frames with the frame of the machine that is behind each. */
function guestRuns(simulation: Simulation, start: number, pages: number): View[] {
  const { hardware, kernel } = simulation;
  const isThere = hardware.vms.all().some(({ id }) => id === kernel.vm);
  const frames: (GuestFrameRun | NoGuest)[] = isThere
    ? guestFramesOf(hardware, kernel.vm, start, pages)
    : [{ gfn: start, pages }];
  const attributes = attributeRuns(simulation);
  const files = filePages(simulation);
  const edges = new Set<number>();
  for (const { gfn, pages: count } of [...frames, ...attributes, ...files]) {
    edges.add(gfn);
    edges.add(gfn + count);
  }
  const cuts = [...edges].filter((edge) => edge > start && edge < start + pages).sort((a, b) => a - b);
  const views: View[] = [];
  const next = { frame: cursor(frames), attribute: cursor(attributes), file: cursor(files) };
  for (const [i, from] of [start, ...cuts].entries()) {
    const to = cuts[i] ?? start + pages;
    const frame = next.frame(from);
    const attribute = next.attribute(from)?.attribute;
    const file = next.file(from);
    const moved = frame ? from - frame.gfn : 0;
    const sides = frame && 'npt' in frame ? frame : undefined;
    const leaf = sides?.npt ?? sides?.sept;
    const mapped = leaf && from + leaf.pfnDelta;
    const backing = attribute === 'private' ? sides?.privatePfn : sides?.sharedPfn;
    const inFile = file && file.pfn + (from - file.gfn);
    const pfn =
      mapped ??
      (attribute === 'private' ? inFile : undefined) ??
      (backing === undefined ? undefined : backing + moved);
    const guest: Partial<View> = clean({
      gfn: from,
      attribute: attributeOf(attribute),
      npt: leaf?.level,
      writable: sides?.npt?.writable,
      executable: sides?.npt?.executable,
      sept: sides?.sept?.state,
      cachedBy: sides && sides.cachedBy.length > 0 ? sides.cachedBy : undefined,
    });
    const of =
      pfn !== undefined && hardware.pages.contains(pfn, to - from)
        ? hostRuns(simulation, pfn, to - from)
        : undefined;
    if (!of) views.push({ start: from, pages: to - from, ...guest });
    for (const host of of ?? []) {
      const gfn = from + host.start - pfn!;
      views.push({ ...host, ...guest, start: gfn, gfn });
    }
  }
  return views;
}

const attributeOf = (text: string | undefined): FrameView['attribute'] =>
  text === 'private' || text === 'shared' ? text : undefined;

/** The range around a frame number; asked in rising order. */
function cursor<R extends { gfn: number; pages: number } | AttributeRun | FilePages>(
  ranges: readonly R[],
): (gfn: number) => R | undefined {
  let at = 0;
  return (gfn) => {
    while (at < ranges.length && ranges[at]!.gfn + ranges[at]!.pages <= gfn) at++;
    const range = ranges[at];
    return range && range.gfn <= gfn ? range : undefined;
  };
}

// ---- cells

/** Numbers that count along over a run. */
const COUNTING = ['start', 'gfn', 'pfn', 'index', 'rmpGfn'] as const;
const NOT_LOOKS = new Set<string>([...COUNTING, 'pages', 'mixed', 'changed']);

const looksOf = (view: View): string =>
  JSON.stringify(Object.entries(view).filter(([key]) => !NOT_LOOKS.has(key)));

/** Whether a run goes on where another ends. */
const follows = (before: View, view: View): boolean =>
  COUNTING.every((key) => {
    const [a, b] = [before[key], view[key]];
    return a === undefined ? b === undefined : b !== undefined && a + before.pages === b;
  });

function inCells(runs: readonly View[], cell: number): View[] {
  if (cell === 1) return joined(runs);
  const cells: View[] = [];
  let rest: View[] = [];
  const end = runs.length > 0 ? runs.at(-1)!.start + runs.at(-1)!.pages : 0;
  for (let i = 0, at = runs[0]?.start ?? 0; at < end; ) {
    const to = Math.min(end, (Math.floor(at / cell) + 1) * cell);
    rest = [];
    while (i < runs.length && runs[i]!.start < to) {
      rest.push(runs[i]!);
      if (runs[i]!.start + runs[i]!.pages > to) break;
      i++;
    }
    const [first] = rest;
    const last = rest.at(-1)!;
    // A long run that looks alike stays one, up to the last whole cell of it.
    const alone = rest.length === 1 && last.start + last.pages > to;
    const until = alone ? Math.max(to, Math.floor((last.start + last.pages) / cell) * cell) : to;
    cells.push(cut(first!, at, until - at, mixedIn(rest)));
    at = until;
    while (i < runs.length && runs[i]!.start + runs[i]!.pages <= at) i++;
  }
  return joined(cells);
}

function cut(view: View, from: number, pages: number, mixed: string[]): View {
  const moved = from - view.start;
  const copy: View = { ...view, pages };
  for (const key of COUNTING) if (copy[key] !== undefined) copy[key] = copy[key] + moved;
  return mixed.length > 0 ? { ...copy, mixed } : copy;
}

function mixedIn(views: readonly View[]): string[] {
  const [first] = views;
  const names = new Set(views.flatMap((view) => Object.keys(view)));
  return [...names]
    .filter((name) => !NOT_LOOKS.has(name))
    .filter((name) => {
      const key = name as keyof View;
      return views.some((view) => JSON.stringify(view[key]) !== JSON.stringify(first![key]));
    })
    .sort();
}

function joined(views: readonly View[]): View[] {
  const out: View[] = [];
  let looks = '';
  for (const view of views) {
    const last = out.at(-1);
    const own = `${looksOf(view)}${view.mixed?.join() ?? ''}`;
    if (last && own === looks && follows(last, view)) last.pages += view.pages;
    else out.push({ ...view });
    looks = own;
  }
  return out;
}

// ---- what the last step changed

interface Changed {
  space: 'guest' | 'host';
  start: number;
  pages: number;
  members: readonly string[];
}

const HOST_CHANGES: Readonly<Partial<Record<MachineEvent['kind'], readonly string[]>>> = {
  page: ['owner', 'file', 'order', 'status'],
  rmp: ['rmp', 'rmpSize'],
  pamt: ['td'],
  directmap: ['directmap'],
  'directmap-split': ['directmap'],
  'directmap-restore': ['directmap'],
  content: ['content'],
};

const GUEST_CHANGES: Readonly<Partial<Record<MachineEvent['kind'], readonly string[]>>> = {
  npt: ['npt'],
  tlb: ['cachedBy'],
  sept: ['sept'],
  backing: ['pfn'],
};

export function changesIn(told: readonly StoryEntry[]): Changed[] {
  return told.flatMap((entry): Changed[] => {
    if (entry.kind !== 'machine') return [];
    const { event } = entry;
    const pages = 'pages' in event ? event.pages : 1;
    const host = HOST_CHANGES[event.kind];
    if (host && 'pfn' in event && event.pfn !== undefined)
      return [{ space: 'host', start: event.pfn, pages, members: host }];
    const guest = GUEST_CHANGES[event.kind];
    if (guest && 'gfn' in event && event.gfn !== undefined)
      return [{ space: 'guest', start: event.gfn, pages, members: guest }];
    return [];
  });
}

function marked(views: View[], changes: readonly Changed[], space: 'guest' | 'host'): View[] {
  if (changes.length === 0) return views;
  return views.flatMap((view) => {
    const touching = changes.flatMap((change) => {
      const base = change.space === 'host' ? view.pfn : view.gfn;
      if (base === undefined) return [];
      const from = Math.max(0, change.start - base);
      const to = Math.min(view.pages, change.start + change.pages - base);
      return from < to ? [{ from, to, members: change.members }] : [];
    });
    if (touching.length === 0) return [view];
    if (view.mixed || space !== (view.gfn === undefined ? 'host' : 'guest'))
      return [{ ...view, changed: namesOf(touching) }];
    // What has changed is told apart from what has not.
    const edges = [...new Set([0, view.pages, ...touching.flatMap(({ from, to }) => [from, to])])].sort(
      (a, b) => a - b,
    );
    return edges.slice(1).map((end, i) => {
      const from = edges[i]!;
      const piece = cut(view, view.start + from, end - from, []);
      const on = touching.filter((one) => one.from <= from && end <= one.to);
      return on.length > 0 ? { ...piece, changed: namesOf(on) } : piece;
    });
  });
}

const namesOf = (touching: readonly { members: readonly string[] }[]): string[] =>
  [...new Set(touching.flatMap(({ members }) => members))].sort();

/** The same object without members that have no value. */
function clean<T extends object>(view: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
