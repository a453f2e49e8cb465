/** Functions of a real kernel tree, run as they are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadProgram } from '../../server/src/host/load-program.ts';
import { Machine, type MachineOptions } from '../../server/src/simulator/execution/machine.ts';
import { programSource } from '../../server/src/simulator/execution/program-source.ts';
import { type CodeSource, layered } from '../../server/src/simulator/execution/source.ts';
import { textsSource } from '../../server/src/simulator/execution/texts-source.ts';
import { testCache } from '../support/cache.ts';
import { fetchKernel } from './fetch-kernel.ts';

let tree: CodeSource;

beforeAll(async () => {
  const loaded = await loadProgram({
    tree: await fetchKernel('6.12'),
    cacheFolder: join(testCache(), 'facts'),
  });
  await loaded.saved;
  tree = programSource(loaded.program, loaded.configuration.configuration, (path) => {
    // So that what the driver includes is found.
    if (path === DRIVER) return GMEM;
    const file = join(loaded.tree, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  });
});

const DRIVER = 'virt/kvm/driver.c';

function machine(driver: string, options: MachineOptions = {}, overrides = ''): Machine {
  return new Machine(layered([textsSource({ [DRIVER]: driver, 'overrides.h': overrides }), tree]), options);
}

function call(on: Machine, name: string, file: string, ...args: bigint[]): bigint {
  const thread = on.createThread(name, name, file, args);
  const stop = on.run(thread, { maxSteps: 100_000, preemption: false });
  if (stop.k === 'hazard')
    throw new Error(`${stop.hazard.message} at ${stop.hazard.loc?.file}:${stop.hazard.loc?.line}`);
  expect(stop.k).toBe('ended');
  const { l, h, p } = thread.returned!;
  if (p) throw new Error(`unknown: ${on.memory.unknownName(p)}`);
  return BigInt.asUintN(64, (BigInt(h) << 32n) | BigInt(l >>> 0));
}

describe('helpers of the tree', () => {
  test.each<[string, string, bigint[], bigint]>([
    ['gfn_to_gpa', 'include/linux/kvm_host.h', [5n], 0x5000n],
    ['gpa_to_gfn', 'include/linux/kvm_host.h', [0x5fffn], 5n],
    ['is_shadow_present_pte', 'arch/x86/kvm/mmu/spte.h', [0n], 0n],
    ['is_large_pte', 'arch/x86/kvm/mmu/spte.h', [0x80n], 1n],
    ['is_last_spte', 'arch/x86/kvm/mmu/spte.h', [0n, 1n], 1n],
    ['spte_to_pfn', 'arch/x86/kvm/mmu/spte.h', [0x8000000123456087n], 0x123456n],
    ['gfn_to_index', 'include/linux/kvm_host.h', [0x12345n, 0x10000n, 2n], 0x11n],
    ['is_error_noslot_pfn', 'include/linux/kvm_host.h', [1n << 63n], 1n],
    ['pfn_to_hpa', 'include/linux/kvm_host.h', [3n], 0x3000n],
  ])('%s', (name, file, args, expected) => {
    // The tree defines it outside of what is read.
    const on = machine('unsigned long long physical_mask = 0x000fffffffffffff;');
    expect(call(on, name, file, ...args)).toBe(expected);
  });
});

/** What the run stands on instead of the tree's own: hardware instructions and debugging. */
const OVERRIDES = `
#define WARN_ON(condition) (!!(condition))
#define WARN_ON_ONCE(condition) (!!(condition))
#define WARN(condition, ...) (!!(condition))
#define WARN_ONCE(condition, ...) (!!(condition))
#define BUG() __builtin_unreachable()
#define BUG_ON(condition) do { if (condition) BUG(); } while (0)
#define lockdep_assert_held(lock) do { } while (0)
#define lockdep_assert_held_write(lock) do { } while (0)
#define lockdep_assert_held_read(lock) do { } while (0)
#define lockdep_assert_once(condition) do { } while (0)
#define might_sleep() do { } while (0)
#define down_write(lock) note_lock("+invalidate_lock", lock)
#define up_write(lock) note_lock("-invalidate_lock", lock)
#define write_lock(lock) note_lock("+mmu_lock", lock)
#define write_unlock(lock) note_lock("-mmu_lock", lock)
void note_lock(const char *what, void *lock);
static inline void set_bit(long nr, unsigned long *word) { *word |= 1ul << nr; }
static inline _Bool test_bit(long nr, const unsigned long *word) { return *word >> nr & 1; }
static inline _Bool __list_add_valid(void *a, void *b, void *c) { return 1; }
#define xa_init(xa) do { } while (0)
#define kzalloc(size, flags) model_kzalloc(size)
void *model_kzalloc(unsigned long size);
#define refcount_inc(r) do { } while (0)
#define fput(file) do { } while (0)
#define fget(fd) model_fget(fd)
struct file *model_fget(unsigned int fd);
`;

