/** Draws the time line: a lane an actor with its turns, below it the locks it holds; hazards and changes as marks. */
import type { LockSpan, TimelineBody } from '../../protocol.ts';
import { GUTTER } from './grid.ts';
import type { Theme } from './theme.ts';

const TURN_HEIGHT = 12;
const LOCK_HEIGHT = 9;
const LANE_GAP = 5;
const MARKS_HEIGHT = 14;
/** Locks of an actor that have a lane of their own. */
const MOST_LOCKS = 4;

/** Locks that say nothing about guest memory: the page cache's own. */
const QUIET = /xa_lock$|^folio /;

interface Lane {
  readonly actor: string;
  /** Names of locks, one a line. */
  readonly locks: readonly string[];
}

function lanesOf({ actors, locks }: TimelineBody): Lane[] {
  return actors.map((actor) => ({
    actor,
    locks: [
      ...new Set(
        locks.filter((span) => span.actor === actor && !QUIET.test(span.lock)).map(({ lock }) => lock),
      ),
    ].slice(0, MOST_LOCKS),
  }));
}

const laneHeight = ({ locks }: Lane): number => TURN_HEIGHT + locks.length * LOCK_HEIGHT + LANE_GAP;

export const timelineHeight = (timeline: TimelineBody): number =>
  MARKS_HEIGHT + lanesOf(timeline).reduce((sum, lane) => sum + laneHeight(lane), 0);

/** The position at a point. */
export function positionAt(timeline: TimelineBody, x: number, width: number): number {
  const share = (x - GUTTER) / Math.max(1, width - GUTTER);
  return Math.round(Math.min(1, Math.max(0, share)) * Math.max(1, timeline.length));
}

export function drawTimeline(
  context: CanvasRenderingContext2D,
  timeline: TimelineBody,
  width: number,
  theme: Theme,
): void {
  const { length, position, turns, hazards, changes } = timeline;
  const scale = (width - GUTTER) / Math.max(1, length);
  const at = (step: number): number => GUTTER + step * scale;
  context.clearRect(0, 0, width, timelineHeight(timeline));
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  drawMarks(context, theme, changes, at, theme.changed, 3, 5);
  let top = MARKS_HEIGHT;
  for (const [index, lane] of lanesOf(timeline).entries()) {
    context.globalAlpha = 1;
    context.font = `10px ${theme.font}`;
    context.fillStyle = theme.foreground;
    context.fillText(lane.actor, 6, top + TURN_HEIGHT / 2, GUTTER - 10);
    context.fillStyle = theme.owners[index % theme.owners.length]!;
    for (const { actor, from, to } of turns)
      if (actor === lane.actor)
        context.fillRect(at(from), top, Math.max(1, (to - from) * scale), TURN_HEIGHT - 2);
    top += TURN_HEIGHT;
    for (const lock of lane.locks) {
      context.font = `8px ${theme.font}`;
      context.fillStyle = theme.faint;
      context.fillText(shortName(lock), 12, top + LOCK_HEIGHT / 2, GUTTER - 16);
      for (const span of timeline.locks)
        if (span.actor === lane.actor && span.lock === lock)
          drawLock(context, theme, span, at, position, length, top);
      top += LOCK_HEIGHT;
    }
    top += LANE_GAP;
  }
  for (const hazard of hazards) drawHazard(context, theme, at(hazard.position));
  context.globalAlpha = 1;
  context.strokeStyle = theme.focus;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(at(position), 0);
  context.lineTo(at(position), top);
  context.stroke();
  context.lineWidth = 1;
}

/** Names that say nothing without whose it is. */
const COMMON = /(?:^|[.>])(\w+(?:->|\.)(?:mutex|lock|rwsem))$/;

const shortName = (lock: string): string => COMMON.exec(lock)?.[1] ?? lock.replace(/^.*(?:->|\.)/, '');

function drawLock(
  context: CanvasRenderingContext2D,
  theme: Theme,
  { from, to, mode }: LockSpan,
  at: (step: number) => number,
  position: number,
  length: number,
  top: number,
): void {
  const end = to ?? Math.max(position, length);
  context.globalAlpha = 0.9;
  // A read side is thin, as in the margin of the editor.
  const isRead = mode === 'read' || mode === 'srcu' || mode === 'rcu';
  const height = isRead ? 2 : 5;
  context.fillStyle = isRead ? theme.tones.first : theme.tones.third;
  context.fillRect(at(from), top + (LOCK_HEIGHT - height) / 2, Math.max(1.5, at(end) - at(from)), height);
  context.globalAlpha = 1;
}

/** Marks that would stand on each other are one. */
function drawMarks(
  context: CanvasRenderingContext2D,
  _theme: Theme,
  marks: TimelineBody['changes'],
  at: (step: number) => number,
  color: string,
  top: number,
  height: number,
): void {
  context.globalAlpha = 0.8;
  context.fillStyle = color;
  let last = Number.NEGATIVE_INFINITY;
  for (const { position } of marks) {
    const x = Math.round(at(position));
    if (x === last) continue;
    last = x;
    context.fillRect(x, top, 1, height);
  }
}

function drawHazard(context: CanvasRenderingContext2D, theme: Theme, x: number): void {
  context.globalAlpha = 1;
  context.fillStyle = theme.error;
  context.beginPath();
  context.moveTo(x, 1);
  context.lineTo(x + 6, 11);
  context.lineTo(x - 6, 11);
  context.fill();
}
