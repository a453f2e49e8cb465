/**
 * C that is put before the tree's own: what is written in instructions or for a checker there (locks, atomics, per-CPU
 * data, RCU, static calls, assertions). A prototype without a body is a function of the table; a function or a macro
 * here also stands for the tree's macro of that name. In our own words, after the documents that the comments name.
 */

/** Documentation/locking/: the locks themselves are modelled (kernel-api/locks.ts). */
const LOCKS = `
void mutex_init(struct mutex *lock);
#define __mutex_init(lock, name, key)	mutex_init(lock)
#define __spin_lock_init(lock, name, key)	spin_lock_init(lock)
#define __rwlock_init(lock, name, key)	rwlock_init(lock)
#define __init_rwsem(sem, name, key)	init_rwsem(sem)
void mutex_lock(struct mutex *lock);
int mutex_lock_killable(struct mutex *lock);
int mutex_lock_interruptible(struct mutex *lock);
int mutex_trylock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
void folio_lock(struct folio *folio);
_Bool folio_trylock(struct folio *folio);
void folio_unlock(struct folio *folio);
void __folio_set_locked(struct folio *folio);
void __folio_clear_locked(struct folio *folio);
int mutex_is_locked(struct mutex *lock);
void spin_lock_init(void *lock);
void spin_lock(void *lock);
void spin_unlock(void *lock);
void spin_lock_irq(void *lock);
void spin_unlock_irq(void *lock);
void raw_spin_lock_init(void *lock);
void raw_spin_lock(void *lock);
void raw_spin_unlock(void *lock);
void rwlock_init(rwlock_t *lock);
void read_lock(rwlock_t *lock);
void read_unlock(rwlock_t *lock);
void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);
int rwlock_needbreak(rwlock_t *lock);
int cond_resched_rwlock_read(rwlock_t *lock);
int cond_resched_rwlock_write(rwlock_t *lock);
void init_rwsem(struct rw_semaphore *sem);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);
#define spin_lock_irqsave(lock, flags)		do { (flags) = 0; spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags)	do { (void)(flags); spin_unlock(lock); } while (0)
#define raw_spin_lock_irqsave(lock, flags)	do { (flags) = 0; raw_spin_lock(lock); } while (0)
#define raw_spin_unlock_irqrestore(lock, flags)	do { (void)(flags); raw_spin_unlock(lock); } while (0)
#define local_irq_save(flags)			do { (flags) = 0; } while (0)
#define local_irq_restore(flags)		do { (void)(flags); } while (0)
#define local_irq_disable()			do { } while (0)
#define local_irq_enable()			do { } while (0)
#define preempt_disable()			do { } while (0)
#define preempt_enable()			do { } while (0)

void __lockdep_assert(const void *lock, const char *how);
int __lockdep_held(const void *lock, const char *how);
#define lockdep_assert_held(lock)		__lockdep_assert(lock, "held")
#define lockdep_assert_held_read(lock)		__lockdep_assert(lock, "read")
#define lockdep_assert_held_write(lock)		__lockdep_assert(lock, "write")
#define lockdep_assert_held_once(lock)		__lockdep_assert(lock, "held")
#define lockdep_assert_not_held(lock)		((void)__warn(__lockdep_held(lock, "held"), #lock " is held"))
#define lockdep_assert(condition)		((void)__warn(!(condition), #condition))
#define lockdep_assert_once(condition)		((void)__warn(!(condition), #condition))
#define lockdep_assert_preemption_disabled()	do { } while (0)
#define lockdep_assert_irqs_disabled()		do { } while (0)
#define lockdep_is_held(lock)			__lockdep_held(lock, "held")
#define lockdep_is_held_type(lock, type)	__lockdep_held(lock, (type) == 0 ? "write" : "held")
#define lockdep_set_class(lock, key)		do { } while (0)
#define lockdep_init_map(map, name, key, sub)	do { } while (0)
`;

