/** Callbacks on their way: which function a pointer is depends on who called. */
import { expect, test } from 'vitest';
import { analyse, edit, expectC } from '../support/c-program.ts';

const VISITOR = `
struct visitor { int (*visit)(struct kvm *kvm, int gfn); int flags; };
`;

test('a walk calls the visitor that it was given', () =>
  expectC(`${VISITOR}
static int share(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0);
}

static int count(struct kvm *kvm, int gfn)
{
	return gfn;
}

static int walk(struct kvm *kvm, const struct visitor *v)
{
	return v->visit(kvm, 3);
}

void under(struct kvm *kvm)
{
	struct visitor v = { .visit = count };

	write_lock(&kvm->mmu_lock);
	walk(kvm, &v);
	write_unlock(&kvm->mmu_lock);
}

void without(struct kvm *kvm)
{
	struct visitor v = { .visit = share };

	walk(kvm, &v);
}
`));

test('the one that shares is told, through a struct in a struct, a local pointer and several calls', () =>
  expectC(`${VISITOR}
struct walk_data { struct kvm *kvm; const struct visitor *visitor; };

static int share(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0); /*! finding sometimes */
}

static int count(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0);
}

static int visit_one(const struct walk_data *data)
{
	const struct visitor *v = data->visitor;

	return v->visit(data->kvm, 3);
}

static int walk_all(struct walk_data *data)
{
	return visit_one(data);
}

static int walk(struct kvm *kvm, const struct visitor *v)
{
	struct walk_data data = { .kvm = kvm, .visitor = v };

	return walk_all(&data);
}

void under(struct kvm *kvm)
{
	struct visitor v = { .visit = share };

	write_lock(&kvm->mmu_lock);
	walk(kvm, &v); /*! leads */
	write_unlock(&kvm->mmu_lock);
}

void without(struct kvm *kvm)
{
	struct visitor v = { .visit = count };

	walk(kvm, &v);
}

void shared_without(struct kvm *kvm)
{
	struct visitor v = { .visit = share };

	walk(kvm, &v);
}
`));

test('a lock holder that is never given a callback does not call it', async () => {
  const analysis = await expectC(`${VISITOR}
static int share(struct kvm *kvm, int gfn) /*! entry nothing */
{
	return rmp_make_shared(gfn, 0);
}

static int count(struct kvm *kvm, int gfn) /*! entry kvm.mmu_lock write always */
{
	return gfn;
}

static int with_lock(struct kvm *kvm, const struct visitor *v)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = v->visit(kvm, 3);
	write_unlock(&kvm->mmu_lock);
	return r;
}

static int plain(struct kvm *kvm, const struct visitor *v)
{
	return v->visit(kvm, 3);
}

void a(struct kvm *kvm)
{
	struct visitor v = { .visit = count };

	with_lock(kvm, &v);
}

void b(struct kvm *kvm)
{
	struct visitor v;

	v.visit = share;
	plain(kvm, &v);
}
`);
  // Whoever asks for callers still sees both: the member holds both.
  const [share] = analysis.program.symbols.functionsByName.get('share')!;
  expect(analysis.program.callsTo(share!).map(({ caller }) => caller.name)).toEqual(['with_lock', 'plain']);
});

test('a callback by argument, a constant table, and one that is not known', () =>
  expectC(`${VISITOR}
static int share(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0); /*! finding sometimes */
}

static int other(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0);
}

static int stored(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0); /*! finding always */
}

static const struct visitor table = { .visit = share };
struct visitor *everywhere;

static int call(struct kvm *kvm, int (*fn)(struct kvm *, int))
{
	return fn(kvm, 1);
}

static int run(struct kvm *kvm, const struct visitor *v)
{
	return v->visit(kvm, 1);
}

static int run_stored(struct kvm *kvm, const struct visitor *v)
{
	return v->visit(kvm, 1);
}

void set(void)
{
	everywhere->visit = stored;
}

void under(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	run(kvm, &table); /*! leads */
	run_stored(kvm, everywhere); /*! leads */
	write_unlock(&kvm->mmu_lock);
	call(kvm, other);
}

void elsewhere(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	call(kvm, share); /*! leads */
	write_unlock(&kvm->mmu_lock);
}
`));

test('an edit that gives a walk another visitor is seen', async () => {
  const source = (visitor: string) => `${VISITOR}
static int share(struct kvm *kvm, int gfn)
{
	return rmp_make_shared(gfn, 0);
}

static int count(struct kvm *kvm, int gfn)
{
	return gfn;
}

static int walk(struct kvm *kvm, const struct visitor *v)
{
	return v->visit(kvm, 3);
}

void under(struct kvm *kvm)
{
	struct visitor one = { .visit = share };
	struct visitor two = { .visit = count };

	write_lock(&kvm->mmu_lock);
	walk(kvm, &${visitor});
	write_unlock(&kvm->mmu_lock);
	walk(kvm, &one);
}
`;
  const analysis = await analyse(source('two'));
  const said = () =>
    analysis.check(['rmp-under-mmu-lock']).filter(({ severity }) => severity !== 'info').length;
  expect(said()).toBe(0);
  await edit(analysis, source('one'));
  expect(said()).toBe(1);
  await edit(analysis, source('two'));
  expect(said()).toBe(0);
});
