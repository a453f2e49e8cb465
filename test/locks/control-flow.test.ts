/** What is held where, through every kind of jump. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('goto', () => {
  test('unwinding in the reverse order', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	int r = -ENOMEM;

	mutex_lock(&kvm->slots_lock);
	if (n == 1)
		goto out_slots;
	write_lock(&kvm->mmu_lock);
	if (n == 2)
		goto out_mmu;
	r = 0;
	rmp_make_shared(1, 0); /*! finding always */
out_mmu:
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
out_slots:
	rmp_make_shared(3, 0);
	mutex_unlock(&kvm->slots_lock);
	return r;
}
`));

  test('an error path that leaves with the lock held', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	if (n == 2)
		goto fail;
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(1, 0);
	return 0;
fail:
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
	return -EINVAL;
}
`));

  test('backwards, with the lock dropped on the way', () =>
    expectC(`
void convert(struct kvm *kvm)
{
again:
	rmp_make_shared(1, 0);
	write_lock(&kvm->mmu_lock);
	if (kvm->dirty) {
		write_unlock(&kvm->mmu_lock);
		goto again;
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}

void forgotten(struct kvm *kvm)
{
again:
	rmp_make_shared(1, 0); /*! finding sometimes */
	write_lock(&kvm->mmu_lock);
	if (kvm->dirty)
		goto again;
	write_unlock(&kvm->mmu_lock);
}
`));

  test('into a branch', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	if (n == 1) {
		write_lock(&kvm->mmu_lock);
		goto inside;
	}
	if (n == 2) {
		rmp_make_shared(1, 0);
		write_lock(&kvm->mmu_lock);
inside:
		rmp_make_shared(2, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(3, 0);
}
`));
});

describe('switch', () => {
  test('a lock in one case', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	switch (n) {
	case 1:
		write_lock(&kvm->mmu_lock);
		rmp_make_shared(1, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
		break;
	case 2:
		rmp_make_shared(2, 0);
		break;
	default:
		rmp_make_shared(3, 0);
	}
	rmp_make_shared(4, 0);
}
`));

  test('falling through', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	switch (n) {
	case 1:
		write_lock(&kvm->mmu_lock);
		fallthrough;
	case 2:
		rmp_make_shared(2, 0); /*! finding sometimes */
		break;
	case 3:
		rmp_make_shared(3, 0);
	}
}
`));

  test('taken and released in two switches over the same value', () =>
    expectC(`
enum how { NONE, READ, WRITE };

