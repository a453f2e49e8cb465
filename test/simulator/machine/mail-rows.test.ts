/** The rows of the mails, as far as the machine alone can show them: what a kernel does right or wrong, step by step. */
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../server/src/simulator/machine/machine.ts';

const PAGES_OF_1G = 512 * 512;
const ASID = 5;

function snp(pages = PAGES_OF_1G): Machine {
  const machine = new Machine({ platform: 'snp', pages });
  machine.createVm('vm0', { key: ASID, vcpus: 2 });
  return machine;
}

const kinds = (machine: Machine): string[] => machine.hazards.map(({ kind }) => kind);

/** As rmp_make_private and rmp_make_shared do, without their directmap work. */
const makePrivate = (machine: Machine, pfn: number, gfn: number, size: '4K' | '2M' = '4K'): string =>
  machine.rmp.update(pfn, { assigned: true, asid: ASID, gpa: gfn * 4096, size, immutable: false }).name;
const makeShared = (machine: Machine, pfn: number, size: '4K' | '2M' = '4K'): string =>
  machine.rmp.update(pfn, { assigned: false, asid: 0, gpa: 0, size, immutable: false }).name;

describe('A2: a page that is still private in the RMP goes back to the host', () => {
  test('freeing it is a hazard, and the next host write to it takes the host down', () => {
    const machine = snp();
    machine.actAs('vmm', { file: 'mm/truncate.c', line: 60, function: 'truncate_inode_pages_range' });
    const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1', file: { name: 'gmem:1', index: 3 } })!;
    machine.directmap.split(pfn, '4K');
    expect(makePrivate(machine, pfn, 0x103)).toBe('SUCCESS');
    expect(machine.pages.free(pfn, 0)).toBe(true);
    expect(machine.hazards[0]).toMatchObject({
      kind: 'page-freed-while-assigned',
      row: 'A2',
      effect: 'host',
      pfn,
      actor: 'vmm',
      at: { function: 'truncate_inode_pages_range' },
    });
    expect(machine.hazards[0]?.message).toContain('ASID 5, gfn 0x103');
    expect(machine.hazards[0]?.causes.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['page', 'rmp', 'instruction']),
    );

    machine.actAs('host');
    const next = machine.pages.allocate({ order: 0, owner: 'slab' });
    expect(next).toBe(pfn);
    const fault = machine.host({ pfn, write: { pattern: 'zero' } });
    expect(fault).toEqual({
      outcome: 'page-fault',
      errorCode: 0x8000_0003n,
      reason: 'rmp',
      blockedBy: pfn,
    });
    expect(kinds(machine)).toEqual(['page-freed-while-assigned', 'rmp-violation']);
  });

  test('reset before it is freed, the host may write to it', () => {
    const machine = snp();
    const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1' })!;
    machine.directmap.split(pfn, '4K');
    makePrivate(machine, pfn, 0x103);
    expect(makeShared(machine, pfn)).toBe('SUCCESS');
    machine.pages.free(pfn, 0);
    expect(machine.host({ pfn, write: { pattern: 'zero' } }).outcome).toBe('ok');
    expect(machine.hazards).toEqual([]);
  });

  test('the host may read a private page; what it gets is not what the guest wrote', () => {
    const machine = snp();
    const { pfn } = privatePage(machine, 0x103);
    machine.guest({ vm: 'vm0', vcpu: 0, gfn: 0x103, private: true, kind: 'write', write: bytes('secret!!') });
    const seen = machine.host({ pfn, length: 8 });
    expect(seen).toMatchObject({ outcome: 'ok', garbled: true });
    expect(seen.outcome === 'ok' && text(seen.bytes)).not.toBe('secret!!');
    const own = machine.guest({ vm: 'vm0', vcpu: 1, gfn: 0x103, private: true, kind: 'read', length: 8 });
    expect(own.outcome === 'ok' && text(own.bytes)).toBe('secret!!');
    expect(machine.hazards).toEqual([]);
  });
});

