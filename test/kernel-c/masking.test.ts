/** Each class of construct that the grammar doesn't know: what the parser is given instead. */
import { describe, expect, test } from 'vitest';
import { checkC } from '../support/c-facts.ts';

describe('attributes', () => {
  test('words alone, wherever they stand', () =>
    checkC(`
static __always_inline bool is_set(void __user *p)	/*! function is_set static */ /*! masked static bool is_set(void *p) */
{
	return *p;
}
int __weak hook(void)			/*! function hook weak */
{
	return 0;
}
__weak int other_hook(void)		/*! function other_hook weak */
{
	return 0;
}
void __init setup(void)			/*! function setup */
{
}`));

  test('with arguments', () =>
    checkC(`
struct area {
	char page[4096] __aligned(4096);	/*! field struct area.page: char* */
	int count;				/*! field struct area.count: int */
} __attribute__((packed));
__printf(1, 2) int log_it(const char *fmt, ...)	/*! function log_it */
{
	return 0;
}
__attribute__((weak)) int maybe(void)	/*! function maybe weak */
{
	return 0;
}`));

  test('that no table lists, told by their place', () =>
    checkC(`
extern void __fails_build("no such size")
__bad_size(void);				/*! prototype __bad_size */
SPECIAL_INLINE u64 read_it(u64 *p)		/*! function read_it */
{
	return *p;
}
struct module {
	struct layout core_layout __layout_align;	/*! field struct module.core_layout: struct layout */
	char data[] DATA_ALIGN;				/*! field struct module.data: char* */
};
void *__alloc_it(size_t size) __gives_memory __of_size(1);	/*! prototype __alloc_it */
static bool __ready __initdata = true;		/*! variable __ready: bool */`));

  test('a member or argument may have the name of one', () =>
    checkC(`
int get(struct thing *t)	/*! function get */
{
	return take(t->__init, __initdata);	/*! masked return take(t->__init, __initdata); */
}`));

  test('a variable freed at the end of its scope', async () => {
    const facts = await checkC(`
int get(void)	/*! function get */
{
	char *buffer __free(kfree) = take(1);	/*! calls take */
	return 0;
}`);
    expect(facts.functions[0]!.body).toContain('"cleanup":"kfree"');
  });
});

describe('loops and guards', () => {
  test('iterator macros', () =>
    checkC(`
void walk(struct kvm *kvm)		/*! function walk */
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm) {	/*! loop kvm_for_each_vcpu */ /*! masked while (i, vcpu, kvm) { */
		kick(vcpu);			/*! calls kick */
	}
	list_for_each_entry(vcpu, &kvm->list, node)	/*! loop list_for_each_entry */
		kick(vcpu);			/*! calls kick */
	for_each_tdp_mmu_root(kvm, root, 0)	/*! loop for_each_tdp_mmu_root */
		if (root)
			zap(root);		/*! calls zap */
}`));

  test('scoped guards', () =>
    checkC(`
void change(struct kvm *kvm)		/*! function change */
{
	scoped_guard(mutex, &kvm->lock) {	/*! loop scoped_guard */
		one();				/*! calls one */
	}
	scoped_guard(rcu)			/*! loop scoped_guard */
		two();				/*! calls two */
	guard(mutex)(&kvm->lock);		/*! calls guard(mutex) guard */
	with_lock_held() {			/*! loop with_lock_held */
		three();			/*! calls three */
	}
}`));

  test('a loop that a macro closes', () =>
    checkC(`
void walk(struct task *p)	/*! function walk */
{
	do {
		visit(p);	/*! calls visit */
	} while_each_thread(p, t);	/*! masked } while (p, t); */
	done();			/*! calls done */
}`));
});

