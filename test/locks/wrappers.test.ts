/** Functions and macros that lock for others. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('functions that lock', () => {
  test('several levels deep', () =>
    expectC(`
static void l1(struct kvm *kvm) { write_lock(&kvm->mmu_lock); }
static void l2(struct kvm *kvm) { l1(kvm); }
static void l3(struct kvm *kvm) { l2(kvm); }
static void u1(struct kvm *kvm) { write_unlock(&kvm->mmu_lock); }
static void u2(struct kvm *kvm) { u1(kvm); }

void convert(struct kvm *kvm)
{
	l3(kvm); /*! taken */
	rmp_make_shared(1, 0); /*! finding always write */
	u2(kvm);
	rmp_make_shared(2, 0);
}
`));

  test('in an order that the file does not tell', () =>
    expectC({
      'virt/kvm/a.c': `
void convert(struct kvm *kvm)
{
	mmu_enter(kvm); /*! taken */
	rmp_make_shared(1, 0); /*! finding always */
	mmu_leave(kvm);
	rmp_make_shared(2, 0);
}
`,
      'virt/kvm/b.c': `
void mmu_enter(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
}

void mmu_leave(struct kvm *kvm)
{
	write_unlock(&kvm->mmu_lock);
}
`,
    }));

  test('that drop and retake what the caller holds', () =>
    expectC(`
