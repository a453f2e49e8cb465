/** TDX: Secure EPT, accept and removal, and what the host must not touch (mail rows A10, A12). */
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../server/src/simulator/machine/machine.ts';

const SHARED_BIT = 1n << 51n;

function tdx(): Machine {
  const machine = new Machine({ platform: 'tdx', pages: 4096 });
  machine.createVm('td0', { key: 33, vcpus: 2 });
  machine.pages.allocate({ order: 9, owner: 'gmem:1', pfn: 512 });
  return machine;
}

const access = { vm: 'td0', vcpu: 0, gfn: 0x200, private: true } as const;

function accepted(): Machine {
  const machine = tdx();
  machine.sept.augment('td0', 0x200, 512, '4K');
  machine.sept.accept('td0', 0x200, '4K');
  return machine;
}

test('a page is the guest’s after augment and accept, zeroed', () => {
  const machine = tdx();
  machine.host({ pfn: 512, write: new TextEncoder().encode('old host data') });
  expect(machine.guest({ ...access, kind: 'read' })).toMatchObject({
    outcome: 'nested-fault',
    reason: 'not-present',
  });
  expect(machine.sept.augment('td0', 0x200, 512, '4K').name).toBe('TDX_SUCCESS');
  expect(machine.guest({ ...access, kind: 'read' })).toMatchObject({
    outcome: 'guest-exception',
    vector: '#VE',
  });
  expect(machine.sept.accept('td0', 0x200, '2M').name).toBe('TDX_PAGE_SIZE_MISMATCH');
  expect(machine.sept.accept('td0', 0x200, '4K').name).toBe('TDX_SUCCESS');
  expect(machine.sept.accept('td0', 0x200, '4K').name).toBe('TDX_PAGE_ALREADY_ACCEPTED');
  const read = machine.guest({ ...access, kind: 'read', length: 4 });
  expect(read).toMatchObject({ outcome: 'ok', bytes: new Uint8Array(4), garbled: false });
});

test('private or shared is told by the inverted shared bit of the faulting address', () => {
  const machine = tdx();
  const fault = (isPrivate: boolean): bigint => {
    const result = machine.guest({ ...access, private: isPrivate, kind: 'read' });
    return result.outcome === 'nested-fault' ? result.gpa : 0n;
  };
  expect(fault(true)).toBe(0x200000n);
  expect(fault(false)).toBe(0x200000n | SHARED_BIT);
});

describe('removal', () => {
  test('needs block, track and a flush of every vCPU, in that order', () => {
    const machine = accepted();
    machine.guest({ ...access, kind: 'write', write: { pattern: 'secret' } });
    expect(machine.sept.remove('td0', 0x200, '4K').name).toBe('TDX_GPA_RANGE_NOT_BLOCKED');
    machine.sept.block('td0', 0x200, '4K');
    expect(machine.sept.remove('td0', 0x200, '4K').name).toBe('TDX_TLB_TRACKING_NOT_DONE');
    machine.sept.track('td0');
    machine.flushVcpu('td0', 0);
    expect(machine.sept.remove('td0', 0x200, '4K').name).toBe('TDX_TLB_TRACKING_NOT_DONE');
    machine.flushVcpu('td0', 1);
    expect(machine.sept.remove('td0', 0x200, '4K').name).toBe('TDX_SUCCESS');
    expect(machine.pages.free(512, 9)).toBe(true);
    expect(machine.hazards).toEqual([]);
  });

  test('a blocked page stays in the TLBs until then', () => {
    const machine = accepted();
    machine.guest({ ...access, kind: 'read' });
    machine.sept.block('td0', 0x200, '4K');
    expect(machine.guest({ ...access, kind: 'read' })).toMatchObject({ outcome: 'ok', via: 'tlb' });
    expect(machine.guest({ ...access, vcpu: 1, kind: 'read' })).toMatchObject({ reason: 'blocked' });
  });

  test('freeing a page that was not removed is a hazard', () => {
    const machine = accepted();
    machine.pages.free(512, 9);
    expect(machine.hazards[0]).toMatchObject({
      kind: 'page-freed-while-assigned',
      row: 'A12',
      vm: 'td0',
      pages: 1,
    });
  });

  test('a page that is somebody’s can’t be augmented again', () => {
    const machine = accepted();
    expect(machine.sept.augment('td0', 0x201, 512, '4K').name).toBe('TDX_PAGE_METADATA_INCORRECT');
    expect(machine.sept.augment('td0', 0x200, 513, '4K').name).toBe('TDX_EPT_ENTRY_NOT_FREE');
  });
});

test('reclaim works once the domain is torn down', () => {
  const machine = accepted();
  expect(machine.sept.reclaim(512).name).toBe('TDX_OP_STATE_INCORRECT');
  machine.sept.tearDown('td0');
  expect(machine.sept.reclaim(512).name).toBe('TDX_SUCCESS');
  expect(machine.sept.reclaim(512).name).toBe('TDX_PAGE_METADATA_INCORRECT');
});

test('a host write into a private page is a machine check at the guest’s next read', () => {
  const machine = accepted();
  machine.actAs('host');
  machine.host({ pfn: 512, write: new Uint8Array(8) });
  expect(machine.hazards[0]).toMatchObject({ kind: 'td-page-written', vm: 'td0', effect: 'guest' });
  machine.actAs('vcpu0');
  expect(machine.guest({ ...access, kind: 'read' })).toEqual({ outcome: 'machine-check', gfn: 0x200 });
  expect(machine.hazards[1]).toMatchObject({ kind: 'machine-check', actor: 'vcpu0' });
});

test('a large leaf is demoted while it is blocked', () => {
  const machine = tdx();
  machine.sept.augment('td0', 0x200, 512, '2M');
  machine.sept.accept('td0', 0x200, '2M');
  expect(machine.sept.demote('td0', 0x200, '2M').name).toBe('TDX_GPA_RANGE_NOT_BLOCKED');
  machine.sept.block('td0', 0x200, '2M');
  machine.sept.track('td0');
  machine.flushRemote('td0');
  expect(machine.sept.demote('td0', 0x200, '2M').name).toBe('TDX_SUCCESS');
  expect(machine.sept.at('td0', 0x3ff)).toMatchObject({ level: '4K', state: 'mapped' });
});