describe('B1: a 2M directmap mapping over one guest-owned 4K page', () => {
  test('the host faults on the other pages of the 2M, and on no page beyond it', () => {
    const machine = snp();
    const guestPage = machine.pages.allocate({ order: 0, owner: 'gmem:1', pfn: 0x1200 })!;
    makePrivate(machine, guestPage, 0x10);
    const other = machine.pages.allocate({ order: 0, owner: 'slab', pfn: 0x1201 })!;
    expect(machine.host({ pfn: other, write: { pattern: 'x' } })).toMatchObject({
      outcome: 'page-fault',
      reason: 'rmp',
      blockedBy: 0x1200,
    });
    expect(machine.hazards[0]).toMatchObject({
      kind: 'rmp-violation',
      row: 'B1',
      effect: 'host',
      pfn: 0x1200,
    });
    expect(machine.hazards[0]?.message).toContain('1G mapping from pfn 0x0');
    // Same 1G mapping, another 2M: checked by 2M only.
    expect(machine.host({ pfn: 0x1400, write: { pattern: 'x' } }).outcome).toBe('ok');
  });

  test('split to 4K first, only the guest-owned page faults', () => {
    const machine = snp();
    machine.directmap.split(0x1200, '4K');
    machine.pages.allocate({ order: 0, owner: 'gmem:1', pfn: 0x1200 });
    makePrivate(machine, 0x1200, 0x10);
    expect(machine.host({ pfn: 0x1201, write: { pattern: 'x' } }).outcome).toBe('ok');
    expect(machine.host({ pfn: 0x1200, write: { pattern: 'x' } }).outcome).toBe('page-fault');
    expect(machine.counters.directmapSplits).toBe(2);
    expect(machine.counters.directmap2MLost).toBe(1);
  });

  test('removed from the directmap, the guest page is out of reach and its neighbours are not', () => {
    const machine = snp();
    machine.directmap.setPresent(0x1200, 1, false);
    makePrivate(machine, 0x1200, 0x10);
    expect(machine.host({ pfn: 0x1200 })).toMatchObject({ outcome: 'page-fault', reason: 'not-present' });
    expect(machine.host({ pfn: 0x1201, write: { pattern: 'x' } }).outcome).toBe('ok');
    expect(machine.directmap.unmappedPages()).toBe(1);
  });

  test('a process that maps hugetlb memory by 2M meets the same fault, and only it dies', () => {
    const machine = snp();
    makePrivate(machine, 0x1200, 0x10);
    expect(machine.host({ pfn: 0x1201, write: { pattern: 'x' }, via: '2M' }).outcome).toBe('page-fault');
    expect(machine.hazards[0]).toMatchObject({ kind: 'rmp-violation', effect: 'process' });
    expect(machine.host({ pfn: 0x1201, write: { pattern: 'x' }, via: '4K' }).outcome).toBe('ok');
  });
});

describe('B2: restoring the 2M directmap mapping', () => {
  test('works when all of the 2M is mapped by 4K alike', () => {
    const machine = snp();
    machine.directmap.split(0x1200, '4K');
    expect(machine.directmap.collapse(0x1234, '2M')).toBe(true);
    expect(machine.directmap.at(0x1200)).toEqual({ level: '2M', present: true });
    expect(machine.counters).toMatchObject({ directmap2MLost: 0, directmapRestores: 1 });
  });

  test('fails while one page of it is unmapped', () => {
    const machine = snp();
    machine.directmap.setPresent(0x1203, 1, false);
    expect(machine.directmap.collapse(0x1200, '2M')).toBe(false);
    machine.directmap.setPresent(0x1203, 1, true);
    expect(machine.directmap.collapse(0x1200, '2M')).toBe(true);
  });

  test('back to 1G once all 2M mappings are whole', () => {
    const machine = snp();
    machine.directmap.split(0x1200, '4K');
    expect(machine.directmap.collapse(0x1200, '1G')).toBe(false);
    machine.directmap.collapse(0x1200, '2M');
    expect(machine.directmap.collapse(0x1200, '1G')).toBe(true);
    expect(machine.directmap.mappings()).toEqual({ '4K': 0, '2M': 0, '1G': 1 });
  });
});

describe('B4: one 4K inside of a 2M page is converted', () => {
  test('the freed 4K is reused, so no 2M page can be had from there any more', () => {
    const machine = snp(1024);
    const folio = machine.pages.allocate({ order: 9, owner: 'gmem:1', file: { name: 'gmem:1', index: 0 } })!;
    machine.pages.allocate({ order: 9, owner: 'ballast' });
    machine.directmap.split(folio, '4K');
    makePrivate(machine, folio, 0, '2M');
    expect(makeShared(machine, folio + 7)).toBe('FAIL_OVERLAP');
    expect(machine.rmp.psmash(folio).name).toBe('SUCCESS');
    expect(makeShared(machine, folio + 7)).toBe('SUCCESS');
    machine.pages.split(folio, 0);
    expect(machine.pages.free(folio + 7, 0)).toBe(true);
    expect(machine.pages.fragmentation(9)).toBe(1);
    expect(machine.pages.allocate({ order: 0, owner: 'slab' })).toBe(folio + 7);

    for (let pfn = folio; pfn < folio + 512; pfn++) {
      if (pfn === folio + 7) continue;
      makeShared(machine, pfn);
      machine.pages.free(pfn, 0);
    }
    expect(machine.pages.freeBlocks()[9]).toBe(0);
    machine.pages.free(folio + 7, 0);
    expect(machine.pages.freeBlocks()[9]).toBe(1);
    expect(machine.hazards).toEqual([]);
  });
});

