/** SNP's instructions and checks: the return codes and faults that a kernel has to deal with. */
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../server/src/simulator/machine/machine.ts';
import { PAGE_FAULT } from '../../../server/src/simulator/machine/platform.ts';
import { encodeRmpEntry, rmpEntryOffset } from '../../../server/src/simulator/machine/rmp-format.ts';

const ASID = 5;

function snp(): Machine {
  const machine = new Machine({ platform: 'snp', pages: 4096 });
  machine.createVm('vm0', { key: ASID, vcpus: 1 });
  machine.pages.allocate({ order: 9, owner: 'gmem:1', pfn: 512 });
  return machine;
}

const state = (gfn: number, size: '4K' | '2M' = '4K') =>
  ({ assigned: true, asid: ASID, gpa: gfn * 4096, size, immutable: false }) as const;
const SHARED = { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false } as const;

describe('RMPUPDATE', () => {
  test.each([
    ['a page outside of the table', 9999, state(0)],
    ['a 2M entry at an odd pfn', 513, state(512, '2M')],
    ['a 2M entry at an odd gpa', 512, state(1, '2M')],
    ['an ASID for an entry that is not assigned', 512, { ...SHARED, asid: ASID }],
  ])('FAIL_INPUT for %s', (_what, pfn, wanted) => {
    expect(snp().rmp.update(pfn, wanted)).toEqual({ code: 1, name: 'FAIL_INPUT' });
  });

  test('FAIL_PERMISSION for an immutable entry, until the firmware reclaims it', () => {
    const machine = snp();
    machine.rmp.update(600, { assigned: true, asid: 0, gpa: 0, size: '4K', immutable: true });
    expect(machine.rmp.update(600, SHARED)).toEqual({ code: 2, name: 'FAIL_PERMISSION' });
    expect(machine.rmp.firmwareReclaim(600)).toBe(true);
    expect(machine.rmp.update(600, SHARED).name).toBe('SUCCESS');
  });

  test('FAIL_OVERLAP for 4K inside of an assigned 2M entry, and for 2M over an assigned 4K entry', () => {
    const machine = snp();
    machine.rmp.update(512, state(0, '2M'));
    expect(machine.rmp.update(515, SHARED)).toEqual({ code: 4, name: 'FAIL_OVERLAP' });
    machine.rmp.update(1025, state(1));
    expect(machine.rmp.update(1024, state(512, '2M')).name).toBe('FAIL_OVERLAP');
  });

  test('a new entry is neither validated nor a VMSA', () => {
    const machine = mapped('4K');
    machine.rmp.update(512, state(512));
    machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 512, size: '4K', validate: true });
    expect(machine.rmp.peek(512).validated).toBe(true);
    machine.rmp.update(512, state(512));
    expect(machine.rmp.peek(512)).toMatchObject({ validated: false, vmsa: false, gpa: 512 * 4096 });
  });

  test('an injected FAIL_INUSE goes by, as a passing conflict does', () => {
    const machine = snp();
    machine.inject({ instruction: 'RMPUPDATE', pfn: 512, fail: 'FAIL_INUSE', times: 2 });
    expect([1, 2, 3].map(() => machine.rmp.update(512, state(0)).code)).toEqual([3, 3, 0]);
    expect(machine.counters.rmpUpdates).toBe(1);
  });
});

describe('PSMASH', () => {
  test('one 2M entry becomes 512 with its gpa, counted up', () => {
    const machine = snp();
    machine.rmp.update(512, state(1024, '2M'));
    expect(machine.rmp.peek(515)).toMatchObject({ pfn: 512, size: '2M', gpa: 1024 * 4096 });
    expect(machine.rmp.psmash(512).code).toBe(0);
    expect(machine.rmp.peek(515)).toMatchObject({ pfn: 515, size: '4K', gpa: 1027 * 4096, assigned: true });
  });

  test('FAIL_INPUT for an address inside, FAIL_BADADDR where there is no 2M entry', () => {
    const machine = snp();
    machine.rmp.update(512, state(0, '2M'));
    expect(machine.rmp.psmash(513)).toEqual({ code: 1, name: 'FAIL_INPUT' });
    machine.rmp.psmash(512);
    expect(machine.rmp.psmash(512)).toEqual({ code: 7, name: 'FAIL_BADADDR' });
  });
});

/** gfn 512 and on mapped to pfn 512 and on. */
function mapped(level: '4K' | '2M'): Machine {
  const machine = snp();
  const npt = machine.npt('vm0');
  if (level === '2M') npt.map({ gfn: 512, pfn: 512, level });
  else for (let page = 0; page < 4; page++) npt.map({ gfn: 512 + page, pfn: 512 + page, level });
  return machine;
}

const read = { vm: 'vm0', vcpu: 0, gfn: 513, private: true, kind: 'read' } as const;

