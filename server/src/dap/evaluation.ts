/** C expressions in a stopped thread, and looks at memory that leave no trace in the run. */

import { Hazard } from '../simulator/execution/hazard.js';
import { evaluate, type Variable } from '../simulator/execution/inspect.js';
import type { Thread } from '../simulator/execution/thread.js';
import { CodeError, lex } from '../simulator/execution/tokens.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { notInC } from './errors.js';

/** Memory outside of C's own was asked for: the modelled hardware counts and reports such accesses. */
class Outside extends Error {}

const CHANGING = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=', '++', '--']);

/** Whether an expression says that it changes something. */
export function changesSomething(text: string): boolean {
  try {
    return lex(text, '<expression>').some(({ kind, text: token }) => kind === 'punc' && CHANGING.has(token));
  } catch (error) {
    if (error instanceof CodeError) return false;
    throw error;
  }
}

/**
 * Looks at memory. An access of the directmap is an access of the hardware, with its counters, faults and hazards: if there
 * is one, the simulation is put back to before it.
 */
export function peek<T>(simulation: Simulation, look: () => T): T {
  const { memory } = simulation.c;
  const { external } = memory;
  const refuse = (): never => {
    throw new Outside();
  };
  memory.external = { load: refuse, store: refuse };
  try {
    return look();
  } catch (error) {
    if (!(error instanceof Outside)) throw error;
  } finally {
    memory.external = external;
  }
  const saved = simulation.save();
  try {
    return look();
  } finally {
    simulation.restore(saved);
  }
}

/** The value of an expression that changes nothing. @throws DebugError saying why there is none */
export function valueOfText(simulation: Simulation, thread: Thread, frame: number, text: string): Variable {
  return explained(() => peek(simulation, () => evaluate(simulation.c, thread, frame, text)));
}

/** Carries out an expression for what it changes. @throws DebugError saying why it can't be */
export function carryOut(simulation: Simulation, thread: Thread, frame: number, text: string): Variable {
  return explained(() => evaluate(simulation.c, thread, frame, text));
}

function explained<T>(what: () => T): T {
  try {
    return what();
  } catch (error) {
    if (error instanceof CodeError) throw notInC(error.reason);
    if (error instanceof Hazard) throw notInC(`${error.message} (${error.kind})`);
    throw error;
  }
}