describe('C2: shmem rounds the index down to its page size', () => {
  const slot = { id: 1, baseGfn: 0x100000, pages: PAGES_OF_1G, file: 'restrictedmem', index: 0x4 };

  test('index 0x8 of a slot at offset 0x4000 gets a 1G page that begins outside of the slot', () => {
    const machine = snp(4 * PAGES_OF_1G);
    const index = 0x8;
    const rounded = index - (index % PAGES_OF_1G);
    const pfn = machine.pages.allocate({
      order: 18,
      owner: 'shmem',
      file: { name: 'restrictedmem', index: rounded },
    })!;
    const gfn = slot.baseGfn + (index - slot.index);
    const outside = machine.pages.reportOutsideSlot({
      vm: 'vm0',
      gfn: gfn - index,
      pfn,
      pages: PAGES_OF_1G,
      slot,
    });
    expect(outside).toBe(true);
    expect(machine.hazards[0]).toMatchObject({ kind: 'page-outside-slot', row: 'C2' });
    expect(machine.hazards[0]?.message).toContain('page 0x0');
    expect(machine.hazards[0]?.message).toContain('pages 0x4 to 0x40003');
  });

  test('mapping the page that lies at offset 0 where index 8 belongs is told as well', () => {
    const machine = snp(4 * PAGES_OF_1G);
    const pfn = machine.pages.allocate({
      order: 18,
      owner: 'shmem',
      file: { name: 'restrictedmem', index: 0 },
    })!;
    machine.npt('vm0').map({ gfn: slot.baseGfn + 4, pfn, level: '4K', slot });
    expect(kinds(machine)).toEqual(['page-outside-slot']);
  });

  test('another page of the slot than the one that belongs to the gfn is told', () => {
    const machine = snp(4 * PAGES_OF_1G);
    const pfn = machine.pages.allocate({
      order: 18,
      owner: 'shmem',
      file: { name: 'restrictedmem', index: 0 },
    })!;
    machine.npt('vm0').map({ gfn: slot.baseGfn + 4, pfn: pfn + 9, level: '4K', slot });
    expect(machine.hazards[0]?.message).toContain('page 0x9 of the file instead of page 0x8');
  });

  test('the right page by 4K is fine', () => {
    const machine = snp(4 * PAGES_OF_1G);
    const pfn = machine.pages.allocate({
      order: 18,
      owner: 'shmem',
      file: { name: 'restrictedmem', index: 0 },
    })!;
    machine.npt('vm0').map({ gfn: slot.baseGfn + 4, pfn: pfn + 8, level: '4K', slot });
    expect(machine.hazards).toEqual([]);
  });
});

describe('E4: one side is allocated by accident while the other is in use', () => {
  test('the memory is counted twice, and the hazard names the gfns', () => {
    const machine = new Machine({ platform: 'sw-protected', pages: 4096 });
    machine.createVm('vm0', { key: 0, vcpus: 1 });
    const privatePfn = machine.pages.allocate({ order: 9, owner: 'memfd-private' })!;
    machine.backing.note('vm0', 0, 512, 'private', privatePfn, 'private');
    expect(machine.hazards).toEqual([]);
    const sharedPfn = machine.pages.allocate({ order: 0, owner: 'memfd-shared' })!;
    machine.backing.note('vm0', 0x20, 1, 'shared', sharedPfn, 'private');
    expect(machine.hazards[0]).toMatchObject({ kind: 'double-allocation', row: 'E4', gfn: 0x20 });
    expect(machine.counters).toMatchObject({ twiceAllocatedGfns: 1, bytesAllocated: 513 * 4096 });
    machine.backing.clear('vm0', 0x20, 1, 'shared');
    expect(machine.counters).toMatchObject({ twiceAllocatedGfns: 0, twiceAllocatedGfnsPeak: 1 });
  });
});

