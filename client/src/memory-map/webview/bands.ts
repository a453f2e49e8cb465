/** The bands of a frame: what each says of it, in words, in a letter or two, and as a tone. Knows no drawing. */
import type { FrameView } from '../../protocol.ts';

/** How a value is painted; `none`: nothing is there. */
export type Tone = 'private' | 'shared' | 'first' | 'second' | 'third' | 'alarm' | 'none' | 'owner';

export interface Cell {
  /** Equal texts of neighbours are one span. */
  readonly text: string;
  /** For narrow spans. */
  readonly short: string;
  readonly tone: Tone;
  /** Told apart from others of tone `owner`. */
  readonly hue?: number;
}

export interface Band {
  readonly name: string;
  /** Members of `FrameView` that it tells of. */
  readonly members: readonly (keyof FrameView)[];
  cell(frame: FrameView): Cell;
}

const NOTHING: Cell = { text: '', short: '', tone: 'none' };
const SIZE_TONE = { '4K': 'first', '2M': 'second', '1G': 'third' } as const;

const attribute: Band = {
  name: 'attribute',
  members: ['attribute'],
  cell: ({ attribute: value }) =>
    value === undefined ? NOTHING : { text: value, short: value === 'private' ? 'P' : 'S', tone: value },
};

const mapping: Band = {
  name: 'NPT',
  members: ['npt', 'sept', 'writable', 'executable', 'cachedBy'],
  cell: ({ npt, sept, writable, executable, cachedBy }) => {
    const level = npt ?? (sept === undefined ? undefined : '4K');
    if (level === undefined)
      return cachedBy?.length ? { text: 'zapped, still in a TLB', short: 'TLB', tone: 'alarm' } : NOTHING;
    const rights = npt ? ` r${writable ? 'w' : '-'}${executable ? 'x' : '-'}` : '';
    const secure = sept === undefined ? '' : `${npt ? ' ' : ''}${sept}`;
    return { text: `${npt ?? ''}${rights}${secure}`, short: level, tone: SIZE_TONE[level] };
  },
};

const rmp: Band = {
  name: 'RMP',
  members: ['rmp', 'rmpSize', 'asid', 'rmpGfn', 'td'],
  cell: ({ rmp: state, rmpSize, asid, td }) => {
    if (td !== undefined) return { text: `TD ${td}`, short: 'TD', tone: 'private' };
    if (state === undefined) return NOTHING;
    const size = rmpSize === undefined ? '' : ` ${rmpSize}`;
    const whose = asid ? ` ASID ${asid}` : '';
    return {
      text: `${state}${size}${whose}`,
      short: { assigned: 'A', validated: 'V', immutable: 'I' }[state],
      tone: state === 'validated' ? 'private' : state === 'assigned' ? 'shared' : 'third',
    };
  },
};

const directmap: Band = {
  name: 'directmap',
  members: ['directmap'],
  cell: ({ directmap: size }) =>
    size === undefined
      ? NOTHING
      : size === 'no'
        ? { text: 'not mapped', short: '–', tone: 'alarm' }
        : { text: size, short: size, tone: SIZE_TONE[size] },
};

const folio: Band = {
  name: 'folio',
  members: ['order'],
  cell: ({ order }) =>
    order === undefined
      ? NOTHING
      : {
          text: `order ${order}`,
          short: `${order}`,
          tone: order >= 18 ? 'third' : order >= 9 ? 'second' : 'first',
        },
};

const owner: Band = {
  name: 'owner',
  members: ['owner', 'status', 'file', 'index', 'pfn'],
  cell: ({ owner: name, status, file }) => {
    if (name === undefined) return NOTHING;
    const state = status === undefined || status === 'allocated' ? '' : `${status}, `;
    const whose = file ?? name;
    return { text: `${state}${whose}`, short: whose.slice(0, 2), tone: 'owner', hue: hueOf(whose) };
  },
};

export const BANDS: readonly Band[] = [attribute, mapping, rmp, directmap, folio, owner];

/** Of six; the same for the same name, whatever else there is. */
export function hueOf(name: string): number {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % 6;
}

export const hex = (value: number): string => `0x${value.toString(16)}`;

/** The frame at a place of a run: numbers count along. */
export function frameAt(run: FrameView, at: number): FrameView {
  const by = at - run.start;
  const moved = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : value + by;
  const { gfn, pfn, rmpGfn, index, ...rest } = run;
  return {
    ...rest,
    start: at,
    pages: 1,
    ...(gfn !== undefined && { gfn: moved(gfn) }),
    ...(pfn !== undefined && { pfn: moved(pfn) }),
    ...(rmpGfn !== undefined && { rmpGfn: moved(rmpGfn) }),
    ...(index !== undefined && { index: moved(index) }),
  } as FrameView;
}

/** All there is to say of a frame, as names and values. */
export function factsOf(frame: FrameView): readonly (readonly [name: string, value: string])[] {
  const facts: [string, string][] = [];
  if (frame.gfn !== undefined) facts.push(['gfn', hex(frame.gfn)]);
  if (frame.pfn !== undefined) facts.push(['pfn', hex(frame.pfn)]);
  for (const band of BANDS) facts.push([band.name, band.cell(frame).text || 'none']);
  if (frame.rmpGfn !== undefined && frame.rmpGfn !== frame.gfn) facts.push(['RMP’s gfn', hex(frame.rmpGfn)]);
  if (frame.index !== undefined) facts.push(['page of the file', hex(frame.index)]);
  if (frame.content !== undefined)
    facts.push(['content', `${frame.content}${frame.encrypted ? ', encrypted' : ''}`]);
  if (frame.cachedBy?.length)
    facts.push(['in the TLB of', frame.cachedBy.map((id) => `vcpu${id}`).join(', ')]);
  if (frame.mixed?.length) facts.push(['differs inside', frame.mixed.join(', ')]);
  if (frame.changed?.length) facts.push(['changed', changedBands(frame).join(', ')]);
  return facts;
}

/** Names of the bands that tell something else now; what no band shows has its own name. */
export function changedBands({ changed = [] }: FrameView): string[] {
  const names = BANDS.filter(({ members }) =>
    changed.some((name) => members.includes(name as keyof FrameView)),
  );
  const rest = changed.filter(
    (name) => !BANDS.some(({ members }) => members.includes(name as keyof FrameView)),
  );
  return [...names.map(({ name }) => name), ...rest];
}

/** One line for a screen reader. */
export const describeFrame = (frame: FrameView): string =>
  factsOf(frame)
    .filter(([, value]) => value !== 'none')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Ids of data breakpoints for a frame, as the debug adapter understands them. */
export function watchIds({ gfn, pfn }: FrameView): string[] {
  return [
    ...(pfn === undefined ? [] : [`rmp ${hex(pfn)}`, `owner ${hex(pfn)}`, `directmap ${hex(pfn)}`]),
    ...(gfn === undefined ? [] : [`mapping ${hex(gfn)}`, `attribute ${hex(gfn)}`]),
  ];
}
