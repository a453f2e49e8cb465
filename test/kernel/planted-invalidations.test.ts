/** Invalidations put out of balance in Linux 6.12, and retry checks left out: found where they are, and nothing else is. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { KernelAnalysis } from './kernel-analysis.ts';
import { Planting, type Seed } from './seeds.ts';

const MMU = 'arch/x86/kvm/mmu/mmu.c';
const TEMPLATE = 'arch/x86/kvm/mmu/paging_tmpl.h';
const MAIN = 'virt/kvm/kvm_main.c';
const GMEM = 'virt/kvm/guest_memfd.c';
const VMX = 'arch/x86/kvm/vmx/vmx.c';

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

type Put = Seed['put'];

interface Case {
  file: string;
  in: string;
  put: Put;
  /** Where it is said, if not in the changed function; nothing for a near miss. */
  saidIn?: readonly string[];
}

/** A template's function by the name that its text gives it. */
const asWritten = (name: string) => name.replace(/^(?:paging64|paging32|ept)_(\w+)$/, 'FNAME($1)');

async function saidOf(rule: string, { file, in: name, put }: Case): Promise<string[]> {
  const planting = new Planting(kernel).add({ name: 'seed', file, in: name, put });
  await kernel.become(planting.texts);
  return kernel.analysis.check([rule]).map((finding) => asWritten(finding.function));
}

const begun = 'kvm_mmu_invalidate_begin(kvm);';
const ended = 'kvm_mmu_invalidate_end(kvm);';

const unbalanced: Record<string, Case> = {
  'the end of kvm_zap_gfn_range is gone': { file: MMU, in: 'kvm_zap_gfn_range', put: [[`=${ended}`, '']] },
  'its begin is gone': { file: MMU, in: 'kvm_zap_gfn_range', put: [[`=${begun}`, '']] },
  'it ends twice': { file: MMU, in: 'kvm_zap_gfn_range', put: [[`>${ended}`, ended]] },
  'it begins twice': { file: MMU, in: 'kvm_zap_gfn_range', put: [[`>${begun}`, begun]] },
  'it leaves early after the begin': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      [
        '<if (tdp_mmu_enabled)',
        'if (!flush && kvm->vm_dead) {\n\twrite_unlock(&kvm->mmu_lock);\n\treturn;\n}',
      ],
    ],
  },
  'it ends only if something was flushed': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [[`=${ended}`, `if (flush)\n\t${ended}`]],
  },
  'it begins before the lock': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      [`=${begun}`, ''],
      ['<write_lock(&kvm->mmu_lock);', begun],
    ],
  },
  'it ends behind the lock': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      [`=${ended}`, ''],
      ['>write_unlock(&kvm->mmu_lock);', ended],
    ],
  },
  'it only reads': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      ['=write_lock(&kvm->mmu_lock);', 'read_lock(&kvm->mmu_lock);'],
      ['=write_unlock(&kvm->mmu_lock);', 'read_unlock(&kvm->mmu_lock);'],
    ],
    saidIn: ['kvm_zap_gfn_range', 'kvm_zap_gfn_range'],
  },
  'a punched hole is never ended': {
    file: GMEM,
    in: 'kvm_gmem_punch_hole',
    put: [['=kvm_gmem_invalidate_end(gmem, start, end);', ';']],
  },
  'a punched hole leaves early': {
    file: GMEM,
    in: 'kvm_gmem_punch_hole',
    put: [
      [
        '<truncate_inode_pages_range(',
        'if (signal_pending(current)) {\n\tfilemap_invalidate_unlock(inode->i_mapping);\n\treturn -EINTR;\n}',
      ],
    ],
  },
  'a punched hole is ended and not begun': {
    file: GMEM,
    in: 'kvm_gmem_punch_hole',
    put: [['=kvm_gmem_invalidate_begin(gmem, start, end);', ';']],
  },
  'a release ends twice': {
    file: GMEM,
    in: 'kvm_gmem_release',
    put: [['>kvm_gmem_invalidate_end(gmem, 0, -1ul);', 'kvm_gmem_invalidate_end(gmem, 0, -1ul);']],
  },
  'a release only begins': {
    file: GMEM,
    in: 'kvm_gmem_release',
    put: [['=kvm_gmem_invalidate_end(gmem, 0, -1ul);', '']],
  },
  'a broken folio leaves early': {
    file: GMEM,
    in: 'kvm_gmem_error_folio',
    put: [
      [
        '>kvm_gmem_invalidate_begin(gmem, start, end);',
        'if (end > start + 1) {\n\tfilemap_invalidate_unlock_shared(mapping);\n\treturn -EBUSY;\n}',
      ],
    ],
  },
  'guest_memfd begins before its lock': {
    file: GMEM,
    in: 'kvm_gmem_invalidate_begin',
    put: [
      [`=${begun}`, ''],
      ['<KVM_MMU_LOCK(kvm);', begun],
    ],
  },
  'guest_memfd ends without its lock': {
    file: GMEM,
    in: 'kvm_gmem_invalidate_end',
    put: [
      ['=KVM_MMU_LOCK(kvm);', ''],
      ['=KVM_MMU_UNLOCK(kvm);', ''],
    ],
  },
  'guest_memfd ends twice': { file: GMEM, in: 'kvm_gmem_invalidate_end', put: [[`>${ended}`, ended]] },
  'attributes: storing fails and the end is left out': {
    file: MAIN,
    in: 'kvm_vm_set_mem_attributes',
    put: [['=KVM_BUG_ON(r, kvm);', 'if (r)\n\tgoto out_unlock;']],
  },
  'attributes: nothing ends': {
    file: MAIN,
    in: 'kvm_vm_set_mem_attributes',
    put: [['=.on_lock = kvm_mmu_invalidate_end,', '']],
  },
  'attributes: both ranges begin': {
    file: MAIN,
    in: 'kvm_vm_set_mem_attributes',
    put: [['=.on_lock = kvm_mmu_invalidate_end,', '.on_lock = kvm_mmu_invalidate_begin,']],
  },
  'the notifier only begins': {
    file: MAIN,
    in: 'kvm_mmu_notifier_invalidate_range_end',
    put: [['=.on_lock\t= kvm_mmu_invalidate_end,', '.on_lock\t= (void *)kvm_null_fn,']],
    saidIn: ['kvm_mmu_notifier_invalidate_range_start'],
  },
  'a helper that begins in the middle of another invalidation': {
    file: MMU,
    in: 'kvm_rmap_zap_gfn_range',
    put: [
      ['^', `static void lens_pause(struct kvm *kvm)\n{\n\t${begun}\n}\n`],
      ['>bool flush = false;', 'lens_pause(kvm);'],
    ],
    saidIn: ['lens_pause'],
  },
};