describe('types as arguments', () => {
  test('become one word, which the reader knows again', () =>
    checkC(`
int get(struct work *w)		/*! function get */
{
	struct pit *pit = container_of(w, struct pit, expired);	/*! calls container_of */ /*! masked struct pit *pit = container_of(w, Struct_pit, expired); */
	u64 *p = va_arg(ap, u64 *);				/*! masked u64 *p = va_arg(ap, u64 ); */
	long n = min_t(unsigned long, a, b);			/*! masked long n = min_t(Unsigned_long, a, b); */
	return IOW(1, const struct pit);			/*! masked return IOW(1, Struct_pit); */
}`));

  test('type names made of expressions', () =>
    checkC(`
int get(struct x *a)		/*! function get */
{
	typeof(a->b) c = a->b;	/*! masked typeof______ c = a->b; */
	size_t d = offsetof(struct x, y.z[1]);	/*! masked size_t d = 0 ; */
	size_t e = offsetof(struct x, y);	/*! masked size_t e = offsetof(struct x, y); */
	return one(c);		/*! calls one */
}`));
});

describe('arguments that only a preprocessor understands', () => {
  test('operators, statements, nothing, pasted text', () =>
    checkC(`
int get(int a, int b)			/*! function get */
{
	CHECK(a, <=, b);		/*! calls CHECK */
	COMBINE(a, &~);			/*! calls COMBINE */
	EITHER(a, return one(), return two());	/*! calls EITHER one two */
	WAIT(queue, unlock(a); yield());	/*! calls WAIT unlock yield */
	LEFT_OUT(a, , b);		/*! calls LEFT_OUT */ /*! masked LEFT_OUT(a,0, b); */
	LAST_LEFT_OUT(a, );		/*! calls LAST_LEFT_OUT */
	print(LEVEL CUT_HERE);		/*! calls print */ /*! masked print( CUT_HERE); */
	print("a" STRING(b) "c", a);	/*! calls print */
	SETTING(.event = 1, .mask = 2);	/*! calls SETTING */
	return PLACE("decl", [var]);	/*! calls PLACE */
}`));

  test('half-typed calls are no such thing', () =>
    checkC(`
int get(int a)		/*! function get */
{
	take(a, b;	/*! note bracket without its partner */
	one(a);		/*! calls one */
	return two(a);	/*! calls two */
}`));
});

describe('inline assembly', () => {
  test('by its word', () =>
    checkC(`
static inline u64 stamp(void)		/*! function stamp static inline */
{
	register unsigned long r asm("rax") = 1;	/*! masked register unsigned long r = 1; */
	asm volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");	/*! masked 0 ; */
	asm_goto_output("xbegin %l[out]" : : : : out);	/*! masked 0 ; */
	return one(r);			/*! calls one */
}`));

  test('by its operands, in a macro', () =>
    checkC(`
static inline void load(struct fx *fx)	/*! function load static inline */
{
	one(fx);			/*! calls one */
	asm_safe("fxrstor %[fx]", , [fx] "m" (*fx));	/*! masked 0 ; */
	alternative_call(plain, quick, X, "=D" (fx), "D" (fx) : "cc");	/*! masked 0 ; */
	vmx_asm2(vmwrite, "r"(fx), "rm" (one(fx)), fx);	/*! masked vmx_asm2(vmwrite, (fx), (one(fx)), fx); */ /*! calls vmx_asm2 one */
	two("a", (fx));			/*! calls two */
}`));
});

