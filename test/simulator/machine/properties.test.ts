/** Random operations on small machines: whatever is done, the state stays one that hardware could be in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MachineError } from '../../../server/src/simulator/machine/errors.ts';
import type { MachineEvent } from '../../../server/src/simulator/machine/events.ts';
import { Machine } from '../../../server/src/simulator/machine/machine.ts';
import type { PlatformName } from '../../../server/src/simulator/machine/platform.ts';
import type { Space } from '../../../server/src/simulator/machine/state.ts';
import { PAGES_OF } from '../../../server/src/simulator/machine/units.ts';

const PAGES = 2048;

type Operation = (machine: Machine) => void;

/** Frames cluster around the edges of 2M pages; a few lie outside. */
const frame = fc.oneof(fc.integer({ min: 0, max: PAGES + 8 }), fc.constantFrom(0, 511, 512, 513, 1024));
const count = fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(512, 600));
const level = fc.constantFrom('4K', '2M', '1G');
const size = fc.constantFrom('4K', '2M');
const order = fc.constantFrom(0, 0, 0, 1, 3, 9);
const vcpu = fc.integer({ min: 0, max: 1 });

const allocator: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(order, fc.constantFrom('gmem:1', 'slab'), frame).map(
    ([ord, owner, index]): Operation =>
      (m) =>
        m.pages.allocate({ order: ord, owner, file: { name: owner, index } }),
  ),
  fc.tuple(frame, order).map(
    ([pfn, ord]): Operation =>
      (m) =>
        m.pages.free(pfn, ord),
  ),
  fc.tuple(frame, order).map(
    ([pfn, ord]): Operation =>
      (m) =>
        m.pages.split(pfn, ord),
  ),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.pages.poison(pfn),
  ),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.pages.leak(pfn, 1),
  ),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.pages.reserve(pfn, 1, 'firmware'),
  ),
);

const directmap: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(frame, level).map(
    ([pfn, to]): Operation =>
      (m) =>
        m.directmap.split(pfn, to),
  ),
  fc.tuple(frame, count, fc.boolean()).map(
    ([pfn, pages, present]): Operation =>
      (m) =>
        m.directmap.setPresent(pfn, pages, present),
  ),
  fc.tuple(frame, fc.constantFrom('2M' as const, '1G' as const)).map(
    ([pfn, to]): Operation =>
      (m) =>
        m.directmap.collapse(pfn, to),
  ),
);

const mappings: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(frame, frame, level, fc.boolean()).map(
    ([gfn, pfn, to, writable]): Operation =>
      (m) =>
        m.npt('vm0').map({ gfn, pfn, level: to, writable, space: m.platform.sept ? 'shared' : 'npt' }),
  ),
  fc.tuple(frame, count).map(
    ([gfn, pages]): Operation =>
      (m) =>
        m.npt('vm0').zap(gfn, pages),
  ),
  frame.map(
    (gfn): Operation =>
      (m) =>
        m.npt('vm0').split(gfn),
  ),
  fc.tuple(frame, count).map(
    ([gfn, pages]): Operation =>
      (m) =>
        m.flushRange('vm0', gfn, pages),
  ),
  vcpu.map(
    (id): Operation =>
      (m) =>
        m.flushVcpu('vm0', id),
  ),
  fc.constant<Operation>((m) => m.flushRemote('vm0')),
  fc.tuple(frame, count, frame, fc.constantFrom('private' as const, 'shared' as const)).map(
    ([gfn, pages, pfn, side]): Operation =>
      (m) =>
        m.backing.note('vm0', gfn, pages, side, pfn, 'private'),
  ),
  fc.tuple(frame, count).map(
    ([gfn, pages]): Operation =>
      (m) =>
        m.backing.clear('vm0', gfn, pages, 'shared'),
  ),
);

const accesses: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(frame, fc.integer({ min: 0, max: 4100 })).map(
    ([pfn, offset]): Operation =>
      (m) =>
        m.host({ pfn, offset, write: new Uint8Array([1, 2, 3]) }),
  ),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.host({ pfn }),
  ),
  fc.tuple(frame, vcpu, fc.boolean(), fc.constantFrom('read' as const, 'write' as const)).map(
    ([gfn, id, isPrivate, kind]): Operation =>
      (m) =>
        m.guest({ vm: 'vm0', vcpu: id, gfn, private: isPrivate, kind }),
  ),
);