/** Documentation/RCU/whatisRCU.rst: one thread runs at a time, and nobody frees what a reader still has. */
const RCU = `
void rcu_read_lock(void);
void rcu_read_unlock(void);
int init_srcu_struct(struct srcu_struct *ssp);
void cleanup_srcu_struct(struct srcu_struct *ssp);
int srcu_read_lock(struct srcu_struct *ssp);
int __srcu_read_lock(struct srcu_struct *ssp);
void srcu_read_unlock(struct srcu_struct *ssp, int idx);
void __srcu_read_unlock(struct srcu_struct *ssp, int idx);
void synchronize_srcu(struct srcu_struct *ssp);
void synchronize_srcu_expedited(struct srcu_struct *ssp);
void call_rcu(struct rcu_head *head, rcu_callback_t func);
typedef struct {
	void *lock;
} class_rcu_t;
static inline class_rcu_t class_rcu_constructor(void)
{
	class_rcu_t guard = { 0 };

	rcu_read_lock();
	return guard;
}
static inline void class_rcu_destructor(class_rcu_t *guard) { rcu_read_unlock(); }
#define rcu_read_lock_held()			1
#define rcu_read_lock_sched_held()		1
#define srcu_read_lock_held(ssp)		1
#define rcu_dereference(p)			(*(typeof(p) volatile *)&(p))
#define rcu_dereference_raw(p)			(*(typeof(p) volatile *)&(p))
#define rcu_dereference_check(p, c)		(*(typeof(p) volatile *)&(p))
#define rcu_dereference_protected(p, c)		(*(typeof(p) volatile *)&(p))
#define rcu_access_pointer(p)			(*(typeof(p) volatile *)&(p))
#define srcu_dereference(p, ssp)		(*(typeof(p) volatile *)&(p))
#define srcu_dereference_check(p, ssp, c)	(*(typeof(p) volatile *)&(p))
#define rcu_assign_pointer(p, v)		((p) = (v))
#define RCU_INIT_POINTER(p, v)			((p) = (v))
`;

/** Documentation/memory-barriers.txt: every access is done before the next begins. */
const ACCESSES = `
#define READ_ONCE(x)			(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value)		do { *(volatile typeof(x) *)&(x) = (value); } while (0)
#define __READ_ONCE(x)			READ_ONCE(x)
#define __WRITE_ONCE(x, value)		WRITE_ONCE(x, value)
#define data_race(expression)		(expression)
#define barrier()			do { } while (0)
#define smp_mb()			do { } while (0)
#define smp_rmb()			do { } while (0)
#define smp_wmb()			do { } while (0)
#define smp_mb__before_atomic()		do { } while (0)
#define smp_mb__after_atomic()		do { } while (0)
#define smp_mb__after_srcu_read_unlock()	do { } while (0)
#define smp_load_acquire(p)		READ_ONCE(*(p))
#define smp_store_release(p, value)	WRITE_ONCE(*(p), value)
#define smp_store_mb(x, value)		WRITE_ONCE(x, value)
#define array_index_nospec(index, size)	(index)
#define cpu_relax()			do { } while (0)
#define prefetch(x)			do { } while (0)
#define OPTIMIZER_HIDE_VAR(x)		do { } while (0)
#define RELOC_HIDE(p, offset)		((typeof(p))((unsigned long)(p) + (offset)))
`;

