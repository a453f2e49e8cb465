/** Values of global ints of a small program. */
import type { Simulation } from '../../../server/src/simulator/scenario/simulation.ts';

export const evaluateGlobals = ({ c }: Simulation, names: readonly string[]): string =>
  names
    .map((name) => BigInt.asIntN(32, c.loadUnsigned(c.addressOfGlobal(name, 'program.c').address, 4)))
    .join(' ');
