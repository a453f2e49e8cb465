/**
 * Actions as calls of the memfile-notifier series' interface (v7, August 2022): memfd_create(2) with MFD_INACCESSIBLE,
 * F_ADD_SEALS, private_fd and private_offset of a slot, KVM_MEMORY_ENCRYPT_REG_REGION. Memory is allocated by the VMM's
 * own C (tools/vmm), which looks at what fallocate(2) returns, or doesn't.
 */
import type { MachineEvent } from '../machine/events.js';
import type { Side } from '../machine/state.js';
import { PAGE_SIZE } from '../machine/units.js';
import type { Doing } from './doing.js';
import { GuestMemfdCalls, USER_MEMORY } from './guest-memfd-calls.js';
import type { ActionTurn, CallContext, NextCall } from './kernel-calls.js';
import type { Action, FileRange, GuestRange, ScenarioFile, ScenarioSlot } from './model.js';

const MEMFD = 'mm/memfd.c';
const MMAP = 'mm/mmap.c';
const READ_WRITE = 'fs/read_write.c';
const VMSCAN = 'mm/vmscan.c';
const VMM = 'tools/vmm/hostmem.c';
/** Where the VMM maps what it maps beside its guest's memory. */
const OTHER_MEMORY = 0x7e0000000000;
const EFAULT = -14;
const EBUSY = -16;
const ENOENT = -2;

export class MemfileCalls extends GuestMemfdCalls {
  constructor(context: CallContext) {
    super(context);
    context.kernel.hardware.onEvent((event) => this.noteBacking(event));
  }

  override next(action: Doing, turn: ActionTurn, actor: string): NextCall {
    switch (action.do) {
      case 'create-file':
        return this.createFile(action, turn);
      case 'create-slot':
        return this.createSlot(action, turn);
      case 'encrypt-region':
      case 'unencrypt-region':
        return this.once(turn, () => this.setRegionPrivate(action, action.do === 'encrypt-region'));
      case 'set-attributes':
        return this.once(turn, () => this.setRegionPrivate(action, action.attributes.includes('private')));
      case 'get-attributes':
      case 'supported-attributes':
        // No such ioctl yet, which the kernel says.
        return this.once(turn, () => this.ioctl(this.state.vm, 'KVM_GET_MEMORY_ATTRIBUTES', 0n));
      case 'read-file':
      case 'write-file':
        return this.readOrWrite(action as Action & FileRange, turn);
      case 'map-file':
        return this.once(turn, () => this.map(action.file, OTHER_MEMORY, action.offset, this.sizeOf(action)));
      case 'host-read':
      case 'host-write':
        return this.touch(action, turn, actor);
      case 'migrate':
        return this.migrate(action, turn, actor);
      case 'reclaim':
        return this.reclaim(action.size, turn);
      case 'signal':
        this.kernel.state.signals.add(action.to);
        return { result: 0 };
      default:
        return super.next(action, turn, actor);
    }
  }

  // ---- files and slots

  /** A seal that the kernel doesn't know is left out, as a VMM does that runs on older ones. */
  private createFile(file: ScenarioFile, turn: ActionTurn): NextCall {
    const { kernel } = this;
    if (turn.calls === 0) {
      const flags = file.flags.includes('inaccessible') ? kernel.constant('MFD_INACCESSIBLE') : 0n;
      return { target: { name: 'memfd_create', file: MEMFD }, args: [flags, BigInt(file.size)] };
    }
    if (turn.calls === 1) {
      turn.fd = turn.result;
      if (turn.result >= 0 && file.flags.includes('seal-auto-allocate'))
        return {
          target: { name: 'memfd_add_seals', file: MEMFD },
          args: [this.fileObject(turn.result).address, kernel.constant('F_SEAL_AUTO_ALLOCATE')],
        };
    }
    return { result: Number(turn.fd) };
  }

  private createSlot(slot: ScenarioSlot, turn: ActionTurn): NextCall {
    const first = slot.sharedFile !== undefined;
    if (first && turn.calls === 0) return this.map(slot.sharedFile!, USER_MEMORY + slot.gpa, 0, slot.size);
    if (first && turn.calls === 1 && turn.result < 0) return { result: turn.result };
    return turn.calls === Number(first) ? this.setSlot(slot) : { result: turn.result };
  }

