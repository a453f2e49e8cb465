/** C as kernel code writes it, a construct a program. `@` stands for the program's number. */
import type { CProgram } from './gcc.ts';

const programs: Record<string, string> = {
  'container_of, lists': `
struct list_head@ { struct list_head@ *next, *prev; };
struct item@ { int value; struct list_head@ entry; };
#define container_of@(ptr, type, member) ({ \\
	void *__mptr = (void *)(ptr); \\
	_Static_assert(__builtin_types_compatible_p(typeof(*(ptr)), typeof(((type *)0)->member)) || __builtin_types_compatible_p(typeof(*(ptr)), void), "pointer type mismatch"); \\
	((type *)(__mptr - __builtin_offsetof(type, member))); })
#define list_for_each_entry@(pos, head, member) \\
	for (pos = container_of@((head)->next, typeof(*pos), member); &pos->member != (head); \\
	     pos = container_of@(pos->member.next, typeof(*pos), member))
static void add@(struct list_head@ *e, struct list_head@ *head) { e->next = head->next; e->prev = head; head->next->prev = e; head->next = e; }
static void run@(void)
{
	struct list_head@ head = { &head, &head };
	struct item@ items[3] = { { 1 }, { .value = 2 }, { 3 } }, *pos;
	int i;
	for (i = 0; i < 3; i++)
		add@(&items[i].entry, &head);
	list_for_each_entry@(pos, &head, entry)
		out(pos->value);
	out((u64)((char *)&items[1].entry - (char *)items));
}`,
  'designated initialisers': `
struct in@ { int a, b; };
struct s@ { int x; struct in@ i; int arr[4]; union { long l; char c[3]; }; struct in@ more[2]; };
static struct s@ g@ = { .i.b = 7, .arr = { [1 ... 2] = 5, 9 }, .c = "ab", .more = { 1, 2, 3, 4 } };
static int grid@[][3] = { { 1 }, { [2] = 2 }, 3, 4, 5, [5][1] = 8 };
static char word@[] = "hello", *text@ = "wor" "ld", exact@[2] = "xy";
static void dump@(struct s@ *s)
{
	out(s->x); out(s->i.a); out(s->i.b);
	for (int i = 0; i < 4; i++) out(s->arr[i]);
	out(s->l); out(s->more[0].a); out(s->more[0].b); out(s->more[1].a); out(s->more[1].b);
}
static void run@(void)
{
	int n = 3;
	struct s@ s = { n, { n + 1 }, { n, [2] = n * 2 }, .l = -1, .more[1].b = 4, .more[0] = { .b = 9 } };
	struct s@ t = { .more = { [1] = { 5, 6 } }, .x = 2 };
	struct s@ u = {};
	dump@(&g@); dump@(&s); dump@(&t); dump@(&u);
	t = s;
	dump@(&t);
	out(sizeof(grid@)); out(grid@[2][0]); out(grid@[2][2]); out(grid@[5][1]); out(grid@[1][2]);
	out(sizeof(word@)); out(word@[4]); out(text@[4]); out(exact@[1]); out(sizeof(exact@));
}`,
  'compound literals': `
struct p@ { int a; long b; };
static long sum@(struct p@ p) { return p.a + p.b; }
static long through@(const struct p@ *p, int n) { long r = 0; for (int i = 0; i < n; i++) r += sum@(p[i]); return r; }
static struct p@ *kept@ = &(struct p@){ 3, 4 };
static void run@(void)
{
	int i, *arr = (int[]){ 1, 2, 3 };
	out(sum@((struct p@){ 1, 2 }));
	out(through@((struct p@[]){ { 1, 2 }, { .b = 5 } }, 2));
	out(kept@->b);
	for (i = 0; i < 3; i++) out(arr[i] + ((int[3]){ 5, i })[1]);
	struct p@ *q = &(struct p@){ .a = i };
	q->b = 8;
	out(sum@(*q));
	out(sizeof((struct p@){}));
}`,
  'structs by value': `
struct big@ { u64 a[3]; u8 tail; };
struct small@ { s16 x, y; };
static struct small@ swap@(struct small@ s) { return (struct small@){ s.y, s.x }; }
static struct big@ make@(int n) { struct big@ b = { { n, n * 2, n * 3 }, n }; return b; }
static u64 total@(struct big@ b, struct small@ s, int n) { b.a[0] = 0; return b.a[1] + b.a[2] + b.tail + s.x * 100 + s.y + n; }
static struct big@ pick@(int c, struct big@ a, struct big@ b) { return c ? a : b; }
static void run@(void)
{
	struct big@ b = make@(300);
	out(total@(b, swap@((struct small@){ -1, 2 }), 5));
	out(b.a[0]);
	out(make@(4).a[2]);
	out(swap@(swap@((struct small@){ 3, 4 })).x);
	out(pick@(0, b, make@(7)).a[1]);
	struct big@ c, d;
	c = d = make@(1);
	out(c.tail + d.a[2]);
	out((b.tail ? make@(2) : make@(3)).a[0]);
	out(({ struct big@ e = b; e.a[1]++; e; }).a[1]);
}`,
  switches: `
static int kind@(long v)
{
	switch (v) {
	case -5 ... -1: return 1;
	case 0: break;
	case 1: { int w = v; w++; case 2: return 2; }
	case 0x100000000: return 3;
	default: if (v > 50) { case 40: return 4; } return 5;
	case 7 ... 9: v = 10;
	}
	return v;
}
static int copy@(int n)
{
	int at = 0, count = (n + 3) / 4;
	switch (n % 4) {
	case 0: do { at++;
	case 3: at++;
	case 2: at++;
	case 1: at++;
		} while (--count > 0);
	}
	return at;
}
static void run@(void)
{
	long values[] = { -6, -5, -1, 0, 1, 2, 0x100000000, 0x100000001, 40, 51, 7, 9 };
	for (int i = 0; i < 12; i++) out(kind@(values[i]));
	for (int i = 1; i < 9; i++) out(copy@(i));
	u8 b = 255;
	switch (b) { case 255: out(1); break; case -1: out(2); }
	switch (1 ? 3u : -1) { case 3: out(3); }
}`,
  'goto and error paths': `
static int steps@(int fail)
{
	int r = 0;
	out(1);
	if (fail == 1) { r = -12; goto out; }
	out(2);
	if (fail == 2) { r = -22; goto undo; }
	out(3);
	{ int again = 0;
retry:
	  if (again++ < 2) goto retry;
	  out(again); }
	return 0;
undo:
	out(20);
out:
	out(10);
	return r;
}
static void run@(void) { for (int i = 0; i < 3; i++) out(steps@(i)); }`,
  cleanup: `
struct lock@ { int depth; };
static struct lock@ l@;
static void drop@(struct lock@ **p) { (*p)->depth--; out(1000 + (*p)->depth); }
static struct lock@ *take@(struct lock@ *p) { p->depth++; out(2000 + p->depth); return p; }
#define guard@(x) struct lock@ *__attribute__((cleanup(drop@))) x = take@(&l@)
#define scoped@ for (struct lock@ *s __attribute__((cleanup(drop@))) = take@(&l@), *done = 0; !done; done = (void *)8)
static int early@(int n)
{
	guard@(one);
	if (n == 1) return l@.depth * 10;
	for (int i = 0; i < 3; i++) {
		guard@(two);
		if (i == n) continue;
		if (n == 3 && i == 1) break;
		if (n == 4) goto out;
		out(i);
	}
	scoped@ { out(77); if (n == 5) return 5; }
	return l@.depth;
out:
	out(99);
	return l@.depth;
}
static void run@(void) { for (int n = 0; n < 6; n++) { out(early@(n)); out(l@.depth); } out(({ guard@(three); l@.depth; })); out(l@.depth); }`,
  'variadic functions': `
static long sum@(int n, ...)
{
	__builtin_va_list ap, copy;
	long total = 0;
	__builtin_va_start(ap, n);
	__builtin_va_copy(copy, ap);
	while (n--)
		total = total * 3 + __builtin_va_arg(ap, long);
	out(__builtin_va_arg(copy, long));
	__builtin_va_end(ap);
	return total;
}
static void mixed@(const char *format, ...)
{
	__builtin_va_list ap;
	__builtin_va_start(ap, format);
	for (; *format; format++) {
		switch (*format) {
		case 'i': out(__builtin_va_arg(ap, int)); break;
		case 'u': out(__builtin_va_arg(ap, unsigned)); break;
		case 's': out(*__builtin_va_arg(ap, char *)); break;
		default: out(__builtin_va_arg(ap, u64));
		}
	}
	__builtin_va_end(ap);
}
static void run@(void) { out(sum@(3, 1l, 2l, -3l)); out(sum@(1, 9l)); mixed@("iuslic", -1, -1, "x", 1ull << 40, (char)-3, 5l); }`,
  'macro expansion': `
#define CAT@(a, b) a##b
#define XCAT@(a, b) CAT@(a, b)
#define STR@(x) #x
#define XSTR@(x) STR@(x)
#define TEN@ 1 + 9
#define COUNT@(...) COUNT_@(__VA_ARGS__, 3, 2, 1)
#define COUNT_@(a, b, c, n, ...) n
#define LOG@(fmt, ...) log@(fmt, ##__VA_ARGS__)
#define OPT@(x, ...) f@(x __VA_OPT__(,) __VA_ARGS__)
#define NAMED@(fmt, args...) f@(fmt, args)
#define self@ (4 + self@)
#define TWICE@(x) ((x) * 2)
#define fn@(x) TWICE@(x)
#define OBJ@ fn@
#define swallow@(a) #a
static int log@(const char *s, ...) { int n = 0; while (*s) n = n * 7 + *s++; return n; }
static int f@(int a, ...) { return a + 1; }
static void run@(void)
{
	int XCAT@(v, TEN) = 5, self@x = 3;
	(void)self@x;
	out(XCAT@(v, TEN));
	out(TEN@ * 2);
	out(log@(XSTR@(TEN@)));
	out(log@(STR@( a  +  "q\\n" '\\'' )));
	out(sizeof(STR@()));
	out(COUNT@(1, 2)); out(COUNT@(x));
	out(LOG@("ab")); out(LOG@("a%d", 1));
	out(OPT@(1)); out(OPT@(1, 2)); out(NAMED@(4, 5, 6));
	out(OBJ@(fn@(3)));
	out(TWICE@(TWICE@(TWICE@(1))));
	out(XCAT@(0x, ff));
	out(CAT@(, 7) CAT@(,) );
	out(sizeof(swallow@((a , b))));
#if defined(TEN@) && 2 > 1
	out(11);
#elif 1
	out(12);
#else
	out(13);
#endif
#define INSIDE@ 21
	out(INSIDE@);
#undef INSIDE@
#ifdef INSIDE@
	out(INSIDE@);
#endif
}`,
  builtins: `
static int twice@(int *n) { return *n *= 2; }
static void run@(void)
{
	u64 a = 0x00f0000000000100, sum64; u32 b = 0x10, sum32; int i, si; u8 c; s8 d;
	volatile u64 zero = 0;
	out(__builtin_ffs(b)); out(__builtin_ffsll(a)); out(__builtin_ffsll(zero)); out(__builtin_ctzll(a)); out(__builtin_clzll(a)); out(__builtin_clz(b));
	out(__builtin_popcountll(a)); out(__builtin_popcount(b)); out(__builtin_parityl(a));
	out(__builtin_bswap64(a)); out(__builtin_bswap32(b)); out(__builtin_bswap16(b));
	out(__builtin_add_overflow(b, -1, &sum32)); out(sum32);
	out(__builtin_add_overflow(a, ~0ull, &sum64)); out(sum64);
	out(__builtin_sub_overflow(1u, 2u, &i)); out(i);
	out(__builtin_mul_overflow(a, 4096, &sum64)); out(sum64);
	out(__builtin_mul_overflow(-3, 5u, &si)); out(si);
	out(__builtin_add_overflow(250, 5, &c)); out(c); out(__builtin_add_overflow(250, 6, &c)); out(c);
	out(__builtin_sub_overflow(-100, 28, &d)); out(d); out(__builtin_sub_overflow(-100, 29, &d)); out((u64)d);
	out(__builtin_constant_p(5 + 3)); out(__builtin_constant_p(zero)); out(__builtin_constant_p("x"));
	out(__builtin_choose_expr(1, 5, (void)0)); out(sizeof(__builtin_choose_expr(0, 1, 1ll)));
	out(__builtin_types_compatible_p(int, s32)); out(__builtin_types_compatible_p(int *, unsigned *)); out(__builtin_types_compatible_p(char, s8));
	out(__builtin_expect(!!b, 1)); out(sizeof(__builtin_expect(b, 1)));
	out(__builtin_object_size(&b, 0) != 0);
	char buf[16], other[16];
	__builtin_memset(buf, 'x', sizeof(buf)); __builtin_memcpy(other, "hello", 6); buf[15] = 0;
	out(__builtin_strlen(buf)); out(__builtin_strlen(other)); out(__builtin_strcmp(buf, other) > 0); out(__builtin_memcmp(other, "help", 4) < 0);
	__builtin_memmove(buf + 1, buf, 5); out(__builtin_strncmp(buf, "xxxyy", 3)); out(*(u32 *)buf);
	out(_Generic(b, int: 1, u32: 2, default: 3)); out(_Generic((char)1, int: 1, default: 3)); out(_Generic(&b, u32 *: twice@, default: 0)(&si));
	out(sizeof(int[__builtin_offsetof(struct { char a; long b[4]; }, b[2])]));
}`,
  'kernel helpers': `
#define __is_constexpr@(x) (sizeof(int) == sizeof(*(8 ? ((void *)((long)(x) * 0l)) : (int *)8)))
#define BIT_ULL@(n) (1ULL << (n))
#define GENMASK_ULL@(h, l) (((~0ULL) - (1ULL << (l)) + 1) & (~0ULL >> (63 - (h))))
#define ALIGN@(x, a) (((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define IS_ERR_VALUE@(x) ((unsigned long)(void *)(x) >= (unsigned long)-4095)
#define min_t@(type, x, y) ({ type __x = (x); type __y = (y); __x < __y ? __x : __y; })
#define swap@(a, b) do { typeof(a) __tmp = (a); (a) = (b); (b) = __tmp; } while (0)
#define ARRAY_SIZE@(arr) (sizeof(arr) / sizeof((arr)[0]) + sizeof(struct { int : (-!!(__builtin_types_compatible_p(typeof(arr), typeof(&(arr)[0])))); }))
#define READ_ONCE@(x) (*(const volatile typeof(x) *)&(x))
#define do_div@(n, base) ({ u32 __base = (base); u32 __rem = ((u64)(n)) % __base; (n) = ((u64)(n)) / __base; __rem; })
static void run@(void)
{
	u64 n = 0x123456789abcdefull, pfn = 0x12345;
	int v = 3, w = 4, arr[5];
	void *err = (void *)(long)-12;
	out(__is_constexpr@(5)); out(__is_constexpr@(v)); out(__is_constexpr@(sizeof(v)));
	out(BIT_ULL@(40)); out(GENMASK_ULL@(51, 12)); out(ALIGN@(pfn, 0x1000)); out(ALIGN@(v, 8));
	out(IS_ERR_VALUE@(err)); out((long)err); out(IS_ERR_VALUE@(&v));
	out(min_t@(u8, 300, 45)); swap@(v, w); out(v * 10 + w); out(ARRAY_SIZE@(arr));
	out(READ_ONCE@(n)); out(do_div@(n, 1000)); out(n);
	out((u32)(n >> 32)); out((s32)n); out(n & ~0xfffu); out(-1 < 1u); out((u16)-1 < 1); out((s64)-1 < 1u); out(-1l < 1ul);
	out((1ull << 63) / 3); out(-7 / 2); out(-7 % 3); out((u64)-7 / 2); out((s64)0x8000000000000000ull >> 3); out((u64)-1 * (u64)-1);
	out((u64)(s8)0x80); out((u8)(s8)-1); out((bool)0x100); out((bool)(void *)8); out(!n); out(!!n); out('\\x80' < 0); out(~0u); out(~0ul); out(-(u8)1);
	out(0x7fffffff + 1 < 0); out(5 ?: v); out(0 ?: v); out((v++, v)); out(sizeof(1 ? (s8)1 : (s16)2)); out(sizeof('a')); out(sizeof("abc"));
}`,
  pointers: `
static int cells@[4][3];
static int add@(int a, int b) { return a + b; }
static int sub@(int a, int b) { return a - b; }
typedef int (*op@)(int, int);
static op@ choose@(int c) { return c ? add@ : &sub@; }
static int (*chooser@(int c))(int, int) { return c ? sub@ : add@; }
struct ops@ { op@ call; int (*nested)(op@, int); };
static int apply@(op@ f, int n) { return (**f)(n, 1); }
static const struct ops@ ops@ = { .call = sub@, .nested = apply@ };
static void run@(void)
{
	int i, (*row)[3] = cells@, *p = &cells@[1][1];
	for (i = 0; i < 12; i++) ((int *)cells@)[i] = i * i;
	out(row[2][1]); out(*(*(row + 1) + 2)); out(p[-1]); out(2[p]); out(&cells@[3][2] - p); out((long)&row[1] - (long)row);
	out(*p++); out(*++p); out((*p)--); out(*p); out(p > &cells@[0][0]); p += 3; out(*p); p -= 1; out(*p); out(!p);
	out(choose@(1)(5, 6)); out(choose@(0)(5, 6)); out(chooser@(1)(9, 2)); out(ops@.nested(ops@.call, 10)); out((&ops@)->call(1, 2)); out(ops@.call == sub@);
	char *s = "abcdef", *e = s + 6; out(e - s); out(*--e); void *v = s; v += 2; out(*(char *)v);
	int **pp = &p; (*pp)++; out(**pp); out(sizeof(cells@)); out(sizeof(*row)); out(sizeof(row[0][0])); out(sizeof(p));
	struct { struct ops@ *o; int n[2]; } holder = { (struct ops@ *)&ops@, { 7, 8 } }; out(holder.o->call(holder.n[1], holder.n[0]));
	u64 word = 0x1122334455667788; u8 *bytes = (u8 *)&word; out(bytes[0]); out(*(u16 *)(bytes + 3)); *(u32 *)(bytes + 1) = 0; out(word);
	p = 0; out((u64)&((struct ops@ *)p)->nested);
}`,
  'bit-fields and unions': `
union role@ { u32 word; struct { unsigned level : 4; unsigned quad : 1; unsigned : 3; unsigned direct : 1; int sign : 5; bool flag : 1; u8 rest; }; };
struct wide@ { u64 low : 12; u64 pfn : 40; s64 high : 12; };
static union role@ bump@(union role@ r) { r.level++; r.sign -= 3; return r; }
static void run@(void)
{
	union role@ r = { .level = 15, .direct = 1, .flag = 5, .rest = 0x1ff };
	out(r.word); r = bump@(r); out(r.word); out(r.sign); r.sign = 15; out(++r.sign); out(r.sign--); out(r.quad = 3); out(r.level += 17); out(r.word);
	struct wide@ w = { .pfn = 0xffffffffffull, .high = -1 };
	out((u64)w.pfn << 12); out(w.high); out((u64)w.pfn >> 4); out(w.low); w.pfn = 0x123; w.low = -1; w.high = 0x7ff; out(*(u64 *)&w); out(w.pfn == 0x123); out(w.high < 0); out(sizeof(w)); out(w.pfn & 0xff); out(w.high >> 2);
	r.word = 0; r.flag = 2; out(r.flag); r.flag = 0; out(r.word); r.level = -1; out(r.level > 0 ? -1 < r.level : 5); out(r.level - 16 < 0);
	struct { int a : 3; unsigned b : 3; } t = { 7, 7 }; out(t.a); out(t.b); out(t.a < 0); out(-t.b); out(~t.b); t.a = t.b = 2; out(t.a + t.b); t.b |= 5; t.b ^= 1; t.b <<= 1; out(t.b);
	out(-(1, t.b) < 5); out(-(t.b = 3) < 1); out(~t.b++ < 0); out(-(t.b += 1) < 2);
}`,
  'loops and statics': `
static int next@(void) { static int n = 5; static const char *names[] = { "a", "bc" }; n += 3; return n + names[1][n & 1]; }
static u64 collatz@(u64 n) { u64 steps = 0; while (n != 1) { n = n & 1 ? 3 * n + 1 : n / 2; steps++; } return steps; }
static int ack@(int m, int n) { return m == 0 ? n + 1 : n == 0 ? ack@(m - 1, 1) : ack@(m - 1, ack@(m, n - 1)); }
static int even@(int n);
static int odd@(int n) { return n ? even@(n - 1) : 0; }
static int even@(int n) { return n ? odd@(n - 1) : 1; }
static void run@(void)
{
	static struct { void *self; int n[2]; } own = { &own, { 3, sizeof(own) } }; out(own.self == &own); out(own.n[1]);
	static int open[] = { 1, 2, 3 }; out(sizeof(open));
	out(next@()); out(next@()); out(collatz@(27)); out(ack@(2, 3)); out(even@(11)); out(odd@(7));
	int i, j, k = 0;
	for (i = 0, j = 10; i < j; i++, --j) { if (i == 2) continue; k += i * j; do { if (k % 7 == 0) break; k++; } while (k % 5); }
	out(k); out(i); for (;;) { if (k++ > 60) break; } out(k); while (1) { if (--k < 10) goto end; }
end:
	out(k);
	for (u8 u = 250; u; u++) k += u; out(k);
	{ int k = 4; { int k = 5; out(k); } out(k); }
	out(({ int s = 0; for (int q = 0; q < 5; q++) { if (q == 3) continue; s += q; } s; }));
	out(next@() * 2 + 1); out(ack@(1, ack@(1, 1)) ? collatz@(next@() > 0) : 9); int m = next@() > 0 && next@() > 0 || next@(); out(m); out(next@());
}`,
  'types in expressions': `
enum e@ { A@, B@ = -3, C@ };
enum big@ { H@ = 0xffffffff };
typedef struct { u8 a; u32 b; } pair@;
typedef typeof(((pair@ *)0)->b) inner@;
static typeof(int (*)(void)) none@;
static __auto_type seven@ = 7ull;
static void run@(void)
{
	__auto_type x = (u8)200; typeof(x) y = 100; const volatile typeof(x + y) z = x + y; enum e@ e = C@; enum big@ h = H@;
	out(sizeof(x)); out(x + y); out((u8)(x + y)); out(z); out(sizeof(z)); out(e); out(sizeof(e)); out(h); out(e < 0); out(h > 0); out(sizeof(inner@)); out(none@ == 0); out(sizeof(seven@));
	typedef long local; local l = -1; { struct local { int a, b; } q = { 1, 2 }; enum { IN = 6 }; out(q.b + IN); out(sizeof(struct local)); } out(l);
	unsigned char uc = 255; signed char sc = -1; out(uc == sc); out(uc + 1); uc++; out(uc); sc = 127; sc++; out(sc); short sh = 0x12345; out(sh); unsigned short us = -1; out(us); out(us << 16); out((long)us << 16); us >>= 3; out(us); sh = -5; sh /= 2; out(sh); sh %= 2; out(sh); uc = 7; uc *= 100; out(uc); uc -= 900u; out(uc); l = 5; l <<= 40; out(l); l |= 1u << 31; out(l); l = 1 << 31; out(l); u32 u = 1u << 31; out(u >> 31); out((int)u >> 31); out((u64)(int)u); out(u * 2); out(u + u + 1ull); x = y ? x : -1; out(x); out(1 ? -1 : 0u); out((1 ? -1 : 0ull) > 0); bool b = 4; b += 3; out(b); b--; out(b); b |= 8; out(b); out(-2147483648); out(4294967295); out(0x80000000 + 0x80000000); out(2147483647 + 1u); out(1 - 2u > 0); out(077); out(0b101); out('ab' > 0);
}`,
};

export const handwritten: CProgram[] = Object.entries(programs).map(([name, text]) => ({
  name,
  text,
  entry: 'run@',
}));