const GMEM = `
#include <linux/kvm_host.h>
#include <linux/falloc.h>
#include <linux/fs.h>
static struct file file;
static struct inode inode;
static struct kvm kvm;
static struct kvm_memory_slot slot = { .base_gfn = 0x100, .npages = 16 };

struct file *anon_inode_create_getfile(const char *name, const struct file_operations *fops, void *priv, int flags, const struct inode *context)
{
	inode.i_mapping = &inode.i_data;
	INIT_LIST_HEAD(&inode.i_data.i_private_list);
	file.f_op = fops;
	file.f_inode = &inode;
	file.f_mapping = &inode.i_data;
	file.private_data = priv;
	return &file;
}
struct file *model_fget(unsigned int fd) { return fd == 3 ? &file : NULL; }

long create_bind_punch(loff_t offset, loff_t len)
{
	struct kvm_create_guest_memfd args = { .size = 64 << 12 };
	int fd = kvm_gmem_create(&kvm, &args);
	int r = kvm_gmem_bind(&kvm, &slot, fd, 4 << 12);

	if (r)
		return r;
	return file.f_op->fallocate(&file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, len);
}
`;

test("the tree's guest_memfd.c creates, binds and punches a hole in the order of a real kernel", () => {
  const trace: string[] = [];
  const entries = new Map<bigint, bigint>();
  const quiet = () => undefined;
  const options: MachineOptions = {
    modelled: {
      note_lock: (one) => {
        trace.push(one.text(0));
        return undefined;
      },
      model_kzalloc: (one) => {
        const address = one.memory.allocate(one.int(0), 16, `kzalloc ${one.place}`);
        for (let i = 0; i < one.int(0); i++) one.machine.storeValue(address + BigInt(i), 1, 0n);
        return address;
      },
      get_unused_fd_flags: () => 3,
      fd_install: quiet,
      kvm_get_kvm: quiet,
      xa_store_range: (one) => {
        for (let index = one.unsigned(1); index <= one.unsigned(2); index++)
          entries.set(index, one.address(3));
        return 0n;
      },
      xa_find: (one) => {
        const from = one.machine.loadUnsigned(one.address(1), 8);
        const index = [...entries.keys()].find((key) => key >= from && key <= one.unsigned(2));
        if (index === undefined) return 0n;
        one.machine.storeValue(one.address(1), 8, index);
        return entries.get(index)!;
      },
      xa_find_after: () => 0n,
      kvm_unmap_gfn_range: (one) => {
        const range = one.address(1);
        trace.push(
          `unmap ${one.machine.loadUnsigned(range + 8n, 8).toString(16)}-${one.machine.loadUnsigned(range + 16n, 8).toString(16)}`,
        );
        return true;
      },
      kvm_flush_remote_tlbs: () => {
        trace.push('flush');
        return undefined;
      },
      truncate_inode_pages_range: (one) => {
        trace.push(`truncate ${one.int(1).toString(16)}-${one.int(2).toString(16)}`);
        return undefined;
      },
      file_modified: () => 0,
    },
  };
  const on = machine(GMEM, options, OVERRIDES);
  expect(call(on, 'create_bind_punch', DRIVER, 0x5000n, 0x2000n)).toBe(0n);
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
  const lines = on.executedLines();
  expect(lines.get('virt/kvm/guest_memfd.c')!.size).toBeGreaterThan(50);
  expect(lines.get('virt/kvm/kvm_main.c')!.size).toBeGreaterThan(5);
  expect([...on.unmodelled.keys()]).toEqual([]);
});