  protected override setSlot(slot: ScenarioSlot): NextCall {
    const { kernel } = this;
    const fd = slot.file === undefined ? undefined : this.state.files.get(slot.file);
    const argument = this.argument('struct kvm_userspace_memory_region_ext', {
      slot: BigInt(slot.id),
      guest_phys_addr: BigInt(slot.gpa),
      memory_size: BigInt(slot.size),
      userspace_addr: BigInt(USER_MEMORY + slot.gpa),
      flags:
        (slot.file !== undefined ? kernel.constant('KVM_MEM_PRIVATE') : 0n) |
        (slot.readOnly ? kernel.constant('KVM_MEM_READONLY') : 0n),
      private_fd: BigInt(fd ?? 0xffff),
      private_offset: BigInt(slot.offset),
    });
    return this.ioctl(this.state.vm, 'KVM_SET_USER_MEMORY_REGION', argument);
  }

  protected override setRegion(members: Record<string, bigint>): NextCall {
    const argument = this.argument('struct kvm_userspace_memory_region_ext', members);
    return this.ioctl(this.state.vm, 'KVM_SET_USER_MEMORY_REGION', argument);
  }

  private map(name: string, address: number, offset: number, size: number): NextCall {
    const fd = this.state.files.get(name) ?? -1;
    return {
      target: { name: 'do_mmap', file: MMAP },
      args: [
        this.fileObject(fd).address,
        BigInt(address),
        BigInt(size),
        BigInt(Math.floor(offset / PAGE_SIZE)),
      ],
    };
  }

  private sizeOf({ file, offset, size }: FileRange): number {
    const inode = this.state.inodes.get(file);
    const whole = inode === undefined ? 0n : this.kernel.object(inode, 'struct inode').get('i_size');
    return size ?? Number(whole) - offset;
  }

  private setRegionPrivate({ gpa, size }: GuestRange, isPrivate: boolean): NextCall {
    const argument = this.argument('struct kvm_enc_region', { addr: BigInt(gpa), size: BigInt(size) });
    const request = isPrivate ? 'KVM_MEMORY_ENCRYPT_REG_REGION' : 'KVM_MEMORY_ENCRYPT_UNREG_REGION';
    return this.ioctl(this.state.vm, request, argument);
  }

  // ---- memory

  /** The VMM's own functions around fallocate(2). */
  protected override fallocate(
    action: FileRange & ({ do: 'fallocate'; retryOnEintr: boolean } | { do: 'punch-hole' }),
    turn: ActionTurn,
  ): NextCall {
    if (turn.calls > 0) return { result: turn.result };
    const call = super.fallocate(action, turn);
    if ('result' in call) return call;
    const [fd, , offset, length] = call.args;
    const name = action.do === 'fallocate' ? 'vmm_allocate' : 'vmm_discard';
    return { target: { name, file: VMM }, args: [fd!, offset!, length!] };
  }

  /** Where the kernel lets the VMM, what it writes gets there. */
  private readOrWrite(action: Action & FileRange, turn: ActionTurn): NextCall {
    if (turn.calls === 0)
      return {
        target: { name: action.do === 'read-file' ? 'vfs_read' : 'vfs_write', file: READ_WRITE },
        args: [
          this.fileObject(this.state.files.get(action.file) ?? -1).address,
          BigInt(action.offset),
          BigInt(this.sizeOf(action)),
        ],
      };
    const pfn = turn.result > 0 ? this.pageInFile(action.file, action.offset) : undefined;
    if (action.do === 'write-file' && pfn !== undefined)
      this.kernel.hardware.host({ pfn, write: { pattern: 'of the VMM' } });
    return { result: Math.min(turn.result, 0) };
  }

