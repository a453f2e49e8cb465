/** Descriptors, files and inodes of a real tree's kernel; what is behind a file's last reference is the tree's. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { CObject } from '../execution/objects.js';
import { FILE_FUNCTIONS, unusedFd } from '../kernel-api/file-functions.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { entriesOf, entryOf, type ModelEntry, type ModelTable } from '../kernel-api/table-entry.js';

const FDS = 'Documentation/filesystems/files.rst; fs/file.c';
const ANON = 'fs/anon_inodes.c';

/** Types of what a file's private_data is, by the file's name: their locks have names. */
const PRIVATE_DATA: readonly [RegExp, string][] = [
  [/^kvm-vm$/, 'struct kvm'],
  [/^kvm-vcpu/, 'struct kvm_vcpu'],
];

const emptyList = (object: CObject, path: string): void => {
  const head = object.addressOf(path);
  object.set(`${path}.next`, head);
  object.set(`${path}.prev`, head);
};

/** An inode as inode_init_always (fs/inode.c) leaves it, on a file system that keeps none of its inodes. */
function newInode(kernel: Kernel, origin: string): CObject {
  const inode = kernel.allocate('struct inode', `struct inode of ${origin}`);
  const data = inode.part('i_data');
  inode.set('i_count.counter', 1);
  inode.set('i_nlink', 1);
  inode.set('i_mapping', data.address);
  data.set('host', inode.address);
  data.set('gfp_mask', kernel.constant('GFP_KERNEL'));
  data.set('a_ops', kernel.allocate('struct address_space_operations', `a_ops of ${origin}`).address);
  emptyList(data, 'i_private_list');
  for (const list of ['i_lru', 'i_io_list', 'i_sb_list', 'i_wb_list']) emptyList(inode, list);
  const sb = kernel.allocate('struct super_block', `struct super_block of ${origin}`);
  sb.set('s_maxbytes', (1n << 63n) - 1n);
  sb.set('s_op', kernel.allocate('struct super_operations', `s_op of ${origin}`).address);
  inode.set('i_sb', sb.address);
  kernel.state.named.push({ address: inode.address, type: 'struct inode' });
  return inode;
}

/** A file with an inode of its own. Address of the struct file. */
export function newTreeFile(kernel: Kernel, operations: bigint, privateData: bigint, origin: string): bigint {
  const inode = newInode(kernel, origin);
  const file = kernel.allocate('struct file', `struct file of ${origin}`);
  const dentry = kernel.allocate('struct dentry', `struct dentry of ${origin}`);
  dentry.set('d_inode', inode.address);
  file.set('f_path.dentry', dentry.address);
  file.set('f_op', operations);
  file.set('f_inode', inode.address);
  file.set('f_mapping', inode.get('i_mapping'));
  file.set('private_data', privateData);
  const modes = ['FMODE_OPENED', 'FMODE_READ', 'FMODE_WRITE'].map((name) => kernel.constant(name));
  file.set(
    'f_mode',
    modes.reduce((all, mode) => all | mode, 0n),
  );
  file.set('f_count.counter', 1);
  return file.address;
}

function getFile(kernel: Kernel, call: ModelledCall): bigint {
  const name = call.text(0);
  const type = PRIVATE_DATA.find(([pattern]) => pattern.test(name))?.[1];
  if (type !== undefined) kernel.state.named.push({ address: call.address(2), type });
  return newTreeFile(kernel, call.address(1), call.address(2), `${name}, made ${call.place}`);
}

/** A reference, unless the last one is gone. */
function reference(kernel: Kernel, address: bigint): Outcome {
  if (address === 0n) return 0;
  const file = kernel.object(address, 'struct file');
  const count = file.get('f_count.counter');
  if (count === 0n) return 0;
  file.set('f_count.counter', count + 1n);
  return address;
}

/** The dentry of an anonymous inode is its only one. */
function dput(kernel: Kernel, call: ModelledCall): Outcome {
  if (call.stage > 0) return undefined;
  const dentry = kernel.object(call.address(0), 'struct dentry');
  const inode = dentry.get('d_inode');
  kernel.c.memory.free(dentry.address, call.place);
  return call.into(kernel.c.addressOfFunction('iput', 'fs/inode.c'), [inode]);
}

function destroyInode(kernel: Kernel, call: ModelledCall): Outcome {
  entryOf(FILE_FUNCTIONS, 'free_inode').run(kernel, call);
  return undefined;
}

function addWork(kernel: Kernel, call: ModelledCall): Outcome {
  const works = kernel.state.taskWork.get(call.thread.id) ?? [];
  kernel.state.taskWork.set(call.thread.id, [...works, call.address(1)]);
  return 0;
}

const nothing = (source: string): ModelEntry => ({ source, run: () => undefined });
const VFS = 'Documentation/filesystems/vfs.rst';

export const TREE_FILES: ModelTable = {
  dput: { source: `${VFS}; fs/dcache.c`, run: dput },
  destroy_inode: { source: 'fs/inode.c, destroy_inode', run: destroyInode },
  file_free: {
    source: 'fs/file_table.c, file_free',
    run: (kernel, call) => {
      kernel.c.memory.free(call.address(0), call.place);
      return undefined;
    },
  },
  task_work_add: { source: 'kernel/task_work.c', run: addWork },
  file_start_write: nothing(`${VFS}: no file system is frozen`),
  file_end_write: nothing(`${VFS}: no file system is frozen`),
  file_modified: { source: `${VFS}: nobody looks at times`, run: () => 0 },
  eventpoll_release: nothing('include/linux/eventpoll.h: nobody polls'),
  locks_remove_file: nothing('fs/locks.c: there are no file locks'),
  file_f_owner_release: nothing('fs/file_table.c: no signals for input and output'),
  put_file_access: nothing('fs/internal.h: mounts are not modelled'),
  dissolve_on_fput: nothing('fs/namespace.c: mounts are not modelled'),
  mntput: nothing('fs/namespace.c: mounts are not modelled'),
  module_put: nothing('kernel/module/main.c: modules are never removed'),
  inode_wait_for_lru_isolating: nothing('fs/inode.c: there is no memory pressure'),
  inode_wait_for_writeback: nothing('fs/fs-writeback.c: nothing is written back'),
  inode_wake_up_bit: nothing('fs/inode.c: nobody waits for an inode'),
  remove_inode_hash: nothing('fs/inode.c: anonymous inodes are not hashed'),
  ...entriesOf(FILE_FUNCTIONS, 'fd_install', 'put_unused_fd'),
  get_unused_fd_flags: entryOf(FILE_FUNCTIONS, 'get_unused_fd'),
  fget: {
    source: FDS,
    run: (kernel, call) => reference(kernel, kernel.state.files.get(Number(call.unsigned(0))) ?? 0n),
  },
  get_file_active: {
    source: 'fs/file.c, get_file_active',
    run: (kernel, call) => reference(kernel, kernel.c.loadUnsigned(call.address(0), 8)),
  },
  anon_inode_create_getfile: { source: ANON, run: getFile },
  anon_inode_getfile: { source: ANON, run: getFile },
  anon_inode_getfd: {
    source: ANON,
    run: (kernel, call) => {
      const fd = unusedFd(kernel);
      kernel.state.files.set(fd, getFile(kernel, call));
      return fd;
    },
  },
};