/** One family of atomic operations. */
const atomics = (name: string, object: string, integer: string): string => `
static inline ${integer} ${name}_read(const ${object} *v) { return v->counter; }
static inline ${integer} ${name}_read_acquire(const ${object} *v) { return v->counter; }
static inline void ${name}_set_release(${object} *v, ${integer} i) { v->counter = i; }
static inline ${integer} ${name}_fetch_add_unless(${object} *v, ${integer} a, ${integer} u) { ${integer} was = v->counter; if (was != u) v->counter += a; return was; }
static inline _Bool ${name}_try_cmpxchg(${object} *v, ${integer} *old, ${integer} i) { if (v->counter == *old) { v->counter = i; return 1; } *old = v->counter; return 0; }
static inline void ${name}_set(${object} *v, ${integer} i) { v->counter = i; }
static inline void ${name}_add(${integer} i, ${object} *v) { v->counter += i; }
static inline void ${name}_sub(${integer} i, ${object} *v) { v->counter -= i; }
static inline void ${name}_inc(${object} *v) { v->counter += 1; }
static inline void ${name}_dec(${object} *v) { v->counter -= 1; }
static inline ${integer} ${name}_add_return(${integer} i, ${object} *v) { return v->counter += i; }
static inline ${integer} ${name}_sub_return(${integer} i, ${object} *v) { return v->counter -= i; }
static inline ${integer} ${name}_inc_return(${object} *v) { return v->counter += 1; }
static inline ${integer} ${name}_dec_return(${object} *v) { return v->counter -= 1; }
static inline ${integer} ${name}_fetch_add(${integer} i, ${object} *v) { v->counter += i; return v->counter - i; }
static inline ${integer} ${name}_fetch_add_relaxed(${integer} i, ${object} *v) { v->counter += i; return v->counter - i; }
static inline ${integer} ${name}_fetch_inc_relaxed(${object} *v) { v->counter += 1; return v->counter - 1; }
static inline _Bool ${name}_dec_and_test(${object} *v) { return (v->counter -= 1) == 0; }
static inline _Bool ${name}_inc_and_test(${object} *v) { return (v->counter += 1) == 0; }
static inline _Bool ${name}_sub_and_test(${integer} i, ${object} *v) { return (v->counter -= i) == 0; }
static inline _Bool ${name}_inc_not_zero(${object} *v) { return v->counter ? (v->counter += 1, 1) : 0; }
static inline _Bool ${name}_add_unless(${object} *v, ${integer} a, ${integer} u) { return v->counter != u ? (v->counter += a, 1) : 0; }
static inline ${integer} ${name}_xchg(${object} *v, ${integer} i) { ${integer} old = v->counter; v->counter = i; return old; }
static inline ${integer} ${name}_cmpxchg(${object} *v, ${integer} old, ${integer} i) { ${integer} was = v->counter; if (was == old) v->counter = i; return was; }
static inline void ${name}_or(${integer} i, ${object} *v) { v->counter |= i; }
static inline void ${name}_andnot(${integer} i, ${object} *v) { v->counter &= ~i; }
`;

