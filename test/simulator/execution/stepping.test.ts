/** Threads, steps, frames and saved states. */
import { expect, test } from 'vitest';
import { callStack, children, evaluate, variables } from '../../../server/src/simulator/execution/inspect.ts';
import type { Machine } from '../../../server/src/simulator/execution/machine.ts';
import type { Thread } from '../../../server/src/simulator/execution/thread.ts';
import { call, FILE, machineOf, resultOf } from './machine-support.ts';

const SLOT = `
typedef unsigned long long u64;
typedef u64 gfn_t;
struct slot { gfn_t base_gfn; unsigned long npages; unsigned flags : 4; struct slot *next; };
static u64 last(struct slot *slot)
{
	u64 end = slot->base_gfn + slot->npages;

	return end - 1;
}
u64 f(int n)
{
	struct slot slot = { .base_gfn = 0x100, .npages = n, .flags = 3 };
	u64 sum = 0;

	for (int i = 0; i < 2; i++) {
		u64 seen = last(&slot);
		sum += seen;
	}
	if (sum > 100)
		sum = 7;
	return sum;
}
`;

/** Lines at which each step begins, with the function. */
function walk(machine: Machine, thread: Thread): string[] {
  const lines: string[] = [];
  for (let i = 0; i < 200; i++) {
    const stop = machine.step(thread);
    if (stop.k === 'hazard') throw stop.hazard;
    if (stop.k === 'ended') return lines;
    const [top] = callStack(thread);
    lines.push(`${top!.function}:${top!.loc.line}`);
  }
  throw new Error('no end');
}

test('a step is a statement or a call, at its line', () => {
  const machine = machineOf(SLOT);
  const thread = machine.createThread('f', 'f', FILE, [16n]);
  // The first stop is before the first statement.
  expect(machine.run(thread, { maxSteps: 0 }).k).toBe('steps');
  expect(callStack(thread)[0]!.loc.line).toBe(13);
  const loop = ['f:17', 'last:7', 'last:9', 'f:18', 'f:16'];
  expect(walk(machine, thread)).toEqual(['f:14', 'f:16', ...loop, ...loop, 'f:20', 'f:21', 'f:22']);
  expect(resultOf(thread)).toBe(7n);
});

test('frames show variables, their members and expressions', () => {
  const machine = machineOf(SLOT);
  const thread = machine.createThread('f', 'f', FILE, [16n]);
  while (callStack(thread)[0]!.loc.line !== 9) machine.step(thread);
  const [inner, outer] = callStack(thread);
  expect([inner!.function, inner!.loc.line, outer!.function, outer!.loc.line]).toEqual(['last', 9, 'f', 17]);
  const shown = (index: number) =>
    variables(machine, thread, index).map(({ name, type, value }) => `${type} ${name} = ${value}`);
  expect(shown(inner!.index)).toEqual([
    expect.stringMatching(/^struct slot \*slot|struct slot \* slot = 0xffffc9/),
    'unsigned long long end = 272',
  ]);
  expect(shown(outer!.index)).toEqual([
    'int n = 16',
    'struct slot slot = {base_gfn = 256, npages = 16, flags = 3, next = NULL}',
    'unsigned long long sum = 0',
    'int i = 0',
    'unsigned long long seen = <uninitialised>',
  ]);
  expect(evaluate(machine, thread, inner!.index, 'slot->base_gfn + 1').number).toBe(0x101n);
  expect(evaluate(machine, thread, inner!.index, 'sizeof(*slot)').number).toBe(32n);
  expect(evaluate(machine, thread, outer!.index, '(gfn_t)slot.flags << 40').value).toBe(
    '3298534883328 (0x30000000000)',
  );
  const slot = evaluate(machine, thread, inner!.index, '*slot');
  expect(children(machine, slot).map(({ name, value }) => `${name} ${value}`)).toContain('npages 16');
  expect(() => evaluate(machine, thread, inner!.index, 'sum')).toThrow('unknown identifier sum');
  expect(() => evaluate(machine, thread, inner!.index, 'last(slot)')).toThrow('calls functions');
  evaluate(machine, thread, outer!.index, 'slot.npages = 1');
  expect(evaluate(machine, thread, inner!.index, 'slot->npages').number).toBe(1n);
});

