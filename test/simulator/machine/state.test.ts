/** The machine's state as a whole: events, views, snapshots, and what size costs. */
import { describe, expect, test } from 'vitest';
import type { MachineEvent } from '../../../server/src/simulator/machine/events.ts';
import { Machine } from '../../../server/src/simulator/machine/machine.ts';
import { framesOf, guestFramesOf } from '../../../server/src/simulator/machine/views.ts';

const GIB = 2 ** 18;

test('a change is an event with its pages, both values, the actor and the line', () => {
  const machine = new Machine({ platform: 'snp', pages: GIB });
  const seen: MachineEvent[] = [];
  const stop = machine.onEvent((event) => seen.push(event));
  machine.actAs('vcpu0', { file: 'arch/x86/kvm/svm/sev.c', line: 120, function: 'sev_gmem_prepare' });
  machine.rmp.update(0x200, { assigned: true, asid: 5, gpa: 2 ** 30, size: '2M', immutable: false });
  stop();
  machine.rmp.psmash(0x200);
  expect(seen).toEqual([
    {
      kind: 'rmp',
      pfn: 0x200,
      pages: 512,
      before: undefined,
      after: expect.objectContaining({ assigned: true, asid: 5, size: '2M', gfnDelta: GIB - 0x200 }),
      seq: 1,
      actor: 'vcpu0',
      at: { file: 'arch/x86/kvm/svm/sev.c', line: 120, function: 'sev_gmem_prepare' },
    },
    expect.objectContaining({
      kind: 'instruction',
      instruction: 'RMPUPDATE',
      code: 0n,
      name: 'SUCCESS',
      seq: 2,
    }),
  ]);
  expect(machine.eventsSince(2).map(({ kind }) => kind)).toEqual(['rmp', 'instruction']);
});

test('what changes nothing makes no event', () => {
  const machine = new Machine({ platform: 'snp', pages: GIB });
  machine.directmap.setPresent(0, 512, true);
  const splits = machine.lastSeq;
  machine.directmap.setPresent(0, 512, true);
  expect(machine.lastSeq).toBe(splits);
});

test('E6: the bytes that are allocated, over time', () => {
  const machine = new Machine({ platform: 'sw-protected', pages: 4 * GIB });
  for (let index = 0; index < 3; index++) machine.pages.allocate({ order: 9, owner: 'gmem:1' });
  machine.pages.free(0, 9);
  const series = machine
    .eventsSince(0)
    .flatMap((event) => (event.kind === 'page' ? event.bytesAllocated / 2 ** 20 : []));
  expect(series).toEqual([2, 4, 6, 4]);
  expect(machine.counters.bytesAllocatedPeak).toBe(6 * 2 ** 20);
});

describe('size', () => {
  test('a 32 GiB guest of private 4K pages is a handful of extents', () => {
    const machine = new Machine({ platform: 'snp', pages: 40 * GIB });
    machine.createVm('vm0', { key: 5, vcpus: 1 });
    for (let index = 0; index < 32; index++)
      machine.pages.allocate({ order: 18, owner: 'gmem:1', file: { name: 'gmem:1', index: index * GIB } });
    machine.pages.split(0, 0);
    // Extents are what a per-page loop would leave, without its eight million calls.
    machine.frames.rmp.write(0, 32 * GIB, {
      assigned: true,
      asid: 5,
      gfnDelta: 0x100,
      size: '4K',
      immutable: false,
      validated: true,
      vmsa: false,
      vmplPermissions: 15,
    });
    expect(machine.frames.page.map.size).toBe(2);
    expect(machine.rmp.peek(8_000_000).gpa).toBe((8_000_000 + 0x100) * 4096);
    expect(machine.frames.rmp.map.size).toBe(1);
    const saved = machine.snapshot();
    machine.rmp.update(4_000_000, { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false });
    expect(machine.frames.rmp.map.size).toBe(2);
    machine.restore(saved);
    expect(machine.frames.rmp.map.size).toBe(1);
  });

  test('more memory than frame numbers are made for is refused', () => {
    expect(() => new Machine({ platform: 'snp', pages: 2 ** 31 })).toThrow('4 TiB');
    expect(() => new Machine({ platform: 'snp', pages: 0 })).toThrow("can't be built");
  });
});

describe('snapshots', () => {
  test('several branches of one state do not see each other', () => {
    const machine = new Machine({ platform: 'snp', pages: 4096 });
    const start = machine.snapshot();
    const branch = (owner: string): { hash: string; saved: ReturnType<Machine['snapshot']> } => {
      machine.restore(start);
      machine.pages.allocate({ order: 3, owner });
      return { hash: machine.hash(), saved: machine.snapshot() };
    };
    const [one, two] = [branch('one'), branch('two')];
    machine.restore(one.saved);
    expect(machine.pages.at(0)?.owner).toBe('one');
    expect(machine.hash()).toBe(one.hash);
    machine.pages.free(0, 3);
    machine.restore(two.saved);
    expect(machine.pages.at(0)?.owner).toBe('two');
    expect(machine.hash()).toBe(two.hash);
    expect(one.hash).not.toBe(two.hash);
    machine.restore(start);
    expect(machine.pages.freePages).toBe(4096);
  });

  test('a guest made after the snapshot is gone with all of its tables', () => {
    const machine = new Machine({ platform: 'snp', pages: 4096 });
    const hash = machine.hash();
    const saved = machine.snapshot();
    machine.createVm('vm0', { key: 5, vcpus: 1 });
    machine.npt('vm0').map({ gfn: 0, pfn: 0, level: '4K' });
    machine.restore(saved);
    expect(() => machine.npt('vm0')).toThrow('no VM vm0');
    machine.createVm('vm0', { key: 5, vcpus: 1 });
    expect(machine.npt('vm0').leaf(0)).toBeUndefined();
    machine.restore(saved);
    expect(machine.hash()).toBe(hash);
  });

  test('the hash is the same on every machine and Node version', () => {
    const machine = new Machine({ platform: 'snp', pages: 4096 });
    machine.createVm('vm0', { key: 5, vcpus: 1 });
    machine.pages.allocate({ order: 9, owner: 'gmem:1', file: { name: 'gmem:1', index: 0 } });
    machine.rmp.update(0, { assigned: true, asid: 5, gpa: 0, size: '2M', immutable: false });
    expect(machine.hash()).toMatchInlineSnapshot(`"88faafb0e0f7958b"`);
  });
});

