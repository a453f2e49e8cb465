/** Every kind of edge that carries a held lock to a call. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

test('ten calls deep', () => {
  const levels = Array.from({ length: 10 }, (_, i) => `static void f${i}(u64 pfn) { f${i + 1}(pfn); }`);
  return expectC(`
static void f10(u64 pfn)
{
	rmp_make_shared(pfn, 0); /*! finding always write */
}
${levels.reverse().join('\n')}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*! taken */
	f0(7); /*! leads */
	write_unlock(&kvm->mmu_lock);
}
`);
});

describe('pointers', () => {
  test('a callback handed to the function that locks', () =>
    expectC(`
typedef bool (*handler_t)(struct kvm *kvm, u64 pfn);

static bool with_lock(struct kvm *kvm, handler_t handler, u64 pfn)
{
	bool r;

	write_lock(&kvm->mmu_lock); /*! taken */
	r = handler(kvm, pfn); /*! leads */
	write_unlock(&kvm->mmu_lock);
	return r;
}

static bool without_lock(struct kvm *kvm, handler_t handler, u64 pfn)
{
	return handler(kvm, pfn);
}

static bool bad(struct kvm *kvm, u64 pfn)
{
	return rmp_make_shared(pfn, 0); /*! finding always */
}

static bool good(struct kvm *kvm, u64 pfn)
{
	return rmp_make_shared(pfn, 0);
}

void convert(struct kvm *kvm)
{
	with_lock(kvm, bad, 1);
	without_lock(kvm, &good, 1);
}
`));

  test('a callback handed down two levels', () =>
    expectC(`
static int inner(struct kvm *kvm, int (*fn)(u64), u64 pfn)
{
	return fn(pfn);
}

static int outer(struct kvm *kvm, int (*fn)(u64), u64 pfn)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = inner(kvm, fn, pfn); /*! leads */
	write_unlock(&kvm->mmu_lock);
	return r;
}

static int bad(u64 pfn)
{
	return rmp_make_shared(pfn, 0); /*! finding always */
}

void convert(struct kvm *kvm)
{
	outer(kvm, bad, 1);
}
`));

  test('a callback in a member, called under the lock or not', () =>
    expectC(`
struct range { u64 start; bool (*handler)(struct kvm *, struct range *); void (*after)(struct kvm *); };

static bool bad(struct kvm *kvm, struct range *range)
{
	return rmp_make_shared(range->start, 0); /*! finding always */
}

static void good(struct kvm *kvm)
{
	rmp_make_shared(1, 0);
}

static void handle(struct kvm *kvm, struct range *range)
{
	bool locked = false;
	int i;

	for (i = 0; i < 3; i++) {
		if (!locked) {
			locked = true;
			KVM_MMU_LOCK(kvm);
		}
		range->handler(kvm, range); /*! leads */
	}
	if (locked)
		KVM_MMU_UNLOCK(kvm);
	if (range->after)
		range->after(kvm);
}

void convert(struct kvm *kvm)
{
	struct range range = { .start = 1, .handler = bad, .after = good };

	handle(kvm, &range);
}
`));

  test('an ops table', () =>
    expectC({
      'include/linux/ops.h': `
struct vm_ops { int (*zap)(u64 pfn); int (*free)(u64 pfn); };
`,
      'virt/kvm/core.c': `#include <linux/ops.h>
void convert(struct kvm *kvm, const struct vm_ops *ops)
{
	write_lock(&kvm->mmu_lock);
	ops->zap(1); /*! leads */
	write_unlock(&kvm->mmu_lock);
	ops->free(1);
}
`,
      'arch/x86/kvm/vendor.c': `#include <linux/ops.h>
static int vendor_zap(u64 pfn)
{
	return rmp_make_shared(pfn, 0); /*! finding always */
}

static int vendor_free(u64 pfn)
{
	return rmp_make_shared(pfn, 0);
}

static const struct vm_ops vendor_ops = {
	.zap = vendor_zap,
	.free = vendor_free,
};
`,
    }));

  test('a static call', () =>
    expectC({
      'arch/x86/kvm/x86.c': `
