/** Who goes how far: what an exploration found, to be made again. */
import type { CallPlace } from '../scenario/result.js';
import type { Simulation } from '../scenario/simulation.js';
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
