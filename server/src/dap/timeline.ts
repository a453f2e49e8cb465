/** gmem/timeline and gmem/changes: what happened when, told from the run's story. */
import type {
  ChangesArguments,
  ChangesBody,
  LockSpan,
  PlaceView,
  TimelineArguments,
  TimelineBody,
  TimelineMark,
} from '../simulator/backend/debug-protocol.js';
import { touches } from '../simulator/machine/events.js';
import type { CallPlace, StoryEntry } from '../simulator/scenario/result.js';
import { describeEvent } from '../simulator/scenario/story.js';
import type { Launched } from './launched.js';

const DEFAULT_CHANGES = 20;

export function timeline(launched: Launched, asked: TimelineArguments): TimelineBody {
  const { history, threads } = launched;
  const { position } = history;
  const from = Math.max(0, asked.from ?? 0);
  const to = Math.min(position, asked.to ?? position);
  const turns: { actor: string; from: number; to: number }[] = [];
  for (let at = from; at < to; at++) {
    const actor = history.threadAfter(at)?.name;
    if (actor === undefined) continue;
    const last = turns.at(-1);
    if (last?.actor === actor && last.to === at) last.to = at + 1;
    else turns.push({ actor, from: at, to: at + 1 });
  }
  const locks: { -readonly [K in keyof LockSpan]: LockSpan[K] }[] = [];
  const actions: TimelineMark[] = [];
  const hazards: TimelineMark[] = [];
  const changes: TimelineMark[] = [];
  for (const { entry, at } of entries(launched, to)) {
    const mark = (text: string): TimelineMark => ({
      position: at,
      actor: entry.actor,
      text,
      ...(entry.at && { at: placeView(launched, entry.at) }),
    });
    if (entry.kind === 'lock') {
      if (entry.change === '+')
        locks.push({
          actor: entry.actor,
          lock: entry.name,
          mode: entry.mode,
          from: at,
          ...(entry.at && { at: placeView(launched, entry.at) }),
        });
      else {
        const open = locks.findLast(
          (one) => one.to === undefined && one.lock === entry.name && one.actor === entry.actor,
        );
        if (open) open.to = at;
      }
    }
    if (at < from) continue;
    if (entry.kind === 'action') actions.push(mark(entry.text));
    if (entry.kind === 'hazard') hazards.push(mark(`${entry.hazard.kind}: ${entry.hazard.message}`));
    if (entry.kind === 'machine') {
      const text = describeEvent(entry.event);
      if (text !== undefined) changes.push(mark(text));
    }
  }
  return {
    position,
    length: history.length,
    actors: threads.map(({ name }) => name),
    turns,
    locks: locks.filter((span) => span.to === undefined || span.to >= from),
    actions,
    hazards,
    changes,
  };
}

/** The story with the position after the move that told each entry, up to a position; the setup is not in it. */
function* entries(launched: Launched, to: number): Iterable<{ entry: StoryEntry; at: number }> {
  const { history, simulation } = launched;
  const first = history.storyAt(0);
  const story = simulation.story.from(first);
  let at = 0;
  for (const [i, entry] of story.entries()) {
    while (at < to && history.storyAt(at) <= first + i) at++;
    if (history.storyAt(at) <= first + i) return;
    yield { entry, at };
  }
}

/** What changed a page up to now, the last change first; the setup's changes have position 0. */
export function changesOf(
  launched: Launched,
  { gfn, pfn, limit = DEFAULT_CHANGES }: ChangesArguments,
): ChangesBody {
  const { history, simulation } = launched;
  const changes: TimelineMark[] = [];
  const story = simulation.story.from(0);
  let at = history.position;
  for (let i = story.length - 1; i >= 0 && changes.length < limit; i--) {
    while (at > 0 && history.storyAt(at - 1) > i) at--;
    const entry = story[i]!;
    if (entry.kind !== 'machine' || !touches(entry.event, pfn, gfn)) continue;
    const text = describeEvent(entry.event);
    if (text === undefined) continue;
    changes.push({
      position: at,
      actor: entry.actor,
      text,
      ...(entry.at && { at: placeView(launched, entry.at) }),
    });
  }
  return { changes };
}

export const placeView = (launched: Launched, { function: name, file, line }: CallPlace): PlaceView => ({
  path: launched.absolute(file),
  line,
  function: name,
});
