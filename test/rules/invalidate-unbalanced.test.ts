/** `invalidate-unbalanced` (mail rows A1, A8): begin and end balance on every way out, and mmu_lock is held for both. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

const options = { rules: ['invalidate-unbalanced'] };

/** What is handed over as a function has to be one. */
const COUNTERS = `
void kvm_mmu_invalidate_begin(struct kvm *kvm) { kvm->mode++; }
void kvm_mmu_invalidate_end(struct kvm *kvm) { kvm->mode--; }
`;

/** The page cache's side of guest_memfd, as far as these tests need it. */
const FILE = `
struct gmem { struct kvm *kvm; struct xarray bindings; struct list_head entry; };

static void gmem_begin(struct gmem *gmem, u64 start, u64 end)
{
	bool found = false;
	struct slot *slot;
	unsigned long index;
	struct kvm *kvm = gmem->kvm;

	xa_for_each_range(&gmem->bindings, index, slot, start, end - 1) {
		if (!found) {
			found = true;
			KVM_MMU_LOCK(kvm);
			kvm_mmu_invalidate_begin(kvm);
		}
		unmap(kvm, slot);
	}
	if (found)
		KVM_MMU_UNLOCK(kvm);
}

static void gmem_end(struct gmem *gmem, u64 start, u64 end)
{
	struct kvm *kvm = gmem->kvm;

	if (xa_find(&gmem->bindings, &start, end - 1)) {
		KVM_MMU_LOCK(kvm);
		kvm_mmu_invalidate_end(kvm);
		KVM_MMU_UNLOCK(kvm);
	}
}

static void other_user(struct gmem *gmem)
{
	gmem_begin(gmem, 0, -1);
	gmem_end(gmem, 0, -1);
}
`;

const check = (source: string) => expectC(source, options);
const checkFile = (source: string) => expectC(FILE + source, options);