const balanced: Record<string, Case> = {
  'a helper for each half': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      [
        '^',
        `static void lens_begin(struct kvm *kvm)\n{\n\twrite_lock(&kvm->mmu_lock);\n\t${begun}\n}\n\nstatic void lens_finish(struct kvm *kvm)\n{\n\t${ended}\n\twrite_unlock(&kvm->mmu_lock);\n}\n`,
      ],
      ['=write_lock(&kvm->mmu_lock);', 'lens_begin(kvm);'],
      [`=${begun}`, ''],
      [`=${ended}`, 'lens_finish(kvm);'],
      ['=write_unlock(&kvm->mmu_lock);', ''],
    ],
  },
  'the lock dropped in between': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      [
        '<if (tdp_mmu_enabled)',
        'write_unlock(&kvm->mmu_lock);\ncond_resched();\nwrite_lock(&kvm->mmu_lock);',
      ],
    ],
  },
  'one more pair inside of the other': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [['<if (tdp_mmu_enabled)', `${begun}\n${ended}`]],
  },
  'begun only if asked, and ended by the same flag': {
    file: MMU,
    in: 'kvm_zap_gfn_range',
    put: [
      [`=${begun}`, `if (tdp_mmu_enabled)\n\t${begun}`],
      [`=${ended}`, `if (tdp_mmu_enabled)\n\t${ended}`],
    ],
  },
  'an error path that ends too': {
    file: GMEM,
    in: 'kvm_gmem_release',
    put: [
      [
        '>kvm_gmem_invalidate_begin(gmem, 0, -1ul);',
        'if (!kvm) {\n\tkvm_gmem_invalidate_end(gmem, 0, -1UL);\n\tmutex_unlock(&kvm->slots_lock);\n\treturn 0;\n}',
      ],
    ],
  },
  'one loop for both': {
    file: GMEM,
    in: 'kvm_gmem_error_folio',
    put: [
      [
        '=kvm_gmem_invalidate_begin(gmem, start, end);',
        '{\n\tkvm_gmem_invalidate_begin(gmem, start, end);\n\tkvm_gmem_invalidate_end(gmem, start, end - 0);\n}',
      ],
      ['=kvm_gmem_invalidate_end(gmem, start, end);', 'WARN_ON_ONCE(!gmem);'],
    ],
  },
};