struct kvm_x86_ops { int (*gmem_zap)(u64 pfn); int (*gmem_free)(u64 pfn); };
struct kvm_x86_ops kvm_x86_ops;
#define KVM_X86_OP(func) static_call_update(kvm_x86_##func, kvm_x86_ops.func)
#define kvm_x86_call(func) static_call(kvm_x86_##func)

void convert(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock); /*! taken */
	kvm_x86_call(gmem_zap)(1); /*! leads */
	read_unlock(&kvm->mmu_lock);
	static_call(kvm_x86_gmem_free)(1);
}
`,
      'arch/x86/kvm/svm/svm.c': `
static int sev_gmem_zap(u64 pfn)
{
	return psmash(pfn); /*! finding always read */
}

static int sev_gmem_free(u64 pfn)
{
	return psmash(pfn);
}

static struct kvm_x86_ops svm_x86_ops = { .gmem_zap = sev_gmem_zap, .gmem_free = sev_gmem_free };
`,
    }));

  test('a local pointer, also to the forbidden function itself', () =>
    expectC(`
static int by_pointer(u64 pfn)
{
	return rmp_make_shared(pfn, 0); /*! finding always */
}

void convert(struct kvm *kvm)
{
	int (*fn)(u64) = by_pointer;
	int (*update)(u64, int) = rmp_make_shared;

	write_lock(&kvm->mmu_lock);
	fn(1); /*! leads */
	update(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	update(3, 0);
}
`));
});

describe('names', () => {
  test('static functions of one name in two files', () =>
    expectC({
      'virt/kvm/a.c': `
static int helper(u64 pfn)
{
	return rmp_make_shared(pfn, 0);
}

void free_all(struct kvm *kvm)
{
	helper(1);
}
`,
      'virt/kvm/b.c': `
static int helper(u64 pfn)
{
	return touch(pfn);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	helper(1);
	write_unlock(&kvm->mmu_lock);
}
`,
    }));

  test('static functions of one name, the other way round', () =>
    expectC({
      'virt/kvm/a.c': `
static int helper(u64 pfn) /*! entry nothing */
{
	return touch(pfn);
}

void free_all(struct kvm *kvm)
{
	helper(1);
}
`,
      'virt/kvm/b.c': `
static int helper(u64 pfn) /*! entry kvm.mmu_lock write always */
{
	return rmp_make_shared(pfn, 0); /*! finding always */
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	helper(1); /*! leads */
	write_unlock(&kvm->mmu_lock);
}
`,
    }));

  test('a weak default and the strong definition', () =>
    expectC({
      'virt/kvm/core.c': `
int __weak arch_zap(u64 pfn)
{
	return rmp_make_shared(pfn, 0);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	arch_zap(1);
	write_unlock(&kvm->mmu_lock);
}
`,
      'arch/x86/kvm/arch.c': `
int arch_zap(u64 pfn)
{
	return touch(pfn);
}
`,
    }));

  test('looking up is not updating', () =>
    expectC(`
void convert(struct kvm *kvm, bool *assigned, int *level)
{
	write_lock(&kvm->mmu_lock);
	snp_lookup_rmpentry(1, assigned, level);
	my_rmp_make_shared(1);
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(1, 0);
}
`));

  test('a macro that updates', () =>
    expectC(`
#define make_host_page(pfn) rmp_make_shared(pfn, 0)
#define free_guest_page(pfn) ({ int __r = make_host_page(pfn); __r; })

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	make_host_page(1); /*! finding always */
	free_guest_page(2); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	free_guest_page(3);
}
`));
});

describe('what only runs later', () => {
  test('callbacks of RCU and of the work queue', () =>
    expectC(`
static void later(struct rcu_head *head)
{
	rmp_make_shared(1, 0);
}

static void work(struct work_struct *work)
{
	rmp_make_shared(2, 0);
}

void convert(struct kvm *kvm, struct rcu_head *head, struct work_struct *w)
{
	write_lock(&kvm->mmu_lock);
	call_rcu(head, later);
	INIT_WORK(w, work);
	schedule_work(w);
	write_unlock(&kvm->mmu_lock);
}
`));
});
