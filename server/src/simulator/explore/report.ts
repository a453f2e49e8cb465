/** What an exploration found, for a person: the schedule as a story, and how much was looked at. */
import type { Scenario } from '../scenario/model.js';
import type { RunResult } from '../scenario/result.js';
import { storyText } from '../scenario/story.js';
import type { Exploration } from './explore.js';
import type { ScheduledTurn } from './schedule.js';

export interface ReportOptions {
  statesPerSecond: number;
  seconds: number;
  /** As the scenario was named on the command line. */
  name: string;
  /** The run by the schedule that was found. */
  replay: RunResult | undefined;
}

export function explorationText(
  { title, schedule, actors }: Scenario,
  found: Exploration,
  { statesPerSecond, seconds, name, replay }: ReportOptions,
): string {
  const lines: string[] = [];
  if (found.outcome === 'violation' && replay) {
    lines.push(
      storyText({ ...replay, expectations: [], passed: false }, { trace: false, verdict: 'hazards' }),
    );
    lines.push('Who went when:', ...found.schedule.map(turnText));
    lines.push('', `To replay it: gmem-lens explore ${name} --format json > found.json`);
    lines.push(`              gmem-lens run ${name} --schedule found.json --trace`, '');
  } else lines.push(title, '');
  if (schedule.length > 0) lines.push('The scenario’s own schedule was set aside.');
  lines.push(
    `${plural(found.states, 'state')} that differ, ${plural(found.transitions, 'transition')}, depth ${found.depth}; ` +
      `${plural(found.points, 'statement')} where actors can meet, besides locks and sleeping calls; ` +
      `${plural(found.explored, 'state')} in all searches, ${statesPerSecond.toLocaleString('en-US')} a second, ${seconds.toFixed(1)} s`,
  );
  lines.push(verdictText(found, actors.length));
  return `${lines.join('\n')}\n`;
}

function turnText({ actor, steps, at }: ScheduledTurn, index: number): string {
  const where = at ? `up to ${at.function}, ${at.file}:${at.line}` : 'until it is done';
  return `  ${index + 1}. ${actor.padEnd(6)} ${where} (${plural(steps, 'step')})`;
}

function verdictText({ outcome, complete, preemptions, hazard }: Exploration, actors: number): string {
  if (outcome === 'violation')
    return `VIOLATION: ${hazard?.kind}${hazard?.row === undefined ? '' : ` (mail row ${hazard.row})`}`;
  const bound = preemptions === undefined ? '' : ` with at most ${plural(preemptions, 'preemption')}`;
  return complete
    ? `ok: no interleaving of the ${plural(actors, 'actor')}${bound} goes wrong; the search is complete`
    : `nothing was found${bound}, but the search is not complete: raise --max-states, or bound it by --preemptions`;
}

const plural = (count: number, one: string): string =>
  `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`;