const snpOnly: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(frame, frame, size, fc.boolean(), fc.boolean()).map(
    ([pfn, gfn, entrySize, assigned, immutable]): Operation =>
      (m) =>
        m.rmp.update(pfn, { assigned, asid: assigned ? 5 : 0, gpa: gfn * 4096, size: entrySize, immutable }),
  ),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.rmp.psmash(pfn),
  ),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.rmp.firmwareReclaim(pfn),
  ),
  fc.tuple(frame, size, fc.boolean()).map(
    ([gfn, to, validate]): Operation =>
      (m) =>
        m.pvalidate({ vm: 'vm0', vcpu: 0, gfn, size: to, validate }),
  ),
  fc.tuple(frame, fc.integer({ min: 0, max: 4 })).map(
    ([gfn, targetVmpl]): Operation =>
      (m) =>
        m.rmpadjust({ vm: 'vm0', vcpu: 0, gfn, size: '4K', targetVmpl, permissions: 3 }),
  ),
);

const tdxOnly: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(frame, frame, level).map(
    ([gfn, pfn, to]): Operation =>
      (m) =>
        m.sept.augment('vm0', gfn, pfn, to),
  ),
  fc.tuple(frame, level).map(
    ([gfn, to]): Operation =>
      (m) =>
        m.sept.accept('vm0', gfn, to),
  ),
  fc.tuple(frame, level).map(
    ([gfn, to]): Operation =>
      (m) =>
        m.sept.block('vm0', gfn, to),
  ),
  fc.tuple(frame, level).map(
    ([gfn, to]): Operation =>
      (m) =>
        m.sept.remove('vm0', gfn, to),
  ),
  fc.constant<Operation>((m) => m.sept.track('vm0')),
  frame.map(
    (pfn): Operation =>
      (m) =>
        m.sept.reclaim(pfn),
  ),
);

const operationsOf: Record<PlatformName, fc.Arbitrary<Operation>> = {
  snp: fc.oneof(allocator, directmap, mappings, accesses, snpOnly),
  tdx: fc.oneof(allocator, directmap, mappings, accesses, tdxOnly),
  'sw-protected': fc.oneof(allocator, directmap, mappings, accesses),
};

function build(platform: PlatformName): Machine {
  const machine = new Machine({ platform, pages: PAGES });
  machine.createVm('vm0', { key: platform === 'sw-protected' ? 0 : 5, vcpus: 2 });
  return machine;
}

/** Runs operations; a refusal is fine, anything else that is thrown is not. */
function perform(machine: Machine, operations: readonly Operation[]): void {
  for (const operation of operations) {
    try {
      operation(machine);
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
    }
  }
}

/** Leaves that meet: few blocks of 2M, mapped whole and by 4K. */
function leavesOf(space: Space): fc.Arbitrary<Operation> {
  const block = fc.integer({ min: 0, max: 3 }).map((number) => number * 512);
  const page = fc.constantFrom(0, 1, 2, 511);
  return fc.oneof(
    fc.tuple(block, block).map(
      ([gfn, pfn]): Operation =>
        (m) =>
          m.npt('vm0').map({ gfn, pfn, level: '2M', space }),
    ),
    fc.tuple(block, page, frame).map(
      ([gfn, which, pfn]): Operation =>
        (m) =>
          m.npt('vm0').map({ gfn: gfn + which, pfn, level: '4K', space }),
    ),
    block.map(
      (gfn): Operation =>
        (m) =>
          m.npt('vm0').split(gfn, space),
    ),
    fc.tuple(block, count).map(
      ([gfn, pages]): Operation =>
        (m) =>
          m.npt('vm0').zap(gfn, pages, space),
    ),
    fc.tuple(block, page, vcpu, fc.constantFrom('read' as const, 'write' as const)).map(
      ([gfn, which, id, kind]): Operation =>
        (m) =>
          m.guest({ vm: 'vm0', vcpu: id, gfn: gfn + which, private: false, kind }),
    ),
    fc.tuple(block, count).map(
      ([gfn, pages]): Operation =>
        (m) =>
          m.flushRange('vm0', gfn, pages),
    ),
  );
}