void convert(struct kvm *kvm, enum how how)
{
	switch (how) {
	case READ:
		read_lock(&kvm->mmu_lock);
		break;
	case WRITE:
		write_lock(&kvm->mmu_lock);
		break;
	case NONE:
		break;
	}
	if (how == NONE)
		rmp_make_shared(1, 0);
	if (how == WRITE)
		rmp_make_shared(2, 0); /*! finding always write */
	switch (how) {
	case READ:
		read_unlock(&kvm->mmu_lock);
		break;
	case WRITE:
		write_unlock(&kvm->mmu_lock);
		break;
	default:
		break;
	}
	rmp_make_shared(3, 0);
}
`));

  test('several labels at one place, a default in the middle', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	switch (n) {
	case 1:
	case 2:
		write_unlock(&kvm->mmu_lock);
		rmp_make_shared(1, 0);
		return 0;
	default:
		rmp_make_shared(2, 0); /*! finding always */
		break;
	case 3 ... 7:
		rmp_make_shared(3, 0); /*! finding always */
	}
	rmp_make_shared(4, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return 1;
}
`));

  test('every case leaves', () =>
    expectC(`
int convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	switch (n) {
	case 1:
		write_unlock(&kvm->mmu_lock);
		return 0;
	default:
		write_unlock(&kvm->mmu_lock);
		break;
	}
	rmp_make_shared(4, 0);
	return 1;
}
`));

  test('a continue inside of it belongs to the loop', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	while (n--) {
		write_lock(&kvm->mmu_lock);
		switch (n) {
		case 1:
			write_unlock(&kvm->mmu_lock);
			continue;
		case 2:
			break;
		}
		rmp_make_shared(n, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(n, 0);
}
`));
});

describe('loops', () => {
  test('continue and break past the release', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		rmp_make_shared(1, 0); /*! finding sometimes */
		write_lock(&kvm->mmu_lock);
		if (i == 3)
			continue;
		write_unlock(&kvm->mmu_lock);
	}
}

void fine(struct kvm *kvm, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		rmp_make_shared(1, 0);
		write_lock(&kvm->mmu_lock);
		if (i == 3) {
			write_unlock(&kvm->mmu_lock);
			continue;
		}
		if (i == 4)
			break;
		rmp_make_shared(2, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(3, 0); /*! finding sometimes */
}
`));

  test('do-while runs once at least', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	do {
		rmp_make_shared(1, 0); /*! finding always */
		if (n == 2)
			continue;
		touch(n);
	} while (n--);
	write_unlock(&kvm->mmu_lock);

	do {
		rmp_make_shared(2, 0);
		write_lock(&kvm->mmu_lock);
	} while (0);
	rmp_make_shared(3, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('an endless loop is left by its breaks only', () =>
    expectC(`
void convert(struct kvm *kvm)
{
	for (;;) {
		write_lock(&kvm->mmu_lock);
		if (!kvm->dirty)
			break;
		write_unlock(&kvm->mmu_lock);
		rmp_make_shared(1, 0);
	}
	rmp_make_shared(2, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}

void other(struct kvm *kvm)
{
	while (true) {
		write_lock(&kvm->mmu_lock);
		if (!kvm->dirty) {
			write_unlock(&kvm->mmu_lock);
			break;
		}
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(3, 0);
}
`));

  test('the lock is in the head', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	for (write_lock(&kvm->mmu_lock); n; n--)
		rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('an iterator macro of the tree', () =>
    expectC(`
#define for_each_slot(slot, n) \\
	for (slot = 0; slot < (n); slot++) \\
		if (is_empty(slot)) { \\
		} else

void convert(struct kvm *kvm, int n)
{
	int slot;
	bool locked = false;

	for_each_slot(slot, n) {
		if (!locked) {
			KVM_MMU_LOCK(kvm);
			locked = true;
		}
		rmp_make_shared(slot, 0); /*! finding always */
		if (slot == 7)
			break;
		if (slot == 8)
			continue;
		rmp_make_shared(slot, 1); /*! finding always */
	}
	if (locked)
		KVM_MMU_UNLOCK(kvm);
	rmp_make_shared(9, 0);
}
`));

  test('an iterator that nothing is known of', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	int slot;

	for_each_unheard_of(slot, n) {
		rmp_make_shared(1, 0);
		write_lock(&kvm->mmu_lock);
		rmp_make_shared(slot, 0); /*! finding always */
		if (slot == 4)
			break;
		write_unlock(&kvm->mmu_lock);
	}
	rmp_make_shared(2, 0); /*! finding sometimes */
}
`));
});

describe('expressions', () => {
  test('a statement expression', () =>
    expectC(`
int convert(struct kvm *kvm, u64 pfn)
{
	int r = ({
		int ret;

		write_lock(&kvm->mmu_lock);
		ret = rmp_make_shared(pfn, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
		ret;
	});

	return r ?: rmp_make_shared(pfn, 1);
}
`));

  test('a conditional expression', () =>
    expectC(`
int lock_it(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	return 1;
}

int convert(struct kvm *kvm, u64 pfn)
{
	int r = kvm->dirty ? lock_it(kvm) : rmp_make_shared(pfn, 0);

	return r ? rmp_make_shared(pfn, 1) : 0; /*! finding sometimes */
}
`));

  test('the right side of && and ||', () =>
    expectC(`
bool take(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	return true;
}

void convert(struct kvm *kvm, u64 pfn)
{
	if (kvm->dirty && take(kvm)) {
		rmp_make_shared(pfn, 1); /*! finding always */
		write_unlock(&kvm->mmu_lock);
	} else {
		rmp_make_shared(pfn, 2);
	}
	if (kvm->dirty || take(kvm))
		rmp_make_shared(pfn, 3); /*! finding sometimes */
}
`));

  test('a comma', () =>
    expectC(`
void convert(struct kvm *kvm, u64 pfn)
{
	if (write_lock(&kvm->mmu_lock), kvm->dirty)
		rmp_make_shared(pfn, 1); /*! finding always */
	write_unlock(&kvm->mmu_lock), rmp_make_shared(pfn, 2);
}
`));

  test('arguments are evaluated before the call', () =>
    expectC(`
int lock_and_count(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	return 3;
}

void convert(struct kvm *kvm)
{
	rmp_make_shared(lock_and_count(kvm), 0); /*! finding always */
}
`));
});

describe('code that is never reached', () => {
  test('after a return, a goto, an endless loop', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	if (n == 1) {
		write_unlock(&kvm->mmu_lock);
		return;
		rmp_make_shared(1, 0);
	}
	if (n == 2) {
		goto out;
		rmp_make_shared(2, 0);
	}
	if (n == 3) {
		for (;;)
			touch(n);
		rmp_make_shared(3, 0);
	}
out:
	write_unlock(&kvm->mmu_lock);
}
`));

  test('after what does not return', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	if (n == 1) {
		panic("no");
		rmp_make_shared(1, 0);
	}
	if (n == 2)
		BUG();
	else
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

  test('in a function that has nothing to do with locks itself', () =>
    expectC(`
static void helper(struct kvm *kvm, int n)
{
	if (n)
		return;
	else
		return;
	rmp_make_shared(1, 0);
}

static void other(struct kvm *kvm)
{
	if (0)
		rmp_make_shared(2, 0);
}

void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	helper(kvm, n);
	other(kvm);
	write_unlock(&kvm->mmu_lock);
}
`));

  test('a branch that a constant rules out', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
	if (0)
		rmp_make_shared(1, 0);
	if (false && n)
		rmp_make_shared(2, 0);
	if (1)
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('text that is compiled out', () =>
    expectC(
      `
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
#if 0
	rmp_make_shared(1, 0); /*! unseen */
#endif
#ifdef CONFIG_KVM_OFF
	rmp_make_shared(2, 0); /*! unseen */
#else
	rmp_make_shared(3, 0); /*! finding always */
#endif
	write_unlock(&kvm->mmu_lock);
#if 0
	write_lock(&kvm->mmu_lock);
#endif
	rmp_make_shared(4, 0);
}
`,
      { symbols: { CONFIG_KVM_OFF: 'n' } },
    ));
});

describe('branches', () => {
  test('else-if chains over one value', () =>
    expectC(`
void convert(struct kvm *kvm, int n)
{
	if (n == 1) {
		read_lock(&kvm->mmu_lock);
	} else if (n == 2) {
		write_lock(&kvm->mmu_lock);
	} else {
		rmp_make_shared(1, 0);
		return;
	}
	rmp_make_shared(2, 0); /*! finding always */
	if (n == 1)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
	rmp_make_shared(3, 0);
}
`));

  test('a switch in a switch', () =>
    expectC(`
void convert(struct kvm *kvm, int n, int m)
{
	switch (n) {
	case 1:
		write_lock(&kvm->mmu_lock);
		switch (m) {
		case 1:
			rmp_make_shared(1, 0); /*! finding always */
			break;
		default:
			write_unlock(&kvm->mmu_lock);
			return;
		}
		rmp_make_shared(2, 0); /*! finding always */
		write_unlock(&kvm->mmu_lock);
		break;
	case 2:
		rmp_make_shared(3, 0);
	}
	rmp_make_shared(4, 0);
}
`));

  test('an operation chosen by an expression', () =>
    expectC(`
void convert(struct kvm *kvm, bool shared)
{
	shared ? read_lock(&kvm->mmu_lock) : write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	shared ? read_unlock(&kvm->mmu_lock) : write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));
});
