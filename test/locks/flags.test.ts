/** Locks that are taken and released on one condition: a flag, a parameter, a thing asked twice. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('a flag set where the lock is taken', () => {
  test('in a loop, released after it', () =>
    expectC(`
void zap(struct kvm *kvm, int n)
{
	bool locked = false;
	int i;

	for (i = 0; i < n; i++) {
		if (!locked) {
			locked = true;
			write_lock(&kvm->mmu_lock); /*! taken */
		}
		rmp_make_shared(i, 0); /*! finding always write */
	}
	rmp_make_shared(90, 0); /*! finding sometimes write */
	if (locked) {
		rmp_make_shared(91, 0); /*! finding always write */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(92, 0);
}
`));

  test('kept in a member', () =>
    expectC(`
struct walk { struct kvm *kvm; bool locked; int i; };

void zap(struct walk *w)
{
	w->locked = false;
	while (w->i--) {
		if (!w->locked) {
			w->locked = true;
			write_lock(&w->kvm->mmu_lock);
		}
		rmp_make_shared(w->i, 0); /*! finding always */
	}
	if (w->locked)
		write_unlock(&w->kvm->mmu_lock);
	rmp_make_shared(92, 0);
}
`));

  test('kept in a member of a local struct that begins as zero', () =>
    expectC(`
struct walk { bool locked; bool flush; };

void zap(struct kvm *kvm, int n)
{
	struct walk w = { .flush = true };

	while (n--) {
		if (!w.locked) {
			write_lock(&kvm->mmu_lock);
			w.locked = true;
		}
		rmp_make_shared(n, 0); /*! finding always */
	}
	if (w.locked)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(92, 0);
}
`));

  test('copied to another', () =>
    expectC(`
