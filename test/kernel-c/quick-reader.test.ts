import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationOf } from '../../server/src/kernel-c/conditions.ts';
import type { Expression, Statement } from '../../server/src/kernel-c/syntax.ts';
import { readTwice, withoutGuesses } from '../support/two-readers.ts';

const configuration = configurationOf({}, false, 'test');

const kernels = join(import.meta.dirname, '..', '..', 'server', 'kernels');
const sources = readdirSync(kernels, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[ch]$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(kernels, path), 'utf8') }));

test.each(sources)('$path is read as tree-sitter reads it', ({ text }) => {
  const { quick, tree, left } = readTwice(text, configuration);
  // Names that the grammar has as keywords are declared nowhere else.
  expect(left.filter((item) => !/^typedef [^{]* (bool|s?size_t);$/.test(item))).toEqual([]);
  const bodies = (found: typeof quick) => found.functions.map((fn) => [fn.name, withoutGuesses(fn.body)]);
  // In order: branches of an #ifdef may define one name twice.
  const expected = bodies(tree);
  expect(bodies(quick).filter(([, body], index) => body !== expected[index]?.[1])).toEqual([]);
  const heads = ({ functions, ...others }: typeof quick) => ({
    ...others,
    functions: functions.map(({ body: _body, ...head }) => head),
  });
  expect(heads(quick)).toEqual(heads(tree));
});

/** An expression as C, with all its parentheses. */
function shown(node: Expression): string {
  switch (node.k) {
    case 'id':
      return node.n;
    case 'num':
      return node.v;
    case 'str':
      return '""';
    case 'call':
      return `${shown(node.f)}(${node.a.map(shown).join(', ')})`;
    case 'field':
      return `${shown(node.o)}${node.arrow ? '->' : '.'}${node.n}`;
    case 'index':
      return `${shown(node.o)}[${shown(node.i)}]`;
    case 'unary':
      return `${node.op}(${shown(node.x)})`;
    case 'update':
      return `update(${shown(node.x)})`;
    case 'binary':
    case 'assign':
      return `(${shown(node.l)} ${node.op} ${shown(node.r)})`;
    case 'cond':
      return `(${shown(node.c)} ? ${node.t ? shown(node.t) : ''} : ${shown(node.e)})`;
    case 'cast':
      return `cast<${node.t}>(${shown(node.x)})`;
    case 'comma':
      return `(${shown(node.l)}, ${shown(node.r)})`;
    case 'type':
      return `type<${node.t}>`;
    case 'init':
      return `${node.t ?? ''}{${node.items.map((item) => `${item.d ? `${item.d.join('.')}=` : ''}${shown(item.x)}`).join(', ')}}`;
    default:
      return node.k;
  }
}

/** The expressions of a function with these statements, and whether the quick reader read it. */
function readBody(statements: string): { expressions: string[]; isQuick: boolean; agree: boolean } {
  const { quick, tree, left } = readTwice(`int f(void)\n{\n\t${statements}\n}\n`, configuration);
  const body = JSON.parse(quick.functions[0]!.body) as Statement[];
  const expressions = body.map((statement) =>
    statement.k === 'expr'
      ? shown(statement.x)
      : statement.k === 'decl'
        ? `${statement.n}: ${statement.t}${statement.i ? ` = ${shown(statement.i)}` : ''}`
        : statement.k,
  );
  return {
    expressions,
    isQuick: left.length === 0,
    agree: quick.functions[0]!.body === tree.functions[0]!.body,
  };
}

describe('both readers agree', () => {
  test.each([
    [
      'x = a || b && c | d ^ e & f == g < h << i + j * k;',
      '(x = (a || (b && (c | (d ^ (e & (f == (g < (h << (i + (j * k)))))))))))',
    ],
    ['x = a - b - c;', '(x = ((a - b) - c))'],
    ['x = y = z;', '(x = (y = z))'],
    ['x = a ? b : c ? d : e;', '(x = (a ? b : (c ? d : e)))'],
    ['x = a ?: b;', '(x = (a ?  : b))'],
    ['x = a, y = b;', '((x = a), (y = b))'],
    ['*a->b++ = -1;', '(*(update(a->b)) = -1)'],
    ['x = a -1;', '(x = (a - 1))'],
    ['x = - 1;', '(x = -(1))'],
    ['x = a[i]->b.c(d, e)(f);', '(x = a[i]->b.c(d, e)(f))'],
    ['x = (struct s *)a->b + c;', '(x = (cast<struct s*>(a->b) + c))'],
    ['x = (a *)b->c;', '(x = cast<a*>(b->c))'],
    ['x = (u8)a & b;', '(x = (cast<u8>(a) & b))'],
    ['x = (a)(b) + c;', '(x = (a(b) + c))'],
    ['x = (a) - b;', '(x = (a - b))'],
    ['x = sizeof(struct s) * 3 + sizeof a->b;', '(x = ((sizeof * 3) + sizeof))'],
    ['x = offsetof(struct s, b);', '(x = sizeof)'],
    ['x = (struct s){ .a = 1, [2] = { 3, 4 }, .b.c = d };', '(x = struct s{a=1, []={3, 4}, b.c=d})'],
    ['x = "a" PRIx64 "b";', '(x = "")'],
    ['x = ({ y; });', '(x = block)'],
    ['a *b = c;', 'b: a* = c'],
    ['const struct s *p = &(struct s){ 1 };', 'p: struct s* = &(struct s{1})'],
    ['unsigned long x;', 'x: unsigned long'],
    ['int (*fn)(int a, void *) = g;', 'fn: int()* = g'],
    ["x = '\\n' + 0x1fUL;", "(x = ('\\n' + 0x1fUL))"],
  ])('%s', (statement, expected) => {
    expect(readBody(statement)).toEqual({ expressions: [expected], isQuick: true, agree: true });
  });
});

describe('the quick reader is right where the grammar guesses', () => {
  test.each([
    ['x = (u32)(a >> 32);', '(x = cast<u32>((a >> 32)))'],
    ['x = (gfn_t)-1;', '(x = cast<gfn_t>(-1))'],
    ['x = (u64)*p;', '(x = cast<u64>(*(p)))'],
    ['x = (a) - b * c;', '(x = (a - (b * c)))'],
    ['x = (a) & b == c;', '(x = (a & (b == c)))'],
    ['x = !n--;', '(x = !(update(n)))'],
    ['x = (f(a)) && (b) & c;', '(x = (f(a) && (b & c)))'],
    ['x = a + sizeof(void *) - 1;', '(x = ((a + sizeof) - 1))'],
  ])('%s', (statement, expected) => {
    expect(readBody(statement)).toMatchObject({ expressions: [expected], isQuick: true });
  });
});

describe('what it is not sure of it leaves', () => {
  test.each([
    'x = sizeof(a)->b;',
    'x = (a)++ + b;',
    'x = _Generic(a, int: 1);',
    'x = __extension__ a;',
    'a * b(c);',
    'ElfW(Sym) *sym;',
    'if (a) int b;',
    'x = &&label;',
    'f({ a; });',
    'out:',
    'int g(void) { return 1; }',
    'typedef int t;',
  ])('%s', (statement) => {
    expect(readBody(statement)).toMatchObject({ isQuick: false, agree: true });
  });
});

test('whatever the text is, both find their way through it', () => {
  const piece = fc.record({
    source: fc.constantFrom(...sources.map(({ text }) => text)),
    from: fc.nat(),
    length: fc.nat(3000),
    typo: fc.constantFrom(
      '',
      '{',
      '}',
      '(',
      ')',
      ';',
      '"',
      "'",
      '*',
      '->',
      '...',
      'struct',
      'case',
      '(u8)',
      '\\',
      'é',
      '\u0000',
    ),
  });
  fc.assert(
    fc.property(piece, ({ source, from, length, typo }) => {
      const start = from % source.length;
      const middle = start + (length >> 1);
      const text = `${source.slice(start, middle)}${typo}${source.slice(middle, start + length)}`;
      const { quick } = readTwice(text, configuration);
      const lines = text.split('\n').length;
      for (const fn of quick.functions) {
        expect(fn.line).toBeLessThanOrEqual(lines);
        expect(fn.endLine).toBeGreaterThanOrEqual(fn.firstLine);
        expect(Array.isArray(JSON.parse(fn.body))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