/** Documentation/atomic_t.txt, Documentation/atomic_bitops.txt, Documentation/core-api/refcount-vs-atomic.rst. */
const ATOMICS = `
${atomics('atomic', 'atomic_t', 'int')}
${atomics('atomic64', 'atomic64_t', 'long')}
${atomics('atomic_long', 'atomic64_t', 'long')}

static inline int atomic_dec_and_lock(atomic_t *v, void *lock)
{
	if ((v->counter -= 1) != 0)
		return 0;
	spin_lock(lock);
	return 1;
}
static inline void refcount_set(refcount_t *r, int n) { r->refs.counter = n; }
static inline unsigned int refcount_read(const refcount_t *r) { return r->refs.counter; }
static inline void refcount_inc(refcount_t *r)
{
	(void)__warn(r->refs.counter == 0, "refcount_t: addition on 0; use-after-free");
	r->refs.counter += 1;
}
static inline _Bool refcount_inc_not_zero(refcount_t *r) { return r->refs.counter ? (r->refs.counter += 1, 1) : 0; }
static inline void refcount_dec(refcount_t *r) { r->refs.counter -= 1; }
static inline _Bool refcount_dec_and_test(refcount_t *r)
{
	(void)__warn(r->refs.counter == 0, "refcount_t: underflow; use-after-free");
	return (r->refs.counter -= 1) == 0;
}

#define __lens_xchg(p, value) ({					\\
	typeof(p) __xp = (p);						\\
	typeof(*__xp) __was = *__xp;					\\
	*__xp = (value);						\\
	__was; })
#define __lens_cmpxchg(p, old, value) ({				\\
	typeof(p) __xp = (p);						\\
	typeof(*__xp) __was = *__xp;					\\
	if (__was == (old))						\\
		*__xp = (value);					\\
	__was; })
#define __lens_try_cmpxchg(p, oldp, value) ({				\\
	typeof(p) __xp = (p);						\\
	typeof(oldp) __op = (oldp);					\\
	_Bool __same = *__xp == *__op;					\\
	if (__same)							\\
		*__xp = (value);					\\
	else								\\
		*__op = *__xp;						\\
	__same; })
#define xchg(p, value)			__lens_xchg(p, value)
#define xchg_relaxed(p, value)		__lens_xchg(p, value)
#define cmpxchg(p, old, value)		__lens_cmpxchg(p, old, value)
#define cmpxchg64(p, old, value)	__lens_cmpxchg(p, old, value)
#define try_cmpxchg(p, oldp, value)	__lens_try_cmpxchg(p, oldp, value)
#define try_cmpxchg64(p, oldp, value)	__lens_try_cmpxchg(p, oldp, value)

#define __LENS_WORD(nr)			((nr) / 64)
#define __LENS_BIT(nr)			(1UL << ((nr) % 64))
static inline void set_bit(long nr, volatile unsigned long *word) { word[__LENS_WORD(nr)] |= __LENS_BIT(nr); }
static inline void __set_bit(long nr, volatile unsigned long *word) { word[__LENS_WORD(nr)] |= __LENS_BIT(nr); }
static inline void clear_bit(long nr, volatile unsigned long *word) { word[__LENS_WORD(nr)] &= ~__LENS_BIT(nr); }
static inline void __clear_bit(long nr, volatile unsigned long *word) { word[__LENS_WORD(nr)] &= ~__LENS_BIT(nr); }
static inline _Bool test_bit(long nr, const volatile unsigned long *word) { return (word[__LENS_WORD(nr)] & __LENS_BIT(nr)) != 0; }
static inline _Bool test_bit_acquire(long nr, const volatile unsigned long *word) { return test_bit(nr, word); }
static inline _Bool test_and_set_bit(long nr, volatile unsigned long *word)
{
	_Bool was = test_bit(nr, word);

	set_bit(nr, word);
	return was;
}
static inline _Bool test_and_clear_bit(long nr, volatile unsigned long *word)
{
	_Bool was = test_bit(nr, word);

	clear_bit(nr, word);
	return was;
}
static inline _Bool __test_and_set_bit(long nr, volatile unsigned long *word) { return test_and_set_bit(nr, word); }
static inline _Bool __test_and_clear_bit(long nr, volatile unsigned long *word) { return test_and_clear_bit(nr, word); }
#define __ffs(word)			((unsigned long)__builtin_ctzl(word))
#define __fls(word)			(63UL - __builtin_clzl(word))
#define ffs(x)				__builtin_ffs(x)
#define ffz(word)			__ffs(~(word))
static inline int fls(unsigned int x) { return x ? 32 - __builtin_clz(x) : 0; }
static inline int fls64(unsigned long x) { return x ? 64 - __builtin_clzl(x) : 0; }
`;

/** Variables of files that are not read, with the values that a boot on this machine gives them. */
const HOST = `
/* arch/x86/kernel/cpu/common.c, get_cpu_address_sizes; arch/x86/kernel/cpu/amd.c */
struct cpuinfo_x86 boot_cpu_data = { .x86_vendor = X86_VENDOR_AMD, .x86_phys_bits = 48, .x86_cache_bits = 48 };
/* arch/x86/include/asm/page_types.h: DYNAMIC_PHYSICAL_MASK without SME */
phys_addr_t physical_mask = (1ULL << 52) - 1;
/* arch/x86/mm/mem_encrypt_identity.c: SME is off */
u64 sme_me_mask = 0;
/* Documentation/arch/x86/x86_64/mm.rst */
unsigned long page_offset_base = 0xffff888000000000UL;
unsigned int nr_cpu_ids = 1;
/* mm/memory.c: a frame that firmware keeps, so that nobody is given it */
unsigned long zero_pfn = 1;
unsigned int tsc_khz = 2000000;
`;