test('a saved state comes back exactly, from any step to any other', () => {
  const machine = machineOf(
    `${SLOT} void *kmalloc(unsigned long); static int total; int g(int n) { int *p = 0; for (int i = 0; i < n; i++) { int *q = kmalloc(8); *q = i + f(n); total += *q; p = q; } return total + *p; }`,
    { modelled: { kmalloc: (one) => one.memory.allocate(one.int(0), 16, 'kmalloc') } },
  );
  const thread = machine.createThread('g', 'g', FILE, [5n]);
  const states: { saved: ReturnType<Machine['save']>; hash: string; at: string }[] = [];
  const at = () =>
    callStack(thread)
      .map((frame) => `${frame.function}:${frame.loc.line}`)
      .join(' ');
  for (;;) {
    states.push({ saved: machine.save(), hash: machine.hash(), at: at() });
    if (machine.step(thread).k === 'ended') break;
  }
  const result = resultOf(thread);
  expect(states.length).toBeGreaterThan(60);
  for (let i = states.length - 1; i >= 0; i -= 7) {
    const { saved, hash, at: place } = states[i]!;
    machine.restore(saved);
    expect(machine.hash()).toBe(hash);
    expect(at()).toBe(place);
    // Going on from there meets the same states and the same end.
    for (let j = i + 1; j < Math.min(i + 5, states.length); j++) {
      machine.step(thread);
      expect(machine.hash()).toBe(states[j]!.hash);
    }
    machine.run(thread);
    expect(resultOf(thread)).toBe(result);
  }
  expect(new Set(states.map(({ hash }) => hash)).size).toBeGreaterThan(states.length * 0.9);
});

test('states that differ only in what is left on a stack have one hash', () => {
  const machine = machineOf(
    'int g(int a) { int b = a * 2; return b; } int x; int f(int a) { g(a); x = 1; return 0; }',
  );
  const hashOf = (a: bigint) => {
    const thread = machine.createThread('t', 'f', FILE, [a]);
    machine.run(thread);
    machine.threads.pop();
    return machine.memory.hash();
  };
  hashOf(1n);
  expect(hashOf(2n)).toBe(hashOf(3n));
});

const LOCKS = `
struct lock { int held; };
void lock(struct lock *l);
void unlock(struct lock *l);
static struct lock l;
static int counter;
int add(int n)
{
	for (int i = 0; i < n; i++) {
		lock(&l);
		int seen = counter;
		seen++;
		counter = seen;
		unlock(&l);
	}
	return counter;
}
int racy(int n)
{
	for (int i = 0; i < n; i++) {
		int seen = counter;
		seen++;
		counter = seen;
	}
	return counter;
}
`;

function lockMachine(): Machine {
  return machineOf(LOCKS, {
    modelled: {
      lock: {
        preemption: true,
        run: (one) => {
          if (one.machine.loadUnsigned(one.address(0), 4)) return one.block('the lock is held');
          one.machine.storeValue(one.address(0), 4, 1n);
          return undefined;
        },
      },
      unlock: (one) => {
        one.machine.storeValue(one.address(0), 4, 0n);
        return undefined;
      },
    },
  });
}

/** Runs threads by turns of so many steps until all have ended. */
function interleave(machine: Machine, threads: Thread[], turn: (round: number) => number): string[] {
  const seen = new Set<string>();
  for (let round = 0; threads.some(({ state }) => state !== 'ended'); round++) {
    for (const thread of threads) {
      if (thread.state === 'ended') continue;
      const stop = machine.run(thread, { maxSteps: turn(round) });
      if (stop.k === 'hazard') throw stop.hazard;
      seen.add(stop.k);
    }
    if (round > 1000) throw new Error('no end');
  }
  return [...seen].sort();
}

test('threads share memory and are interleaved at any step; a lock blocks until it is free', () => {
  const stops = new Set<string>();
  for (const turn of [1, 2, 3, 5]) {
    const machine = lockMachine();
    const threads = ['a', 'b'].map((name) => machine.createThread(name, 'add', FILE, [5n]));
    for (const stop of interleave(machine, threads, () => turn)) stops.add(stop);
    expect(call(machine, 'racy', 0n)).toBe(10n);
  }
  expect([...stops].sort()).toEqual(['blocked', 'ended', 'preemption', 'steps']);
  const machine = lockMachine();
  const threads = ['a', 'b'].map((name) => machine.createThread(name, 'racy', FILE, [5n]));
  interleave(machine, threads, () => 2);
  expect(call(machine, 'racy', 0n)).toBeLessThan(10n);
});

test('a model calls back into C, over several turns, and its state is saved with the thread', () => {
  const machine = machineOf(
    `struct ops { int (*free)(int index, void *data); };
     int walk(const struct ops *ops, int count, void *data);
     static int sum;
     static int freed(int index, void *data) { sum += index; *(int *)data += 10; return index * index; }
     static const struct ops ops = { .free = freed };
     int f(int n) { int hits = 0; int r = walk(&ops, n, &hits); return r * 1000 + hits + sum; }`,
    {
      modelled: {
        walk: (one) => {
          const total = ((one.state as number | undefined) ?? 0) + Number(BigInt.asIntN(32, one.returned));
          one.state = total;
          const free = one.machine.loadUnsigned(one.address(0), 8);
          return one.stage < one.int(1) ? one.into(free, [BigInt(one.stage), one.address(2)]) : total;
        },
      },
    },
  );
  const thread = machine.createThread('f', 'f', FILE, [4n]);
  while (
    !(
      callStack(thread)[0]!.function === 'freed' &&
      evaluate(machine, thread, callStack(thread)[0]!.index, 'index').number === 2n
    )
  )
    machine.step(thread);
  expect(callStack(thread).map((frame) => frame.function)).toEqual(['freed', 'walk', 'f']);
  const saved = machine.save();
  machine.run(thread);
  expect(resultOf(thread)).toBe(14n * 1000n + 40n + 6n);
  machine.restore(saved);
  machine.run(thread);
  expect(resultOf(thread)).toBe(14n * 1000n + 40n + 6n);
});

