/** `rmp-in-attribute-change` (mail row A3) and `free-without-rmp-reset` (row A2). */
import { describe, test } from 'vitest';
import { expectC } from '../support/c-program.ts';

describe('rmp-in-attribute-change', () => {
  const check = (source: string) => expectC(source, { rules: ['rmp-in-attribute-change'] });

  test('in the change, behind a handler, behind an ops table', () =>
    check(`
struct range { bool (*handler)(struct kvm *kvm, struct range *range); };
struct arch_ops { void (*set)(struct kvm *kvm); };

static void sev_set(struct kvm *kvm)
{
	psmash(3); /*! finding always */
}

static struct arch_ops ops = { .set = sev_set };

static bool kvm_arch_post_set_memory_attributes(struct kvm *kvm, struct range *range)
{
	rmp_make_shared(2, 0); /*! finding always */
	ops.set(kvm);
	return false;
}

static int kvm_vm_set_mem_attributes(struct kvm *kvm)
{
	struct range post = { .handler = kvm_arch_post_set_memory_attributes };

	rmp_make_private(1, 0, 0, 0, false); /*! finding always */
	post.handler(kvm, &post);
	return 0;
}
`));

  test('a look-up, an update where pages come and go, and one in another ioctl', () =>
    check(`
static int kvm_vm_set_mem_attributes(struct kvm *kvm)
{
	snp_lookup_rmpentry(1, NULL, NULL);
	rmp_make_shared(9, 0); /*! finding always */
	return 0;
}

int kvm_gmem_get_pfn(struct kvm *kvm)
{
	return rmp_make_private(1, 0, 0, 0, false);
}

int kvm_vm_ioctl(struct kvm *kvm, unsigned int ioctl)
{
	if (ioctl == 3)
		return psmash(1);
	return kvm_vm_set_mem_attributes(kvm);
}
`));
});

describe('free-without-rmp-reset', () => {
  const check = (source: string) => expectC(source, { rules: ['free-without-rmp-reset'] });
  const GIVES = `
int kvm_gmem_get_pfn(struct kvm *kvm, gfn_t gfn, u64 *pfn)
{
	return rmp_make_private(*pfn, gfn, 1, 7, false);
}
`;

  test('no free_folio at all', () =>
    check(`${GIVES}
static const struct address_space_operations gmem_aops = { /*! finding always */
	.dirty_folio = noop_dirty_folio,
};
`));

  test('one that forgets the hook', () =>
    check(`${GIVES}
static void gmem_free_folio(struct folio *folio) /*! finding always */
{
	count(folio);
}

static const struct address_space_operations gmem_aops = {
	.free_folio = gmem_free_folio,
};
`));

  test('a hook that does not reset anything', () =>
    check(`${GIVES}
void kvm_arch_gmem_invalidate(u64 start, u64 end)
{
	flush(start, end);
}

static void gmem_free_folio(struct folio *folio) /*! finding always */
{
	kvm_arch_gmem_invalidate(1, 2);
}

static const struct address_space_operations gmem_aops = {
	.free_folio = gmem_free_folio,
};
`));

  test('the hook is called, by a helper; another file gives nothing private', () =>
    expectC(
      {
        'virt/kvm/right.c': `${GIVES}
static void reset(struct folio *folio)
{
	kvm_arch_gmem_invalidate(1, 2);
}

static void gmem_free_folio(struct folio *folio)
{
	reset(folio);
}

static const struct address_space_operations gmem_aops = {
	.free_folio = gmem_free_folio,
};
`,
        'mm/plain.c': `
static const struct address_space_operations plain_aops = {
	.dirty_folio = noop_dirty_folio,
};
`,
        'virt/kvm/wrong.c': `
int kvm_gmem_prepare_folio(struct kvm *kvm, u64 pfn)
{
	return rmp_make_private(pfn, 0, 1, 7, false);
}

static const struct address_space_operations other_aops = { /*! finding always */
	.dirty_folio = noop_dirty_folio,
};
`,
      },
      { rules: ['free-without-rmp-reset'] },
    ));
});
