/** Locks whose state is known by numbers: comparisons, bits, counters; and by flags that travel between functions. */
import { test } from 'vitest';
import { expectC } from '../support/c-program.ts';

test('bits of one word', () =>
  expectC(`
#define LOCKED 1
#define FLUSH 2
void a(struct kvm *kvm, int n)
{
	unsigned long flags = 0;
	while (n--) {
		if (!(flags & LOCKED)) {
			write_lock(&kvm->mmu_lock);
			flags |= LOCKED;
		}
		if (n == 4)
			flags |= FLUSH;
		rmp_make_shared(n, 0); /*! finding always */
	}
	if (flags & LOCKED)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(92, 0);
}
void b(struct kvm *kvm, unsigned int flags)
{
	if (flags & LOCKED)
		write_lock(&kvm->mmu_lock);
	flags |= FLUSH;
	if (!(flags & LOCKED))
		rmp_make_shared(1, 0);
	if (flags & LOCKED)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(92, 0);
}
`));

test('a bit that BIT() names, and one that set_bit() sets', () =>
  expectC(`
#define BIT(n) (1UL << (n))
void a(struct kvm *kvm, int n)
{
	unsigned long flags = 0;
	if (n > 3) {
		write_lock(&kvm->mmu_lock);
		flags |= BIT(2);
	}
	if (flags & BIT(2))
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(92, 0);
}
void c(struct kvm *kvm, int n)
{
	unsigned long flags = 0;
	if (n > 3) {
		write_lock(&kvm->mmu_lock);
		__set_bit(2, &flags);
	}
	if (test_bit(2, &flags))
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(92, 0);
}
`));

test('a level that is compared with numbers', () =>
  expectC(`
void a(struct kvm *kvm, int level)
{
	if (level > 3)
		write_lock(&kvm->mmu_lock);
	if (level <= 3)
		rmp_make_shared(1, 0);
	if (level > 3)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
void b(struct kvm *kvm, int level)
{
	if (level > 3)
		write_lock(&kvm->mmu_lock);
	if (level >= 4)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
void c(struct kvm *kvm, int level)
{
	if (level >= 2)
		write_lock(&kvm->mmu_lock);
	if (level == 1)
		rmp_make_shared(1, 0);
	if (level >= 2)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

test('a flag in a member, set by one function and asked by another', () =>
  expectC(`
struct walk { struct kvm *kvm; bool locked; };
static void walk_begin(struct walk *w, struct kvm *kvm, bool lock)
{
	w->kvm = kvm;
	w->locked = lock;
	if (w->locked)
		write_lock(&w->kvm->mmu_lock);
}
static void walk_end(struct walk *w)
{
	if (w->locked)
		write_unlock(&w->kvm->mmu_lock);
}
void a(struct kvm *kvm)
{
	struct walk w;
	walk_begin(&w, kvm, true);
	rmp_make_shared(1, 0); /*! finding always */
	walk_end(&w);
	rmp_make_shared(2, 0);
	walk_begin(&w, kvm, false);
	rmp_make_shared(3, 0);
	walk_end(&w);
	rmp_make_shared(4, 0);
}
void b(struct kvm *kvm, bool lock)
{
	struct walk w;
	walk_begin(&w, kvm, lock);
	rmp_make_shared(1, 0); /*! finding sometimes */
	walk_end(&w);
	rmp_make_shared(2, 0);
}
`));

test('scopes with a guard whose macros are not in the tree', () =>
  expectC(`
void a(struct kvm *kvm, int n)
{
	scoped_guard(write_lock, &kvm->mmu_lock) {
		rmp_make_shared(1, 0); /*! finding always */
		if (n)
			break;
		rmp_make_shared(2, 0); /*! finding always */
	}
	rmp_make_shared(3, 0);
	scoped_guard(write_lock, &kvm->mmu_lock)
		rmp_make_shared(4, 0); /*! finding always */
	rmp_make_shared(5, 0);
}
void b(struct kvm *kvm, int n)
{
	scoped_cond_guard(mutex_intr, return, &kvm->slots_lock) {
		rmp_make_shared(1, 0);
	}
	scoped_guard(read_lock, &kvm->mmu_lock) {
		if (n)
			return;
		rmp_make_shared(2, 0); /*! finding always */
	}
	rmp_make_shared(3, 0);
}
`));

test('a trylock behind ||, in one branch, and in a choice', () =>
  expectC(`
void a(struct kvm *kvm, bool force)
{
	if (force || !write_trylock(&kvm->mmu_lock)) {
		rmp_make_shared(1, 0);
		return;
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
void b(struct kvm *kvm, bool nowait)
{
	if (nowait) {
		if (!write_trylock(&kvm->mmu_lock))
			return;
	} else {
		write_lock(&kvm->mmu_lock);
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
void c(struct kvm *kvm, bool nowait)
{
	int r = nowait ? write_trylock(&kvm->mmu_lock) : (write_lock(&kvm->mmu_lock), 1);
	if (!r)
		return;
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

test('cases and a comparison of the same value', () =>
  expectC(`
void a(struct kvm *kvm, int mode)
{
	switch (mode) {
	case 0: read_lock(&kvm->mmu_lock); break;
	case 1: write_lock(&kvm->mmu_lock); break;
	default: break;
	}
	if (mode > 1)
		rmp_make_shared(0, 0);
	rmp_make_shared(1, 0); /*! finding sometimes */
	switch (mode) {
	case 0: read_unlock(&kvm->mmu_lock); break;
	case 1: write_unlock(&kvm->mmu_lock); break;
	}
	rmp_make_shared(2, 0);
}
`));

test('tries that are counted down', () =>
  expectC(`
void a(struct kvm *kvm)
{
	int tries = 10;
	while (tries-- && !write_trylock(&kvm->mmu_lock))
		;
	if (tries < 0)
		return;
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

test('a counter as a flag', () =>
  expectC(`
void a(struct kvm *kvm, int n)
{
	int taken = 0;
	while (n--) {
		if (!taken++)
			write_lock(&kvm->mmu_lock);
		rmp_make_shared(1, 0); /*! finding always */
	}
	if (taken)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

test('a release at a label that depends on a flag', () =>
  expectC(`
int a(struct kvm *kvm, int n)
{
	int r = 0;
	bool locked = true;
	write_lock(&kvm->mmu_lock);
	if (n == 1) {
		r = -EINVAL;
		goto out;
	}
	write_unlock(&kvm->mmu_lock);
	locked = false;
	if (n == 2) {
		rmp_make_shared(5, 0);
		goto out;
	}
	rmp_make_shared(1, 0);
out:
	if (locked)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
	return r;
}
`));