describe('A8, A11: the guest reaches a page that was freed', () => {
  const sw = (): { machine: Machine; pfn: number } => {
    const machine = new Machine({ platform: 'sw-protected', pages: 4096 });
    machine.createVm('vm0', { key: 0, vcpus: 2 });
    const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1', file: { name: 'gmem:1', index: 0 } })!;
    machine.npt('vm0').map({ gfn: 0x10, pfn, level: '4K' });
    machine.guest({ vm: 'vm0', vcpu: 1, gfn: 0x10, private: true, kind: 'write', write: bytes('12345678') });
    return { machine, pfn };
  };

  test('zapped and freed without a flush: the vCPU that had cached it still writes there', () => {
    const { machine, pfn } = sw();
    machine.npt('vm0').zap(0x10, 1);
    machine.pages.free(pfn, 0);
    expect(machine.guest({ vm: 'vm0', vcpu: 0, gfn: 0x10, private: true, kind: 'read' })).toMatchObject({
      outcome: 'nested-fault',
      reason: 'not-present',
    });
    expect(machine.hazards).toEqual([]);
    machine.actAs('vcpu1');
    const late = machine.guest({
      vm: 'vm0',
      vcpu: 1,
      gfn: 0x10,
      private: true,
      kind: 'write',
      write: bytes('late'),
    });
    expect(late).toMatchObject({ outcome: 'ok', via: 'tlb' });
    expect(machine.hazards[0]).toMatchObject({ kind: 'stale-guest-mapping', actor: 'vcpu1', pfn, gfn: 0x10 });
    expect(machine.hazards[0]?.message).toContain('is free');
  });

  test('flushed, it faults as it should', () => {
    const { machine, pfn } = sw();
    machine.npt('vm0').zap(0x10, 1);
    expect(machine.flushRemote('vm0')).toBe(1);
    machine.pages.free(pfn, 0);
    expect(machine.guest({ vm: 'vm0', vcpu: 1, gfn: 0x10, private: true, kind: 'read' }).outcome).toBe(
      'nested-fault',
    );
    expect(machine.hazards).toEqual([]);
  });

  test('a page that belongs to somebody else by now is told as theirs', () => {
    const { machine, pfn } = sw();
    machine.npt('vm0').zap(0x10, 1);
    machine.pages.free(pfn, 0);
    machine.pages.allocate({ order: 0, owner: 'slab', pfn });
    machine.host({ pfn, write: bytes('slab data') });
    machine.guest({
      vm: 'vm0',
      vcpu: 1,
      gfn: 0x10,
      private: true,
      kind: 'write',
      write: bytes('overwritten'),
    });
    expect(machine.hazards[0]?.message).toContain("slab's now");
    const seen = machine.host({ pfn, length: 9 });
    expect(seen.outcome === 'ok' && text(seen.bytes)).toBe('overwritt');
  });

  test('a fault handler that maps a page after it was freed', () => {
    const { machine, pfn } = sw();
    machine.pages.free(pfn, 0);
    machine.npt('vm0').map({ gfn: 0x11, pfn, level: '4K' });
    expect(machine.hazards[0]).toMatchObject({ kind: 'free-page-mapped', row: 'A8', pfn, gfn: 0x11 });
  });
});

describe('B6, B10, E7: teardown and pages that stay', () => {
  test('what is left after teardown is told with its state', () => {
    const machine = snp();
    const { pfn } = privatePage(machine, 0x103);
    machine.destroyVm('vm0');
    machine.pages.reportLeaks('gmem:1', 'vm0');
    expect(machine.hazards[0]).toMatchObject({ kind: 'leak-at-teardown', pfn, pages: 1 });
    expect(machine.hazards[0]?.message).toContain('still assigned in the RMP');
  });

  test('a page out of the directmap goes back to the host', () => {
    const machine = snp();
    const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1' })!;
    machine.directmap.setPresent(pfn, 1, false);
    machine.pages.free(pfn, 0);
    expect(kinds(machine)).toEqual(['page-freed-without-directmap']);
  });

  test('a private page can be moved by the firmware only; refusals are counted', () => {
    const machine = snp();
    const { pfn } = privatePage(machine, 0x103);
    expect(machine.pages.mayMove(pfn)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('firmware'),
    });
    const pinned = machine.pages.allocate({ order: 0, owner: 'memfd', unmovable: true })!;
    expect(machine.pages.mayMove(pinned).ok).toBe(false);
    expect(machine.pages.mayMove(machine.pages.allocate({ order: 0, owner: 'anon' })!)).toEqual({ ok: true });
    expect(machine.counters.movesRefused).toBe(2);
  });
});

/** A private, mapped and validated 4K page at a gfn. */
function privatePage(machine: Machine, gfn: number): { pfn: number } {
  const pfn = machine.pages.allocate({ order: 0, owner: 'gmem:1', file: { name: 'gmem:1', index: gfn } })!;
  machine.directmap.split(pfn, '4K');
  makePrivate(machine, pfn, gfn);
  machine.npt('vm0').map({ gfn, pfn, level: '4K' });
  expect(machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn, size: '4K', validate: true })).toMatchObject({
    name: 'SUCCESS',
  });
  return { pfn };
}

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);
