/** Runs a scenario from its start to its end, by its schedule. */
import type { RunResult } from './result.js';
import { type RunInput, type RunOptions, Simulation } from './simulation.js';

export type { RunInput, RunOptions } from './simulation.js';

/** @throws NotRunnable */
export function runScenario(input: RunInput, options: RunOptions = {}): RunResult {
  const simulation = new Simulation(input, options);
  for (let thread = simulation.next(); thread; thread = simulation.next()) simulation.step(thread);
  return simulation.finish();
}
