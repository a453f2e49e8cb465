/** Flags that a callee is given, asks and then changes: what they were at entry counts for the caller. */
import { test } from 'vitest';
import { expectC } from '../support/c-program.ts';

test('give resets the flag', () =>
  expectC(`
struct lens_state { struct kvm *kvm; bool locked; };
static void take(struct lens_state *s)
{
	write_lock(&s->kvm->mmu_lock);
	s->locked = true;
}
static void give(struct lens_state *s)
{
	if (s->locked)
		write_unlock(&s->kvm->mmu_lock);
	s->locked = false;
}
void convert(struct kvm *kvm)
{
	struct lens_state s = { .kvm = kvm };

	take(&s);
	rmp_make_shared(1, 0); /*! finding always */
	give(&s);
	rmp_make_shared(2, 0);
}
`));