describe('in one function', () => {
  test('balanced', () =>
    check(`
void zap(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void count(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('the end is missing on an error path, and is there on others', () =>
    check(`
int zap(struct kvm *kvm, int n)
{
	int r = 0;

	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm); /*! finding sometimes */
	r = unmap(kvm);
	if (r)
		goto out_unlock;
	r = more(kvm);
	if (r)
		goto out_end;
	touch(kvm);
out_end:
	kvm_mmu_invalidate_end(kvm);
out_unlock:
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));

  test('all error paths lead through the end', () =>
    check(`
int zap(struct kvm *kvm, int n)
{
	int r;

	r = prepare(n);
	if (r)
		return r;
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	r = unmap(kvm);
	if (r)
		goto out;
	r = more(kvm);
out:
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
	return r;
}

int fault(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return 0;
}
`));

  test('ended twice, and ended where nothing was begun', () =>
    check(`
void twice(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm);
	kvm_mmu_invalidate_end(kvm); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}

int early(struct kvm *kvm, int n)
{
	int r = -EINVAL;

	write_lock(&kvm->mmu_lock);
	if (n < 3)
		goto out;
	kvm_mmu_invalidate_begin(kvm);
	r = unmap(kvm);
out:
	kvm_mmu_invalidate_end(kvm); /*! finding sometimes */
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));

  test('a flag ties begin and end together', () =>
    check(`
void zap(struct kvm *kvm, struct list_head *slots)
{
	bool begun = false;
	struct slot *slot;

	write_lock(&kvm->mmu_lock);
	list_for_each_entry(slot, slots, entry) {
		if (!begun) {
			kvm_mmu_invalidate_begin(kvm);
			begun = true;
		}
		unmap(kvm);
	}
	if (begun)
		kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void by_mode(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	if (kvm->dirty)
		kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	if (kvm->dirty)
		kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void by_call(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	if (has_private(kvm, 1))
		kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	if (has_private(kvm, 2))
		kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void wrong_way_round(struct kvm *kvm, int n)
{
	bool begun = false;

	write_lock(&kvm->mmu_lock);
	if (n) {
		kvm_mmu_invalidate_begin(kvm); /*! finding sometimes */
		begun = true;
	}
	if (begun && retry(kvm))
		kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}
`));

  test('retried, dropped and retaken in between', () =>
    check(`
void zap(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
retry:
	kvm_mmu_invalidate_begin(kvm);
	if (unmap(kvm)) {
		kvm_mmu_invalidate_end(kvm);
		cond_resched_rwlock_write(&kvm->mmu_lock);
		goto retry;
	}
	write_unlock(&kvm->mmu_lock);
	sync(kvm);
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void zap_in_a_loop(struct kvm *kvm, int n)
{
	while (n--) {
		write_lock(&kvm->mmu_lock);
		kvm_mmu_invalidate_begin(kvm);
		if (unmap(kvm)) {
			kvm_mmu_invalidate_end(kvm);
			write_unlock(&kvm->mmu_lock);
			continue;
		}
		kvm_mmu_invalidate_end(kvm);
		write_unlock(&kvm->mmu_lock);
	}
}

void zap_and_break(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	while (n--) {
		kvm_mmu_invalidate_begin(kvm); /*! finding sometimes */
		if (unmap(kvm))
			break;
		kvm_mmu_invalidate_end(kvm);
	}
	write_unlock(&kvm->mmu_lock);
}
`));
});

describe('under the lock', () => {
  test('begun before it is taken, ended after it is dropped, or under read_lock', () =>
    check(`
void before(struct kvm *kvm)
{
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	write_lock(&kvm->mmu_lock);
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void after(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	write_unlock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm); /*! finding always */
}

void reading(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm); /*! finding always */
	read_unlock(&kvm->mmu_lock);
}
`));

  test('of another struct', () =>
    check(`
void zap(struct kvm *kvm, struct other_vm *other)
{
	write_lock(&other->mmu_lock);
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	kvm_mmu_invalidate_end(kvm); /*! finding always */
	write_unlock(&other->mmu_lock);
}
`));

  test('taken by the caller, by some callers, or promised by an assertion', () =>
    check(`
static void inner(struct kvm *kvm)
{
	kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm);
}

static void careless(struct kvm *kvm)
{
	kvm_mmu_invalidate_begin(kvm); /*! finding sometimes */
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm); /*! finding sometimes */
}

void outer(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	inner(kvm);
	careless(kvm);
	write_unlock(&kvm->mmu_lock);
	careless(kvm);
}

void for_modules(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	unmap(kvm);
	kvm_mmu_invalidate_end(kvm);
}
`));
});

describe('by wrappers', () => {
  test('the half that each wrapper does is told to its callers', () =>
    checkFile(`
long punch(struct list_head *list, u64 start, u64 end)
{
	struct gmem *gmem;

	list_for_each_entry(gmem, list, entry)
		gmem_begin(gmem, start, end);
	truncate(start, end);
	list_for_each_entry(gmem, list, entry)
		gmem_end(gmem, start, end);
	return 0;
}

long punch_without_end(struct list_head *list, u64 start, u64 end)
{
	struct gmem *gmem;

	list_for_each_entry(gmem, list, entry)
		gmem_begin(gmem, start, end); /*! finding always */
	truncate(start, end);
	return 0;
}

long punch_with_early_return(struct list_head *list, u64 start, u64 end)
{
	struct gmem *gmem;
	int r;

	list_for_each_entry(gmem, list, entry)
		gmem_begin(gmem, start, end); /*! finding sometimes */
	r = truncate(start, end);
	if (r)
		return r;
	list_for_each_entry(gmem, list, entry)
		gmem_end(gmem, start, end);
	return 0;
}

long punch_without_begin(struct list_head *list, u64 start, u64 end)
{
	struct gmem *gmem;

	truncate(start, end);
	list_for_each_entry(gmem, list, entry)
		gmem_end(gmem, start, end); /*! finding always */
	return 0;
}

void release(struct gmem *gmem)
{
	gmem_begin(gmem, 0, -1);
	gmem_end(gmem, 0, -1);
	gmem_end(gmem, 0, -1); /*! finding always */
}

long fallocate_file(struct list_head *list, int punch_it)
{
	return punch_it ? punch(list, 0, 1) : punch_without_end(list, 0, 1);
}
`));

  test('one that begins only if it succeeds', () =>
    check(`
static int try_begin(struct kvm *kvm, int n)
{
	if (n > 3)
		return -EBUSY;
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	write_unlock(&kvm->mmu_lock);
	return 0;
}

static void finish(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

int right(struct kvm *kvm, int n)
{
	int r = try_begin(kvm, n);

	if (r)
		return r;
	unmap(kvm);
	finish(kvm);
	return 0;
}

int wrong(struct kvm *kvm, int n)
{
	int r = try_begin(kvm, n);

	if (!r)
		unmap(kvm);
	finish(kvm); /*! finding sometimes */
	return r;
}
`));

  test('a half that was planted into the middle of another invalidation', () =>
    checkFile(`
static void forgetful(struct kvm *kvm)
{
	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	unmap(kvm);
	KVM_MMU_UNLOCK(kvm);
}

void punch(struct gmem *gmem)
{
	gmem_begin(gmem, 0, 1);
	forgetful(gmem->kvm);
	gmem_end(gmem, 0, 1);
}
`));

  test('one that begins twice, or ends twice', () =>
    check(`
static void begin_all(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	kvm_mmu_invalidate_begin(kvm);
	write_unlock(&kvm->mmu_lock);
}

static void end_all(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void zap(struct kvm *kvm)
{
	begin_all(kvm);
	unmap(kvm);
	end_all(kvm);
}
`));

  test('two callbacks of one struct, two functions named as a pair: one operation', () =>
    check(`
struct notifier_ops {
	int (*range_comes)(struct kvm *kvm);
	void (*range_goes)(struct kvm *kvm);
};

static int comes(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	write_unlock(&kvm->mmu_lock);
	return 0;
}

static void goes(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

static const struct notifier_ops ops = {
	.range_comes = comes,
	.range_goes = goes,
};

void kvm_block_begin(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm);
	write_unlock(&kvm->mmu_lock);
}

void kvm_block_end(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
}

void alone(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	kvm_mmu_invalidate_begin(kvm); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));
});

describe('by callbacks that are handed on', () => {
  const HANDLE = `
${COUNTERS}
typedef void (*on_lock_fn)(struct kvm *kvm);
struct notifier_range { u64 start; on_lock_fn on_lock; bool may_block; };

static void handle(struct kvm *kvm, struct notifier_range *range)
{
	bool locked = false;
	int i;

	for (i = 0; i < 2; i++) {
		if (!locked) {
			locked = true;
			KVM_MMU_LOCK(kvm);
			if (range->on_lock)
				range->on_lock(kvm);
		}
		unmap(kvm);
	}
	if (locked)
		KVM_MMU_UNLOCK(kvm);
}
`;

  test('a struct member for each half', () =>
    check(`${HANDLE}
int set_attributes(struct kvm *kvm)
{
	struct notifier_range pre = { .start = 1, .on_lock = kvm_mmu_invalidate_begin };
	struct notifier_range post = { .start = 1, .on_lock = kvm_mmu_invalidate_end };

	handle(kvm, &pre);
	store(kvm);
	handle(kvm, &post);
	return 0;
}

int set_attributes_early(struct kvm *kvm)
{
	struct notifier_range pre = { .start = 1, .on_lock = kvm_mmu_invalidate_begin };
	struct notifier_range post = { .start = 1, .on_lock = kvm_mmu_invalidate_end };
	int r;

	handle(kvm, &pre); /*! finding sometimes */
	r = store(kvm);
	if (r)
		return r;
	handle(kvm, &post);
	return 0;
}

int set_attributes_forgotten(struct kvm *kvm)
{
	struct notifier_range pre = { .start = 1 };
	struct notifier_range post = { .start = 1 };

	pre.on_lock = kvm_mmu_invalidate_begin;
	handle(kvm, &pre); /*! finding always */
	store(kvm);
	handle(kvm, &post);
	return 0;
}
`));

  test('a function as an argument', () =>
    check(`${COUNTERS}
static void locked(struct kvm *kvm, void (*fn)(struct kvm *kvm))
{
	write_lock(&kvm->mmu_lock);
	fn(kvm);
	write_unlock(&kvm->mmu_lock);
}

void right(struct kvm *kvm)
{
	locked(kvm, kvm_mmu_invalidate_begin);
	unmap(kvm);
	locked(kvm, kvm_mmu_invalidate_end);
}

void wrong(struct kvm *kvm)
{
	locked(kvm, kvm_mmu_invalidate_begin);
	unmap(kvm);
	locked(kvm, kvm_mmu_invalidate_end);
	locked(kvm, kvm_mmu_invalidate_end); /*! finding always */
}
`));
});