describe('a private access by the guest', () => {
  test('goes through once the page is assigned, mapped and validated', () => {
    const machine = mapped('2M');
    machine.rmp.update(512, state(512, '2M'));
    expect(machine.guest(read)).toEqual({ outcome: 'guest-exception', vector: '#VC', gfn: 513 });
    machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 512, size: '2M', validate: true });
    expect(machine.guest(read)).toMatchObject({ outcome: 'ok', pfn: 513 });
  });

  test.each([
    ['rmp-not-assigned', '4K', undefined],
    ['rmp-wrong-asid', '4K', { ...state(513), asid: 6 }],
    ['rmp-wrong-gpa', '4K', state(999)],
    ['rmp-size-mismatch', '2M', state(513)],
  ] as const)('faults with the RMP bit: %s', (reason, level, entry) => {
    const machine = mapped(level);
    if (entry) machine.rmp.update(513, entry);
    const result = machine.guest(read);
    expect(result).toMatchObject({ outcome: 'nested-fault', reason });
    const code = result.outcome === 'nested-fault' ? result.errorCode : 0n;
    expect(code & PAGE_FAULT.rmp).toBe(PAGE_FAULT.rmp);
    expect(code & PAGE_FAULT.encrypted).toBe(PAGE_FAULT.encrypted);
    expect((code & PAGE_FAULT.sizeMismatch) !== 0n).toBe(reason === 'rmp-size-mismatch');
    expect(machine.counters).toMatchObject({ rmpFaults: 1, nestedFaults: 1 });
  });

  test('a 4K mapping of a 2M entry faults until PSMASH', () => {
    const machine = mapped('4K');
    machine.rmp.update(512, state(512, '2M'));
    expect(machine.guest(read)).toMatchObject({ reason: 'rmp-size-mismatch' });
    machine.rmp.psmash(512);
    machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 513, size: '4K', validate: true });
    expect(machine.guest(read).outcome).toBe('ok');
  });
});

test('a shared write by the guest faults on an assigned page, a shared read does not', () => {
  const machine = mapped('4K');
  machine.rmp.update(513, state(513));
  expect(machine.guest({ ...read, private: false }).outcome).toBe('ok');
  const write = machine.guest({ ...read, private: false, kind: 'write' });
  expect(write).toMatchObject({ outcome: 'nested-fault', reason: 'rmp-assigned' });
  expect(write.outcome === 'nested-fault' && write.errorCode & PAGE_FAULT.encrypted).toBe(0n);
});

describe('PVALIDATE', () => {
  test('FAIL_SIZEMISMATCH for 2M over 4K entries; a fault with SIZEM for 4K of a 2M entry', () => {
    const machine = mapped('2M');
    machine.rmp.update(512, state(512));
    expect(machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 512, size: '2M', validate: true })).toMatchObject({
      name: 'FAIL_SIZEMISMATCH',
      code: 6,
    });
    machine.rmp.update(512, SHARED);
    machine.rmp.update(512, state(512, '2M'));
    const fault = machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 513, size: '4K', validate: true });
    expect(fault).toMatchObject({ outcome: 'nested-fault', reason: 'rmp-size-mismatch' });
  });

  test('says when nothing changed', () => {
    const machine = mapped('4K');
    machine.rmp.update(512, state(512));
    const once = (): unknown =>
      machine.pvalidate({ vm: 'vm0', vcpu: 0, gfn: 512, size: '4K', validate: true });
    expect(once()).toMatchObject({ changed: true });
    expect(once()).toMatchObject({ name: 'SUCCESS', changed: false });
  });
});

describe('RMPADJUST', () => {
  const request = { vm: 'vm0', vcpu: 0, gfn: 512, size: '4K', targetVmpl: 2, permissions: 0b0011 } as const;

  test('opens a page to a less privileged VMPL, and marks a VMSA', () => {
    const machine = mapped('4K');
    machine.rmp.update(512, state(512));
    expect(machine.rmpadjust({ ...request, vmsa: true })).toMatchObject({ name: 'SUCCESS' });
    expect(machine.rmp.peek(512)).toMatchObject({ vmplPermissions: [15, 0, 3, 0], vmsa: true });
  });

  test('FAIL_PERMISSION for its own VMPL, FAIL_INPUT for one that does not exist', () => {
    const machine = mapped('4K');
    machine.rmp.update(512, state(512));
    expect(machine.rmpadjust({ ...request, targetVmpl: 0 })).toMatchObject({ code: 2 });
    expect(machine.rmpadjust({ ...request, targetVmpl: 4 })).toMatchObject({ code: 1 });
  });
});

test('RMPQUERY tells what a VMPL may do, of 2M entries as well', () => {
  const machine = mapped('2M');
  machine.rmp.update(512, state(512, '2M'));
  const query = (targetVmpl: number): unknown =>
    machine.rmpquery({ vm: 'vm0', vcpu: 0, gfn: 515, targetVmpl });
  expect(query(0)).toMatchObject({ name: 'SUCCESS', permissions: 15, size: '2M' });
  expect(query(3)).toMatchObject({ name: 'SUCCESS', permissions: 0 });
  expect(query(4)).toMatchObject({ name: 'FAIL_INPUT', code: 1 });
  expect(machine.rmpquery({ vm: 'vm0', vcpu: 0, gfn: 9, targetVmpl: 0 })).toMatchObject({
    reason: 'not-present',
  });
});

test('entries in the format that kernel C reads from the table', () => {
  const machine = mapped('2M');
  machine.rmp.update(512, state(1024, '2M'));
  const { low } = encodeRmpEntry(515, machine.rmp.peek(515));
  const field = (from: bigint, bits: number): bigint => BigInt.asUintN(bits, low >> from);
  expect({ assigned: field(0n, 1), size: field(1n, 1), gfn: field(12n, 39), asid: field(51n, 10) }).toEqual({
    assigned: 1n,
    size: 1n,
    gfn: 1027n,
    asid: 5n,
  });
  expect(encodeRmpEntry(9, machine.rmp.peek(9))).toEqual({ low: 0n, high: 0n });
  expect(rmpEntryOffset(2)).toBe(0x4020);
});

test('the RMP instructions exist on SNP only', () => {
  const machine = new Machine({ platform: 'tdx', pages: 512 });
  expect(() => machine.rmp.update(0, SHARED)).toThrow('no RMP');
});
