import { expect, test } from 'vitest';
import { shortName, shownLocks } from '../../server/src/lsp/shown-locks.ts';

const known = [
  'kvm.mmu_lock',
  'kvm.slots_lock',
  'sev_bitmap_lock',
  'kvm_kpit_state.lock',
  'kvm.lock',
  'kvm.irq_lock',
];

test.each([
  [['mmu_lock'], ['kvm.mmu_lock']],
  [
    ['slots_lock', 'mmu_lock'],
    ['kvm.slots_lock', 'kvm.mmu_lock'],
  ],
  [
    ['invalidate_lock', 'srcu', 'slots_arch_lock'],
    ['address_space.invalidate_lock', 'kvm.srcu', 'kvm.slots_arch_lock'],
  ],
  [
    ['kvm->lock', '&vcpu->mutex'],
    ['kvm.lock', 'kvm_vcpu.mutex'],
  ],
  [
    ['sev_bitmap_lock', 'irq_lock'],
    ['sev_bitmap_lock', 'kvm.irq_lock'],
  ],
  [['lock'], ['kvm_kpit_state.lock', 'kvm.lock']],
  [['no_such_lock'], []],
  [['mmu_lock', 'kvm.mmu_lock'], ['kvm.mmu_lock']],
])('%j are %j', (wanted, locks) => {
  expect(shownLocks(wanted, () => known)).toEqual(locks);
});

test('a short name still says which lock it is', () => {
  expect(['kvm.mmu_lock', 'kvm_vcpu.mutex', 'kvm.lock', 'sev_bitmap_lock', 'rcu'].map(shortName)).toEqual([
    'mmu_lock',
    'kvm_vcpu->mutex',
    'kvm->lock',
    'sev_bitmap_lock',
    'rcu',
  ]);
});
