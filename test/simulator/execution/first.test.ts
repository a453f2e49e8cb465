import { expect, test } from 'vitest';
import { runC } from './machine-support.ts';

test('adds', () => {
  expect(runC('int f(int a) { return a + 1; }', 'f', 41n)).toBe(42n);
});
test('loops', () => {
  expect(
    runC(
      `
typedef unsigned long long u64;
struct p { int a; u64 b; char c[3]; struct p *next; };
static u64 sum(struct p *p) { u64 s = 0; for (; p; p = p->next) s += p->a * p->b; return s; }
#define max(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
u64 f(int n) {
	struct p q = { .a = 3, .b = 1ull << 40 }, r = { 5, 7, "ab", &q };
	u64 acc = 0;
	int i;
	for (i = 0; i < n; i++) {
		if (i % 3 == 0) continue;
		switch (i & 3) { case 1: acc += i; break; case 2: acc ^= 0x100000000; default: acc *= 3; }
	}
	return acc + sum(&r) + max(i, 1000) + fib(10) + sizeof(struct p);
}`,
      'f',
      20n,
    ),
  ).toBeDefined();
});
