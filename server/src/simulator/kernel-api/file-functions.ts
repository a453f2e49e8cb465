/** File descriptors, files with inodes of their own, work on the way to user mode, MMU notifiers. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from './kernel.js';
import type { ModelTable } from './table-entry.js';

const FDS = 'Documentation/filesystems/files.rst; fs/file.c';
const ANON = 'fs/anon_inodes.c';
const FIRST_FD = 3;

/** Types of what a file's private_data is, by the file's name: their locks have names. */
const PRIVATE_DATA: Readonly<Record<string, string>> = {
  'kvm-vm': 'struct kvm',
  'kvm-vcpu': 'struct kvm_vcpu',
};

export function unusedFd(kernel: Kernel): number {
  let fd = FIRST_FD;
  while (kernel.state.files.has(fd)) fd++;
  kernel.state.files.set(fd, 0n);
  return fd;
}

/** A file with an inode of its own. Address of the struct file. */
export function newFile(kernel: Kernel, operations: bigint, privateData: bigint, origin: string): bigint {
  const inode = kernel.allocate('struct inode', `struct inode of ${origin}`);
  const data = inode.part('i_data');
  inode.set('i_count.counter', 1);
  inode.set('i_mapping', data.address);
  data.set('host', inode.address);
  const list = data.addressOf('i_private_list');
  data.set('i_private_list.next', list);
  data.set('i_private_list.prev', list);
  // An address_space always has operations; those of this one do nothing.
  data.set('a_ops', kernel.allocate('struct address_space_operations', `a_ops of ${origin}`).address);
  kernel.state.named.push({ address: inode.address, type: 'struct inode' });
  const file = kernel.allocate('struct file', `struct file of ${origin}`);
  file.set('f_op', operations);
  file.set('f_inode', inode.address);
  file.set('private_data', privateData);
  file.set('f_count.counter', 1);
  return file.address;
}

function getFile(kernel: Kernel, call: ModelledCall): bigint {
  const name = call.text(0);
  const type = PRIVATE_DATA[name];
  if (type !== undefined) kernel.state.named.push({ address: call.address(2), type });
  return newFile(kernel, call.address(1), call.address(2), `${name}, made ${call.place}`);
}

function fget(kernel: Kernel, call: ModelledCall): Outcome {
  const address = kernel.state.files.get(Number(call.unsigned(0))) ?? 0n;
  if (address === 0n) return 0;
  const file = kernel.object(address, 'struct file');
  file.set('f_count.counter', file.get('f_count.counter') + 1n);
  return address;
}

function freeInode(kernel: Kernel, call: ModelledCall): Outcome {
  const address = call.address(0);
  const name = kernel.state.fileNames.get(address);
  // Whatever its page cache had is nobody's from now on (mail row B6).
  if (name !== undefined) kernel.hardware.pages.reportLeaks(name);
  kernel.state.named = kernel.state.named.filter((one) => one.address !== address);
  kernel.c.memory.free(address, call.place);
  return undefined;
}

export const FILE_FUNCTIONS: ModelTable = {
  get_unused_fd: {
    source: FDS,
    run: (kernel, call) => {
      const failed = kernel.injected(call.name, call);
      return failed === undefined ? unusedFd(kernel) : -failed;
    },
  },
  put_unused_fd: {
    source: FDS,
    run: (kernel, call) => {
      kernel.state.files.delete(Number(call.unsigned(0)));
      return undefined;
    },
  },
  fd_install: {
    source: FDS,
    run: (kernel, call) => {
      kernel.state.files.set(Number(call.unsigned(0)), call.address(1));
      return undefined;
    },
  },
  fget: { source: FDS, run: fget },
  anon_inode_create_getfile: { source: ANON, run: getFile },
  anon_inode_getfd: {
    source: ANON,
    run: (kernel, call) => {
      const fd = unusedFd(kernel);
      kernel.state.files.set(fd, getFile(kernel, call));
      return fd;
    },
  },
  free_file: {
    source: 'fs/file_table.c',
    run: (kernel, call) => {
      kernel.c.memory.free(call.address(0), call.place);
      return undefined;
    },
  },
  free_inode: { source: 'fs/inode.c', run: freeInode },
  task_work_add: {
    source: 'kernel/task_work.c',
    run: (kernel, call) => {
      const works = kernel.state.taskWork.get(call.thread.id) ?? [];
      kernel.state.taskWork.set(call.thread.id, [...works, call.address(0)]);
      return undefined;
    },
  },
  mmu_notifier_register: {
    source: 'Documentation/mm/mmu_notifier.rst; mm/mmu_notifier.c',
    run: (kernel, call) => {
      kernel.state.notifiers.push(call.address(0));
      return 0;
    },
  },
  mmu_notifier_unregister: {
    source: 'mm/mmu_notifier.c',
    run: (kernel, call) => {
      const gone = call.address(0);
      kernel.state.notifiers = kernel.state.notifiers.filter((one) => one !== gone);
      return undefined;
    },
  },
};
