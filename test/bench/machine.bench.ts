/** What the simulated machine costs beneath the C that drives it. */
import { bench, describe } from 'vitest';
import { Machine } from '../../server/src/simulator/machine/machine.ts';

const GIB = 2 ** 18;
const SHARED = { assigned: false, asid: 0, gpa: 0, size: '4K', immutable: false } as const;

function machineOf(gib: number): Machine {
  const machine = new Machine({ platform: 'snp', pages: gib * GIB });
  machine.createVm('vm0', { key: 5, vcpus: 2 });
  return machine;
}

describe('512 conversions of a 2M range, page by page', () => {
  for (const gib of [1, 40]) {
    const machine = machineOf(gib);
    const first = machine.pages.allocate({ order: 9, owner: 'gmem:1' })!;
    machine.pages.split(first, 0);
    machine.directmap.split(first, '4K');
    const start = machine.snapshot();
    const convert = (each: () => void): void => {
      machine.restore(start);
      for (let page = 0; page < 512; page++) {
        const pfn = first + page;
        machine.rmp.update(pfn, { assigned: true, asid: 5, gpa: pfn * 4096, size: '4K', immutable: false });
        machine.npt('vm0').map({ gfn: pfn, pfn, level: '4K' });
        machine.npt('vm0').zap(pfn, 1);
        machine.rmp.update(pfn, SHARED);
        each();
      }
    };
    bench(`${gib} GiB of memory`, () => convert(() => {}));
    bench(`${gib} GiB of memory, a snapshot and a hash each`, () =>
      convert(() => {
        machine.snapshot();
        machine.hash();
      }),
    );
  }
});
