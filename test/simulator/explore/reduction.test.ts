/** What the reduction leaves out makes no difference: it finds the same ends and the same bugs as trying everything. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedSearch } from '../../../server/src/simulator/explore/bounded-search.ts';
import { explore } from '../../../server/src/simulator/explore/explore.ts';
import { storyOfSchedule } from '../../../server/src/simulator/explore/schedule.ts';
import { Search } from '../../../server/src/simulator/explore/search.ts';
import type { Stepper } from '../../../server/src/simulator/explore/stepper.ts';
import { evaluateGlobals } from './globals.ts';
import { programInput, stepperOf } from './small-programs.ts';

const LIMITS = { maxStates: 200_000 };

/** Searches until no more preemption points are found. */
function searched(stepper: Stepper, full: boolean) {
  const start = stepper.simulation.save();
  const { points } = stepper.races;
  for (;;) {
    const before = points.size;
    stepper.simulation.restore(start);
    const ends = new Set<string>();
    const result = new Search(stepper, {
      full,
      ...LIMITS,
      ended: () => ends.add(evaluateGlobals(stepper.simulation, ['x', 'y', 'z'])),
    }).run();
    stepper.simulation.restore(start);
    if (points.size === before || result.violation) return { ...result, ends: [...ends].sort() };
  }
}

const LOST_UPDATE = 'void f0(void) { int seen = x; x = seen + 1; }';
const DEADLOCK = `
void f0(void) { mutex_lock(&a); mutex_lock(&b); x = 1; mutex_unlock(&b); mutex_unlock(&a); }
void f1(void) { mutex_lock(&b); mutex_lock(&a); x = 2; mutex_unlock(&a); mutex_unlock(&b); }`;

test('two increments: one of them may be lost', () => {
  expect(searched(stepperOf(programInput(LOST_UPDATE, [[0], [0]])), false).ends).toEqual(['1 0 0', '2 0 0']);
});

test('under a lock none is', () => {
  const program = 'void f0(void) { mutex_lock(&a); int seen = x; x = seen + 1; mutex_unlock(&a); }';
  const { ends, states } = searched(stepperOf(programInput(program, [[0], [0]])), false);
  expect(ends).toEqual(['2 0 0']);
  expect(states).toBeLessThan(20);
});

test('two locks in two orders are a deadlock, with who waits for what', () => {
  const input = programInput(DEADLOCK, [[0], [1]]);
  const { outcome, hazard, schedule } = explore(input);
  expect(outcome).toBe('violation');
  expect(hazard).toMatchObject({ kind: 'deadlock' });
  expect(hazard!.message).toMatch(
    /mutex_lock waits for host1, which holds b .*mutex_lock waits for host0, which holds a /s,
  );
  expect(schedule.length).toBeLessThanOrEqual(3);
  expect(storyOfSchedule(input, schedule).hazards).toMatchObject([{ kind: 'deadlock' }]);
});

test('actors that have nothing to do with each other are not interleaved', () => {
  const program = `
void f0(void) { x = 1; x = 2; x = 3; x = 4; }
void f1(void) { y = 1; y = 2; y = 3; y = 4; }
void f2(void) { mutex_lock(&a); z = 1; mutex_unlock(&a); }`;
  const stepper = stepperOf(
    programInput(program, [
      [0, 0],
      [1, 1],
      [2, 2],
    ]),
    true,
  );
  const reduced = searched(stepper, false);
  const full = searched(stepper, true);
  expect(reduced.ends).toEqual(full.ends);
  expect(reduced.transitions).toBe(reduced.states - 1);
  expect(full.states).toBeGreaterThan(10 * reduced.states);
});

describe('random programs', () => {
  const variable = fc.constantFrom('x', 'y', 'z');
  const plain = fc.oneof(
    fc.tuple(variable, fc.integer({ min: 1, max: 3 })).map(([to, by]) => `${to} += ${by};`),
    fc.tuple(variable, variable).map(([to, from]) => `${to} = ${from} + 1;`),
    fc.tuple(variable, variable).map(([tested, to]) => `if (${tested} > 1) ${to} = 7;`),
    fc.tuple(variable, variable).map(([from, to]) => `{ int seen = ${from}; ${to} = seen * 2; }`),
  );
  const locked = fc
    .tuple(fc.constantFrom('a', 'b'), fc.array(plain, { minLength: 1, maxLength: 2 }))
    .map(([lock, inner]) => `mutex_lock(&${lock}); ${inner.join(' ')} mutex_unlock(&${lock});`);
  const nested = fc
    .tuple(fc.constantFrom('ab', 'ba'), plain)
    .map(
      ([[first, second], inner]) =>
        `mutex_lock(&${first}); mutex_lock(&${second}); ${inner} mutex_unlock(&${second}); mutex_unlock(&${first});`,
    );
  const body = fc.array(fc.oneof({ weight: 3, arbitrary: plain }, { weight: 2, arbitrary: locked }, nested), {
    minLength: 1,
    maxLength: 2,
  });
  const program = fc
    .array(body, { minLength: 2, maxLength: 3 })
    .map((bodies) => bodies.map((lines, index) => `void f${index}(void) { ${lines.join(' ')} }`));

  test('all, reduced, by statements and by preemption points: the same ends, the same bugs', () => {
    let left = 0;
    let tried = 0;
    fc.assert(
      fc.property(program, (functions) => {
        const input = programInput(
          functions.join('\n'),
          functions.map((_, index) => [index]),
        );
        const everything = searched(stepperOf(input, true), true);
        const reduced = searched(stepperOf(input), false);
        const kinds = [everything, reduced].map(({ violation }) =>
          violation?.hazards.map(({ kind }) => kind),
        );
        expect(kinds[1]).toEqual(kinds[0]);
        if (everything.violation) return;
        expect(reduced.ends).toEqual(everything.ends);
        tried += everything.states;
        left += reduced.states;
        const bounded = new BoundedSearch(stepperOf(input), 99, LIMITS).run();
        expect([bounded.unbounded, bounded.complete]).toEqual([true, true]);
      }),
      { numRuns: 25, seed: 3 },
    );
    expect(left).toBeLessThan(tried / 2);
  });
});
