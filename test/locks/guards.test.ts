/** Locks of include/linux/cleanup.h: released where their scope ends, however it ends. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('guard()', () => {
  test('to the end of the function', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	rmp_make_shared(1, 0);
	guard(write_lock)(&kvm->mmu_lock); /*! taken */
	rmp_make_shared(2, 0); /*! finding always write */
}

void after(struct kvm *kvm)
{
	convert(kvm);
	rmp_make_shared(3, 0);
}
`));

  test('to the end of a block, a loop, a branch', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	{
		guard(write_lock)(&kvm->mmu_lock);
		rmp_make_shared(1, 0); /*! finding always */
	}
	rmp_make_shared(2, 0);
	while (n--) {
		rmp_make_shared(3, 0);
		guard(read_lock)(&kvm->mmu_lock);
		if (n == 4)
			continue;
		rmp_make_shared(4, 0); /*! finding always read */
		if (n == 5)
			break;
	}
	rmp_make_shared(5, 0);
	if (n) {
		guard(write_lock)(&kvm->mmu_lock);
		touch(n);
	} else {
		rmp_make_shared(6, 0);
	}
	rmp_make_shared(7, 0);
}
`));

  test('left by return, also from a nested scope', () =>
    expectC(`
static int helper(struct kvm *kvm, int n)
{
	guard(write_lock)(&kvm->mmu_lock);
	if (n == 1)
		return rmp_make_shared(1, 0); /*! finding always */
	{
		guard(mutex)(&kvm->arch.inner);
		if (n == 2)
			return -EINVAL;
	}
	return 0;
}

int convert(struct kvm *kvm, int n)
{
	int r = helper(kvm, n);

	return r ?: rmp_make_shared(2, 0);
}
`));

  test('left by goto', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	if (n) {
		guard(write_lock)(&kvm->mmu_lock);
		if (n == 1)
			goto out;
		rmp_make_shared(1, 0); /*! finding always */
	}
	rmp_make_shared(2, 0);
out:
	rmp_make_shared(3, 0);
	return 0;
}

int within(struct kvm *kvm, int n)
{
	guard(write_lock)(&kvm->mmu_lock);
	if (n == 1)
		goto out;
	touch(n);
out:
	return rmp_make_shared(4, 0); /*! finding always */
}
`));

  test('in a switch case', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	switch (n) {
	case 1: {
		guard(write_lock)(&kvm->mmu_lock);
		rmp_make_shared(1, 0); /*! finding always */
		break;
	}
	case 2:
		rmp_make_shared(2, 0);
	}
	return rmp_make_shared(3, 0);
}
`));

  test('of other locks', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	guard(mutex)(&kvm->slots_lock);
	guard(srcu)(&kvm->srcu);
	guard(rcu)();
	rmp_make_shared(1, 0); /*! held kvm.slots_lock mutex always, kvm.srcu srcu always, rcu rcu always */
}
`));
});

describe('scoped_guard()', () => {
  test('around a block or a statement', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	scoped_guard(write_lock, &kvm->mmu_lock) { /*! taken */
		rmp_make_shared(1, 0); /*! finding always */
	}
	rmp_make_shared(2, 0);
	scoped_guard(write_lock, &kvm->mmu_lock) /*! taken */
		rmp_make_shared(3, 0); /*! finding always */
	rmp_make_shared(4, 0);
}
`));

  test('left by return and goto', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	scoped_guard(write_lock, &kvm->mmu_lock) {
		if (n == 1)
			goto out;
		if (n == 2)
			return 0;
	}
	rmp_make_shared(1, 0);
	return 0;
out:
	return rmp_make_shared(2, 0);
}
`));

  test('a break leaves the guard, not the loop around it', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	while (n--) {
		scoped_guard(write_lock, &kvm->mmu_lock) {
			if (n == 1)
				break;
			if (n == 2)
				continue;
			touch(n);
		}
		rmp_make_shared(1, 0);
		if (!n) {
			write_lock(&kvm->mmu_lock);
			break;
		}
	}
	rmp_make_shared(2, 0); /*! finding sometimes */
}
`));

  test('a conditional one', () =>
    expectC(`
int convert(struct kvm *kvm)
{
	scoped_cond_guard(mutex_intr, return -EINTR, &kvm->slots_lock) {
		kvm->mode = 1; /*! held kvm.slots_lock mutex always */
	}
	kvm->mode = 2; /*! held nothing */
	return rmp_make_shared(1, 0);
}
`));

  test('a conditional one that jumps, or only gives up', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	while (n--) {
		scoped_cond_guard(mutex_try, goto out, &kvm->slots_lock)
			kvm->mode = n; /*! held kvm.mmu_lock write always, kvm.slots_lock mutex always */
		scoped_cond_guard(mutex_try, continue, &kvm->slots_lock)
			kvm->mode = n; /*! held kvm.mmu_lock write always, kvm.slots_lock mutex always */
		kvm->mode = 0; /*! held kvm.mmu_lock write always */
	}
out:
	kvm->mode = 3; /*! held kvm.mmu_lock write always */
	write_unlock(&kvm->mmu_lock);
	return rmp_make_shared(1, 0);
}
`));

  test('one that may not be had', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	scoped_guard(mutex_try, &kvm->slots_lock) {
		kvm->mode = 1; /*! held kvm.slots_lock mutex always */
	}
	kvm->mode = 2; /*! held nothing */
}
`));
});

describe('CLASS()', () => {
  test('a try that is asked for its success', () =>
    expectC(`
int convert(struct kvm *kvm)
{
	CLASS(mutex_try, got)(&kvm->slots_lock);

	if (!got)
		return -EBUSY;
	kvm->mode = 1; /*! held kvm.slots_lock mutex always */
	return 0;
}

int later_kernels(struct kvm *kvm)
{
	int r;

	ACQUIRE(mutex_intr, got)(&kvm->slots_lock);
	r = ACQUIRE_ERR(mutex_intr, &got);
	if (r)
		return r;
	kvm->mode = 1; /*! held kvm.slots_lock mutex always */
	return 0;
}

void after(struct kvm *kvm)
{
	convert(kvm);
	later_kernels(kvm);
	kvm->mode = 2; /*! held nothing */
}
`));
});
