/**
 * Call edges, marked in C at the line of the call: `/*! calls f g *\/` the functions it may reach (in whatever order),
 * `/*! calls f by M *\/` through that macro, `/*! calls f through s.m *\/` through that member, or `/*! calls nothing *\/`.
 */
import { describe, expect, test } from 'vitest';
import type { CallEdge } from '../../server/src/program/model.ts';
import { programOf, SNIPPET, type Sources } from '../support/c-program.ts';

const edgeText = ({ calleeName, site, slot }: CallEdge): string =>
  [calleeName, slot ? `through ${slot}` : site.macro ? `by ${site.macro}` : ''].filter(Boolean).join(' ');

/** Only lines with a mark are looked at. */
async function expectCalls(source: string | Sources): Promise<void> {
  const sources = typeof source === 'string' ? { [SNIPPET]: source } : source;
  const program = await programOf(sources);
  const edges = [...program.functions()].flatMap((node) => program.callsFrom(node));
  const expected: string[] = [];
  const actual: string[] = [];
  for (const [file, text] of Object.entries(sources))
    text.split('\n').forEach((line, index) => {
      const mark = /\/\*! calls (.*?) \*\//.exec(line)?.[1];
      if (mark === undefined) return;
      const here = edges.filter(({ caller, site }) => caller.file === file && site.line === index + 1);
      const said = [...new Set(here.map(edgeText))].sort();
      expected.push(`${file}:${index + 1}: ${mark.split(', ').sort().join(', ')}`);
      actual.push(`${file}:${index + 1}: ${said.join(', ') || 'nothing'}`);
    });
  expect(expected.length, 'the source expects nothing').toBeGreaterThan(0);
  expect(actual).toEqual(expected);
}

describe('macros', () => {
  test('a call in a macro is a call of the function that uses it', () =>
    expectCalls(`
void warn(void);
#define CHECK(x) do { if (x) warn(); } while (0)
void f(int x)
{
	CHECK(x); /*! calls warn by CHECK */
	CHECK(g(x)); /*! calls g, warn by CHECK */
}
int g(int x) { return x; }
`));

  test('what is called may be an argument, or pasted from one', () =>
    expectCalls(`
void one(void) { }
void do_two(void) { }
#define CALL(fn) fn()
#define DO(what) do_##what()
#define OUTER(what) DO(what)
void f(void)
{
	CALL(one); /*! calls one by CALL */
	DO(two); /*! calls do_two by DO */
	OUTER(two); /*! calls do_two by OUTER */
}
`));

  test('the same macro with other arguments calls others', () =>
    expectCalls(`
void a(void) { }
void b(void) { }
#define IF(x, fn) do { if (x) fn(); } while (0)
void f(int x) { IF(x, a); /*! calls a by IF */
	IF(x, b); /*! calls b by IF */
}
`));

  test('a local variable changes what a name in a macro means', () =>
    expectCalls(`
void handler(void) { }
void other(void) { }
#define HANDLE() handler()
void f(void) { HANDLE(); /*! calls handler by HANDLE */
}
void g(void)
{
	void (*handler)(void) = other;
	HANDLE(); /*! calls other by HANDLE */
}
`));

  test('a function given to a macro that hands it on', () =>
    expectCalls(`
void each(void (*fn)(int)) {
	fn(1); /*! calls first, second */
}
#define EACH(fn) each(fn)
#define NESTED(fn) EACH(fn)
void first(int i) { }
void second(int i) { }
void never(int i) { }
void f(void) { EACH(first); /*! calls each by EACH */
	NESTED(second); /*! calls each by NESTED */
}
`));

  test('a macro that puts a function into a member of what it is given', () =>
    expectCalls(`
struct work { void (*func)(struct work *); };
struct other { void (*func)(struct work *); };
#define INIT(w, f) do { (w)->func = (f); } while (0)
void shutdown(struct work *w) { }
void start(struct other *o) { }
void f(struct work *w, struct other *o)
{
	INIT(w, shutdown);
	INIT(o, start);
	w->func(w); /*! calls shutdown through work.func */
	o->func(w); /*! calls start through other.func */
}
`));

  test('a macro of another file that has its name', () =>
    expectCalls({
      'virt/kvm/a.c': `
void in_a(void) { }
#define LOG() in_a()
void f(void) { LOG(); /*! calls in_a by LOG */
}
`,
      'virt/kvm/b.c': `
void in_b(void) { }
#define LOG() in_b()
void g(void) { LOG(); /*! calls in_b by LOG */
}
`,
    }));

  test('an argument that the macro drops is not called', () =>
    expectCalls(`
int held(void) { return 1; }
#define DROP(x, cond) (x)
int f(int x) { return DROP(x, held()); /*! calls nothing */
}
`));

  test('a macro that uses itself', () =>
    expectCalls(`
void real(int x) { }
#define real(x) real(x)
void f(void) { real(1); /*! calls real by real */
}
`));
});

describe('pointers', () => {
  test('through a local variable that a member was read into', () =>
    expectCalls(`
struct ops { void (*free_folio)(int); };
struct mapping { const struct ops *a_ops; };
static void gmem_free(int folio) { }
static const struct ops gmem_ops = { .free_folio = gmem_free };
void release(struct mapping *m)
{
	void (*free_folio)(int) = m->a_ops->free_folio;
	if (free_folio)
		free_folio(1); /*! calls gmem_free through ops.free_folio */
}
`));

  test('a table written by macros: the row is where the function is named', async () => {
    const program = await programOf({
      [SNIPPET]: `
struct opcode { int flags; int (*execute)(int); };
static int em_add(int x) { return x; }
static int em_sub(int x) { return -x; }
#define I(f, e) { .flags = f, .execute = e }
#define D(f) { .flags = f }
static const struct opcode table[] = {
	D(0), I(1, em_add),
	I(2, em_sub),
};
int run(int i) { return table[i].execute(1); }
`,
    });
    const [run] = program.symbols.functionsByName.get('run')!;
    const rows = program.callsFrom(run!).map(({ calleeName, assignedAt }) => [calleeName, assignedAt?.line]);
    expect(rows).toEqual([
      ['em_add', 8],
      ['em_sub', 9],
    ]);
  });
});
