/** Who goes how far: what an exploration found, to be made again. */
import type { CallPlace, RunResult } from '../scenario/result.js';
import { type RunInput, type RunOptions, Simulation } from '../scenario/simulation.js';
import { placeOf } from '../scenario/telling.js';

/** An actor goes on for some steps, with stops before preemption points. */
export interface ScheduledTurn {
  actor: string;
  steps: number;
  /** Where it stands afterwards, to see whether a schedule fits the C that it is replayed on. */
  at?: CallPlace;
}

/** Neighbouring turns of one actor are one turn. */
export function turnsOf(parts: readonly { actor: string; steps: number }[]): ScheduledTurn[] {
  const turns: ScheduledTurn[] = [];
  for (const { actor, steps } of parts) {
    const last = turns.at(-1);
    if (last?.actor === actor) last.steps += steps;
    else turns.push({ actor, steps });
  }
  return turns;
}

/** A schedule that doesn't fit what it is replayed on. */
export class ScheduleMismatch extends Error {}

/**
 * Makes the turns, in a simulation with `preemption`. With `note`, each turn's `at` is set instead of compared.
 * @throws ScheduleMismatch
 */
export function follow(simulation: Simulation, turns: readonly ScheduledTurn[], note = false): void {
  for (const [index, turn] of turns.entries()) {
    const thread = simulation.threads.find(({ name }) => name === turn.actor);
    const which = `turn ${index + 1} of the schedule`;
    if (!thread)
      throw new ScheduleMismatch(`${which} is of ${turn.actor}, and this scenario has no such actor`);
    for (let step = 0; step < turn.steps && !simulation.over; step++) simulation.step(thread);
    const at = placeOf(thread);
    if (note) {
      if (at) turn.at = at;
      continue;
    }
    if (turn.at && (turn.at.file !== at?.file || turn.at.line !== at.line))
      throw new ScheduleMismatch(
        `${which} leaves ${turn.actor} at ${at ? `${at.file}:${at.line}` : 'user mode'} instead of ${turn.at.file}:${turn.at.line}: it was made for other C, or for another scenario`,
      );
  }
}

/** A run by such a schedule, and by the scenario's order behind its end. @throws NotRunnable, ScheduleMismatch */
export function runSchedule(
  input: RunInput,
  turns: readonly ScheduledTurn[],
  options: RunOptions = {},
): RunResult {
  const simulation = newSimulation(input, options);
  follow(simulation, turns);
  for (let thread = simulation.next(); thread; thread = simulation.next()) simulation.step(thread);
  return simulation.finish();
}

/** Only what leads to what was found. @throws NotRunnable, ScheduleMismatch */
export function storyOfSchedule(input: RunInput, turns: readonly ScheduledTurn[]): RunResult {
  const simulation = newSimulation(input, {});
  follow(simulation, turns);
  // It may lie in that nobody can go on, or in how things are at the end.
  while (simulation.hazards.length === 0) {
    const thread = simulation.next();
    if (!thread) break;
    simulation.step(thread);
  }
  return simulation.finish();
}

const newSimulation = (input: RunInput, options: RunOptions): Simulation =>
  new Simulation(
    { ...input, scenario: { ...input.scenario, schedule: [] } },
    { ...options, preemption: true },
  );

/**
 * The schedule in a JSON text: a list of turns, or what `explore --format json` prints.
 * @throws ScheduleMismatch
 */
export function parseSchedule(text: string): ScheduledTurn[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ScheduleMismatch('this is no JSON: give what `explore --format json` prints');
  }
  const list = Array.isArray(value) ? value : (value as { schedule?: unknown } | null)?.schedule;
  if (!Array.isArray(list))
    throw new ScheduleMismatch('there is no `schedule` in it, and it is no list of turns');
  return list.map((turn: unknown, index) => {
    if (isTurn(turn)) return turn;
    throw new ScheduleMismatch(`turn ${index + 1} is no {"actor": NAME, "steps": NUMBER}`);
  });
}

function isTurn(value: unknown): value is ScheduledTurn {
  if (typeof value !== 'object' || value === null) return false;
  const { actor, steps, at } = value as Record<string, unknown>;
  return typeof actor === 'string' && Number.isInteger(steps) && (steps as number) > 0 && isPlace(at);
}

const isPlace = (value: unknown): boolean =>
  value === undefined ||
  (typeof value === 'object' &&
    value !== null &&
    typeof (value as { file?: unknown }).file === 'string' &&
    typeof (value as { line?: unknown }).line === 'number');