/** One CPU's data is all there is: Documentation/core-api/this_cpu_ops.rst. */
const CPU = `
#define this_cpu_ptr(p)			(p)
#define raw_cpu_ptr(p)			(p)
#define per_cpu_ptr(p, cpu)		(p)
#define per_cpu(variable, cpu)		(variable)
#define this_cpu_read(variable)		(variable)
#define __this_cpu_read(variable)	(variable)
#define raw_cpu_read(variable)		(variable)
#define this_cpu_write(variable, v)	((variable) = (v))
#define __this_cpu_write(variable, v)	((variable) = (v))
#define this_cpu_inc(variable)		((void)((variable)++))
#define __this_cpu_inc(variable)	((void)((variable)++))
#define this_cpu_dec(variable)		((void)((variable)--))
#define this_cpu_add(variable, v)	((void)((variable) += (v)))
#define get_cpu()			0
#define put_cpu()			do { } while (0)
#define smp_processor_id()		0
#define raw_smp_processor_id()		0
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define for_each_online_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)
struct task_struct *get_current(void);
#define current				get_current()
_Bool __lens_cpu_has(unsigned int feature);
#define boot_cpu_has(feature)		__lens_cpu_has(feature)
#define static_cpu_has(feature)		__lens_cpu_has(feature)
#define cpu_feature_enabled(feature)	__lens_cpu_has(feature)
#define cpu_has(cpu, feature)		__lens_cpu_has(feature)
#define this_cpu_has(feature)		__lens_cpu_has(feature)
`;

/** Documentation/staging/static-keys.rst: plain variables; a static call that is not set does nothing. */
const PATCHED = `
void *__lens_static_call(void *target, const char *name);
long __lens_no_operation();
#define static_call(name)		((typeof(&STATIC_CALL_TRAMP(name)))__lens_static_call(STATIC_CALL_KEY(name).func, #name))
#define static_call_cond(name)		static_call(name)
#define static_call_query(name)		(STATIC_CALL_KEY(name).func)
#define static_call_update(name, target)	(STATIC_CALL_KEY(name).func = (void *)(target))
#define static_branch_likely(branch)	((branch)->key.enabled.counter > 0)
#define static_branch_unlikely(branch)	((branch)->key.enabled.counter > 0)
#define static_key_enabled(key)		(((struct static_key *)(key))->enabled.counter > 0)
#define static_key_false(key)		((key)->enabled.counter > 0)
#define static_key_true(key)		((key)->enabled.counter > 0)
#define static_branch_inc(branch)	((void)((branch)->key.enabled.counter++))
#define static_branch_dec(branch)	((void)((branch)->key.enabled.counter--))
`;

