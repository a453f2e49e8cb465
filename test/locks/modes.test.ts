/** Read against write, downgrades, and locks that are dropped for a while. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('modes', () => {
  test('each acquisition has its own', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock); /*! taken */
	rmp_make_shared(1, 0); /*! finding always read */
	read_unlock(&kvm->mmu_lock);
	write_lock(&kvm->mmu_lock); /*! taken */
	rmp_make_shared(2, 0); /*! finding always write */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('held in one or the other is always held', () =>
    expectC(`
static void leaf(struct kvm *kvm) /*! entry kvm.mmu_lock read always, kvm.mmu_lock write always */
{
	rmp_make_shared(1, 0); /*! finding always */
}

void reader(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	leaf(kvm); /*! leads */
	read_unlock(&kvm->mmu_lock);
}

void writer(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	leaf(kvm); /*! leads */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('one caller without makes it sometimes', () =>
    expectC(`
static void leaf(struct kvm *kvm) /*! entry kvm.mmu_lock write sometimes */
{
	rmp_make_shared(1, 0); /*! finding sometimes */
}

void writer(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	leaf(kvm); /*! leads */
	write_unlock(&kvm->mmu_lock);
	leaf(kvm);
}
`));

  test('chosen by a condition, released by the same', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	bool shared = kvm->dirty;

	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('downgrade_write leaves it held for reading', () =>
    expectC(`
struct space { struct rw_semaphore sem; };

void convert(struct space *s)
{
	down_write(&s->sem);
	s = s; /*! held space.sem write always */
	downgrade_write(&s->sem);
	s = s; /*! held space.sem read always */
	up_read(&s->sem);
	s = s; /*! held nothing */
}
`));

  test('interrupt and bottom-half variants', () =>
    expectC(`
void convert(struct kvm *kvm, unsigned long flags)
{
	read_lock_irqsave(&kvm->mmu_lock, flags);
	rmp_make_shared(1, 0); /*! finding always read */
	read_unlock_irqrestore(&kvm->mmu_lock, flags);
	write_lock_bh(&kvm->mmu_lock);
	rmp_make_shared(2, 0); /*! finding always write */
	write_unlock_bh(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('a spinlock by the same name', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	spin_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always spin */
	spin_unlock(&kvm->mmu_lock);
}
`));

  test('rcu and srcu sections nest', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	int a, b;

	rcu_read_lock();
	rcu_read_lock();
	rcu_read_unlock();
	kvm->mode = 1; /*! held rcu rcu always */
	rcu_read_unlock();
	kvm->mode = 2; /*! held nothing */
	a = srcu_read_lock(&kvm->srcu);
	b = srcu_read_lock(&kvm->srcu);
	srcu_read_unlock(&kvm->srcu, b);
	kvm->mode = 3; /*! held kvm.srcu srcu always */
	srcu_read_unlock(&kvm->srcu, a);
	kvm->mode = 4; /*! held nothing */
}
`));
});

describe('dropped for a while', () => {
  test('around the call', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
	write_lock(&kvm->mmu_lock); /*! held nothing */
	rmp_make_shared(3, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('by the callee, which the caller relies on', () =>
    expectC(`
static int split(struct kvm *kvm, bool shared) /*! entry kvm.mmu_lock read always, kvm.mmu_lock write always */
{
	int r;

	rmp_make_shared(1, 0); /*! finding always */
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
	r = rmp_make_shared(2, 0);
	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
	return r;
}

void reader(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	split(kvm, true); /*! leads */
	rmp_make_shared(3, 0); /*! finding always read */
	read_unlock(&kvm->mmu_lock);
	rmp_make_shared(4, 0);
}

void writer(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	split(kvm, false); /*! leads */
	rmp_make_shared(5, 0); /*! finding always write */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(6, 0);
}
`));

  test('by the callee on one way only: gone is gone', () =>
    expectC(`
static void maybe_drop(struct kvm *kvm, int n)
{
	if (n) {
		write_unlock(&kvm->mmu_lock);
		rmp_make_shared(1, 0);
		write_lock(&kvm->mmu_lock);
	}
	rmp_make_shared(2, 0); /*! finding always */
}

void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	maybe_drop(kvm, n); /*! leads */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('by cond_resched, which takes it back', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	while (n--) {
		if (cond_resched_rwlock_write(&kvm->mmu_lock))
			rmp_make_shared(1, 0); /*! finding always */
		rmp_make_shared(2, 0); /*! finding always */
	}
	write_unlock(&kvm->mmu_lock);
}
`));

  test('in a loop that starts over', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
restart:
	while (n--) {
		if (n == 9) {
			write_unlock(&kvm->mmu_lock);
			rmp_make_shared(1, 0);
			write_lock(&kvm->mmu_lock);
			goto restart;
		}
		rmp_make_shared(2, 0); /*! finding always */
	}
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));
});

describe('dropped by a helper', () => {
  test('that asserts it, gives it away and takes it back', () =>
    expectC(`
static void yield_lock(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	write_unlock(&kvm->mmu_lock);
	cond_resched();
	rmp_make_shared(1, 0);
	write_lock(&kvm->mmu_lock);
}

void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	while (n--) {
		if (need_resched())
			yield_lock(kvm);
		rmp_make_shared(2, 0); /*! finding always */
	}
	write_unlock(&kvm->mmu_lock);
}
`));
});
