/** Going back and forth: whatever the way, a position is the state that a fresh run has there. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { History } from '../../../server/src/simulator/scenario/history.ts';
import { Simulation } from '../../../server/src/simulator/scenario/simulation.ts';
import { inputOf, libraryInput } from '../../support/scenarios.ts';

/** Two vCPUs, the VMM and the host at once; a failure of the machine, a label, a printk. */
const BUSY = `scenario: Everything at once
platform: snp
memory: 64M
vcpus: 2
files: [{name: gmem, size: 2M}]
slots: [{id: 0, gpa: 0x200000, size: 2M, file: gmem}]
initial: [{gpa: 0x200000, size: 64K, attribute: private}]
actors:
  vcpu0:
    - write: {gpa: 0x200000, size: 8K}
    - read: {gpa: 0x201000}
  vcpu1:
    - write: {gpa: 0x201000}
    - read: {gpa: 0x210000, private: false}
  vmm:
    - set-attributes: {gpa: 0x210000, size: 8K, to: private}
      label: changed
    - punch-hole: {file: gmem, offset: 4K, size: 4K}
  host:
    - allocate: {size: 8K}
    - host-write: {via: directmap}
      after: vmm.changed
faults:
  - {in: rmpupdate, fail: FAIL_OVERLAP, nth: 2}
`;

/** All that can be seen of a simulation. */
const seen = (simulation: Simulation): string =>
  JSON.stringify([simulation.finish(), simulation.hardware.plainState()], (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );

/** Positions of a run by its schedule. */
function walk(input = libraryInput('fault-races-punch-hole')) {
  const history = new History(new Simulation(input));
  while (!history.simulation.over) history.stepForward();
  return history;
}

test('a run by moves is the run by steps', () => {
  const { simulation, length } = walk();
  const other = new Simulation(libraryInput('fault-races-punch-hole'));
  for (let thread = other.next(); thread; thread = other.next()) other.step(thread);
  expect(seen(simulation)).toBe(seen(other));
  expect(length).toBeGreaterThan(300);
});

describe('whatever is done', () => {
  const step = fc.record({ k: fc.constant('step' as const), actor: fc.nat(4) });
  const back = fc.record({ k: fc.constant('back' as const), times: fc.integer({ min: 1, max: 40 }) });
  const goTo = fc.record({
    k: fc.constant('goTo' as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const many = fc.record({
    k: fc.constant('many' as const),
    actor: fc.nat(4),
    times: fc.integer({ min: 1, max: 250 }),
  });

  test('a position is what a fresh run by the same moves has there', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(step, back, goTo, many), { minLength: 3, maxLength: 14 }), (doings) => {
        const history = new History(new Simulation(inputOf(BUSY)));
        const { simulation } = history;
        const actorOf = (index: number) => simulation.threads[index];
        /** Hash of each position of this timeline. */
        let hashes = [simulation.hash()];
        const forward = (actor: number) => {
          const before = history.position;
          history.stepForward(actorOf(actor));
          if (history.position === before) return;
          if (history.position === history.length) hashes = hashes.slice(0, before + 1);
          hashes[history.position] = simulation.hash();
        };
        for (const doing of doings) {
          if (doing.k === 'step') forward(doing.actor);
          if (doing.k === 'many') for (let i = 0; i < doing.times; i++) forward(doing.actor);
          if (doing.k === 'back') for (let i = 0; i < doing.times; i++) history.stepBack();
          if (doing.k === 'goTo') history.goTo(Math.floor(doing.part * history.length));
          const known = hashes[history.position];
          if (known !== undefined) expect(simulation.hash()).toBe(known);
        }
        const fresh = new History(new Simulation(inputOf(BUSY)));
        for (let i = 0; i < history.position; i++) {
          const name = history.threadAfter(i)!.name;
          fresh.stepForward(fresh.simulation.threads.find((thread) => thread.name === name));
        }
        expect(seen(simulation)).toBe(seen(fresh.simulation));
      }),
      { numRuns: 8, seed: 1 },
    );
  });

  test('what was saved comes back, and goes on the same way', () => {
    const actors = fc.array(fc.nat(3), { maxLength: 300 });
    fc.assert(
      fc.property(actors, actors, actors, (before, between, after) => {
        const simulation = new Simulation(inputOf(BUSY));
        const carryOut = (list: number[]) => {
          for (const index of list) {
            simulation.next();
            simulation.step(simulation.threads[index]!);
          }
        };
        carryOut(before);
        const state = simulation.save();
        const [hash, then] = [simulation.hash(), seen(simulation)];
        carryOut(after);
        const [end, what] = [simulation.hash(), seen(simulation)];
        simulation.restore(state);
        carryOut(between);
        simulation.restore(state);
        expect(simulation.hash()).toBe(hash);
        expect(seen(simulation)).toBe(then);
        carryOut(after);
        expect(simulation.hash()).toBe(end);
        expect(seen(simulation)).toBe(what);
      }),
      { numRuns: 10, seed: 2 },
    );
  });
});

test('a thousand steps back, one by one and at once', () => {
  const history = walk(libraryInput('teardown-orders'));
  const { simulation, length } = history;
  expect(length).toBeGreaterThan(10_000);
  const end = simulation.hash();
  const hashes = new Map<number, string>();
  for (let i = 0; i < 1000; i++) {
    history.stepBack();
    if (history.position % 37 === 0) hashes.set(history.position, simulation.hash());
  }
  expect(history.position).toBe(length - 1000);
  while (history.position < length) {
    const known = hashes.get(history.position);
    if (known !== undefined) expect(simulation.hash()).toBe(known);
    history.stepForward();
  }
  expect(simulation.hash()).toBe(end);
  for (const [position, hash] of hashes) {
    history.goTo(position);
    expect(simulation.hash()).toBe(hash);
    history.goTo(0);
  }
  expect(history.stepBack()).toBe(false);
});

test('an actor that has to wait makes no move', () => {
  const history = new History(new Simulation(inputOf(BUSY)));
  const host = history.simulation.threads.find(({ name }) => name === 'host')!;
  history.stepForward(host);
  const hash = history.simulation.hash();
  const { position } = history;
  expect(history.stepForward(host)).toMatchObject({ k: 'blocked', progress: false });
  expect([history.position, history.simulation.hash()]).toEqual([position, hash]);
});

test('another choice after going back makes another future', () => {
  const history = walk(inputOf(BUSY));
  const { length, simulation } = history;
  history.goTo(100);
  const other = simulation.threads.find(
    (thread) => thread !== history.threadAfter(100) && thread.state !== 'ended',
  )!;
  history.stepForward(other);
  expect(history.length).toBe(101);
  expect(() => history.goTo(length)).toThrow(/there is no position/);
  history.goTo(100);
  history.stepForward(other);
  expect(history.position).toBe(101);
});

test('the last position at which something was so', () => {
  const history = walk();
  const { simulation } = history;
  const pages = () => simulation.hardware.counters.rmpUpdates;
  const end = pages();
  expect(end).toBeGreaterThan(0);
  expect(history.goBackTo(() => pages() < end)).toBe(true);
  const { position } = history;
  expect(pages()).toBe(end - 1);
  history.stepForward();
  expect([history.position, pages()]).toEqual([position + 1, end]);
  expect(history.goBackTo(() => pages() > end)).toBe(false);
  expect(history.position).toBe(position + 1);
});
