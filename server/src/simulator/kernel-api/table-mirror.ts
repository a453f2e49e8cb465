/**
 * Nested page tables that the C keeps in its own pages, in hardware's format: each write of a last-level entry is told to
 * the machine. Format: AMD APM vol. 2, 5.3.3 and 15.25.5; of EPT, Intel SDM vol. 3, 28.3.2. On TDX they are those of
 * shared memory.
 */
import { spaceOf } from '../machine/guest-walk.js';
import { LEVELS } from '../machine/units.js';
import type { Kernel } from './kernel.js';

const PRESENT = 1n;
const WRITABLE = 2n;
const NO_EXECUTE = 1n << 63n;
const EPT_EXECUTE = 4n;
const ADDRESS = 0x000ffffffffff000n;
/** PS: in a table of level 2 or 3 the entry is a 2M or 1G mapping itself. */
const LARGE = 1n << 7n;
const ENTRIES = 512;
const BITS = 9;

export class TableMirror {
  constructor(private readonly kernel: Kernel) {}

  /** The page that a vCPU's nested_cr3 points to. What is in it already is followed. */
  root(pfn: number, level: number): void {
    if (!this.kernel.state.tables.has(pfn)) this.add(pfn, level, 0);
  }

  /** The page is no table any more. */
  freed(pfn: number): void {
    this.kernel.state.tables.delete(pfn);
  }

  /** 8 bytes of a page were written. */
  written(pfn: number, offset: number, entry: bigint): void {
    const table = this.kernel.state.tables.get(pfn);
    if (!table) return;
    const index = Math.floor(offset / 8);
    const gfn = table.base + index * 2 ** (BITS * (table.level - 1));
    const leads = Number((entry & ADDRESS) >> 12n);
    const level = LEVELS[table.level - 1];
    const { platform } = this.kernel.hardware;
    const space = spaceOf(platform, false);
    const npt = this.kernel.hardware.npt(this.kernel.vm);
    if (!(entry & PRESENT)) npt.zap(gfn, 2 ** (BITS * (table.level - 1)), space);
    else if (table.level > 1 && !(entry & LARGE)) this.add(leads, table.level - 1, gfn);
    else if (level !== undefined)
      npt.map({
        gfn,
        pfn: leads,
        level,
        writable: (entry & WRITABLE) !== 0n,
        executable: platform.sept ? (entry & EPT_EXECUTE) !== 0n : (entry & NO_EXECUTE) === 0n,
        space,
      });
  }

  private add(pfn: number, level: number, base: number): void {
    this.kernel.state.tables.set(pfn, { level, base });
    const { hardware } = this.kernel;
    // A page that nobody wrote to has no entries.
    if (hardware.contents.patternOf(pfn, 0) === 'zero') return;
    for (let index = 0; index < ENTRIES; index++) {
      const { bytes } = hardware.contents.read(pfn, index * 8, 8, 0);
      const entry = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
      if (entry & PRESENT) this.written(pfn, index * 8, entry);
    }
  }
}