static void breathe(struct kvm *kvm)
{
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(1, 0);
	write_lock(&kvm->mmu_lock);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	breathe(kvm);
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('that drop it for good', () =>
    expectC(`
static void finish(struct kvm *kvm)
{
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*! taken */
	finish(kvm); /*! leads */
	rmp_make_shared(3, 0);
}
`));

  test('that drop it on one way, and say so', () =>
    expectC(`
static bool yield_if_needed(struct kvm *kvm, int n)
{
	if (n > 3) {
		write_unlock(&kvm->mmu_lock);
		return true;
	}
	return false;
}

void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	if (yield_if_needed(kvm, n)) {
		rmp_make_shared(1, 0);
		return;
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('that take it unless something fails, by an error number', () =>
    expectC(`
static int begin(struct kvm *kvm, int n)
{
	int r;

	r = prepare(n);
	if (r)
		return r;
	write_lock(&kvm->mmu_lock);
	return 0;
}

int convert(struct kvm *kvm, int n)
{
	int r = begin(kvm, n);

	if (r < 0)
		return rmp_make_shared(1, 0);
	if (r)
		return rmp_make_shared(2, 0);
	rmp_make_shared(3, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return rmp_make_shared(4, 0);
}
`));

  test('that take it unless something fails, by a pointer', () =>
    expectC(`
static struct kvm *enter(int n)
{
	struct kvm *kvm = find(n);

	if (!kvm)
		return NULL;
	write_lock(&kvm->mmu_lock);
	return kvm;
}

int convert(int n)
{
	struct kvm *kvm = enter(n);

	if (!kvm)
		return rmp_make_shared(1, 0);
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return rmp_make_shared(3, 0);
}
`));

  test('that are given the lock', () =>
    expectC(`
static void take(rwlock_t *lock) { write_lock(lock); }
static void give(rwlock_t *lock) { write_unlock(lock); }
static void take_twice_removed(int n, rwlock_t *which) { take(which); }

void convert(struct kvm *kvm, struct other_vm *other)
{
	take(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	give(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
	take(&other->mmu_lock);
	rmp_make_shared(3, 0);
	give(&other->mmu_lock);
	take_twice_removed(1, &kvm->mmu_lock);
	rmp_make_shared(4, 0); /*! finding always */
	give(&kvm->mmu_lock);
}
`));

  test('that call under a lock they were given', () =>
    expectC(`
static void work(u64 pfn)
{
	rmp_make_shared(pfn, 0); /*! finding sometimes write */
}

static void quiet(u64 pfn)
{
	rmp_make_shared(pfn, 0);
}

static void with(rwlock_t *lock, u64 pfn)
{
	write_lock(lock); /*! taken */
	work(pfn); /*! leads */
	write_unlock(lock);
}

static void with_other(rwlock_t *lock, u64 pfn)
{
	write_lock(lock);
	quiet(pfn);
	write_unlock(lock);
}

void convert(struct kvm *kvm, struct other_vm *other)
{
	with(&kvm->mmu_lock, 1);
	with_other(&other->mmu_lock, 2);
	work(3);
}
`));

  test('that return the lock itself', () =>
    expectC(`
static rwlock_t *lock_of(struct kvm *kvm)
{
	return &kvm->mmu_lock;
}

void convert(struct kvm *kvm)
{
	write_lock(lock_of(kvm));
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(lock_of(kvm));
	rmp_make_shared(2, 0);
}
`));
});

describe('macros that lock', () => {
  test('plain, in a statement, in an expression', () =>
    expectC(`
#define ENTER(kvm) do {				\\
	mutex_lock(&(kvm)->slots_lock);		\\
	write_lock(&(kvm)->mmu_lock);		\\
} while (0)
#define LEAVE(kvm) ({				\\
	write_unlock(&(kvm)->mmu_lock);		\\
	mutex_unlock(&(kvm)->slots_lock);	\\
	0;					\\
})

void convert(struct kvm *kvm)
{
	ENTER(kvm); /*! taken */
	rmp_make_shared(1, 0); /*! finding always */
	LEAVE(kvm);
	rmp_make_shared(2, 0);
}
`));

  test('with the name of the lock or of the operation pasted', () =>
    expectC(`
#define LOCK_FIELD(vm, name) write_lock(&(vm)->name##_lock)
#define UNLOCK_FIELD(vm, name) write_unlock(&(vm)->name##_lock)
#define MMU(how, vm) how##_lock(&(vm)->mmu_lock)
#define MMU_OUT(how, vm) how##_unlock(&(vm)->mmu_lock)

void convert(struct kvm *kvm)
{
	LOCK_FIELD(kvm, mmu);
	rmp_make_shared(1, 0); /*! finding always write */
	UNLOCK_FIELD(kvm, mmu);
	rmp_make_shared(2, 0);
	MMU(read, kvm);
	rmp_make_shared(3, 0); /*! finding always read */
	MMU_OUT(read, kvm);
	rmp_make_shared(4, 0);
}
`));

  test('one macro in another, and a name for a name', () =>
    expectC(`
#define VM_LOCK(vm) KVM_MMU_LOCK(vm)
#define vm_lock VM_LOCK
#define vm_unlock(vm) KVM_MMU_UNLOCK(vm)
#define WITH(vm, what) do { vm_lock(vm); what; vm_unlock(vm); } while (0)

void convert(struct kvm *kvm)
{
	vm_lock(kvm);
	rmp_make_shared(1, 0); /*! finding always */
	vm_unlock(kvm);
	rmp_make_shared(2, 0);
	WITH(kvm, rmp_make_shared(3, 0)); /*! finding always */
	rmp_make_shared(4, 0);
}
`));

  test('that try', () =>
    expectC(`
#define TRY(kvm) (kvm->dirty && write_trylock(&(kvm)->mmu_lock))

void convert(struct kvm *kvm)
{
	if (!TRY(kvm)) {
		rmp_make_shared(1, 0);
		return;
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('that wait for something, lock held or dropped', () =>
    expectC(`
#define DROPPED(kvm, what)			\\
({						\\
	int __r;				\\
	write_unlock(&(kvm)->mmu_lock);		\\
	__r = (what);				\\
	write_lock(&(kvm)->mmu_lock);		\\
	__r;					\\
})

int convert(struct kvm *kvm)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = DROPPED(kvm, rmp_make_shared(1, 0));
	if (!r)
		r = rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));
});

describe('names for the lock', () => {
  test('a local pointer', () =>
    expectC(`
void convert(struct kvm *kvm, struct other_vm *other)
{
	rwlock_t *lock = &kvm->mmu_lock;
	rwlock_t *theirs = &other->mmu_lock;
	rwlock_t *late;

	write_lock(lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(lock);
	rmp_make_shared(2, 0);
	write_lock(theirs);
	rmp_make_shared(3, 0);
	write_unlock(theirs);
	late = &kvm->mmu_lock;
	write_lock(late);
	rmp_make_shared(4, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(5, 0);
}
`));

  test('a local pointer that is set on both branches', () =>
    expectC(`
void convert(struct kvm *a, struct kvm *b, int n)
{
	rwlock_t *lock;

	if (n)
		lock = &a->mmu_lock;
	else
		lock = &b->mmu_lock;
	write_lock(lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(lock);
	rmp_make_shared(2, 0);
}
`));

  test('a pointer to a pointer, and a local for the owner', () =>
    expectC(`
void convert(struct kvm_vcpu *vcpu)
{
	struct kvm *vm = vcpu->kvm;
	struct kvm **where = &vcpu->kvm;

	write_lock(&vm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&vcpu->kvm->mmu_lock);
	rmp_make_shared(2, 0);
	write_lock(&(*where)->mmu_lock);
	rmp_make_shared(3, 0); /*! finding always */
	write_unlock(&vm->mmu_lock);
}
`));

  test('an owner from container_of, a cast, a call, a macro', () =>
    expectC(`
#define to_vm(x) container_of(x, struct kvm, arch)
static struct kvm *vm_of(struct kvm_vcpu *vcpu) { return vcpu->kvm; }

void convert(struct kvm_arch *arch, void *data, struct kvm_vcpu *vcpu)
{
	write_lock(&to_vm(arch)->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&to_vm(arch)->mmu_lock);
	write_lock(&((struct kvm *)data)->mmu_lock);
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&((struct kvm *)data)->mmu_lock);
	write_lock(&vm_of(vcpu)->mmu_lock);
	rmp_make_shared(3, 0); /*! finding always */
	write_unlock(&vm_of(vcpu)->mmu_lock);
	write_lock(&container_of(arch, struct kvm, arch)->mmu_lock);
	rmp_make_shared(4, 0); /*! finding always */
	write_unlock(&vm_of(vcpu)->mmu_lock);
	rmp_make_shared(5, 0);
}
`));

  test('a lock of the same name in another struct', () =>
    expectC(`
static struct other_vm the_vm;
rwlock_t mmu_lock;

void convert(struct other_vm *other)
{
	write_lock(&other->mmu_lock);
	rmp_make_shared(1, 0);
	write_unlock(&other->mmu_lock);
	write_lock(&the_vm.mmu_lock);
	rmp_make_shared(2, 0);
	write_unlock(&the_vm.mmu_lock);
	write_lock(&mmu_lock);
	rmp_make_shared(3, 0);
	write_unlock(&mmu_lock);
}
`));

  test('releasing another lock releases nothing', () =>
    expectC(`
void convert(struct kvm *kvm, struct other_vm *other)
{
	write_lock(&kvm->mmu_lock);
	write_unlock(&other->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	mutex_unlock(&kvm->slots_lock);
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));
});

describe('recursion', () => {
  test('of one function, under the lock and without', () =>
    expectC(`
static void walk(struct kvm *kvm, int depth) /*! entry kvm.mmu_lock write always */
{
	rmp_make_shared(depth, 0); /*! finding always */
	if (depth)
		walk(kvm, depth - 1);
}

static void walk_free(struct kvm *kvm, int depth) /*! entry nothing */
{
	rmp_make_shared(depth, 0);
	write_lock(&kvm->mmu_lock);
	touch(depth);
	write_unlock(&kvm->mmu_lock);
	if (depth)
		walk_free(kvm, depth - 1);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*! taken */
	walk(kvm, 4); /*! leads */
	write_unlock(&kvm->mmu_lock);
	walk_free(kvm, 4);
}
`));

  test('of two functions that lock for each other', () =>
    expectC(`
static void odd(struct kvm *kvm, int n);

static void even(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	if (n)
		odd(kvm, n - 1);
	rmp_make_shared(2, 0);
}

static void odd(struct kvm *kvm, int n)
{
	rmp_make_shared(3, 0);
	if (n)
		even(kvm, n - 1);
}

void convert(struct kvm *kvm)
{
	even(kvm, 9);
}
`));
});

describe('functions that tell by their value whether they locked', () => {
  test('an error in a pointer', () =>
    expectC(`
static struct kvm *enter(int n)
{
	struct kvm *kvm = find(n);

	if (!kvm)
		return ERR_PTR(-ENOENT);
	write_lock(&kvm->mmu_lock);
	return kvm;
}

int convert(int n)
{
	struct kvm *kvm = enter(n);

	if (IS_ERR(kvm)) {
		rmp_make_shared(1, 0);
		return PTR_ERR(kvm);
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
	return 0;
}
`));

  test('positive for success, negative for failure', () =>
    expectC(`
static int enter(struct kvm *kvm, int n)
{
	if (n > 3)
		return -EBUSY;
	write_lock(&kvm->mmu_lock);
	return 1;
}

int convert(struct kvm *kvm, int n)
{
	int r = enter(kvm, n);

	if (r < 0) {
		rmp_make_shared(1, 0);
		return r;
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
	return 0;
}
`));
});

describe('macros that leave', () => {
  test('with the lock released, or without it', () =>
    expectC(`
#define CHECK(kvm, x) do { if (!(x)) { write_unlock(&(kvm)->mmu_lock); return -EINVAL; } } while (0)
#define MUST(x) if (!(x)) return -EINVAL

int convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	CHECK(kvm, n > 3);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	MUST(n > 5);
	return rmp_make_shared(2, 0);
}

int after(struct kvm *kvm, int n)
{
	convert(kvm, n);
	return rmp_make_shared(3, 0);
}
`));
});
