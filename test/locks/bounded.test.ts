/** Functions that nobody should have written end in bounded work, and their plain parts are still understood. */
import { expect, test } from 'vitest';
import { analyse, expectC } from '../support/c-program.ts';

const repeat = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

test('ten thousand statements under the lock', () =>
  expectC(`
void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
${repeat(10_000, (i) => `\ttouch(${i});`)}
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

test('two hundred flags, each with a lock of its own', () =>
  expectC(`
${repeat(200, (i) => `struct s${i} { spinlock_t lock; };`)}
void convert(struct kvm *kvm, ${repeat(200, (i) => `struct s${i} *p${i}, bool f${i},`).replace(/\n/g, ' ')} int n)
{
${repeat(200, (i) => `\tif (f${i})\n\t\tspin_lock(&p${i}->lock);`)}
	write_lock(&kvm->mmu_lock);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
${repeat(200, (i) => `\tif (f${i})\n\t\tspin_unlock(&p${i}->lock);`)}
}
`));

test('a switch of a thousand cases in a loop', () =>
  expectC(`
void convert(struct kvm *kvm, int n)
{
	while (n--) {
		switch (n) {
${repeat(1000, (i) => `\t\tcase ${i}:\n\t\t\twrite_lock(&kvm->mmu_lock);\n\t\t\ttouch(${i});\n\t\t\twrite_unlock(&kvm->mmu_lock);\n\t\t\tbreak;`)}
		}
		rmp_make_shared(1, 0);
	}
}
`));

test('conditions nested a hundred deep', () =>
  expectC(`
void convert(struct kvm *kvm, int n)
{
	write_lock(&kvm->mmu_lock);
${repeat(100, (i) => `\tif (n == ${i}) {`)}
	rmp_make_shared(1, 0); /*! finding always */
${repeat(100, () => '\t}')}
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

test('a macro that would expand for ever, and one that doubles', () =>
  expectC(`
#define LOOP(x) LOOP2(x)
#define LOOP2(x) LOOP(x)
#define D0(x) touch(x)
${repeat(10, (i) => `#define D${i + 1}(x) do { D${i}(x); D${i}(x); } while (0)`)}
void convert(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	LOOP(1);
	D10(1);
	rmp_make_shared(1, 0); /*! finding always */
	write_unlock(&kvm->mmu_lock);
	rmp_make_shared(2, 0);
}
`));

test('a ring of a hundred functions that lock in turns', async () => {
  const analysis = await analyse(`
${repeat(
  100,
  (i) => `void f${i}(struct kvm *kvm, int n)
{
	if (n == ${i})
		write_lock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
	if (n)
		f${(i + 1) % 100}(kvm, n - 1);
}`,
)}
`);
  // What it says of nonsense is its own affair; that it comes to an end is what is asked.
  expect([...analysis.program.functions()]).toHaveLength(100);
  expect(analysis.findings).toEqual([]);
});
