/** `directmap-under-mmu-lock` (mail row A6): changes of the kernel's own mapping under mmu_lock. */
import { test } from 'vitest';
import { expectC } from '../support/c-program.ts';

const check = (source: string) => expectC(source, { rules: ['directmap-under-mmu-lock'] });

test('changes under the lock, and outside of it', () =>
  check(`
static void hide(u64 addr)
{
	set_memory_np(addr, 1); /*! finding sometimes read */
}

void convert(struct kvm *kvm, u64 addr)
{
	set_memory_4k(addr, 1);
	write_lock(&kvm->mmu_lock);
	set_memory_4k(addr, 1); /*! finding always write */
	set_direct_map_invalid_noflush(addr); /*! finding always write */
	write_unlock(&kvm->mmu_lock);
	read_lock(&kvm->mmu_lock);
	hide(addr); /*! leads */
	read_unlock(&kvm->mmu_lock);
	hide(addr);
}
`));

test("another struct's mmu_lock, a look at the mapping, and an RMP update, which has a rule of its own", () =>
  check(`
int rmpupdate(u64 pfn)
{
	return adjust_direct_map(pfn);
}

void convert(struct kvm *kvm, struct other_vm *other, u64 addr)
{
	write_lock(&other->mmu_lock);
	set_memory_p(addr, 1);
	write_unlock(&other->mmu_lock);
	write_lock(&kvm->mmu_lock);
	kernel_page_present(addr);
	rmpupdate(addr);
	set_memory_p(addr, 1); /*! finding always */
	write_unlock(&kvm->mmu_lock);
}
`));
