/** What a scenario says of functions that its kernel doesn't have: it would wait for them in vain. */

import { MODELLED } from '../kernel-api/table.js';
import { SNP_CODES } from '../machine/instructions.js';
import type { KernelCode } from './kernel-code.js';
import type { Scenario } from './model.js';
import { compareProblems, type ScenarioProblem } from './problem.js';
import { meant } from './validate.js';

export function checkOnKernel(scenario: Scenario, kernel: KernelCode): ScenarioProblem[] {
  const known = kernel.functions?.();
  if (!known) return [];
  const { schedule, faults, expect } = scenario;
  const problems: ScenarioProblem[] = [];
  const check = (name: string, at: Scenario['faults'][number]['at'], what: string): void => {
    if (known.has(name)) return;
    problems.push({
      ...at,
      message: `${what} ${name}, and the kernel ${kernel.name} has no such function`,
      remedy: meant(name, closeTo(name, known)),
    });
  };
  for (const { until, run, at } of schedule) if (until !== undefined) check(until, at, `${run} is to get to`);
  for (const { in: name, fail, at } of faults)
    if (!(fail in SNP_CODES) && !(name in MODELLED)) check(name, at, 'a failure is injected into');
  if (expect.at) for (const name of expect.calls) check(name, expect.at, 'a call is expected of');
  return problems.sort(compareProblems);
}

/** Those that begin alike: all of them would be no help. */
const closeTo = (name: string, known: ReadonlySet<string>): string[] => {
  const start = name.slice(0, 4);
  const alike = [...known].filter((other) => other.startsWith(start));
  return alike.length > 0 ? alike.sort().slice(0, 40) : [...known].sort().slice(0, 10);
};
