/** Programs of a few functions that run side by side, for the explorer: `f0`, `f1`, … are what actors do. */
import { configurationOf } from '../../../server/src/kernel-c/conditions.ts';
import { textsSource } from '../../../server/src/simulator/execution/texts-source.ts';
import { Stepper } from '../../../server/src/simulator/explore/stepper.ts';
import { ACTOR_FUNCTION, ENTRY_FILE } from '../../../server/src/simulator/kernel-api/entry.ts';
import type { KernelCode } from '../../../server/src/simulator/scenario/kernel-code.ts';
import { loadScenario } from '../../../server/src/simulator/scenario/load.ts';
import { type RunInput, Simulation } from '../../../server/src/simulator/scenario/simulation.ts';

const FILE = 'program.c';
const HEAD = `
struct mutex { int owner; };
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
static struct mutex a, b;
static int x, y, z;
`;

/** Action N of an actor is a call of function N. */
const kernelOf = (program: string): KernelCode => ({
  name: 'program',
  refusals: () => [],
  source: () =>
    textsSource(
      { [FILE]: `${HEAD}${program}`, [ENTRY_FILE]: `#include "${FILE}"\nlong ${ACTOR_FUNCTION}(int actor);` },
      configurationOf({}, true, 'program'),
    ),
  initcalls: () => [],
  vmType: () => '',
  calls: () => ({
    next: (action, turn) =>
      action.do === 'delete-slot' && turn.calls === 0
        ? { target: { name: `f${action.slot}`, file: FILE }, args: [] }
        : { result: 0 },
    pageInFile: () => undefined,
    attributeOf: () => '',
  }),
});

/** @param actors functions of each, by number, one after the other */
export function programInput(program: string, actors: readonly (readonly number[])[]): RunInput {
  const text = `scenario: A program
platform: sw-protected
memory: 64M
slots: [${Array.from({ length: 9 }, (_, id) => `{id: ${id}, gpa: ${(id + 1) * 0x100000}, size: 4K}`)}]
actors:
${actors.map((calls, index) => `  host${index}:\n${calls.map((call) => `    - delete-slot: {slot: ${call}}`).join('\n')}`).join('\n')}
`;
  const { scenario, problems } = loadScenario('program.yaml', () => text);
  if (!scenario) throw new Error(problems.map(({ message }) => message).join('\n'));
  return { scenario: { ...scenario, slots: [], vcpus: 0 }, kernel: kernelOf(program) };
}

export const stepperOf = (input: RunInput, everyStatement = false): Stepper =>
  new Stepper(
    new Simulation(input, { quiet: true, preemption: true, watched: true, mostRetries: 4 }),
    everyStatement,
  );
