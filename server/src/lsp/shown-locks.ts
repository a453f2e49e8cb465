/** The locks that a user wants to see, by the names that people give them. */
import type { LockName } from '../locks/lock-state.js';

export const MMU_LOCK: LockName = 'kvm.mmu_lock';

/** As Documentation/virt/kvm/locking.rst and the code call them → as the analysis does. */
const KVM_LOCKS: ReadonlyMap<string, LockName> = new Map([
  ['mmu_lock', MMU_LOCK],
  ['slots_lock', 'kvm.slots_lock'],
  ['slots_arch_lock', 'kvm.slots_arch_lock'],
  // include/linux/fs.h: filemap_invalidate_lock() takes it.
  ['invalidate_lock', 'address_space.invalidate_lock'],
  ['srcu', 'kvm.srcu'],
  ['rcu', 'rcu'],
]);

/** Names of variables that stand for a structure all over KVM: `vcpu->mutex`. */
const STRUCTURES: ReadonlyMap<string, string> = new Map([
  ['vcpu', 'kvm_vcpu'],
  ['mapping', 'address_space'],
  ['inode', 'inode'],
]);

/**
 * The analysis' names of wanted locks, in the order in which they are wanted.
 * @param wanted `mmu_lock`, `kvm->lock`, `sev_bitmap_lock`, `inode.i_rwsem`; a member's name alone means every lock of that name
 * @param known every lock of the tree: asked for only where a name doesn't say by itself which lock it is
 */
export function shownLocks(wanted: readonly string[], known: () => Iterable<LockName>): LockName[] {
  const shown = new Set<LockName>();
  for (const one of wanted) for (const lock of named(one, known)) shown.add(lock);
  return [...shown];
}

function named(wanted: string, known: () => Iterable<LockName>): LockName[] {
  const name = wanted.trim().replace(/^&/, '').replaceAll('->', '.');
  const usual = KVM_LOCKS.get(name);
  if (usual !== undefined) return [usual];
  const dot = name.indexOf('.');
  if (dot < 0) return [...known()].filter((lock) => lock === name || lock.endsWith(`.${name}`));
  const owner = STRUCTURES.get(name.slice(0, dot));
  return [owner === undefined ? name : `${owner}${name.slice(dot)}`];
}

/** Members whose name says little without their structure. */
const VAGUE: ReadonlySet<string> = new Set(['lock', 'mutex', 'srcu']);

/** `mmu_lock` of `kvm.mmu_lock`, `kvm_vcpu->mutex` of `kvm_vcpu.mutex`. */
export function shortName(lock: LockName): string {
  const dot = lock.lastIndexOf('.');
  const member = lock.slice(dot + 1);
  return VAGUE.has(member) ? lock.replaceAll('.', '->') : member;
}
