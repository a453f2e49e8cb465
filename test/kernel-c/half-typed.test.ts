/** Text that somebody is typing: a mistake costs the function it stands in, and no other. */
import { describe, expect, test } from 'vitest';
import { checkC, factsOf } from '../support/c-facts.ts';

const BEFORE = `static int before(struct kvm *kvm)
{
	return one(kvm);
}

`;

const AFTER = `
static int after(struct kvm *kvm)
{
	if (kvm) {
		two(kvm);
	}
	return three(kvm);
}

#ifdef CONFIG_KVM
void later(void)
{
}
#else
static inline void later(void) { }
#endif
`;

/** The functions of a text, those of the one that is being typed left out. */
async function others(middle: string): Promise<string[]> {
  const facts = await factsOf(BEFORE + middle + AFTER);
  return facts.functions
    .filter(({ name }) => name !== 'typed')
    .map(
      ({ name, line, body }) =>
        `${name} ${name === 'before' ? line : line - middle.split('\n').length} ${body}`,
    );
}

const WHOLE = 'int typed(int a)\n{\n\tif (a) {\n\t\tfoo(a);\n\t}\n\treturn bar(a);\n}\n';

describe('the other functions are read as before', () => {
  const cases: Record<string, string> = {
    'a brace is missing': WHOLE.replace('\t}\n', ''),
    'the last brace is missing': WHOLE.replace(/}\n$/, ''),
    'the first brace is missing': WHOLE.replace('\n{', ''),
    'a brace too many': WHOLE.replace('\t}\n', '\t}\n\t}\n'),
    'a semicolon is missing': WHOLE.replace('foo(a);', 'foo(a)'),
    'a call is not finished': WHOLE.replace('foo(a);', 'foo(a,'),
    'a call is begun': WHOLE.replace('foo(a);', 'foo('),
    'a parenthesis too many': WHOLE.replace('foo(a);', 'foo(a));'),
    'a condition is begun': WHOLE.replace('foo(a);', 'if ('),
    'a loop is begun': WHOLE.replace('foo(a);', 'for (i = 0; i <'),
    'an iterator is begun': WHOLE.replace('foo(a);', 'kvm_for_each_vcpu(i, vcpu'),
    'a switch is begun': WHOLE.replace('foo(a);', 'switch (a) {\n\tcase 1'),
    'a do is begun': WHOLE.replace('foo(a);', 'do {'),
    'a member is asked for': WHOLE.replace('foo(a);', 'kvm->'),
    'a declaration is begun': WHOLE.replace('foo(a);', 'struct kvm *'),
    'an assignment is begun': WHOLE.replace('foo(a);', 'a ='),
    'a string is open': WHOLE.replace('foo(a);', 'foo("a);'),
    'a character is open': WHOLE.replace('foo(a);', "foo('a);"),
    'a comment is open': WHOLE.replace('foo(a);', '/* foo(a);'),
    'an #if is open': WHOLE.replace('\t\tfoo(a);', '#ifdef CONFIG_X\n\t\tfoo(a);'),
    'an #else alone': WHOLE.replace('\t\tfoo(a);', '#else\n\t\tfoo(a);'),
    'an #endif alone': WHOLE.replace('\t\tfoo(a);', '#endif\n\t\tfoo(a);'),
    'a macro goes on': WHOLE.replace('\t\tfoo(a);', '#define X(a) do { \\'),
    'only a head': 'static int typed(struct kvm *kvm',
    'only a word': 'static int typed',
    'a struct is open': 'struct typed {\n\tint a;\n',
    'a table is open': 'static int typed[] = {\n\t1,\n',
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    expect(await others(cases[name]!)).toEqual(
      await others('\n'.repeat(cases[name]!.split('\n').length - 1)),
    );
  });
});

test('what can be read of the function itself is read', () =>
  checkC(`
int typed(int a)	/*! function typed */
{
	foo(a);		/*! calls foo */
	if (a) {	/*! note bracket without its partner */
		bar(a);	/*! calls bar */
	return baz(a);	/*! calls baz */
}
int after(void)		/*! function after */
{
	return 0;
}`));

test('an #else in a file-wide condition stays in its function', () =>
  checkC(
    `
#ifdef CONFIG_KVM
int typed(int a)	/*! function typed */
{
	foo(a);		/*! calls foo */
#else			/*! note without its partner */
	bar(a);		/*! calls bar */
}

int after(void)		/*! function after */
{
	return 0;
}
#endif`,
    { CONFIG_KVM: 'y' },
  ));

test('a note says where', () =>
  checkC(`
int typed(int a)	/*! function typed */
{
	a = ;		/*! note syntax not understood here */
	return foo(a);	/*! calls foo */
}`));

test('tables with rows in the first column are no mistake', () =>
  checkC(`
static struct pair pairs[] = {	/*! variable pairs: struct pair* */ /*! initialiser ==a =1 ==b =2 */
{ a, 1 },
{ b, 2 },
};
int after(void)		/*! function after */
{
	return 0;
}`));