void zap(struct kvm *kvm, int n)
{
	bool taken = false, unlock;

	if (n > 3) {
		write_lock(&kvm->mmu_lock);
		taken = true;
	}
	unlock = taken;
	if (unlock) {
		rmp_make_shared(1, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(2, 0);
}
`));

  test('the value of a comparison, or of several', () =>
    expectC(`
void one(struct kvm *kvm, int n)
{
	bool lock = n > 3;

	if (lock)
		write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding sometimes */
	if (lock)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}

void several(struct kvm *kvm, int n)
{
	bool lock = n > 3 && kvm->dirty;

	if (lock)
		write_lock(&kvm->mmu_lock);
	if (!lock)
		rmp_make_shared(1, 0);
	if (lock)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('a negated flag, and one asked against a constant', () =>
    expectC(`
void negated(struct kvm *kvm, bool atomic)
{
	bool sleepable = !atomic;

	if (!sleepable)
		write_lock(&kvm->mmu_lock);
	if (sleepable)
		rmp_make_shared(1, 0);
	if (sleepable == false)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}

void compared(struct kvm *kvm, int want)
{
	if (want != 0)
		write_lock(&kvm->mmu_lock);
	if (want == 0)
		rmp_make_shared(1, 0);
	else
		rmp_make_shared(2, 0); /*! finding always */
	if (want)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('a flag that changes in between no longer tells', () =>
    expectC(`
int next(void);

void zap(struct kvm *kvm, int want)
{
	if (want)
		write_lock(&kvm->mmu_lock);
	want = next();
	if (!want)
		rmp_make_shared(1, 0); /*! finding sometimes */
}

void bits(struct kvm *kvm, int flags)
{
	if (flags & 1)
		write_lock(&kvm->mmu_lock);
	flags = next();
	if (!(flags & 1))
		rmp_make_shared(1, 0); /*! finding sometimes */
}

void handed_out(struct kvm *kvm, int want)
{
	if (want)
		write_lock(&kvm->mmu_lock);
	change(&want);
	if (!want)
		rmp_make_shared(1, 0); /*! finding sometimes */
}
`));

  test('a bit of a mask', () =>
    expectC(`
void zap(struct kvm *kvm, int flags)
{
	if (flags & 4)
		write_lock(&kvm->mmu_lock);
	if (!(flags & 4))
		rmp_make_shared(1, 0);
	if (flags & 4)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}

void loop(struct kvm *kvm, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (i & 1)
			write_lock(&kvm->mmu_lock);
		touch(i);
		if (i & 1)
			write_unlock(&kvm->mmu_lock);
		rmp_make_shared(i, 0);
	}
}
`));

  test('the same question asked of a call twice', () =>
    expectC(`
bool is_direct(struct kvm *kvm);

void zap(struct kvm *kvm)
{
	if (is_direct(kvm))
		write_lock(&kvm->mmu_lock);
	if (!is_direct(kvm))
		rmp_make_shared(1, 0);
	if (is_direct(kvm))
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('a set of early exits', () =>
    expectC(`
int zap(struct kvm *kvm, int n)
{
	bool locked = false;
	int r = 0;

	if (n > 3) {
		write_lock(&kvm->mmu_lock);
		locked = true;
	}
	if (n == 7) {
		r = -EINVAL;
		goto out;
	}
	rmp_make_shared(1, 0); /*! finding sometimes */
out:
	if (locked)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
	return r;
}
`));
});

describe('a parameter that says whether the lock is to be taken', () => {
  test('inside of the function', () =>
    expectC(`
static void zap(struct kvm *kvm, bool lock)
{
	if (lock)
		write_lock(&kvm->mmu_lock);
	touch(kvm);
	if (lock)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(1, 0);
}

void zap_both(struct kvm *kvm)
{
	zap(kvm, true);
	zap(kvm, false);
}
`));

  test('in a pair of helpers, called with constants', () =>
    expectC(`
static void maybe_lock(struct kvm *kvm, bool lock)
{
	if (lock)
		write_lock(&kvm->mmu_lock);
}

static void maybe_unlock(struct kvm *kvm, bool lock)
{
	if (lock)
		write_unlock(&kvm->mmu_lock);
}

void locked(struct kvm *kvm)
{
	maybe_lock(kvm, true);
	rmp_make_shared(1, 0); /*! finding always */
	maybe_unlock(kvm, true);
	rmp_make_shared(2, 0);
}

void unlocked(struct kvm *kvm)
{
	maybe_lock(kvm, false);
	rmp_make_shared(3, 0);
	maybe_unlock(kvm, false);
	rmp_make_shared(4, 0);
}
`));

  test('in a pair of helpers, called with the same variable', () =>
    expectC(`
static void maybe_lock(struct kvm *kvm, bool lock)
{
	if (lock)
		write_lock(&kvm->mmu_lock);
}

static void maybe_unlock(struct kvm *kvm, bool lock)
{
	if (!lock)
		return;
	write_unlock(&kvm->mmu_lock);
}

void by_variable(struct kvm *kvm, int n)
{
	bool lock = n > 4;

	maybe_lock(kvm, lock);
	if (!lock)
		rmp_make_shared(1, 0);
	else
		rmp_make_shared(2, 0); /*! finding always */
	maybe_unlock(kvm, lock);
	rmp_make_shared(3, 0);
}

void by_constant_variable(struct kvm *kvm)
{
	bool lock = false;

	maybe_lock(kvm, lock);
	rmp_make_shared(4, 0);
	maybe_unlock(kvm, lock);
}

void negated(struct kvm *kvm, bool lockless)
{
	maybe_lock(kvm, !lockless);
	if (lockless)
		rmp_make_shared(5, 0);
	maybe_unlock(kvm, !lockless);
	rmp_make_shared(6, 0);
}
`));

  test('which mode: shared or not', () =>
    expectC(`
static void lock_mmu(struct kvm *kvm, bool shared)
{
	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
}

static void unlock_mmu(struct kvm *kvm, bool shared)
{
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}

void reader(struct kvm *kvm)
{
	lock_mmu(kvm, true);
	rmp_make_shared(1, 0); /*! finding always read */
	unlock_mmu(kvm, true);
	rmp_make_shared(2, 0);
}

void writer(struct kvm *kvm)
{
	lock_mmu(kvm, false);
	rmp_make_shared(3, 0); /*! finding always write */
	unlock_mmu(kvm, false);
	rmp_make_shared(4, 0);
}

void either(struct kvm *kvm, bool shared)
{
	lock_mmu(kvm, shared);
	rmp_make_shared(5, 0); /*! finding always */
	unlock_mmu(kvm, shared);
	rmp_make_shared(6, 0);
}
`));

  test('that the caller holds it already', () =>
    expectC(`
static void convert(struct kvm *kvm, bool mmu_locked)
{
	if (mmu_locked)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(1, 0);
	if (mmu_locked)
		write_lock(&kvm->mmu_lock);
}

void under_lock(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	convert(kvm, true);
	write_unlock(&kvm->mmu_lock);
}

void without(struct kvm *kvm)
{
	convert(kvm, false);
}
`));

  test('that the caller holds it already, which one caller gets wrong', () =>
    expectC(`
static void convert(struct kvm *kvm, bool mmu_locked)
{
	if (mmu_locked)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding sometimes write */
	if (mmu_locked)
		write_lock(&kvm->mmu_lock);
}

void under_lock(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	convert(kvm, true);
	write_unlock(&kvm->mmu_lock);
}

void wrong(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*! taken */
	convert(kvm, false); /*! leads */
	write_unlock(&kvm->mmu_lock);
}

void without(struct kvm *kvm)
{
	convert(kvm, false);
}
`));

  test('whether the forbidden call is made at all', () =>
    expectC(`
static void zap(struct kvm *kvm, u64 pfn, bool convert)
{
	if (convert)
		rmp_make_shared(pfn, 0);
}

void under_lock(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	zap(kvm, 1, false);
	write_unlock(&kvm->mmu_lock);
	zap(kvm, 1, true);
}
`));

  test('whether the forbidden call is made, handed down twice', () =>
    expectC(`
static void leaf(struct kvm *kvm, u64 pfn, bool convert)
{
	if (!convert)
		return;
	rmp_make_shared(pfn, 0); /*! finding sometimes */
}

static void walk(struct kvm *kvm, bool convert)
{
	leaf(kvm, 3, convert);
}

void fine(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	walk(kvm, false);
	write_unlock(&kvm->mmu_lock);
	walk(kvm, true);
}

void wrong(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*! taken */
	walk(kvm, true); /*! leads */
	write_unlock(&kvm->mmu_lock);
}
`));
});

describe('a flag of another kind than a bool', () => {
  test('a bit in a variable', () =>
    expectC(`
#define LOCKED 1
void convert(struct kvm *kvm, int n)
{
	int state = 0;

	if (n > 3) {
		write_lock(&kvm->mmu_lock);
		state |= LOCKED;
	}
	touch(n);
	if (state & LOCKED)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('a pointer that is NULL until then', () =>
    expectC(`
void convert(struct kvm *first, int n)
{
	struct kvm *locked = NULL;

	if (n > 3) {
		write_lock(&first->mmu_lock);
		locked = first;
	}
	touch(n);
	if (locked)
		write_unlock(&locked->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('a counter tells less', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	int i, held = 0;

	for (i = 0; i < n; i++) {
		if (held++ == 0)
			write_lock(&kvm->mmu_lock);
		rmp_make_shared(1, 0); /*! finding sometimes */
	}
	if (held)
		write_unlock(&kvm->mmu_lock);
}
`));

  test('an inequality and its opposite', () =>
    expectC(`
void convert(struct kvm *kvm, int level)
{
	if (level >= 4)
		write_lock(&kvm->mmu_lock);
	touch(level);
	if (level < 4)
		return;
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('several conditions asked twice, changed by nobody', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	if (!kvm->arch.inner.owner && kvm->mode == 3)
		write_lock(&kvm->mmu_lock);
	touch(kvm);
	if (!kvm->arch.inner.owner && kvm->mode == 3)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('a flag that starts the loop over', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	bool restart;

	do {
		restart = false;
		write_lock(&kvm->mmu_lock);
		if (n == 3) {
			restart = true;
			goto unlock;
		}
		rmp_make_shared(1, 0); /*! finding always */
unlock:
		write_unlock(&kvm->mmu_lock);
		rmp_make_shared(2, 0);
	} while (restart);
	rmp_make_shared(3, 0);
}
`));
});

describe('a flag that a callee stores', () => {
  test('through a pointer', () =>
    expectC(`
static void lock_if(struct kvm *kvm, int n, bool *locked)
{
	*locked = false;
	if (n > 3) {
		write_lock(&kvm->mmu_lock);
		*locked = true;
	}
}

void convert(struct kvm *kvm, int n)
{
	bool locked;

	lock_if(kvm, n, &locked);
	if (!locked)
		rmp_make_shared(1, 0);
	else
		rmp_make_shared(2, 0); /*! finding always */
	if (locked)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('in a member', () =>
    expectC(`
struct walk { struct kvm *kvm; bool locked; };

static void begin(struct walk *w, int n)
{
	w->locked = n > 3;
	if (w->locked)
		write_lock(&w->kvm->mmu_lock);
}

static void end(struct walk *w)
{
	if (w->locked)
		write_unlock(&w->kvm->mmu_lock);
}

void convert(struct kvm *kvm, int n)
{
	struct walk w = { .kvm = kvm };

	begin(&w, n);
	if (w.locked)
		rmp_make_shared(2, 0); /*! finding always */
	end(&w);
	rmp_make_shared(3, 0);
}
`));
});

test('an option that is off takes its branch out, one that is on the other; one that nothing is known of neither', () =>
  expectC(
    `
void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	if (IS_ENABLED(CONFIG_OFF))
		rmp_make_shared(1, 0);
	if (!IS_ENABLED(CONFIG_OFF) && kvm->dirty)
		rmp_make_shared(2, 0); /*! finding always */
	if (IS_ENABLED(CONFIG_ON))
		rmp_make_shared(3, 0); /*! finding always */
	else
		rmp_make_shared(4, 0);
	if (!IS_ENABLED(CONFIG_ON))
		rmp_make_shared(5, 0);
	if (!IS_ENABLED(CONFIG_ELSE))
		rmp_make_shared(6, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`,
    { symbols: { CONFIG_OFF: 'n', CONFIG_ON: 'y' } },
  ));