/** Documentation/process/deprecated.rst (BUG and WARN), Documentation/core-api/printk-basics.rst. */
const REPORTS = `
_Bool __warn(_Bool condition, const char *text);
void __lens_bug(const char *text);
#define WARN_ON(condition)		__warn(!!(condition), #condition)
#define WARN_ON_ONCE(condition)		__warn(!!(condition), #condition)
#define WARN(condition, ...)		__warn(!!(condition), #condition)
#define WARN_ONCE(condition, ...)	__warn(!!(condition), #condition)
#define BUG()				__lens_bug("BUG()")
#define BUG_ON(condition)		do { if (condition) __lens_bug(#condition); } while (0)
#define VM_BUG_ON(condition)		do { } while (0)
#define VM_BUG_ON_FOLIO(condition, folio)	do { } while (0)
#define VM_BUG_ON_PAGE(condition, page)	do { } while (0)
#define VM_WARN_ON_ONCE(condition)	0
#define VM_WARN_ON_ONCE_FOLIO(condition, folio)	0
#define VM_WARN_ON_FOLIO(condition, folio)	0
#define BUILD_BUG_ON(condition)		do { } while (0)
#define BUILD_BUG_ON_MSG(condition, text)	do { } while (0)
#define BUILD_BUG_ON_ZERO(condition)	0
#define BUILD_BUG()			do { } while (0)
#define compiletime_assert(condition, text)	do { } while (0)
#define might_sleep()			__might_sleep(__FILE__, __LINE__)
void __might_sleep(const char *file, int line);
int cond_resched(void);
int printk(const char *format, ...);
#define pr_err(...)			printk(__VA_ARGS__)
#define pr_warn(...)			printk(__VA_ARGS__)
#define pr_warn_once(...)		printk(__VA_ARGS__)
#define pr_info(...)			printk(__VA_ARGS__)
#define pr_info_once(...)		printk(__VA_ARGS__)
#define pr_err_once(...)		printk(__VA_ARGS__)
#define pr_err_ratelimited(...)		printk(__VA_ARGS__)
#define pr_warn_ratelimited(...)	printk(__VA_ARGS__)
#define pr_info_ratelimited(...)	printk(__VA_ARGS__)
static inline _Bool __list_add_valid(struct list_head *added, struct list_head *prev, struct list_head *next)
{
	return !__warn(next->prev != prev || prev->next != next, "list_add corruption");
}
static inline _Bool __list_del_entry_valid(struct list_head *entry)
{
	return !__warn(entry->prev->next != entry || entry->next->prev != entry, "list_del corruption");
}
#define pr_debug(...)			do { } while (0)
#define pr_debug_ratelimited(...)	do { } while (0)
`;

