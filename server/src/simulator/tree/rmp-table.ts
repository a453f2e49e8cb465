/** The reverse map table as memory, for C that reads its entries (struct rmpentry in arch/x86/virt/svm/sev.c). */
import type { Kernel, Region } from '../kernel-api/kernel.js';
import { encodeRmpEntry, RMP_ENTRY_BYTES } from '../machine/rmp-format.js';

/** Address of the entry of pfn 0; the kernel maps the table wherever it likes. */
export const RMP_TABLE = 0xffffc80000000000n;

export function rmpRegion({ hardware }: Kernel): Region {
  return {
    base: RMP_TABLE,
    size: BigInt(hardware.pages.memory.pages * RMP_ENTRY_BYTES),
    load(offset, size) {
      const pfn = Math.floor(Number(offset) / RMP_ENTRY_BYTES);
      const at = BigInt(Number(offset) % RMP_ENTRY_BYTES);
      // The first word is looked at once for each entry.
      const entry = at === 0n ? hardware.rmp.read(pfn) : hardware.rmp.peek(pfn);
      const { low, high } = encodeRmpEntry(pfn, entry ?? hardware.rmp.peek(pfn));
      return BigInt.asUintN(size * 8, ((high << 64n) | low) >> (at * 8n));
    },
  };
}
