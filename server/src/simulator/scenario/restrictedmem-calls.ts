/**
 * Actions as calls of restrictedmem's interface: memfd_restricted(2), restrictedmem_fd and restrictedmem_offset of a slot,
 * KVM_MEMORY_ENCRYPT_REG_REGION (the series of 2022 and 2023, v9 and v10).
 */
import { ORDER_OF } from '../machine/units.js';
import type { Doing } from './doing.js';
import { GuestMemfdCalls, USER_MEMORY } from './guest-memfd-calls.js';
import type { ActionTurn, NextCall } from './kernel-calls.js';
import type { Action, BackingKind, GuestRange, ScenarioFile, ScenarioSlot } from './model.js';

const FILE = 'mm/restrictedmem.c';

const ORDER: Readonly<Record<BackingKind, number>> = {
  '4k': ORDER_OF['4K'],
  thp: ORDER_OF['2M'],
  'hugetlb-2m': ORDER_OF['2M'],
  'hugetlb-1g': ORDER_OF['1G'],
};

export class RestrictedmemCalls extends GuestMemfdCalls {
  override next(action: Doing, turn: ActionTurn, actor: string): NextCall {
    switch (action.do) {
      case 'create-file':
        return this.once(turn, () => this.createFile(action));
      case 'encrypt-region':
      case 'unencrypt-region':
        return this.once(turn, () => this.setRegionPrivate(action, action.do === 'encrypt-region'));
      case 'enlarge-pages':
        return this.once(turn, () => ({
          target: { name: 'restrictedmem_reconfigure', file: FILE },
          args: [
            this.fileObject(this.state.files.get(action.file) ?? -1).address,
            BigInt(ORDER[action.backing]),
          ],
        }));
      case 'unregister':
        return this.unregister(action.file, turn);
      case 'migrate':
        return this.migrate(action, turn, actor);
      default:
        return super.next(action, turn, actor);
    }
  }

  override done(action: Doing, result: number, actor: string): void {
    super.done(action, result, actor);
    if (action.do !== 'unregister' || result < 0) return;
    for (const id of this.slotsOf(action.file)) this.state.slots.delete(id);
  }

  /** The pages are in the page cache of the file below. */
  protected override nameFile(name: string, fd: number): void {
    const file = this.fileObject(fd);
    const restricted = this.kernel.object(file.get('private_data'), 'struct restrictedmem');
    this.kernel.state.named.push({ address: restricted.address, type: 'struct restrictedmem' });
    const inode = this.kernel.object(restricted.get('memfd'), 'struct file').get('f_inode');
    this.state.files.set(name, fd);
    this.state.inodes.set(name, inode);
    this.kernel.state.fileNames.set(inode, name);
  }

  private createFile(file: ScenarioFile): NextCall {
    const backing = file.backing ?? this.context.backing;
    const flags =
      (file.flags.includes('huge-pages') ? this.kernel.constant('RMFD_HUGEPAGE') : 0n) |
      (backing.startsWith('hugetlb') ? this.kernel.constant('RMFD_HUGETLB') : 0n);
    return {
      target: { name: 'memfd_restricted', file: FILE },
      args: [flags, BigInt(ORDER[backing]), BigInt(file.size)],
    };
  }

  protected override setSlot(slot: ScenarioSlot): NextCall {
    const fd = slot.file === undefined ? undefined : this.state.files.get(slot.file);
    return this.setRegion({
      slot: BigInt(slot.id),
      guest_phys_addr: BigInt(slot.gpa),
      memory_size: BigInt(slot.size),
      userspace_addr: BigInt(USER_MEMORY + slot.gpa),
      ...(slot.file !== undefined && {
        flags: this.kernel.constant('KVM_MEM_PRIVATE'),
        restrictedmem_fd: BigInt(fd ?? 0xffff),
        restrictedmem_offset: BigInt(slot.offset),
      }),
    });
  }

  private setRegionPrivate({ gpa, size }: GuestRange, isPrivate: boolean): NextCall {
    const argument = this.argument('struct kvm_enc_region', { addr: BigInt(gpa), size: BigInt(size) });
    const request = isPrivate ? 'KVM_MEMORY_ENCRYPT_REG_REGION' : 'KVM_MEMORY_ENCRYPT_UNREG_REGION';
    return this.ioctl(this.state.vm, request, argument);
  }

  private slotsOf(file: string): number[] {
    return [...this.state.slots.values()].filter((slot) => slot.file === file).map(({ id }) => id);
  }

  /** The notifiers of a file go with the slots that they are for. */
  private unregister(file: string, turn: ActionTurn): NextCall {
    if (turn.calls > 0 && turn.result < 0) return { result: turn.result };
    const id = this.slotsOf(file)[turn.calls];
    return id === undefined ? { result: 0 } : this.setRegion({ slot: BigInt(id) });
  }

  private migrate(action: Extract<Action, { do: 'migrate' }>, turn: ActionTurn, actor: string): NextCall {
    return this.once(turn, () => {
      const pfn = this.pfnOf(action.target, actor);
      if (pfn === undefined) return { result: -2 };
      // Counted by the machine, whose word it is that the firmware would be needed.
      this.kernel.hardware.pages.mayMove(pfn);
      return { target: { name: 'migrate_page', file: 'mm/migrate.c' }, args: [this.kernel.pageOf(pfn)] };
    });
  }
}
