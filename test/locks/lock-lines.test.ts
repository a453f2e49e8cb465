/**
 * Locks line by line. `/*= write *\/` on a line: held there for write on every way, `/*= write? *\/` on some;
 * `/*> taken *\/`: what the line does to the lock. What isn't marked must not be said.
 */
import { expect, test } from 'vitest';
import { type HeldLines, type LockEvent, LockLines, together } from '../../server/src/locks/lock-lines.ts';
import type { LockMode } from '../../server/src/locks/primitives.ts';
import { analyse, SNIPPET } from '../support/c-program.ts';

async function expectLines(source: string, locks: readonly string[] = ['kvm.mmu_lock']): Promise<void> {
  const { contexts, program } = await analyse(source);
  const lines = new LockLines(contexts);
  const text = source.split('\n');
  const expected = text.flatMap((line, index) =>
    [...line.matchAll(/\/\*([=>]) (.*?) \*\//g)].map(([, sign, said]) => `${index + 1} ${sign} ${said}`),
  );
  const actual = program.functionsIn(SNIPPET).flatMap((node) => {
    const { held, events } = lines.of(node, locks);
    return [
      ...held.flatMap(({ lock, modes, when, first, last }) =>
        Array.from({ length: last - first + 1 }, (_, offset) => {
          const name = locks.length > 1 ? `${lock} ` : '';
          return `${first + offset} = ${name}${modes.join('/')}${when === 'sometimes' ? '?' : ''}`;
        }),
      ),
      ...events.map(
        ({ line, what, modes, condition }) =>
          `${line} > ${what}${modes.length > 1 ? ` ${modes.join('/')}` : ''}${condition ? ` if ${condition}` : ''}`,
      ),
    ];
  });
  expect(actual.sort()).toEqual(expected.sort());
}

test('from the line after the acquisition to that of the release', () =>
  expectLines(`
void zap(struct kvm *kvm)
{
	prepare(kvm);
	write_lock(&kvm->mmu_lock); /*> taken */
	work(kvm); /*= write */
	/* a comment */ /*= write */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
	finish(kvm);
}
`));

test('on some ways, with a flag that tells', () =>
  expectLines(`
void zap(struct kvm *kvm, int n)
{
	bool locked = false;

	if (n) {
		read_lock(&kvm->mmu_lock); /*> taken */
		locked = true; /*= read */
	} /*= read? */
	work(kvm); /*= read? */
	if (locked) /*= read? */
		read_unlock(&kvm->mmu_lock); /*= read */ /*> released */
	finish(kvm);
}
`));

test('a function that is always entered with it is marked as a whole', () =>
  expectLines(`
static int inner(struct kvm *kvm)
{ /*= read/write */
	return work(kvm); /*= read/write */
} /*= read/write */

void one(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*> taken */
	inner(kvm); /*= write */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
}

void other(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock); /*> taken */
	inner(kvm); /*= read */
	read_unlock(&kvm->mmu_lock); /*= read */ /*> released */
}
`));

test('a function that is entered with and without it says so', () =>
  expectLines(`
static void inner(struct kvm *kvm)
{ /*= write? */
	work(kvm); /*= write? */
} /*= write? */

void one(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*> taken */
	inner(kvm); /*= write */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
	inner(kvm);
}
`));

test('an attempt says on what it hangs', () =>
  expectLines(`
int attempt(struct kvm *kvm)
{
	if (!write_trylock(&kvm->mmu_lock)) /*> taken if non-zero */
		return -EBUSY;
	work(kvm); /*= write */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
	return 0;
}
`));

test('wrappers take and release at their calls', () =>
  expectLines(`
static void lock_it(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*> taken */
} /*= write */

static bool try_it(struct kvm *kvm)
{
	if (!kvm->dirty)
		return false;
	write_lock(&kvm->mmu_lock); /*> taken */
	return true; /*= write */
}

static void unlock_it(struct kvm *kvm)
{ /*= write */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
}

void one(struct kvm *kvm)
{
	lock_it(kvm); /*> taken */
	work(kvm); /*= write */
	unlock_it(kvm); /*= write */ /*> released */
	if (try_it(kvm)) { /*> taken if non-zero */
		unlock_it(kvm); /*= write */ /*> released */
	}
}
`));

test('a lock given by pointer has the name that callers give it', () =>
  expectLines(`
static void take(rwlock_t *lock)
{
	write_lock(lock); /*> taken */
} /*= write */

void one(struct kvm *kvm)
{
	take(&kvm->mmu_lock); /*> taken */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
}
`));

test('dropped and taken again', () =>
  expectLines(`
void drop(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock); /*> taken */
	work(kvm); /*= write */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
	work(kvm);
	write_lock(&kvm->mmu_lock); /*> taken */
	write_unlock(&kvm->mmu_lock); /*= write */ /*> released */
}
`));

test('guards release where their scope ends', () =>
  expectLines(
    `
int one(struct kvm *kvm, int n)
{
	guard(mutex)(&kvm->slots_lock); /*> taken */
	if (n) /*= mutex */
		return 1; /*= mutex */ /*> released */
	work(kvm); /*= mutex */
	return 0; /*= mutex */ /*> released */
}
`,
    ['kvm.slots_lock'],
  ));

test('several locks, and none that was not asked for', () =>
  expectLines(
    `
void one(struct kvm *kvm, struct other_vm *vm)
{
	mutex_lock(&kvm->slots_lock); /*> taken */
	write_lock(&vm->mmu_lock); /*= kvm.slots_lock mutex */
	write_lock(&kvm->mmu_lock); /*= kvm.slots_lock mutex */ /*> taken */
	write_unlock(&kvm->mmu_lock); /*= kvm.slots_lock mutex */ /*= kvm.mmu_lock write */ /*> released */
	write_unlock(&vm->mmu_lock); /*= kvm.slots_lock mutex */
	mutex_unlock(&kvm->slots_lock); /*= kvm.slots_lock mutex */ /*> released */
}
`,
    ['kvm.mmu_lock', 'kvm.slots_lock'],
  ));

test('of a text that is several functions, what only some hold is held sometimes', () => {
  const held = (modes: LockMode[], first: number, last: number): HeldLines => ({
    lock: 'kvm.mmu_lock',
    modes,
    when: 'always',
    first,
    last,
  });
  const taken: LockEvent = { lock: 'kvm.mmu_lock', line: 2, what: 'taken', modes: ['write'] };
  const both = together([
    { held: [held(['write'], 3, 6)], events: [taken] },
    { held: [held(['write'], 3, 4), held(['read'], 5, 5)], events: [{ ...taken }] },
  ]);
  expect(both).toEqual({
    held: [
      held(['write'], 3, 4),
      held(['read', 'write'], 5, 5),
      { ...held(['write'], 6, 6), when: 'sometimes' },
    ],
    events: [taken],
  });
});
