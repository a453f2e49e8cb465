/** C text in, what it computes out. */
import type { SymbolTable } from '../../../server/src/kernel-c/conditions.ts';
import { configurationOf } from '../../../server/src/kernel-c/conditions.ts';
import type { Hazard } from '../../../server/src/simulator/execution/hazard.ts';
import { Machine, type MachineOptions } from '../../../server/src/simulator/execution/machine.ts';
import { textsSource } from '../../../server/src/simulator/execution/texts-source.ts';
import type { Thread } from '../../../server/src/simulator/execution/thread.ts';

export const FILE = 'virt/kvm/test.c';

export function machineOf(
  texts: string | Record<string, string>,
  options: MachineOptions & { symbols?: SymbolTable } = {},
): Machine {
  const files = typeof texts === 'string' ? { [FILE]: texts } : texts;
  return new Machine(textsSource(files, configurationOf(options.symbols ?? {}, true, 'test')), options);
}

/** What a thread's function returned, as 64 bits with a sign. @throws the hazard that stopped it */
export function resultOf(thread: Thread): bigint {
  if (thread.hazard) throw thread.hazard;
  const { l, h } = thread.returned ?? { l: 0, h: 0 };
  return BigInt.asIntN(64, (BigInt(h) << 32n) | BigInt(l >>> 0));
}

export function call(machine: Machine, name: string, ...args: bigint[]): bigint {
  const thread = machine.createThread(name, name, FILE, args);
  const stop = machine.run(thread, { maxSteps: 2_000_000, preemption: false });
  if (stop.k === 'hazard') throw stop.hazard;
  if (stop.k !== 'ended') throw new Error(`${name} did not end: ${stop.k}`);
  machine.threads.pop();
  return resultOf(thread);
}

/** Runs one function of a C text. */
export function runC(text: string, name: string, ...args: bigint[]): bigint {
  return call(machineOf(text), name, ...args);
}

/** The hazard that a function of a C text ends with. */
export function hazardIn(text: string, name: string, ...args: bigint[]): Hazard {
  const machine = machineOf(text);
  const thread = machine.createThread(name, name, FILE, args);
  const stop = machine.run(thread, { maxSteps: 2_000_000 });
  if (stop.k !== 'hazard') throw new Error(`${name} ended with ${stop.k}`);
  return stop.hazard;
}
