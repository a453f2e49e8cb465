/** What stops a run besides the end of a step: hazards, data breakpoints, breakpoints with their conditions. */
import type { Thread } from '../simulator/execution/thread.js';
import type { StoryEntry } from '../simulator/scenario/result.js';
import { type Breakpoint, type Breakpoints, countHit } from './breakpoints.js';
import { DebugError } from './errors.js';
import type { HazardFilters } from './hazard-filters.js';
import type { Inspector } from './inspector.js';
import type { Launched } from './launched.js';
import type { StopConditions } from './mover.js';
import type { Narrator } from './narrator.js';
import type { Whereabouts } from './places.js';
import type { Stop } from './stops.js';
import type { Watchpoint, Watchpoints } from './watchpoints.js';

interface Parts {
  readonly launched: Launched;
  readonly breakpoints: Breakpoints;
  readonly watchpoints: Watchpoints;
  readonly filters: HazardFilters;
  readonly inspector: Inspector;
  readonly narrator: Narrator;
  /** Run without debugging: nothing stops it. */
  readonly quiet: boolean;
}

export class Conditions implements StopConditions {
  constructor(private readonly parts: Parts) {}

  stopsAfter(thread: Thread, told: readonly StoryEntry[]): Stop | undefined {
    const { narrator, filters, watchpoints, launched, quiet } = this.parts;
    narrator.follow(told);
    if (quiet) return undefined;
    for (const entry of told) {
      if (entry.kind !== 'hazard' || !filters.stopsAt(entry.hazard.kind)) continue;
      const { hazard } = entry;
      return { reason: 'exception', thread, description: hazard.kind, text: hazard.message, hazard };
    }
    if (!watchpoints.any) return undefined;
    const changed = watchpoints
      .changed(launched.simulation, told)
      .filter(({ point }) => this.holds(point, thread));
    if (changed.length === 0) return undefined;
    return dataStop(thread, changed);
  }

  mayStopAt(place: number): boolean {
    return !this.parts.quiet && this.parts.breakpoints.atPlace(place).length > 0;
  }

  stopsAt(thread: Thread, { place }: Whereabouts): Stop | undefined {
    const { breakpoints } = this.parts;
    const hit = breakpoints.atPlace(place.id).filter((breakpoint) => this.isHit(breakpoint, thread));
    if (hit.length === 0) return undefined;
    const temporary = hit.some(({ id }) => id === 0);
    if (temporary) breakpoints.clearTemporary();
    const hits = hit.map(({ id }) => id).filter((id) => id !== 0);
    if (hits.length === 0) return { reason: 'entry', thread };
    return { reason: place.code ? 'breakpoint' : 'breakpoint', thread, hits };
  }

  stopsByStory(told: () => readonly StoryEntry[]): Stop | undefined {
    const { watchpoints } = this.parts;
    if (!watchpoints.any) return undefined;
    const points = watchpoints.toldIn(told());
    return points.length > 0
      ? dataStop(
          undefined,
          points.map((point) => ({ point, how: '' })),
        )
      : undefined;
  }

  findValueChange(): Stop | undefined {
    const { watchpoints, launched } = this.parts;
    if (!watchpoints.compares) return undefined;
    const { simulation, history } = launched;
    watchpoints.lookAgain(simulation);
    if (!history.goBackTo(() => watchpoints.differs(simulation) !== undefined)) return undefined;
    const point = watchpoints.differs(simulation);
    return point && dataStop(undefined, [{ point, how: '' }]);
  }

  private isHit(breakpoint: Breakpoint, thread: Thread): boolean {
    const { condition, hit, logMessage } = breakpoint;
    if (condition !== undefined && !this.isTrue(condition, thread)) return false;
    const count = countHit(breakpoint, this.parts.launched.history.position);
    if (hit && !hit(count)) return false;
    if (logMessage === undefined) return true;
    this.log(logMessage, thread);
    return false;
  }

  private holds(point: Watchpoint, thread: Thread): boolean {
    if (point.condition !== undefined && !this.isTrue(point.condition, thread)) return false;
    const { hits } = point;
    const { position } = this.parts.launched.history;
    while (hits.length > 0 && hits.at(-1)! >= position) hits.pop();
    const count = hits.push(position);
    return !point.hit || point.hit(count);
  }

  /** A condition that can't be evaluated stops, and says why: to go past would hide it. */
  private isTrue(condition: string, thread: Thread): boolean {
    const { inspector, narrator } = this.parts;
    try {
      const { number } = inspector.valueIn(thread, condition);
      return number === undefined || number !== 0n;
    } catch (error) {
      if (!(error instanceof DebugError)) throw error;
      narrator.say(`The condition “${condition}” can't be evaluated here: ${error.message}\n`, 'stderr');
      return true;
    }
  }

  private log(message: string, thread: Thread): void {
    const { inspector, narrator, launched } = this.parts;
    const text = message.replaceAll(/\{([^{}]*)\}/g, (_, expression: string) => {
      try {
        return inspector.valueIn(thread, expression).value;
      } catch (error) {
        if (error instanceof DebugError) return `<${error.message}>`;
        throw error;
      }
    });
    const [at] = launched.simulation.c.stackOf(thread);
    narrator.say(`${text}\n`, 'console', at && { file: at.loc.file, line: at.loc.line });
  }
}

function dataStop(thread: Thread | undefined, changed: readonly { point: Watchpoint; how: string }[]): Stop {
  const text = changed.map(({ point, how }) => `${point.what}${how === '' ? '' : `: ${how}`}`).join('; ');
  return {
    reason: 'data breakpoint',
    thread,
    description: `changed: ${text}`,
    text,
    hits: changed.map(({ point }) => point.id),
  };
}