test('executed lines are known', () => {
  const machine = machineOf(SLOT);
  call(machine, 'f', 0n);
  expect([...machine.executedLines().get(FILE)!].sort((a, b) => a - b)).toEqual([
    7, 9, 13, 14, 16, 17, 18, 20, 21, 22,
  ]);
});

test('a global variable that is first used after a state was saved has its first value after going back', () => {
  const machine = machineOf(
    'static int late = 5; static int *p = &late; int g(void) { return ++*p; } int f(int n) { while (n--) ; return g() + g(); }',
  );
  const thread = machine.createThread('f', 'f', FILE, [3n]);
  machine.step(thread);
  const saved = machine.save();
  machine.run(thread);
  expect(resultOf(thread)).toBe(13n);
  machine.restore(saved);
  machine.run(thread);
  expect(resultOf(thread)).toBe(13n);
});

test('models see objects by the names of their members', () => {
  const machine = machineOf(
    `struct list { struct list *next; };
     typedef unsigned long long gfn_t;
     struct slot { gfn_t base; int delta; unsigned kind : 3; signed small : 5; struct { struct list list; }; int data[3]; };
     int touch(struct slot *slot);
     static struct slot other = { .base = 9 };
     int f(void) { struct slot s = { .base = 5, .delta = -2, .small = -3, .list.next = &other.list, .data = { 1, 2, 3 } };
       return touch(&s) * 1000 + s.data[2] * 100 + s.kind; }`,
    {
      modelled: {
        touch: (one) => {
          const slot = one.machine.object(one.address(0), 'struct slot', FILE);
          slot.set('data[2]', 7);
          slot.set('kind', 13);
          expect(slot.follow('list.next')!.address).toBe(
            one.machine.addressOfGlobal('other', FILE).address + 16n,
          );
          return slot.get('base') + slot.get('delta') + slot.get('small') + slot.get('data[1]');
        },
      },
    },
  );
  expect(call(machine, 'f')).toBe(2000n + 700n + 5n);
});

test('what can not be executed is known before it is reached, and so are the lines to stop at', () => {
  const machine = machineOf(
    'int f(int a)\n{\n\tif (a)\n\t\treturn nowhere;\n\tasm volatile("cpuid");\n\treturn 0;\n}\n',
  );
  expect(machine.problemsOf('f', FILE).map(({ message }) => message)).toEqual([
    `${FILE}:4: unknown identifier nowhere`,
    `${FILE}:5: inline assembly (cpuid)`,
  ]);
  expect(machine.linesOf('f', FILE)).toEqual([3, 4, 5, 6, 7]);
});

test('addresses outside of the program are the modelled machine’s', () => {
  const machine = machineOf(
    `typedef unsigned long u64;
     int unmodelled(void);
     u64 f(u64 *page) { page[1] = 0x1122334455667788; __builtin_memset(page + 2, 0x5a, 4); return page[1] + *(unsigned char *)(page + 2); }
     u64 g(u64 *page) { page[0] = unmodelled(); return 0; }
     u64 h(u64 *page) { return page[600]; }`,
  );
  const page = new Uint8Array(4096);
  const base = 0xffff888000001000n;
  const at = (address: bigint, size: number) => {
    const offset = Number(address - base);
    return address >= base && offset + size <= page.length ? offset : undefined;
  };
  machine.memory.external = {
    load(address, size) {
      const offset = at(address, size);
      if (offset === undefined) return undefined;
      return page
        .subarray(offset, offset + size)
        .reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    },
    store(address, size, value) {
      const offset = at(address, size);
      if (offset === undefined) return false;
      for (let i = 0; i < size; i++) page[offset + i] = Number((value >> BigInt(8 * i)) & 255n);
      return true;
    },
  };
  expect(call(machine, 'f', base)).toBe(0x1122334455667788n + 0x5an);
  expect([...page.subarray(8, 12), ...page.subarray(16, 21)]).toEqual([
    0x88, 0x77, 0x66, 0x55, 0x5a, 0x5a, 0x5a, 0x5a, 0,
  ]);
  expect(() => call(machine, 'g', base)).toThrow(
    /a value written to the machine depends on what is not modelled: unmodelled/,
  );
  expect(() => call(machine, 'h', base)).toThrow('there is no such memory');
});
