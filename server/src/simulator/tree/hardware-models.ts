/** Instructions that stand in the C as inline assembly, and the directmap's own page tables. */
import { assemblyName } from '../execution/assembly.js';
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { HARDWARE_FUNCTIONS } from '../kernel-api/hardware-functions.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { mightSleep } from '../kernel-api/locks.js';
import { entryOf, type ModelTable } from '../kernel-api/table-entry.js';
import { frameOf } from '../machine/units.js';

const APM3 = "AMD APM vol. 3, the instruction's page; vol. 2, 15.36";
/** Binutils before 2.36 have no mnemonics, so the kernel writes the bytes. */
const RMPUPDATE = assemblyName('.byte 0xF2, 0x0F, 0x01, 0xFE');
const PSMASH = assemblyName('.byte 0xF3, 0x0F, 0x01, 0xFF');

/** Operands: the result's address, the page's address in rax, struct rmp_state's in rcx. */
function rmpupdate(kernel: Kernel, call: ModelledCall): Outcome {
  const state = kernel.object(call.address(2), 'struct rmp_state');
  const { code } = kernel.hardware.rmp.update(frameOf(Number(call.unsigned(1))), {
    assigned: state.get('assigned') !== 0n,
    asid: Number(state.get('asid')),
    gpa: Number(state.get('gpa')),
    size: state.get('pagesize') === kernel.constant('RMP_PG_SIZE_2M') ? '2M' : '4K',
    immutable: state.get('immutable') !== 0n,
  });
  kernel.c.storeValue(call.address(0), 4, BigInt(code));
  return undefined;
}

function psmash(kernel: Kernel, call: ModelledCall): Outcome {
  const { code } = kernel.hardware.rmp.psmash(frameOf(Number(call.unsigned(1))));
  kernel.c.storeValue(call.address(0), 4, BigInt(code));
  return undefined;
}

/** The kernel looks at the entry too: that of a mapped page is not empty. */
function lookupAddress(kernel: Kernel, call: ModelledCall): Outcome {
  const pte = entryOf(HARDWARE_FUNCTIONS, 'lookup_address').run(kernel, call) as bigint | number;
  if (pte !== 0) kernel.c.storeValue(BigInt(pte), 8, 1n);
  return pte;
}

/** Changing a mapping flushes what vmap left over, under a mutex: mail row A6. */
function setMemory4k(kernel: Kernel, call: ModelledCall): Outcome {
  mightSleep(kernel, call);
  const first = kernel.frameAt(call.unsigned(0));
  if (!first) return -22;
  for (let i = 0; i < call.int(1); i++) kernel.hardware.directmap.split(first.pfn + i, '4K');
  return 0;
}

export const TREE_HARDWARE: ModelTable = {
  [RMPUPDATE]: { source: `${APM3}: RMPUPDATE`, run: rmpupdate },
  [PSMASH]: { source: `${APM3}: PSMASH`, run: psmash },
  clflush_cache_range: {
    source: 'arch/x86/mm/pat/set_memory.c; AMD APM vol. 3, CLFLUSH: caches are not modelled',
    run: () => undefined,
  },
  lookup_address: { source: 'arch/x86/mm/pat/set_memory.c, lookup_address', run: lookupAddress },
  set_memory_4k: {
    source:
      'arch/x86/mm/pat/set_memory.c, set_memory_4k → change_page_attr_set_clr → vm_unmap_aliases, a mutex',
    run: setMemory4k,
  },
  cc_platform_has: {
    source: 'include/linux/cc_platform.h; arch/x86/coco/core.c',
    run: (kernel, call) =>
      kernel.hardware.platform.name === 'snp' && call.unsigned(0) === kernel.constant('CC_ATTR_HOST_SEV_SNP'),
  },
};