/** Documentation/core-api/mm-api.rst: memory is the machine's, folios have one page each. */
const PAGES = `
struct page *alloc_pages(gfp_t gfp, unsigned int order);
#define alloc_page(gfp)			alloc_pages(gfp, 0)
#define alloc_pages_node(node, gfp, order)	alloc_pages(gfp, order)
void __free_pages(struct page *page, unsigned int order);
#define __free_page(page)		__free_pages(page, 0)
void free_pages(unsigned long address, unsigned int order);
#define free_page(address)		free_pages((unsigned long)(address), 0)
unsigned long get_free_pages(gfp_t gfp, unsigned int order);
#define __get_free_pages(gfp, order)	get_free_pages(gfp, order)
#define __get_free_page(gfp)		get_free_pages(gfp, 0)
#define get_zeroed_page(gfp)		get_free_pages((gfp) | __GFP_ZERO, 0)
struct folio *filemap_alloc_folio(gfp_t gfp, unsigned int order);
unsigned long page_to_pfn(const struct page *page);
struct page *pfn_to_page(unsigned long pfn);
_Bool pfn_valid(unsigned long pfn);
void *page_address(const struct page *page);
struct page *virt_to_page(const volatile void *address);
_Bool virt_addr_valid(unsigned long address);
unsigned long __pa(const volatile void *address);
void *__va(unsigned long paddr);
void *pfn_to_kaddr(unsigned long pfn);
void clear_highpage(struct page *page);
void clear_page(void *page);
static inline unsigned long _compound_head(const struct page *page) { return (unsigned long)page; }
#define page_folio(page)		((struct folio *)(page))
#define page_to_nid(page)		0
#define folio_page(folio, n)		(&(folio)->page + (n))
#define kzalloc(size, gfp)		kmalloc(size, (gfp) | __GFP_ZERO)
#define kvzalloc(size, gfp)		kmalloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc(size, gfp)		kmalloc(size, gfp)
#define kzalloc_node(size, gfp, node)	kmalloc(size, (gfp) | __GFP_ZERO)
#define kcalloc(n, size, gfp)		kmalloc((n) * (size), (gfp) | __GFP_ZERO)
#define kvcalloc(n, size, gfp)		kmalloc((n) * (size), (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp)	kmalloc((n) * (size), gfp)
#define kvmalloc_array(n, size, gfp)	kmalloc((n) * (size), gfp)
#define __vcalloc(n, size, gfp)		kmalloc((n) * (size), (gfp) | __GFP_ZERO)
#define vcalloc(n, size)		kmalloc((n) * (size), GFP_KERNEL | __GFP_ZERO)
#define __vmalloc(size, gfp)		kmalloc(size, gfp)
#define vmalloc(size)			kmalloc(size, GFP_KERNEL)
#define vzalloc(size)			kmalloc(size, GFP_KERNEL | __GFP_ZERO)
void *kmalloc(size_t size, gfp_t gfp);
void kfree(const void *object);
#define kvfree(object)			kfree(object)
#define vfree(object)			kfree(object)
struct kmem_cache *__lens_kmem_cache(const char *name, unsigned int size);
#define kmem_cache_create(name, size, ...)		__lens_kmem_cache(name, size)
#define kmem_cache_create_usercopy(name, size, ...)	__lens_kmem_cache(name, size)
#define KMEM_CACHE(type, flags)				__lens_kmem_cache(#type, sizeof(struct type))
#define KMEM_CACHE_USERCOPY(type, flags, field)		__lens_kmem_cache(#type, sizeof(struct type))
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
#define kmem_cache_zalloc(cache, gfp)	kmem_cache_alloc(cache, (gfp) | __GFP_ZERO)
void kmem_cache_free(struct kmem_cache *cache, void *object);
void kmem_cache_destroy(struct kmem_cache *cache);
unsigned long copy_from_user(void *to, const void *from, unsigned long n);
unsigned long copy_to_user(void *to, const void *from, unsigned long n);
_Bool access_ok(const void *address, unsigned long size);
#define put_user(value, p)		({ typeof(*(p)) __pu = (value); copy_to_user(p, &__pu, sizeof(__pu)) ? -EFAULT : 0; })
#define get_user(value, p)		({ typeof(*(p)) __gu; int __gr = copy_from_user(&__gu, p, sizeof(__gu)) ? -EFAULT : 0; (value) = __gu; __gr; })
`;

