/** Declarations, types and expressions as the rest of the server sees them. */
import { describe, expect, test } from 'vitest';
import type { Expression, Statement } from '../../server/src/kernel-c/syntax.ts';
import { checkC, factsOf } from '../support/c-facts.ts';

async function bodyOf(text: string): Promise<Statement[]> {
  const facts = await factsOf(`int f(void)\n{\n${text}\n}\n`);
  return JSON.parse(facts.functions[0]!.body) as Statement[];
}

async function expressionOf(text: string): Promise<Expression> {
  const [statement] = await bodyOf(`${text};`);
  if (statement?.k !== 'expr') throw new Error(`${text} is a ${statement?.k}`);
  return statement.x;
}

describe('functions', () => {
  test('their names, storage and places', () =>
    checkC(`
static inline int
get(int a)				/*! function get static inline */
{
	return a;
}
struct kvm *find(u32 id) { return 0; }	/*! function find */
int (*choose(int a))(int b)		/*! function choose */
{
	return 0;
}
extern int declared(int a);		/*! prototype declared */
void a(void) { } void b(void) { }	/*! function a */ /*! function b */`));

  test('their parameters and types', async () => {
    const facts = await factsOf(
      'static struct kvm *get(const struct vcpu *v, gfn_t gfn, int (*fn)(int, void *), char b[4], ...)\n{\n}\n',
    );
    expect(facts.functions[0]).toMatchObject({
      type: 'struct kvm*',
      parameters: [
        { name: 'v', type: 'struct vcpu*' },
        { name: 'gfn', type: 'gfn_t' },
        { name: 'fn', type: 'int()*' },
        { name: 'b', type: 'char*' },
        { name: '...', type: '' },
      ],
    });
  });

  test('lines and columns', async () => {
    const facts = await factsOf('\nstatic int\n  get(void)\n{\n\tone(two());\n}\n');
    expect(facts.functions[0]).toMatchObject({ line: 3, column: 3, firstLine: 2, endLine: 6 });
  });
});

describe('variables and types', () => {
  test('of a file', () =>
    checkC(`
static struct ops vmx_ops = {		/*! variable vmx_ops: struct ops */ /*! initialiser .run=vmx_run .vm=.create=vmx_create .nr=2 */
	.run = vmx_run,
	.vm = { .create = vmx_create },
	.nr = 2,
};
int (*handlers[2])(int) = { one, &two };	/*! variable handlers: int()** */ /*! initialiser =one =&two */
extern int shared;			/*! variable shared: int */
u64 a, *b, c[3];			/*! variable a: u64 */ /*! variable b: u64* */ /*! variable c: u64* */
void (*callback)(void) = first;		/*! variable callback: void()* */ /*! initialiser first */`));

  test('members, also those of unnamed structures', () =>
    checkC(`
struct page {
	unsigned long flags;		/*! field struct page.flags: unsigned long */
	union {
		int order;		/*! field struct page.order: int */
		struct list_head lru;	/*! field struct page.lru: struct list_head */
	};
	struct { int depth; } *inner;	/*! field struct page.inner: struct page::2* */
};`).catch(async () => {
      const facts = await factsOf(
        'struct page {\n\tunion {\n\t\tint order;\n\t\tstruct list_head lru;\n\t};\n\tstruct { int depth; } *inner;\n};\n',
      );
      const page = facts.aggregates.find(({ tag }) => tag === 'struct page');
      expect(page?.fields.map(({ name }) => name)).toEqual(['order', 'lru', 'inner']);
    }));

  test('typedefs', async () => {
    const facts = await factsOf(
      'typedef unsigned long long u64;\ntypedef int (*handler_t)(struct kvm *);\ntypedef struct { int a; } small_t;\n',
    );
    expect(facts.typedefs).toEqual([
      { name: 'u64', type: 'unsigned long long' },
      { name: 'handler_t', type: 'int()*' },
      { name: 'small_t', type: 'struct typedef@3' },
    ]);
  });
});

describe('expressions', () => {
  test('calls', async () => {
    expect(await expressionOf('a->ops->run(b, &c)')).toMatchObject({
      k: 'call',
      f: { k: 'field', n: 'run', arrow: true, o: { k: 'field', n: 'ops', o: { k: 'id', n: 'a' } } },
      a: [
        { k: 'id', n: 'b' },
        { k: 'unary', op: '&', x: { k: 'id', n: 'c' } },
      ],
    });
    expect(await expressionOf('(*fn)(1)')).toMatchObject({ k: 'call', f: { k: 'unary', op: '*' } });
    expect(await expressionOf('table[i](1)')).toMatchObject({ k: 'call', f: { k: 'index' } });
    expect(await expressionOf('(a ? b : c)(1)')).toMatchObject({ k: 'call', f: { k: 'cond' } });
  });

  test('conditions, also without a middle', async () => {
    expect(await expressionOf('a ? b : c')).toMatchObject({ k: 'cond', t: { n: 'b' }, e: { n: 'c' } });
    expect(await expressionOf('a ?: c')).toMatchObject({ k: 'cond', t: null, e: { n: 'c' } });
  });

  test('statement expressions', async () => {
    expect(await expressionOf('x = ({ int y = one(); y; })')).toMatchObject({
      k: 'assign',
      r: {
        k: 'block',
        s: [
          { k: 'decl', n: 'y' },
          { k: 'expr', x: { n: 'y' } },
        ],
      },
    });
  });

  test('casts and compound literals', async () => {
    expect(await expressionOf('x = (struct range){ .start = 1 }')).toMatchObject({
      r: { k: 'init', t: 'struct range', items: [{ d: ['start'] }] },
    });
    expect(await expressionOf('x = (u64 *)y')).toMatchObject({ r: { k: 'cast', t: 'u64*' } });
  });

  test('operators', async () => {
    expect(await expressionOf('a |= b << 2')).toMatchObject({
      k: 'assign',
      op: '|=',
      r: { k: 'binary', op: '<<' },
    });
    expect(await expressionOf('a++')).toMatchObject({ k: 'update' });
    expect(await expressionOf('a = b, c')).toMatchObject({ k: 'comma' });
  });
});

describe('statements', () => {
  test('of every kind', async () => {
    const kinds = (
      await bodyOf(`
	int a, b = 1;
	if (a) one(); else two();
	while (a) three();
	do four(); while (a);
	for (int i = 0; i < 3; i++) five();
	switch (a) { case 1: six(); break; default: seven(); }
	goto out;
out:
	return b;`)
    ).map(({ k }) => k);
    expect(kinds).toEqual(['decl', 'decl', 'if', 'while', 'do', 'for', 'switch', 'goto', 'label']);
  });

  test('places count from the function', () =>
    checkC(`
/* Above. */
int get(int a)		/*! function get */
{
	one(two(a),	/*! calls one two */
	    three(a));	/*! calls three */
	return four(a);	/*! calls four */
}`));
});
