/** Locks that may not be had: the value of the attempt decides. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('a trylock', () => {
  test('in a condition', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	if (write_trylock(&kvm->mmu_lock)) { /*! taken */
		rmp_make_shared(1, 0); /*! finding always write */
		write_unlock(&kvm->mmu_lock);
	} else {
		rmp_make_shared(2, 0);
	}
	rmp_make_shared(3, 0);
}
`));

  test('negated, with an early return', () =>
    expectC(`
int convert(struct kvm *kvm)
{
	if (!read_trylock(&kvm->mmu_lock)) {
		rmp_make_shared(1, 0);
		return -EBUSY;
	}
	rmp_make_shared(2, 0); /*! finding always read */
	read_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
	return 0;
}
`));

  test('in a variable', () =>
    expectC(`
int convert(struct kvm *kvm)
{
	bool locked = write_trylock(&kvm->mmu_lock);
	int got;

	if (!locked)
		rmp_make_shared(1, 0);
	rmp_make_shared(2, 0); /*! finding sometimes */
	if (locked) {
		rmp_make_shared(3, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(4, 0);

	got = read_trylock(&kvm->mmu_lock);
	if (got == 0)
		return rmp_make_shared(5, 0);
	read_unlock(&kvm->mmu_lock);
	return rmp_make_shared(6, 0);
}
`));

  test('in a variable that is set in the condition', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	int got;

	if ((got = write_trylock(&kvm->mmu_lock)) != 0)
		rmp_make_shared(1, 0); /*! finding always */
	if (!got)
		rmp_make_shared(2, 0);
	else
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('wrapped in likely() and WARN_ON()', () =>
    expectC(`
int convert(struct kvm *kvm)
{
	bool got;

	if (unlikely(!write_trylock(&kvm->mmu_lock)))
		return rmp_make_shared(1, 0);
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);

	if (WARN_ON_ONCE(!write_trylock(&kvm->mmu_lock)))
		return rmp_make_shared(3, 0);
	write_unlock(&kvm->mmu_lock);

	got = likely(write_trylock(&kvm->mmu_lock));
	if (!got)
		return rmp_make_shared(4, 0);
	write_unlock(&kvm->mmu_lock);
	return rmp_make_shared(5, 0);
}
`));

  test('together with other conditions', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	if (n > 3 && write_trylock(&kvm->mmu_lock)) {
		rmp_make_shared(1, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	} else {
		rmp_make_shared(2, 0);
	}
	if (n > 3 || !write_trylock(&kvm->mmu_lock)) {
		rmp_make_shared(3, 0);
		return;
	}
	rmp_make_shared(4, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}

void kept(struct kvm *kvm, int n)
{
	bool locked = n > 3 && write_trylock(&kvm->mmu_lock);

	if (!locked)
		rmp_make_shared(1, 0);
	else
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}

void chosen(struct kvm *kvm, int n)
{
	bool locked = n > 3 ? write_trylock(&kvm->mmu_lock) : false;

	if (locked) {
		rmp_make_shared(1, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(2, 0);
}
`));

  test('in a loop until it is had', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	while (!write_trylock(&kvm->mmu_lock)) {
		rmp_make_shared(1, 0);
		cpu_relax();
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}

void bounded(struct kvm *kvm)
{
	int tries = 10;
	bool got;

	do {
		got = write_trylock(&kvm->mmu_lock);
	} while (!got && --tries);
	if (!got) {
		rmp_make_shared(3, 0);
		return;
	}
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(4, 0);
}
`));

  test('handed out by a function', () =>
    expectC(`
static bool try_mmu(struct kvm *kvm)
{
	return write_trylock(&kvm->mmu_lock);
}

static bool try_if_dirty(struct kvm *kvm)
{
	return kvm->dirty && write_trylock(&kvm->mmu_lock);
}

static int try_or_error(struct kvm *kvm)
{
	if (!write_trylock(&kvm->mmu_lock))
		return -EBUSY;
	return 0;
}

static int try_negated(struct kvm *kvm)
{
	int busy = !write_trylock(&kvm->mmu_lock);

	return busy;
}

void convert(struct kvm *kvm)
{
	int r;

	if (!try_mmu(kvm))
		rmp_make_shared(1, 0);
	else
		write_unlock(&kvm->mmu_lock);

	if (try_if_dirty(kvm))
		write_unlock(&kvm->mmu_lock);
	else
		rmp_make_shared(2, 0);

	r = try_or_error(kvm);
	if (r) {
		rmp_make_shared(3, 0);
		return;
	}
	rmp_make_shared(4, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);

	if (try_negated(kvm))
		return;
	rmp_make_shared(5, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(6, 0);
}
`));

  test('whose value is lost', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	write_trylock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding sometimes */
}
`));

  test('of another lock', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	if (mutex_trylock(&kvm->slots_lock)) {
		rmp_make_shared(1, 0);
		write_lock(&kvm->mmu_lock); /*! held kvm.slots_lock mutex always */
		mutex_unlock(&kvm->slots_lock);
		rmp_make_shared(2, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
}
`));
});

describe('a lock that gives 0 when it was had', () => {
  test('mutex_lock_killable and its kin', () =>
    expectC(`
int convert(struct kvm *kvm)
{
	int r = mutex_lock_killable(&kvm->slots_lock);

	if (r)
		return r;
	kvm->mode = 1; /*! held kvm.slots_lock mutex always */
	mutex_unlock(&kvm->slots_lock);
	kvm->mode = 2; /*! held nothing */

	if (mutex_lock_interruptible(&kvm->slots_lock))
		return -EINTR;
	kvm->mode = 3; /*! held kvm.slots_lock mutex always */
	mutex_unlock(&kvm->slots_lock);

	if (mutex_lock_interruptible(&kvm->slots_lock) < 0)
		kvm->mode = 4; /*! held nothing */
	else
		mutex_unlock(&kvm->slots_lock);
	return 0;
}
`));
});