  /** The VMM touches its guest's shared memory: a page fault, if a file is mapped there. */
  private touch(
    action: Extract<Action, { do: 'host-read' | 'host-write' }>,
    turn: ActionTurn,
    actor: string,
  ): NextCall {
    const { target } = action;
    const slot = target.kind === 'gpa' ? this.slotAt(target.gpa) : undefined;
    if (target.kind !== 'gpa' || slot?.sharedFile === undefined)
      return { result: this.hostAccess(action, actor) };
    if (turn.calls === 0) {
      const page = this.kernel.c.allocateZeroed(8, 8, "the VMM's page fault");
      const address = BigInt(USER_MEMORY + target.gpa);
      return { target: { name: 'handle_mm_fault', file: MMAP }, args: [address, page] };
    }
    // SIGBUS.
    if (turn.result < 0) return { result: EFAULT };
    const at = { kind: 'file', file: slot.sharedFile, offset: target.gpa - slot.gpa } as const;
    return { result: this.hostAccess({ ...action, target: at }, actor) };
  }

  private slotAt(gpa: number): ScenarioSlot | undefined {
    return [...this.state.slots.values()].find((slot) => gpa >= slot.gpa && gpa < slot.gpa + slot.size);
  }

  private migrate(action: Extract<Action, { do: 'migrate' }>, turn: ActionTurn, actor: string): NextCall {
    return this.once(turn, () => {
      const pfn = this.pfnOf(action.target, actor);
      if (pfn === undefined) return { result: ENOENT };
      // Counts refusals: whether the page may be moved is in the kernel's marks on it.
      this.kernel.hardware.pages.mayMove(pfn);
      return { target: { name: 'migrate_page', file: VMSCAN }, args: [this.kernel.pageOf(pfn)] };
    });
  }

  /** Page after page of the files that there are; EBUSY where none could be had. */
  private reclaim(size: number | undefined, turn: ActionTurn): NextCall {
    const taken = Number(turn.taken ?? 0) + Number(turn.calls > 0 && turn.result === 0);
    turn.taken = taken;
    const { hardware } = this.kernel;
    const found = taken * PAGE_SIZE < (size ?? Number.POSITIVE_INFINITY) ? this.reclaimable(turn) : undefined;
    if (!found) return { result: taken > 0 ? 0 : EBUSY };
    hardware.pages.mayMove(found.pfn);
    const file = this.fileObject(this.state.files.get(found.file) ?? -1);
    return {
      target: { name: 'reclaim_page', file: VMSCAN },
      args: [file.address, this.kernel.pageOf(found.pfn)],
    };
  }

  /** The next page of a file behind the last one that was looked at. */
  private reclaimable(turn: ActionTurn): { pfn: number; file: string } | undefined {
    const from = Number(turn.from ?? 0);
    for (const { start, count, value } of this.kernel.hardware.frames.page.map.extents()) {
      if (value.file === undefined || start + count <= from || !this.state.files.has(value.file)) continue;
      const pfn = Math.max(start, from);
      turn.from = pfn + 1;
      return { pfn, file: value.file };
    }
    return undefined;
  }

  // ---- memory taken twice

  /** A page gets into a file, or leaves it: which gfn it backs, and on which side (mail row E4). */
  private noteBacking(event: MachineEvent): void {
    if (event.kind !== 'page') return;
    const { before, after, pfn } = event;
    const left = before?.file !== undefined && before.file !== after?.file ? before : undefined;
    const entered = after?.file !== undefined && after.file !== before?.file ? after : undefined;
    const { hardware, vm } = this.kernel;
    for (const slot of this.state.slots.values()) {
      const gone = left && placeIn(slot, left.file!, pfn + (left.indexDelta ?? 0));
      if (gone) hardware.backing.clear(vm, gone.gfn, 1, gone.side);
      const place = entered && placeIn(slot, entered.file!, pfn + (entered.indexDelta ?? 0));
      if (!place) continue;
      const wanted = this.attributeOf(place.gfn * PAGE_SIZE) === 'private' ? 'private' : 'shared';
      hardware.backing.note(vm, place.gfn, 1, place.side, pfn, wanted);
    }
  }
}

/** Which gfn of a slot a page of a file is for. */
function placeIn(slot: ScenarioSlot, file: string, index: number): { gfn: number; side: Side } | undefined {
  const sides = [
    { side: 'private', name: slot.file, first: slot.offset / PAGE_SIZE },
    { side: 'shared', name: slot.sharedFile, first: 0 },
  ] as const;
  for (const { side, name, first } of sides)
    if (name === file && index >= first && index < first + slot.size / PAGE_SIZE)
      return { gfn: slot.gpa / PAGE_SIZE + index - first, side };
  return undefined;
}
