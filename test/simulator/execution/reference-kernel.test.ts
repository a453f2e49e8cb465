/** The reference kernel's own C, run with a driver in C; the rest of the kernel is stubbed here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configurationOf, parseDotConfig } from '../../../server/src/kernel-c/conditions.ts';
import { Machine } from '../../../server/src/simulator/execution/machine.ts';
import type { ModelledFunction } from '../../../server/src/simulator/execution/modelled.ts';
import { textsSource } from '../../../server/src/simulator/execution/texts-source.ts';

const kernel = join(import.meta.dirname, '../../../server/kernels/guest-memfd');
const DRIVER = 'driver.c';

function texts(config = 'correct'): { files: Record<string, string>; config: string } {
  const files: Record<string, string> = {};
  for (const path of readdirSync(kernel, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.[ch]$/.test(path)) files[path] = readFileSync(join(kernel, path), 'utf8');
  return { files, config: readFileSync(join(kernel, 'configs', `${config}.config`), 'utf8') };
}

function machineWith(driver: string, modelled: Record<string, ModelledFunction>): Machine {
  const { files, config } = texts();
  const configuration = configurationOf(parseDotConfig(config), true, 'reference');
  return new Machine(textsSource({ ...files, [DRIVER]: driver }, configuration), { modelled });
}

test.each(readdirSync(join(kernel, 'configs')).map((name) => name.replace('.config', '')))(
  'every function of %s can be executed whole',
  (name) => {
    const { files, config } = texts(name);
    const machine = new Machine(textsSource(files, configurationOf(parseDotConfig(config), true, name)));
    const problems: string[] = [];
    let count = 0;
    for (const [path, text] of Object.entries(files)) {
      if (!path.endsWith('.c')) continue;
      // Kernel style: a function's name and its parameters are on the line before a `{` in the first column.
      for (const [, found] of text.matchAll(/^(?!SYSCALL)[\w* ]*?(\w+)\([^;{}]*\)\n\{/gm)) {
        const fn = machine.world.functionNamed(found!, path);
        if (!fn?.parse) continue;
        count++;
        const { compiled } = machine.code(machine.indexOf(fn));
        for (const constant of compiled.constants)
          if (constant instanceof Error) problems.push(constant.message);
      }
    }
    expect(count).toBeGreaterThan(100);
    expect(problems).toEqual([]);
  },
);

const GMEM = `
#include <linux/kvm_host.h>

static struct file file;
static struct inode inode;
static struct kvm kvm;
static struct kvm_memory_slot slot = { .base_gfn = 0x100, .npages = 16 };

struct file *anon_inode_create_getfile(const char *name, const struct file_operations *fops, void *priv)
{
	inode.i_mapping = &inode.i_data;
	INIT_LIST_HEAD(&inode.i_data.i_private_list);
	file = (struct file){ .f_op = fops, .f_inode = &inode, .private_data = priv };
	return &file;
}

struct file *fget(unsigned int fd)
{
	return fd == 3 ? &file : NULL;
}

long create_bind_punch(loff_t offset, loff_t len)
{
	struct kvm_create_guest_memfd args = { .size = 64 << PAGE_SHIFT };
	int fd = kvm_gmem_create(&kvm, &args);
	int r = kvm_gmem_bind(&kvm, &slot, fd, 4 << PAGE_SHIFT);

	if (r)
		return r;
	return file.f_op->fallocate(&file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, len);
}
`;

function gmemMachine(trace: string[]): Machine {
  const entries = new Map<bigint, Map<bigint, bigint>>();
  const array = (address: bigint) => {
    let found = entries.get(address);
    if (!found) entries.set(address, (found = new Map()));
    return found;
  };
  const note =
    (text: string): ModelledFunction =>
    () => {
      trace.push(text);
      return undefined;
    };
  const find =
    (after: bigint): ModelledFunction =>
    (call) => {
      const from = call.machine.loadUnsigned(call.address(1), 8) + after;
      const indices = [...array(call.address(0)).keys()].filter(
        (index) => index >= from && index <= call.unsigned(2),
      );
      const index = indices.sort((a, b) => Number(a - b))[0];
      if (index === undefined) return 0n;
      call.machine.storeValue(call.address(1), 8, index);
      return array(call.address(0)).get(index)!;
    };
  const quiet: ModelledFunction = () => undefined;
  return machineWith(GMEM, {
    get_unused_fd: () => 3,
    put_unused_fd: quiet,
    fd_install: quiet,
    fput: quiet,
    kvm_get_kvm: quiet,
    __lockdep_assert: quiet,
    smp_wmb: quiet,
    __warn: (call) => {
      if (call.unsigned(0) !== 0n) trace.push(`WARN ${call.text(1)}`);
      return call.unsigned(0);
    },
    kzalloc: (call) => {
      const address = call.memory.allocate(call.int(0), 16, `kzalloc ${call.place}`);
      call.memory.fill(
        Number(BigInt.asIntN(32, address)),
        Number(BigInt.asIntN(32, address >> 32n)),
        0,
        call.int(0),
      );
      return address;
    },
    xa_init: quiet,
    xa_store_range: (call) => {
      for (let index = call.unsigned(1); index <= call.unsigned(2); index++)
        array(call.address(0)).set(index, call.address(3));
      return 0n;
    },
    xa_find: find(0n),
    // A multi-index entry is one entry.
    xa_find_after: () => 0n,
    down_write: note('+invalidate_lock'),
    up_write: note('-invalidate_lock'),
    write_lock: note('+mmu_lock'),
    write_unlock: note('-mmu_lock'),
    kvm_unmap_gfn_range: (call) => {
      const { machine } = call;
      const start = machine.loadUnsigned(call.address(1) + 8n, 8);
      const end = machine.loadUnsigned(call.address(1) + 16n, 8);
      trace.push(`unmap ${start.toString(16)}-${end.toString(16)}`);
      return true;
    },
    kvm_flush_remote_tlbs: note('flush'),
    truncate_inode_pages_range: (call) => {
      trace.push(`truncate ${call.int(1).toString(16)}-${call.int(2).toString(16)}`);
      return undefined;
    },
  });
}

test('a punched hole is unmapped and truncated in the order of a real kernel', () => {
  const trace: string[] = [];
  const machine = gmemMachine(trace);
  const thread = machine.createThread('vmm', 'create_bind_punch', DRIVER, [0x5000n, 0x2000n]);
  const stop = machine.run(thread);
  if (stop.k === 'hazard') throw stop.hazard;
  expect(thread.returned).toMatchObject({ l: 0, p: 0 });
  // As a traced 6.12 kernel punches a hole over one mapped page; before it the lock of the bind.
  expect(trace).toEqual([
    '+invalidate_lock',
    '-invalidate_lock',
    '+invalidate_lock',
    '+mmu_lock',
    'unmap 101-103',
    'flush',
    '-mmu_lock',
    'truncate 5000-6fff',
    '+mmu_lock',
    '-mmu_lock',
    '-invalidate_lock',
  ]);
  expect([...machine.unmodelled.values()]).toEqual([]);
  expect(machine.executedLines().get('virt/kvm/guest_memfd.c')!.size).toBeGreaterThan(40);
});

test.each([
  ['not aligned', 0x5001n, 0x1000n, -22],
  ['length not aligned', 0x5000n, 0x1001n, -22],
])('a hole that is %s is refused', (_, offset, length, error) => {
  const machine = gmemMachine([]);
  const thread = machine.createThread('vmm', 'create_bind_punch', DRIVER, [offset, length]);
  machine.run(thread);
  expect(thread.returned?.l).toBe(error);
});
