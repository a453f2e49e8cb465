/** Failures that a scenario injects: of the machine's instructions, of C functions, of modelled ones that can fail. */
import { ERRNO } from '../kernel-api/table-entry.js';
import { type Injection, SNP_CODES, TDX_CODES } from '../machine/instructions.js';
import type { Machine } from '../machine/machine.js';
import { copyState } from '../plain-state.js';
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
  at: InjectedFault['at'];
}

/** Of each planned failure: calls so far, and times that it happened. */
export interface FaultState {
  calls: number[];
  hits: number[];
}

export class Faults {
  private readonly planned: Planned[] = [];
  private state: FaultState;

  constructor({ faults }: Scenario, hardware: Machine) {
    for (const { in: name, fail, nth, times, actor, at } of faults) {
      if (fail in SNP_CODES || fail in TDX_CODES)
        hardware.inject({
          instruction: name as Injection['instruction'],
          fail: fail as Injection['fail'],
          times,
        });
      else
        this.planned.push({
          name,
          actor,
          from: nth,
          to: nth + times - 1,
          errno: ERRNO[fail] ?? EIO,
          at,
        });
    }
    this.state = { calls: this.planned.map(() => 0), hits: this.planned.map(() => 0) };
  }

  save(): FaultState {
    return copyState(this.state);
  }

  restore(state: FaultState): void {
    this.state = copyState(state);
  }

  /** The errno that this call is to fail with. */
  failing(name: string, actor: string): number | undefined {
    const { calls, hits } = this.state;
    for (const [index, failure] of this.planned.entries()) {
      if (failure.name !== name || (failure.actor !== undefined && failure.actor !== actor)) continue;
      const count = ++calls[index]!;
      if (count < failure.from || count > failure.to) continue;
      hits[index]!++;
      return failure.errno;
    }
    return undefined;
  }

  /** Failures that nothing asked for: they would make a scenario look tried that isn't. */
  unused(): CheckedExpectation[] {
    return this.planned
      .filter((_, index) => this.state.hits[index] === 0)
      .map(({ name, at }) => ({
        what: `fault in ${name}`,
        expected: 'happens',
        actual: "never: it was not called so often, or its model can't fail",
        ok: false,
        at: { file: at.file, line: at.line },
      }));
  }
}