const stale = 'if (is_page_fault_stale(vcpu, fault))';

const unchecked: Record<string, Case> = {
  'the TDP MMU maps without asking': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [
      [`=${stale}`, ''],
      ['=goto out_unlock;', ''],
    ],
  },
  'it asks before it takes the lock': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [
      [`=${stale}`, ''],
      ['=goto out_unlock;', ''],
      ['<read_lock(&vcpu->kvm->mmu_lock);', `${stale}\n\treturn r;`],
    ],
  },
  'it asks and goes on': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [['=goto out_unlock;', 'r = RET_PF_RETRY;']],
  },
  'it asks only for private memory': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [[`=${stale}`, 'if (fault->is_private && is_page_fault_stale(vcpu, fault))']],
  },
  'it drops the lock after asking': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [
      [
        '<r = kvm_tdp_mmu_map(vcpu, fault);',
        'read_unlock(&vcpu->kvm->mmu_lock);\ncond_resched();\nread_lock(&vcpu->kvm->mmu_lock);',
      ],
    ],
  },
  'the check asks nothing any more': {
    file: MMU,
    in: 'is_page_fault_stale',
    put: [
      ['=mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);', 'is_noslot_pfn(fault->pfn);'],
    ],
    saidIn: ['direct_page_fault', 'FNAME(page_fault)', 'kvm_tdp_mmu_page_fault'],
  },
  'the shadow MMU maps without asking': {
    file: MMU,
    in: 'direct_page_fault',
    put: [['=if (is_page_fault_stale(vcpu, fault)) {', 'if (!fault->slot) {']],
  },
  'so it does for guest page tables': {
    file: TEMPLATE,
    in: 'FNAME(page_fault)',
    put: [['=if (is_page_fault_stale(vcpu, fault)) {', 'if (!fault->slot) {']],
  },
  'the APIC page is set without asking': {
    file: VMX,
    in: 'vmx_set_apic_access_page_addr',
    put: [['=if (mmu_invalidate_retry_gfn(kvm, mmu_seq, gfn)) {', 'if (!pfn) {']],
  },
};

const checked: Record<string, Case> = {
  'by a variable': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [[`=${stale}`, 'bool late = is_page_fault_stale(vcpu, fault);\n\nif (late)']],
  },
  'by a helper of the opposite meaning': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [
      [
        '^',
        'static bool lens_fresh(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)\n{\n\treturn !mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);\n}\n',
      ],
      [`=${stale}`, 'if (!lens_fresh(vcpu, fault))'],
    ],
  },
  'with the lock dropped before': {
    file: MMU,
    in: 'kvm_tdp_mmu_page_fault',
    put: [
      [`<${stale}`, 'read_unlock(&vcpu->kvm->mmu_lock);\ncond_resched();\nread_lock(&vcpu->kvm->mmu_lock);'],
    ],
  },
};

describe('invalidate-unbalanced', () => {
  test.each(Object.entries(unbalanced))('%s', async (_name, one) => {
    expect(await saidOf('invalidate-unbalanced', one)).toEqual(one.saidIn ?? [one.in]);
  });

  test.each(Object.entries(balanced))('silent: %s', async (_name, one) => {
    expect(await saidOf('invalidate-unbalanced', one)).toEqual([]);
  });
});

describe('map-without-retry-check', () => {
  test.each(Object.entries(unchecked))('%s', async (_name, one) => {
    const said = await saidOf('map-without-retry-check', one);
    expect(said.sort()).toEqual([...(one.saidIn ?? [one.in])].sort());
  });

  test.each(Object.entries(checked))('silent: %s', async (_name, one) => {
    expect(await saidOf('map-without-retry-check', one)).toEqual([]);
  });
});