/** Documentation/core-api/xarray.rst; the page cache of mm/filemap.c keeps its folios in one. */
const XARRAYS = `
void xa_init_flags(struct xarray *xa, gfp_t flags);
void xa_init(struct xarray *xa);
void xa_destroy(struct xarray *xa);
_Bool xa_empty(const struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp);
void xa_release(struct xarray *xa, unsigned long index);
int xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_store_range(struct xarray *xa, unsigned long first, unsigned long last, void *entry, gfp_t gfp);
void *__lens_xa_find(struct xarray *xa, unsigned long *index, unsigned long max, int after);
#define xa_find(xa, index, max, filter)		__lens_xa_find(xa, index, max, 0)
#define xa_find_after(xa, index, max, filter)	__lens_xa_find(xa, index, max, 1)
void *__lens_xa_put(struct xarray *xa, unsigned long index, void *entry);

/* A walk: xa_node only says whether it has begun. */
#define __LENS_WALKED		((struct xa_node *)8)
static inline void *xas_load(struct xa_state *xas)
{
	xas->xa_node = __LENS_WALKED;
	return xa_load(xas->xa, xas->xa_index);
}
static inline void *xas_next(struct xa_state *xas)
{
	if (xas->xa_node == __LENS_WALKED)
		xas->xa_index++;
	return xas_load(xas);
}
static inline void *xas_find(struct xa_state *xas, unsigned long max)
{
	int after = xas->xa_node == __LENS_WALKED;

	xas->xa_node = __LENS_WALKED;
	return __lens_xa_find(xas->xa, &xas->xa_index, max, after);
}
static inline void *xas_next_entry(struct xa_state *xas, unsigned long max) { return xas_find(xas, max); }
static inline void *xas_store(struct xa_state *xas, void *entry)
{
	xas->xa_node = __LENS_WALKED;
	return __lens_xa_put(xas->xa, xas->xa_index, entry);
}
static inline _Bool xas_retry(struct xa_state *xas, const void *entry) { return 0; }
static inline void xas_pause(struct xa_state *xas) { }
static inline _Bool xas_nomem(struct xa_state *xas, gfp_t gfp) { return 0; }
static inline void *xas_reload(struct xa_state *xas) { return xa_load(xas->xa, xas->xa_index); }

/* mm/util.c: neither swap nor anonymous memory is in a file */
struct address_space *folio_mapping(struct folio *folio) { return folio->mapping; }

/* mm/filemap.c: a folio is in the cache with a reference of its own. */
void *filemap_get_entry(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = xa_load(&mapping->i_pages, index);

	if (folio && !xa_is_value(folio))
		folio_get(folio);
	return folio;
}
int __filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index, gfp_t gfp, void **shadowp)
{
	int r = xa_insert(&mapping->i_pages, index, folio, gfp);

	if (r)
		return r == -EBUSY ? -EEXIST : r;
	folio_get(folio);
	folio->mapping = mapping;
	folio->index = index;
	mapping->nrpages++;
	return 0;
}
unsigned find_lock_entries(struct address_space *mapping, pgoff_t *start, pgoff_t end, struct folio_batch *fbatch, pgoff_t *indices)
{
	unsigned long index = *start;
	struct folio *folio = __lens_xa_find(&mapping->i_pages, &index, end, 0);

	while (folio && folio_batch_space(fbatch)) {
		if (folio_trylock(folio)) {
			folio_get(folio);
			indices[fbatch->nr] = index;
			folio_batch_add(fbatch, folio);
		}
		*start = index + 1;
		folio = __lens_xa_find(&mapping->i_pages, &index, end, 1);
	}
	return folio_batch_count(fbatch);
}
unsigned find_get_entries(struct address_space *mapping, pgoff_t *start, pgoff_t end, struct folio_batch *fbatch, pgoff_t *indices)
{
	unsigned long index = *start;
	struct folio *folio = __lens_xa_find(&mapping->i_pages, &index, end, 0);

	while (folio && folio_batch_space(fbatch)) {
		folio_get(folio);
		indices[fbatch->nr] = index;
		folio_batch_add(fbatch, folio);
		*start = index + 1;
		folio = __lens_xa_find(&mapping->i_pages, &index, end, 1);
	}
	return folio_batch_count(fbatch);
}
static void page_cache_delete_batch(struct address_space *mapping, struct folio_batch *fbatch)
{
	int i;

	for (i = 0; i < folio_batch_count(fbatch); i++) {
		__lens_xa_put(&mapping->i_pages, fbatch->folios[i]->index, NULL);
		fbatch->folios[i]->mapping = NULL;
		mapping->nrpages--;
	}
}
static void page_cache_delete(struct address_space *mapping, struct folio *folio, void *shadow)
{
	__lens_xa_put(&mapping->i_pages, folio->index, shadow);
	folio->mapping = NULL;
	mapping->nrpages--;
}
void __folio_batch_release(struct folio_batch *fbatch)
{
	int i;

	for (i = 0; i < folio_batch_count(fbatch); i++)
		folio_put(fbatch->folios[i]);
	fbatch->nr = 0;
}
`;

export const STAND_IN_FILE = 'gmem-lens-stand-ins.h';

export const standInText = (): string =>
  [
    '#include <linux/kvm_host.h>',
    '#include <linux/pagemap.h>',
    LOCKS,
    RCU,
    ACCESSES,
    ATOMICS,
    HOST,
    CPU,
    PATCHED,
    REPORTS,
    PAGES,
    XARRAYS,
  ].join('\n');
