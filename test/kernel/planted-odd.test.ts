/** Odd ways to an RMP update under mmu_lock in Linux 6.12, and odd things that are none: each planted alone. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { KernelAnalysis } from './kernel-analysis.ts';
import { BUG, Planting, type Seed } from './seeds.ts';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
const IN = 'kvm_mmu_zap_all_fast';
const LOCK = 'write_lock(&kvm->mmu_lock);';
const UPDATE = 'rmp_make_shared(1, PG_LEVEL_4K);';

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

/** `above` stands before the function, `before` in front of its lock, `under` right behind it. */
interface Odd {
  above?: string;
  before?: string;
  under?: string;
}

const bugs: Record<string, Odd> = {
  'a trylock in a loop until it works': {
    before: `while (!write_trylock(&kvm->mmu_lock))\n\tcpu_relax();\n${UPDATE} ${BUG}\nwrite_unlock(&kvm->mmu_lock);`,
  },
  'guard(read_lock)': { before: `{\n\tguard(read_lock)(&kvm->mmu_lock);\n\t${UPDATE} ${BUG}\n}` },
  'scoped_guard(write_lock)': { before: `scoped_guard(write_lock, &kvm->mmu_lock)\n\t${UPDATE} ${BUG}` },
  'a lock taken by a flag that says how': {
    above:
      'static void lens_lock(struct kvm *kvm, bool write)\n{\n\tif (write)\n\t\twrite_lock(&kvm->mmu_lock);\n\telse\n\t\tread_lock(&kvm->mmu_lock);\n}\n\nstatic void lens_unlock(struct kvm *kvm, bool write)\n{\n\tif (write)\n\t\twrite_unlock(&kvm->mmu_lock);\n\telse\n\t\tread_unlock(&kvm->mmu_lock);\n}\n',
    before: `lens_lock(kvm, true);\n${UPDATE} ${BUG}\nlens_unlock(kvm, true);`,
  },
  'a table of functions': {
    above: `static void lens_a(struct kvm *kvm)\n{\n\t${UPDATE} ${BUG}\n}\n\nstatic void (*const lens_table[])(struct kvm *) = { lens_a };\n`,
    under: 'lens_table[0](kvm);',
  },
  'a function chosen by ?:': {
    above: `static void lens_a(struct kvm *kvm)\n{\n\t${UPDATE} ${BUG}\n}\n\nstatic void lens_b(struct kvm *kvm)\n{\n}\n`,
    under: '(kvm->vm_dead ? lens_a : lens_b)(kvm);',
  },
  'a function pointer in a local variable': {
    above: `static void lens_a(struct kvm *kvm)\n{\n\t${UPDATE} ${BUG}\n}\n`,
    under: '{\n\tvoid (*lens_fn)(struct kvm *) = lens_a;\n\n\tlens_fn(kvm);\n}',
  },
  'a callback as an argument, called for each': {
    above: `static void lens_each(struct kvm *kvm, int (*fn)(u64 pfn, int level))\n{\n\tint i;\n\n\tfor (i = 0; i < 4; i++)\n\t\tfn(i, PG_LEVEL_4K); ${BUG}\n}\n`,
    under: 'lens_each(kvm, rmp_make_shared);',
  },
  'in a statement expression': { under: `(void)({ int lens_r = rmp_make_shared(1, 1); lens_r; }); ${BUG}` },
  'in a condition that warns': { under: `if (WARN_ON_ONCE(rmp_make_shared(1, 1))) ${BUG}\n\treturn;` },
  'as an argument of another call': { under: `pr_debug("%d", rmp_make_shared(1, 1)); ${BUG}` },
  'behind && and ||': {
    under: `if (kvm->vm_dead && rmp_make_shared(1, 1)) ${BUG}\n\tkvm->vm_bugged = true;`,
  },
  'in the head of a loop': { under: `while (rmp_make_shared(1, 1)) ${BUG}\n\tkvm->vm_bugged = true;` },
  'in a case that others fall through into': {
    under: `switch (kvm->max_vcpus) {\ncase 1:\n\tkvm->vm_bugged = true;\n\tfallthrough;\ncase 2:\n\t${UPDATE} ${BUG}\n}`,
  },
  'behind a goto backwards': {
    under: `lens_again:\n\tif (kvm->vm_dead)\n\t\tgoto lens_out;\n\t${UPDATE} ${BUG}\n\tgoto lens_again;\nlens_out:\n\tkvm->vm_bugged = true;`,
  },
  'in a recursion': {
    above: `static void lens_down(struct kvm *kvm, int n)\n{\n\tif (n)\n\t\tlens_down(kvm, n - 1);\n\telse\n\t\t${UPDATE} ${BUG}\n}\n`,
    under: 'lens_down(kvm, 5);',
  },
  'in a macro of several statements': {
    above: '#define LENS_SHARE(pfn) do { int __l = 1; rmp_make_shared(pfn, __l); } while (0)\n',
    under: `LENS_SHARE(3); ${BUG}`,
  },
  'by a name that is a macro': {
    above: '#define lens_share rmp_make_shared\n',
    under: `lens_share(3, 1); ${BUG}`,
  },
  'the lock by a struct of its own': {
    above: 'struct lens_ctx { struct kvm *kvm; };\n',
    before: `{\n\tstruct lens_ctx lens = { .kvm = kvm };\n\n\twrite_lock(&lens.kvm->mmu_lock);\n\t${UPDATE} ${BUG}\n\twrite_unlock(&lens.kvm->mmu_lock);\n}`,
  },
  'the lock by a function that gives it': {
    above: 'static rwlock_t *lens_lock_of(struct kvm *kvm)\n{\n\treturn &kvm->mmu_lock;\n}\n',
    before: `write_lock(lens_lock_of(kvm));\n${UPDATE} ${BUG}\nwrite_unlock(lens_lock_of(kvm));`,
  },
  'the lock by a pointer that a helper is given': {
    above: `static void lens_with(rwlock_t *lock)\n{\n\tread_lock(lock);\n\t${UPDATE} ${BUG}\n\tread_unlock(lock);\n}\n`,
    before: 'lens_with(&kvm->mmu_lock);',
  },
};

