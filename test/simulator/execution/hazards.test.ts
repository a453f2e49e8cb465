/** Wrong C stops where it goes wrong, and says why. A comment marks the line. */
import { expect, test } from 'vitest';
import { FILE, hazardIn, machineOf } from './machine-support.ts';

const HEAP = `
typedef unsigned long size_t;
void *kmalloc(size_t size, unsigned int flags);
void *kzalloc(size_t size, unsigned int flags);
void kfree(const void *object);
int unmodelled(int a);
struct s { int a, b; long c; };
`;

/** The hazard of `f`, checked to stand at the line that the comment marks. */
function hazardOf(body: string) {
  const text = HEAP + body;
  const machine = machineOf(text, {
    modelled: {
      kmalloc: (call) => call.memory.allocate(call.int(0), 16, `${call.name} ${call.place}`),
      kzalloc: (call) => {
        const address = call.memory.allocate(call.int(0), 16, `${call.name} ${call.place}`);
        call.memory.fill(
          Number(BigInt.asIntN(32, address)),
          Number(BigInt.asIntN(32, address >> 32n)),
          0,
          call.int(0),
        );
        return address;
      },
      kfree: (call) => {
        call.memory.free(call.address(0), call.place);
        return undefined;
      },
    },
  });
  const thread = machine.createThread('f', 'f', FILE, /\bf\(void\)/.test(body) ? [] : [0n]);
  const stop = machine.run(thread, { maxSteps: 100_000 });
  if (stop.k !== 'hazard') throw new Error(`ended with ${stop.k}`);
  const line = text.split('\n').findIndex((one) => one.includes('/*!')) + 1;
  expect(stop.hazard.loc?.line, stop.hazard.message).toBe(line);
  return stop.hazard;
}

test.each<[string, string, string, RegExp]>([
  [
    'null pointer',
    'null-dereference',
    'int f(struct s *p) {\n return p->b; /*!*/ }',
    /4 bytes at 0x4.*null pointer/,
  ],
  [
    'use after free',
    'use-after-free',
    'int f(void) { struct s *p = kzalloc(sizeof(*p), 0);\n kfree(p);\n return p->b; /*!*/ }',
    /at byte 4 of the 16 bytes of kzalloc in f \(virt\/kvm\/test.c:8\), freed in f \(virt\/kvm\/test.c:9\)/,
  ],
  [
    'double free',
    'use-after-free',
    'void f(void) { void *p = kzalloc(8, 0);\n kfree(p);\n kfree(p); /*!*/ }',
    /freed twice/,
  ],
  ['bad free', 'bad-free', 'void f(void) { int x;\n kfree(&x); /*!*/ }', /no allocated object, on a stack/],
  [
    'behind an object',
    'out-of-bounds',
    'int f(void) { int *p = kzalloc(8, 0);\n p[1] = 1;\n p[2] = 1; /*!*/ return 0; }',
    /write of 4 bytes.*0 bytes behind the 8 bytes of kzalloc/,
  ],
  [
    'behind an array',
    'out-of-bounds',
    'int f(void) { int a[3] = {}, i = 3;\n a[i] = 1; /*!*/ return 0; }',
    /on a stack/,
  ],
  [
    'uninitialised heap',
    'uninitialised',
    'int f(void) { struct s *p = kmalloc(16, 0); p->a = 1;\n return p->b; /*!*/ }',
    /at byte 4 of the 16 bytes of kmalloc/,
  ],
  [
    'uninitialised variable',
    'uninitialised',
    'int f(int c) { int x; if (c) x = 1;\n return x; /*!*/ }',
    /nothing was written to/,
  ],
  [
    'a variable of a loop is new each time',
    'uninitialised',
    'int f(void) { int r = 0; for (int i = 0; i < 2; i++) { int x; if (i == 0) x = 1;\n r += x; /*!*/ } return r; }',
    /nothing was written to/,
  ],
  [
    'dead frame',
    'out-of-bounds',
    'static int *g(void) { int x = 1; return &x; }\nint f(void) { int *p = g();\n return *p; /*!*/ }',
    /stack/,
  ],
  ['division by zero', 'divide-by-zero', 'int f(int a) {\n return 5 / a; /*!*/ }', /division by zero/],
  ['shift too far', 'shift', 'int f(int a) {\n return 1 << (a + 32); /*!*/ }', /by 32 of a value of 32 bits/],
  [
    'call of null',
    'null-dereference',
    'int f(int (*g)(void)) {\n return g(); /*!*/ }',
    /call of a null pointer/,
  ],
  [
    'error pointer',
    'bad-address',
    'int f(void) { struct s *p = (void *)-12L;\n return p->a; /*!*/ }',
    /error pointer/,
  ],
  [
    'endless recursion',
    'stack-overflow',
    'int f(int a) {\n return f(a + 1) + 1; /*!*/ }',
    /no room on the stack/,
  ],
  [
    'a branch on what is not modelled',
    'unknown-value',
    'int f(void) { int r = unmodelled(1) * 2 + 1;\n struct s s = { .a = r }, t = s;\n if (t.a < 0) /*!*/ return 1; return 0; }',
    /unmodelled\(\) called at virt\/kvm\/test.c:8/,
  ],
  [
    'inline assembly',
    'unsupported',
    'int f(void) { int x;\n asm volatile("rdtsc" : "=a"(x)); /*!*/ return x; }',
    /inline assembly \(rdtsc\)/,
  ],
  ['floating point', 'unsupported', 'int f(int a) {\n return a * 1.5; /*!*/ }', /floating point/],
  [
    'an unknown name',
    'unsupported',
    'int f(int a) { if (a) return 1;\n return a + nowhere; /*!*/ }',
    /unknown identifier nowhere/,
  ],
  [
    'reached what can not be',
    'unreachable',
    'int f(int a) { if (a) return 1;\n __builtin_unreachable(); /*!*/ }',
    /cannot be reached/,
  ],
])('%s', (_, kind, body, message) => {
  const hazard = hazardOf(body);
  expect(hazard.message).toMatch(message);
  expect(hazard.kind).toBe(kind);
});

test('an unknown value may be copied, stored and passed on, and is named', () => {
  const machine = machineOf(
    `${HEAP}struct s g; int other(int x) { g.a = x + 1; return x & 0; }
     int f(void) { int r = unmodelled(2); other(r); unmodelled(r); g.b = 4; return g.b; }`,
  );
  const thread = machine.createThread('f', 'f', FILE);
  expect(machine.run(thread).k).toBe('ended');
  expect(thread.returned).toMatchObject({ l: 4, p: 0 });
  expect([...machine.unmodelled.values()].map(({ name, count }) => `${name} ${count}`)).toEqual([
    'unmodelled 2',
  ]);
});

test('an unknown part does not hide where a run went', () => {
  const hazard = hazardIn(
    'int unknown(void);\nint g(int *p) {\n\treturn *p;\n}\nint f(void) {\n\tint *p = (int *)8;\n\treturn g(p);\n}',
    'f',
  );
  expect(hazard.stack_.map((entry) => `${entry.function}:${entry.loc.line}`)).toEqual(['g:3', 'f:7']);
});

test('a name that a macro takes away from a dead branch does no harm', () => {
  const machine = machineOf(
    '#define IS_ENABLED(x) 0\nint f(int a) { if (IS_ENABLED(CONFIG_X)) return missing(a); return a; }',
  );
  const thread = machine.createThread('f', 'f', FILE, [3n]);
  expect(machine.run(thread).k).toBe('ended');
});