describe.each<PlatformName>(['snp', 'tdx', 'sw-protected'])('%s', (platform) => {
  const operations = fc.array(operationsOf[platform], { maxLength: 60, size: 'max' });

  test('every frame is free or somebody’s, never both, and the counters say so', () => {
    fc.assert(
      fc.property(operations, (list) => {
        const machine = build(platform);
        perform(machine, list);
        const frames = Array.from({ length: PAGES }, (_, pfn) => pfn);
        const free = frames.filter((pfn) => machine.pages.isFree(pfn));
        expect(free).toEqual(frames.filter((pfn) => machine.pages.at(pfn) === undefined));
        expect(machine.pages.freePages).toBe(free.length);
        const allocated = [...machine.frames.page.map.extents()].filter(
          ({ value }) => value.status === 'allocated',
        );
        const leaked = machine.counters.pagesLeaked;
        const bytes = (allocated.reduce((sum, extent) => sum + extent.count, 0) + leaked) * 4096;
        expect(machine.counters.bytesAllocated).toBe(bytes);
      }),
      { numRuns: 60 },
    );
  });

  test('free blocks are as large as they can be', () => {
    fc.assert(
      fc.property(operations, (list) => {
        const machine = build(platform);
        perform(machine, list);
        for (let ord = 0; ord < 18; ord++) {
          const blocks = new Set(machine.pages.freeBlocksOf(ord));
          for (const pfn of blocks) {
            expect(pfn % 2 ** ord).toBe(0);
            expect(blocks.has((pfn / 2 ** ord) % 2 === 0 ? pfn + 2 ** ord : pfn - 2 ** ord)).toBe(false);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the directmap covers memory exactly, by whole mappings', () => {
    fc.assert(
      fc.property(operations, (list) => {
        const machine = build(platform);
        perform(machine, list);
        const { map } = machine.frames.directmap;
        expect(map.frames).toBe(PAGES);
        for (const { start, count: pages, value } of map.extents()) {
          expect(start % PAGES_OF[value.level]).toBe(0);
          expect(pages % PAGES_OF[value.level]).toBe(0);
        }
        expect(machine.counters.directmap2MLost).toBe(
          [0, 512, 1024, 1536].filter((pfn) => machine.directmap.at(pfn).level === '4K').length,
        );
      }),
      { numRuns: 60 },
    );
  });

  test('nested tables hold whole leaves, each on pages of memory', () => {
    const space = platform === 'tdx' ? 'shared' : 'npt';
    fc.assert(
      fc.property(fc.array(fc.oneof(allocator, leavesOf(space)), { maxLength: 30, size: 'max' }), (list) => {
        const machine = build(platform);
        perform(machine, list);
        const npt = machine.npt('vm0');
        const table = npt.table(space);
        for (const { start, count: pages } of table.map.extents()) {
          for (let gfn = start; gfn < start + pages; ) {
            const leaf = npt.leaf(gfn, space)!;
            const size = PAGES_OF[leaf.level];
            expect(machine.pages.contains(leaf.pfn, size)).toBe(true);
            const cells = table.runs(leaf.gfn, size).map(({ value }) => [value?.level, value?.pfnDelta]);
            expect(new Set(cells.map(String))).toEqual(new Set([`${leaf.level},${leaf.pfn - leaf.gfn}`]));
            gfn = leaf.gfn + size;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a TLB only has what a table once held', () => {
    const near = fc.array(leavesOf(platform === 'tdx' ? 'shared' : 'npt'), {
      minLength: 20,
      maxLength: 60,
      size: 'max',
    });
    let cached = 0;
    fc.assert(
      fc.property(near, (list) => {
        const machine = build(platform);
        const held = new Set<string>();
        machine.onEvent((event) => {
          for (const [gfn, pfn] of installed(event)) held.add(`${gfn}→${pfn}`);
        });
        perform(machine, list);
        const spaces = machine.platform.sept ? (['private', 'shared'] as const) : (['npt'] as const);
        const entries = [0, 1].flatMap((id) =>
          spaces.flatMap((space) => [...machine.npt('vm0').tlb(id, space).map.extents()]),
        );
        const strangers: number[] = [];
        for (const { start, count: pages, value } of entries)
          for (let gfn = start; gfn < start + pages; gfn++)
            if (!held.has(`${gfn}→${gfn + value.pfnDelta}`)) strangers.push(gfn);
        expect(strangers).toEqual([]);
        cached += entries.length;
      }),
      { numRuns: 60 },
    );
    // The sequences do fill TLBs, or this test would see nothing.
    expect(cached).toBeGreaterThan(5);
  });

  test('a snapshot is a state to return to, exactly', () => {
    fc.assert(
      fc.property(operations, operations, (before, after) => {
        const machine = build(platform);
        perform(machine, before);
        const saved = machine.snapshot();
        const [hash, state, counters] = [machine.hash(), machine.plainState(), { ...machine.counters }];
        const hazards = machine.hazards.length;
        perform(machine, after);
        const later = machine.hash();
        machine.restore(saved);
        expect(machine.hash()).toBe(hash);
        expect(machine.plainState()).toEqual(state);
        expect(machine.counters).toEqual(counters);
        expect(machine.hazards.length).toBe(hazards);
        perform(machine, after);
        expect(machine.hash()).toBe(later);
      }),
      { numRuns: 60 },
    );
  });

  test('events tell the whole change: undoing them backwards gives the state before', () => {
    fc.assert(
      fc.property(operations, operations, (before, after) => {
        const machine = build(platform);
        perform(machine, before);
        const tables = new Map(
          Object.entries(machine.frames).map(([name, table]) => [name, [...table.map.extents()]]),
        );
        const seq = machine.lastSeq;
        perform(machine, after);
        for (const event of machine.eventsSince(seq).reverse()) {
          if ('before' in event && 'pfn' in event)
            machine.frames[event.kind].map.set(event.pfn, event.pages, event.before as never);
        }
        for (const [name, extents] of tables)
          expect([...machine.frames[name as keyof typeof machine.frames].map.extents()]).toEqual(extents);
      }),
      { numRuns: 40 },
    );
  });
});

test('a kernel that resets the RMP before it frees never has an assigned page in the free list', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 30 })), {
    maxLength: 80,
    size: 'max',
  });
  fc.assert(
    fc.property(steps, (list) => {
      const machine = build('snp');
      const held: number[] = [];
      for (const [take, which] of list) {
        if (take) {
          const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1' })!;
          machine.directmap.split(pfn, '4K');
          machine.rmp.update(pfn, {
            assigned: true,
            asid: 5,
            gpa: which * 4096,
            size: '4K',
            immutable: false,
          });
          held.push(pfn);
        } else if (held.length > 0) {
          const [pfn] = held.splice(which % held.length, 1);
          machine.rmp.update(pfn!, { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false });
          machine.pages.free(pfn!, 0);
        }
        const assigned = [...machine.frames.rmp.map.extents()].flatMap(({ start, count: pages }) =>
          Array.from({ length: pages }, (_, page) => start + page),
        );
        expect(assigned.sort((a, b) => a - b)).toEqual([...held].sort((a, b) => a - b));
        expect(assigned.some((pfn) => machine.pages.isFree(pfn))).toBe(false);
      }
      expect(machine.hazards).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('the hash doesn’t depend on the way to a state', () => {
  const writes = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(writes, fc.integer({ min: 0, max: 1000 }), (list, seed) => {
      const pfns = new Set(
        list.flatMap(([start, pages]) => Array.from({ length: pages }, (_, page) => start + page)),
      );
      const one = build('snp');
      const other = build('snp');
      const assign = (machine: Machine, pfn: number): void => {
        machine.rmp.update(pfn, {
          assigned: true,
          asid: 5,
          gpa: (pfn + 7) * 4096,
          size: '4K',
          immutable: false,
        });
      };
      for (const [start, pages] of list) for (let pfn = start; pfn < start + pages; pfn++) assign(one, pfn);
      for (const pfn of [...pfns].sort((a, b) => ((a * 7919 + seed) % 101) - ((b * 7919 + seed) % 101)))
        assign(other, pfn);
      expect(other.hash()).toBe(one.hash());
      expect(other.equals(one)).toBe(true);
      if (pfns.size > 0) {
        other.rmp.update([...pfns][0]!, { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false });
        expect(other.hash()).not.toBe(one.hash());
        expect(other.equals(one)).toBe(false);
      }
    }),
    { numRuns: 60 },
  );
});

/** gfn and pfn of every frame that an event maps. */
function* installed(event: MachineEvent): Generator<[gfn: number, pfn: number]> {
  if ((event.kind !== 'npt' && event.kind !== 'sept') || !event.after) return;
  for (let page = 0; page < event.pages; page++) {
    const gfn = event.gfn + page;
    yield [gfn, gfn + event.after.pfnDelta];
  }
}