const nearMisses: Record<string, Odd> = {
  'work that is only queued': {
    above: `static void lens_work_fn(struct work_struct *work)\n{\n\t${UPDATE}\n}\n\nstatic DECLARE_WORK(lens_work, lens_work_fn);\n`,
    under: 'schedule_work(&lens_work);',
  },
  'a callback for the end of a grace period': {
    above: `static void lens_rcu(struct rcu_head *head)\n{\n\t${UPDATE}\n}\n`,
    under: 'call_rcu(NULL, lens_rcu);',
  },
  'a function that is only named': {
    under: '{\n\tvoid *lens_p = rmp_make_shared;\n\n\tkvm->vm_bugged = !lens_p;\n}',
  },
  sizeof: { under: 'kvm->vm_bugged = sizeof(rmp_make_shared(1, 1)) == 2;' },
  'if (0)': { under: `if (0)\n\t${UPDATE}` },
  'if (false)': { under: `if (false)\n\t${UPDATE}` },
  'an option that is off': { under: `if (IS_ENABLED(CONFIG_ALPHA))\n\t${UPDATE}` },
  'in a string': { under: 'pr_debug("rmp_make_shared(1, 1)");' },
  'a member of the same name': { under: 'kvm->lens->rmp_make_shared(1, 1);' },
  'a flag that says that the lock was dropped': {
    under: `bool lens_dropped = false;\n\nif (kvm->vm_dead) {\n\twrite_unlock(&kvm->mmu_lock);\n\tlens_dropped = true;\n}\nif (lens_dropped) {\n\t${UPDATE}\n\twrite_lock(&kvm->mmu_lock);\n}`,
  },
  'behind a scope with a guard': {
    before: `{\n\tguard(write_lock)(&kvm->mmu_lock);\n\tkvm->vm_bugged = true;\n}\n${UPDATE}`,
  },
  'a helper that drops the lock around it': {
    above: `static void lens_breathe(struct kvm *kvm)\n{\n\twrite_unlock(&kvm->mmu_lock);\n\t${UPDATE}\n\twrite_lock(&kvm->mmu_lock);\n}\n`,
    under: 'lens_breathe(kvm);',
  },
  'a static function of the same name elsewhere': {
    above: 'static int snp_page_reclaim_here(u64 pfn)\n{\n\treturn 0;\n}\n',
    under: 'snp_page_reclaim_here(1);',
  },
};

async function plant({ above, before, under }: Odd): Promise<{ said: string[]; wanted: string[] }> {
  const put: Seed['put'] = [
    ...(above === undefined ? [] : [['^', above] as const]),
    ...(before === undefined ? [] : [[`<${LOCK}`, before] as const]),
    ...(under === undefined ? [] : [[`>${LOCK}`, under] as const]),
  ];
  const planting = new Planting(kernel).add({ name: 'seed', file: MMU, in: IN, put });
  await kernel.become(planting.texts);
  const place = ({ file, line }: { file: string; line: number }) => `${file}:${line}`;
  const said = kernel.analysis
    .check(['rmp-under-mmu-lock'])
    .filter(({ severity }) => severity !== 'info')
    .map(place);
  return { said, wanted: planting.bugs.map(place) };
}

describe('found', () => {
  test.each(Object.entries(bugs))('%s', async (_name, one) => {
    const { said, wanted } = await plant(one);
    expect(wanted).toHaveLength(1);
    expect(said).toEqual(wanted);
  });
});

describe('silent', () => {
  test.each(Object.entries(nearMisses))('%s', async (_name, one) => {
    expect((await plant(one)).said).toEqual([]);
  });
});
