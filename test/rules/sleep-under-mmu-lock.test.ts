/** `sleep-under-mmu-lock` (mail rows A6, A7): what may sleep, and what only looks like it. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

const check = (source: string) => expectC(source, { rules: ['sleep-under-mmu-lock'] });

describe('calls that may sleep', () => {
  test('whatever their arguments', () =>
    check(`
void convert(struct kvm *kvm, void *to, void *from)
{
	might_sleep();
	write_lock(&kvm->mmu_lock);
	might_sleep(); /*! finding always write */
	mutex_lock(&kvm->slots_lock); /*! finding always */
	mutex_unlock(&kvm->slots_lock);
	if (copy_from_user(to, from, 8)) /*! finding always */
		goto out;
	synchronize_srcu(&kvm->srcu); /*! finding always */
	wait_event(kvm->wait, kvm->dirty); /*! finding always */
	vm_unmap_aliases(); /*! finding always */
out:
	write_unlock(&kvm->mmu_lock);
	msleep(1);
}
`));

  test('user memory without its checks, waits of every kind, memory by other names', () =>
    check(`
static int read_guest(void *to, const void *from)
{
	if (__copy_from_user(to, from, 8)) /*! finding always */
		return -EFAULT;
	return __copy_from_user_inatomic(to, from, 8);
}

void convert(struct kvm *kvm, void *to, void *from)
{
	write_lock(&kvm->mmu_lock);
	read_guest(to, from); /*! leads */
	wait_event_idle(kvm->wait, kvm->dirty); /*! finding always */
	kvfree(to); /*! finding always */
	kvmemdup(from, 8, GFP_KERNEL); /*! finding always */
	kvmemdup(from, 8, GFP_ATOMIC);
	kmem_cache_destroy(kvm->cache); /*! finding always */
	queue_work(kvm->queue, kvm->work);
	write_unlock(&kvm->mmu_lock);
	kvfree(from);
}
`));

  test('under read_lock, by a guard, in a helper', () =>
    check(`
static void settle(struct kvm *kvm)
{
	cond_resched(); /*! finding always read */
}

void convert(struct kvm *kvm)
{
	guard(read_lock)(&kvm->mmu_lock); /*! taken */
	settle(kvm); /*! leads */
	{
		guard(mutex)(&kvm->slots_lock); /*! finding always read */
		touch(kvm);
	}
}
`));

  test('a yield that drops the lock is none, one that does not is', () =>
    check(`
void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	cond_resched_rwlock_write(&kvm->mmu_lock);
	spin_lock(&kvm->arch.tdp_mmu_pages_lock);
	cond_resched(); /*! finding always */
	spin_unlock(&kvm->arch.tdp_mmu_pages_lock);
	write_unlock(&kvm->mmu_lock);
	cond_resched();
}
`));

  test('a trylock, an unlock, an assertion are none', () =>
    check(`
void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	if (mutex_trylock(&kvm->slots_lock))
		mutex_unlock(&kvm->slots_lock);
	lockdep_assert_held(&kvm->slots_lock);
	spin_lock(&kvm->arch.tdp_mmu_pages_lock);
	spin_unlock(&kvm->arch.tdp_mmu_pages_lock);
	write_unlock(&kvm->mmu_lock);
	mutex_lock(&kvm->slots_lock);
	if (!write_trylock(&kvm->mmu_lock))
		msleep(1);
	else
		write_unlock(&kvm->mmu_lock);
	mutex_unlock(&kvm->slots_lock);
}

void first(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	msleep(1); /*! finding always read */
	read_unlock(&kvm->mmu_lock);
}
`));
});

describe('allocations', () => {
  test('by their flags, as they are written', () =>
    check(`
#define OWN_FLAGS (GFP_KERNEL | __GFP_ZERO)
#define OWN_ATOMIC (GFP_ATOMIC | __GFP_ZERO)

void convert(struct kvm *kvm, int n)
{
	gfp_t chosen = GFP_KERNEL;
	gfp_t either = n ? GFP_KERNEL : GFP_ATOMIC;
	gfp_t changed = GFP_ATOMIC;

	kmalloc(n, GFP_KERNEL);
	write_lock(&kvm->mmu_lock);
	kmalloc(n, GFP_KERNEL); /*! finding always */
	kmalloc(n, GFP_KERNEL_ACCOUNT | __GFP_NOWARN); /*! finding always */
	kmalloc(n, __GFP_DIRECT_RECLAIM); /*! finding always */
	kmalloc(n, OWN_FLAGS); /*! finding always */
	kmalloc(n, chosen); /*! finding always */
	kmalloc(n, GFP_ATOMIC);
	kmalloc(n, GFP_NOWAIT | __GFP_ZERO);
	kmalloc(n, GFP_KERNEL & ~__GFP_DIRECT_RECLAIM);
	kmalloc(n, OWN_ATOMIC);
	kmalloc(n, either);
	changed |= n;
	kmalloc(n, changed);
	kmalloc(n, kvm->mode);
	xa_reserve(kvm, n, GFP_KERNEL); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));

  test('by flags that callers hand down', () =>
    check(`
static void *inner(int n, gfp_t gfp)
{
	return kmalloc(n, gfp);
}

static void *outer(gfp_t flags)
{
	return inner(8, flags | __GFP_ZERO);
}

static void *zeroed(int n)
{
	return inner(n, GFP_KERNEL); /*! finding sometimes */
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*! taken */
	outer(GFP_ATOMIC);
	outer(GFP_KERNEL); /*! finding always */
	inner(3, GFP_NOWAIT);
	zeroed(4); /*! leads */
	write_unlock(&kvm->mmu_lock);
	outer(GFP_KERNEL);
	zeroed(5);
}
`));
});

test('RMP and directmap changes are left to their own rules', () =>
  check(`
static void change_page_attr_set_clr(int n)
{
	might_sleep();
}

void rmp_make_shared(u64 pfn, int level)
{
	change_page_attr_set_clr(1);
}

void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0);
	msleep(1); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));
