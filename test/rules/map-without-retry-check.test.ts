/** `map-without-retry-check` (mail row A8): between looking a pfn up and mapping it somebody asks whether it is still there. */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

const check = (source: string) => expectC(FAULT + source, { rules: ['map-without-retry-check'] });

const FAULT = `
struct fault { gfn_t gfn; u64 pfn; unsigned long seq; void *slot; };

static bool is_page_fault_stale(struct kvm *kvm, struct fault *fault)
{
	if (fault->pfn == 0)
		return true;
	return fault->slot && mmu_invalidate_retry_gfn(kvm, fault->seq, fault->gfn);
}

static int kvm_faultin_pfn(struct kvm *kvm, struct fault *fault)
{
	fault->seq = 1;
	if (mmu_invalidate_retry_gfn_unsafe(kvm, fault->seq, fault->gfn))
		return 1;
	return kvm_gmem_get_pfn(kvm, fault->gfn, &fault->pfn);
}

int right(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	if (r)
		return r;
	read_lock(&kvm->mmu_lock);
	r = 1;
	if (is_page_fault_stale(kvm, fault))
		goto out;
	r = kvm_tdp_mmu_map(kvm, fault);
out:
	read_unlock(&kvm->mmu_lock);
	return r;
}

int no_check(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	if (r)
		return r;
	read_lock(&kvm->mmu_lock);
	r = kvm_tdp_mmu_map(kvm, fault); /*! finding always */
	read_unlock(&kvm->mmu_lock);
	return r;
}
`;

describe('in the function that looks the pfn up', () => {
  test('checked before the lock is taken, or only by the early look', () =>
    check(`
int too_early(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	if (r || is_page_fault_stale(kvm, fault))
		return 1;
	write_lock(&kvm->mmu_lock);
	r = direct_map(kvm, fault); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return r;
}

int only_unsafe(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	write_lock(&kvm->mmu_lock);
	if (!mmu_invalidate_retry_gfn_unsafe(kvm, fault->seq, fault->gfn))
		r = direct_map(kvm, fault); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));

  test('the check of one way, and its result not looked at', () =>
    check(`
int one_way(struct kvm *kvm, struct fault *fault, bool quick)
{
	int r = kvm_faultin_pfn(kvm, fault);

	write_lock(&kvm->mmu_lock);
	if (!quick && is_page_fault_stale(kvm, fault)) {
		r = 1;
		goto out;
	}
	r = direct_map(kvm, fault); /*! finding always */
out:
	write_unlock(&kvm->mmu_lock);
	return r;
}

int ignored(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	write_lock(&kvm->mmu_lock);
	is_page_fault_stale(kvm, fault);
	r = direct_map(kvm, fault); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return r;
}

int wrong_way_round(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	write_lock(&kvm->mmu_lock);
	if (is_page_fault_stale(kvm, fault))
		r = direct_map(kvm, fault); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));

  test('checked in other words', () =>
    check(`
int in_a_variable(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);
	bool stale;

	write_lock(&kvm->mmu_lock);
	stale = is_page_fault_stale(kvm, fault);
	if (!stale)
		r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}

int directly(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_gmem_get_pfn(kvm, fault->gfn, &fault->pfn);

	write_lock(&kvm->mmu_lock);
	if (unlikely(mmu_invalidate_retry(kvm, fault->seq)))
		r = -EAGAIN;
	else
		r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}

static bool still_there(struct kvm *kvm, struct fault *fault)
{
	return !mmu_invalidate_retry_gfn(kvm, fault->seq, fault->gfn);
}

int by_the_opposite(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_gmem_get_pfn(kvm, fault->gfn, &fault->pfn);

	write_lock(&kvm->mmu_lock);
	if (still_there(kvm, fault))
		r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}

int again(struct kvm *kvm, struct fault *fault)
{
	int r;

retry:
	r = kvm_faultin_pfn(kvm, fault);
	if (r)
		return r;
	write_lock(&kvm->mmu_lock);
	if (is_page_fault_stale(kvm, fault)) {
		write_unlock(&kvm->mmu_lock);
		goto retry;
	}
	r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));

  test('the lock dropped between check and mapping', () =>
    check(`
int breathes(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	write_lock(&kvm->mmu_lock);
	if (is_page_fault_stale(kvm, fault))
		goto out;
	if (need_memory(kvm)) {
		write_unlock(&kvm->mmu_lock);
		topup(kvm);
		write_lock(&kvm->mmu_lock);
	}
	r = direct_map(kvm, fault); /*! finding always */
out:
	write_unlock(&kvm->mmu_lock);
	return r;
}

int breathes_first(struct kvm *kvm, struct fault *fault)
{
	int r = kvm_faultin_pfn(kvm, fault);

	write_lock(&kvm->mmu_lock);
	cond_resched_rwlock_write(&kvm->mmu_lock);
	if (!is_page_fault_stale(kvm, fault))
		r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}
`));

  test('a register that holds a pfn, and one that holds none', () =>
    check(`
void set_apic_page(struct kvm *kvm, gfn_t gfn)
{
	u64 pfn = gfn_to_pfn_memslot(kvm, gfn);

	vmcs_write64(GUEST_RIP, 1);
	read_lock(&kvm->mmu_lock);
	vmcs_write64(APIC_ACCESS_ADDR, pfn << 12); /*! finding always */
	read_unlock(&kvm->mmu_lock);
}
`));
});

describe('over several functions', () => {
  test('a helper that checks nothing is no check, whatever its name says', () =>
    expectC(
      `
static bool is_page_fault_stale(struct kvm *kvm, int gfn)
{
	return kvm->mode == gfn;
}

int fault(struct kvm *kvm, gfn_t gfn)
{
	int r = kvm_gmem_get_pfn(kvm, gfn, NULL);

	read_lock(&kvm->mmu_lock);
	if (!is_page_fault_stale(kvm, gfn))
		r = kvm_tdp_mmu_map(kvm, gfn); /*! finding always */
	read_unlock(&kvm->mmu_lock);
	return r;
}
`,
      { rules: ['map-without-retry-check'] },
    ));

  test('a helper that installs for its callers', () =>
    check(`
static int map_it(struct kvm *kvm, struct fault *fault)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}

static int map_with_care(struct kvm *kvm, struct fault *fault)
{
	int r = 1;

	write_lock(&kvm->mmu_lock);
	if (!is_page_fault_stale(kvm, fault))
		r = direct_map(kvm, fault);
	write_unlock(&kvm->mmu_lock);
	return r;
}

int careless(struct kvm *kvm, struct fault *fault)
{
	if (kvm_faultin_pfn(kvm, fault))
		return 1;
	return map_it(kvm, fault); /*! finding always */
}

int careful(struct kvm *kvm, struct fault *fault)
{
	if (kvm_faultin_pfn(kvm, fault))
		return 1;
	return map_with_care(kvm, fault);
}
`));

  test('nothing was looked up', () =>
    check(`
static void prefetch(struct kvm *kvm, struct fault *fault)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	direct_map(kvm, fault);
}

void move(struct kvm *kvm, struct fault *fault)
{
	write_lock(&kvm->mmu_lock);
	prefetch(kvm, fault);
	write_unlock(&kvm->mmu_lock);
}
`));
});