describe('views', () => {
  test('frames are told in runs that look alike', () => {
    const machine = new Machine({ platform: 'snp', pages: 4096 });
    machine.pages.allocate({ order: 9, owner: 'gmem:1', pfn: 512 });
    machine.directmap.split(514, '4K');
    machine.rmp.update(514, { assigned: true, asid: 5, gpa: 0x7000, size: '4K', immutable: false });
    const runs = framesOf(machine, 510, 8);
    expect(
      runs.map(({ pfn, pages, page, rmp, directmap }) => [
        pfn,
        pages,
        page?.owner,
        rmp?.gpa,
        directmap.level,
      ]),
    ).toEqual([
      [510, 2, undefined, undefined, '2M'],
      [512, 2, 'gmem:1', undefined, '4K'],
      [514, 1, 'gmem:1', 0x7000, '4K'],
      [515, 3, 'gmem:1', undefined, '4K'],
    ]);
  });

  test('guest frames with their leaves, both backings and stale TLBs', () => {
    const machine = new Machine({ platform: 'sw-protected', pages: 4096 });
    machine.createVm('vm0', { key: 0, vcpus: 2 });
    machine.pages.allocate({ order: 0, owner: 'gmem:1', pfn: 7 });
    machine.backing.note('vm0', 0x10, 1, 'private', 7);
    machine.npt('vm0').map({ gfn: 0x10, pfn: 7, level: '4K' });
    machine.guest({ vm: 'vm0', vcpu: 1, gfn: 0x10, private: true, kind: 'read' });
    machine.npt('vm0').zap(0x10, 1);
    expect(guestFramesOf(machine, 'vm0', 0xf, 3)).toMatchObject([
      { gfn: 0xf, pages: 1, cachedBy: [] },
      { gfn: 0x10, pages: 1, npt: undefined, privatePfn: 7, sharedPfn: undefined, cachedBy: [1] },
      { gfn: 0x11, pages: 1, cachedBy: [] },
    ]);
  });
});

describe('contents', () => {
  const guest = { vm: 'vm0', vcpu: 0, gfn: 0x10, private: true } as const;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  function withPage(): { machine: Machine; pfn: number } {
    const machine = new Machine({ platform: 'snp', pages: 4096 });
    machine.createVm('vm0', { key: 5, vcpus: 1 });
    const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1' })!;
    machine.directmap.split(pfn, '4K');
    machine.npt('vm0').map({ gfn: 0x10, pfn, level: '4K' });
    assign(machine, pfn);
    return { machine, pfn };
  }

  function assign(machine: Machine, pfn: number): void {
    machine.rmp.update(pfn, { assigned: true, asid: 5, gpa: 0x10000, size: '4K', immutable: false });
    machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 0x10, size: '4K', validate: true });
  }

  test('a page that went private, shared and private again keeps what nobody overwrote', () => {
    const { machine, pfn } = withPage();
    machine.guest({ ...guest, kind: 'write', write: { pattern: 'data' } });
    machine.rmp.update(pfn, { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false });
    assign(machine, pfn);
    expect(machine.contents.patternOf(pfn, 5)).toBe('data');
  });

  test('a host write in between destroys the 16 bytes that it hits, for the guest', () => {
    const { machine, pfn } = withPage();
    machine.guest({ ...guest, kind: 'write', write: bytes('0123456789abcdefsecond block....') });
    machine.rmp.update(pfn, { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false });
    machine.host({ pfn, offset: 4, write: bytes('host') });
    assign(machine, pfn);
    const first = machine.guest({ ...guest, kind: 'read', length: 16 });
    expect(first).toMatchObject({ outcome: 'ok', garbled: true });
    const second = machine.guest({ ...guest, kind: 'read', offset: 16, length: 16 });
    expect(second).toMatchObject({ garbled: false, bytes: bytes('second block....') });
    expect(machine.contents.patternOf(pfn, 5)).toBeUndefined();
  });

  test('moved to another page by the host, a guest’s data is garbage; its own copy is not', () => {
    const { machine, pfn } = withPage();
    const other = machine.pages.allocate({ order: 0, owner: 'gmem:1' })!;
    machine.contents.fill(pfn, 1, 'data', 5);
    machine.contents.copy(pfn, other, 0, 0);
    expect(machine.contents.read(other, 0, 16, 5)).toMatchObject({ garbled: true });
    machine.contents.copy(pfn, other, 5, 5);
    expect(machine.contents.patternOf(other, 5)).toBe('data');
  });

  test('bytes outside of the page are refused', () => {
    const { machine, pfn } = withPage();
    expect(() => machine.host({ pfn, offset: 4092, length: 8 })).toThrow('not inside of the page');
  });
});