describe('declarations by macro', () => {
  test('of members', () =>
    checkC(`
struct vcpu {
	DECLARE_BITMAP(map, 64);		/*! field struct vcpu.map: int */
	DECLARE_FLEX_ARRAY(struct entry, entries);	/*! field struct vcpu.entries: struct entry */
	DECLARE_KFIFO(fifo, u64, 16);		/*! field struct vcpu.fifo: int */
	TYPED_MEMBER(struct entry *, first);	/*! field struct vcpu.first: struct entry* */
	NAMED_MEMBER(second, 5, 6);		/*! field struct vcpu.second: int */
	struct_group(both,
		int a;				/*! field struct vcpu.a: int */
		int b;				/*! field struct vcpu.b: int */
	);
	unsigned :5;				/*! masked unsigned _ ; */
	randomized_struct_fields_start
	struct list_head list;			/*! field struct vcpu.list: struct list_head */
	randomized_struct_fields_end
	void (*done)(struct vcpu *v);		/*! field struct vcpu.done: void()* */
};`));

  test('of variables', () =>
    checkC(`
DEFINE_PER_CPU(struct kvm_vcpu *, running);	/*! variable running: struct kvm_vcpu* */
static DEFINE_PER_CPU_ALIGNED(u64 [4], slots);	/*! variable slots: u64 */
DECLARE_PER_CPU_SOMEWHERE(int, count);		/*! variable count: int */
static DEFINE_MUTEX(lock);			/*! variable lock: DEFINE_MUTEX */
static const DEVICE_ATTR(size, 0444, show, NULL);	/*! invocation DEVICE_ATTR(size, 0444, show, NULL) */
struct fifo FIFO_MEMBERS(unsigned char, 0, void);`));

  test('of enumerators', () =>
    checkC(`
enum bits {
	FIRST = 1,			/*! enumerator FIRST */
	NAMED_BIT(SECOND),
	LIST_OF_BITS
	LAST,				/*! enumerator LAST */
};`));

  test('inside of a function', () =>
    checkC(`
int get(void)			/*! function get */
{
	static DEFINE_RATELIMIT_STATE(rs, 5, 10);	/*! masked ; */
	return one(&rs);	/*! calls one */
}`));
});

describe('items of a file', () => {
  test('macros', () =>
    checkC(`
EXPORT_SYMBOL_GPL(get);			/*! invocation EXPORT_SYMBOL_GPL(get) */
MODULE_LICENSE("GPL")			/*! invocation MODULE_LICENSE("GPL") */
KVM_X86_OP(vcpu_run)			/*! invocation KVM_X86_OP(vcpu_run) */
DEFINE_STATIC_CALL_NULL(key, *ops.run);	/*! invocation DEFINE_STATIC_CALL_NULL(key, *ops.run) */
LIST_OF_EVENTS
TRACE_EVENT(entry, PROTO(int a, int b), ARGS(a, b));	/*! invocation TRACE_EVENT(entry, PROTO(int a, int b), ARGS(a, b)) */
int get(void)				/*! function get */
{
	return 0;
}`));

  test('system calls and other functions that a macro defines', () =>
    checkC(`
SYSCALL_DEFINE2(truncate, const char __user *, path, long, length)	/*! function sys_truncate by SYSCALL_DEFINE2 */
{
	return do_it(path, length);	/*! calls do_it */
}
COMPAT_SYSCALL_DEFINE1(close, unsigned int, fd)	/*! function compat_sys_close by COMPAT_SYSCALL_DEFINE1 */
{
	return 0;
}
SYSCALL_DEFINE0(sync)			/*! function sys_sync by SYSCALL_DEFINE0 */
{
	return 0;
}
DEFINE_IDTENTRY(exc_overflow)		/*! function exc_overflow by DEFINE_IDTENTRY */
{
	handle(regs);			/*! calls handle */
}
BPF_CALL_2(lookup, struct map *, map, void *, key)	/*! function lookup by BPF_CALL_2 */
{
	return 0;
}`));

  test('a function that a macro names', () =>
    checkC(`
static int FNAME(walk)(struct walker *w, gva_t addr)	/*! function FNAME(walk) static */
{
	return FNAME(step)(w);		/*! calls FNAME(step) FNAME */
}`));
});

describe('single signs', () => {
  test('ranges', () =>
    checkC(`
int get(int a)			/*! function get */
{
	switch (a) {
	case 0x40 ... 0x4f:	/*! masked case 0x40 + 0x4f: */
		return one();	/*! calls one */
	}
	return 0;
}
int all[] = { [0 ... 3] = 1 };
void log_it(const char *fmt, ...);`));

  test('numbers that a name was pasted to', () =>
    checkC(`
int get(void)			/*! function get */
{
	return FNAME(64_walk)();	/*! masked return FNAME(_4_walk)(); */
}`));

  test('computed jumps', () =>
    checkC(`
int run(int op)			/*! function run */
{
	goto *table[op];	/*! masked *table[op]; */
one:
	return first();		/*! calls first */
}`));
});
