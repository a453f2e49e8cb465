/** Failures that a scenario injects: of the machine's instructions, of C functions, of modelled ones that can fail. */
import { ERRNO } from '../kernel-api/table-entry.js';
import { SNP_CODES, type SnpCodeName, type SnpInstruction } from '../machine/instructions.js';
import type { Machine } from '../machine/machine.js';
import type { InjectedFault, Scenario } from './model.js';
import type { CheckedExpectation } from './result.js';

/** For a failure that names no errno we know. */
const EIO = 5;

interface Planned {
  name: string;
  actor: string | undefined;
  /** Which of its calls fail, both included, from 1. */
  from: number;
  to: number;
  errno: number;
  /** Calls so far. */
  calls: number;
  /** Times that it happened. */
  hits: number;
  at: InjectedFault['at'];
}

export class Faults {
  private readonly planned: Planned[] = [];

  constructor({ faults }: Scenario, hardware: Machine) {
    for (const { in: name, fail, nth, times, actor, at } of faults) {
      if (fail in SNP_CODES)
        hardware.inject({ instruction: name as SnpInstruction, fail: fail as SnpCodeName, times });
      else
        this.planned.push({
          name,
          actor,
          from: nth,
          to: nth + times - 1,
          errno: ERRNO[fail] ?? EIO,
          calls: 0,
          hits: 0,
          at,
        });
    }
  }

  /** The errno that this call is to fail with. */
  failing(name: string, actor: string): number | undefined {
    for (const failure of this.planned) {
      if (failure.name !== name || (failure.actor !== undefined && failure.actor !== actor)) continue;
      const count = ++failure.calls;
      if (count < failure.from || count > failure.to) continue;
      failure.hits++;
      return failure.errno;
    }
    return undefined;
  }

  /** Failures that nothing asked for: they would make a scenario look tried that isn't. */
  unused(): CheckedExpectation[] {
    return this.planned
      .filter(({ hits }) => hits === 0)
      .map(({ name, at }) => ({
        what: `fault in ${name}`,
        expected: 'happens',
        actual: "never: it was not called so often, or its model can't fail",
        ok: false,
        at: { file: at.file, line: at.line },
      }));
  }
}
