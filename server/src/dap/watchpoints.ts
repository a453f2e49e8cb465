/** Data breakpoints: what is watched, and whether a move has changed it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Hazard } from '../simulator/execution/hazard.js';
import type { MachineEvent } from '../simulator/machine/events.js';
import type { StoryEntry } from '../simulator/scenario/result.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { peek } from './evaluation.js';
import { privateAt } from './guest-memory.js';
import { type HitCondition, parseHitCondition } from './hit-condition.js';
import { WATCHED } from './machine-items.js';

/** Parts of the machine, each with the events that change it; what isn't told by an event is compared. */
const EVENTS: Readonly<Record<keyof typeof WATCHED, readonly MachineEvent['kind'][] | undefined>> = {
  rmp: ['rmp'],
  owner: ['page'],
  directmap: ['directmap'],
  content: ['content'],
  mapping: ['npt', 'sept'],
  attribute: undefined,
};

type Watched =
  | { k: 'page'; kind: keyof typeof WATCHED; at: number }
  | { k: 'c'; address: bigint; size: number; name: string };

export interface Watchpoint {
  readonly id: number;
  readonly watched: Watched;
  readonly what: string;
  readonly condition?: string | undefined;
  readonly hit?: HitCondition | undefined;
  readonly hits: number[];
  /** What was there after the last move, where it is compared. */
  last: string | undefined;
}

/** What a data breakpoint's id means; `undefined`: nothing. */
export function parseWatch(id: string): Watched | undefined {
  const page = /^(rmp|owner|directmap|content|mapping|attribute) 0x([0-9a-f]+)$/.exec(id);
  if (page) return { k: 'page', kind: page[1] as keyof typeof WATCHED, at: Number.parseInt(page[2]!, 16) };
  const c = /^c ([0-9a-f]+) ([1248]) (.+)$/s.exec(id);
  return c ? { k: 'c', address: BigInt(`0x${c[1]}`), size: Number(c[2]), name: c[3]! } : undefined;
}

export function watchText(watched: Watched): string {
  if (watched.k === 'c') return watched.name;
  const { kind, at } = watched;
  return `${WATCHED[kind]} of ${kind === 'mapping' || kind === 'attribute' ? 'gfn' : 'pfn'} 0x${at.toString(16)}`;
}

const isByEvents = ({ watched }: Watchpoint): boolean =>
  watched.k === 'page' && EVENTS[watched.kind] !== undefined;

export class Watchpoints {
  private all: Watchpoint[] = [];
  private asked: readonly DebugProtocol.DataBreakpoint[] = [];
  private ids: number[] = [];

  constructor(private nextId: () => number) {}

  get any(): boolean {
    return this.all.length > 0;
  }

  /** Whether some are found only by comparing values. */
  get compares(): boolean {
    return this.all.some((one) => !isByEvents(one));
  }

  set(asked: readonly DebugProtocol.DataBreakpoint[], simulation: Simulation): DebugProtocol.Breakpoint[] {
    this.asked = asked;
    this.ids = asked.map(() => this.nextId());
    return this.made(simulation);
  }

  private made(simulation: Simulation): DebugProtocol.Breakpoint[] {
    this.all = [];
    return this.asked.map(({ dataId, accessType, condition, hitCondition }, index) => {
      const id = this.ids[index]!;
      const refuse = (message: string): DebugProtocol.Breakpoint => ({
        id,
        verified: false,
        message,
        reason: 'failed',
      });
      if (accessType !== undefined && accessType !== 'write')
        return refuse('Only changes can be watched, no reads.');
      const watched = parseWatch(dataId);
      if (!watched) return refuse(`“${dataId}” can't be watched.`);
      const hit = hitCondition ? parseHitCondition(hitCondition) : undefined;
      if (hitCondition && !hit) return refuse(`“${hitCondition}” is no hit count.`);
      const point: Watchpoint = {
        id,
        watched,
        what: watchText(watched),
        hits: [],
        last: undefined,
        ...(condition && { condition }),
        ...(hit && { hit }),
      };
      this.all.push(point);
      this.lookAgain(simulation);
      return { id, verified: true };
    });
  }

  /** In a new run, whose C has other addresses: variables are no longer watched. */
  rebind(simulation: Simulation): DebugProtocol.Breakpoint[] {
    return this.made(simulation);
  }

  /** What is there now is what later moves are compared with. */
  lookAgain(simulation: Simulation): void {
    for (const one of this.all) if (!isByEvents(one)) one.last = valueAt(simulation, one.watched);
  }

  /** Those whose data the last move has changed, with how. */
  changed(simulation: Simulation, told: readonly StoryEntry[]): { point: Watchpoint; how: string }[] {
    return this.all.flatMap((point) => {
      if (isByEvents(point)) {
        const entry = told.find((one) => one.kind === 'machine' && changes(one.event, point.watched));
        return entry ? [{ point, how: '' }] : [];
      }
      const now = valueAt(simulation, point.watched);
      const before = point.last;
      point.last = now;
      return before !== undefined && now !== before ? [{ point, how: `${before} → ${now}` }] : [];
    });
  }

  /** Those that these entries of the story are about. */
  toldIn(told: readonly StoryEntry[]): Watchpoint[] {
    return this.all.filter(
      (point) =>
        isByEvents(point) && told.some((one) => one.kind === 'machine' && changes(one.event, point.watched)),
    );
  }

  /** Whether a compared value is another one than it was when `lookAgain` was called. */
  differs(simulation: Simulation): Watchpoint | undefined {
    return this.all.find((one) => !isByEvents(one) && valueAt(simulation, one.watched) !== one.last);
  }
}

function changes(event: MachineEvent, watched: Watched): boolean {
  if (watched.k !== 'page' || !EVENTS[watched.kind]?.includes(event.kind)) return false;
  const first = watched.kind === 'mapping' ? 'gfn' in event && event.gfn : 'pfn' in event && event.pfn;
  if (typeof first !== 'number') return false;
  const pages = 'pages' in event ? event.pages : 1;
  return watched.at >= first && watched.at < first + pages;
}

function valueAt(simulation: Simulation, watched: Watched): string {
  if (watched.k === 'page') return privateAt(simulation, watched.at);
  const { memory } = simulation.c;
  const { address, size } = watched;
  const object = memory.objectAt(address);
  if (object?.freedAt !== undefined) return 'freed';
  return peek(simulation, () => {
    const lo = Number(BigInt.asIntN(32, address));
    const hi = Number(BigInt.asIntN(32, address >> 32n));
    try {
      memory.load(lo, hi, size, false, 0);
      const [l, h, unknown] = memory.result as unknown as [number, number, number];
      if (unknown) return 'unknown';
      return size === 8 ? `0x${((BigInt(h >>> 0) << 32n) | BigInt(l >>> 0)).toString(16)}` : String(l >>> 0);
    } catch (error) {
      if (error instanceof Hazard) return 'gone';
      throw error;
    }
  });
}
