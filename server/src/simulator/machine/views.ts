/** The machine's state put together for readers: a memory map, variables of a debugger, a final state to check. */
import type { Machine } from './machine.js';
import type { RmpEntry } from './rmp.js';
import type { ContentCell, DirectmapCell, MappingCell, PageState, SeptCell } from './state.js';

/** Frames with consecutive numbers that look alike. */
export interface FrameRun {
  pfn: number;
  pages: number;
  /** `undefined`: free. */
  page: PageState | undefined;
  /** Of the first frame; `undefined` where nothing is assigned. */
  rmp: RmpEntry | undefined;
  directmap: DirectmapCell;
  /** The trust domain whose page it is. */
  td: string | undefined;
  content: ContentCell;
}

/** A VM's frames that are mapped and backed alike. */
export interface GuestFrameRun {
  gfn: number;
  pages: number;
  /** Leaves by table: one for all, or on TDX KVM's own for shared memory. */
  npt: MappingCell | undefined;
  sept: SeptCell | undefined;
  /** pfn of the first frame on each side. */
  privatePfn: number | undefined;
  sharedPfn: number | undefined;
  /** vCPUs whose TLB still has the first frame. */
  cachedBy: number[];
}

/** A range of frames as runs; throws MachineError `outside-memory`. */
export function framesOf(machine: Machine, pfn: number, pages: number): FrameRun[] {
  machine.pages.checkInside(pfn, pages);
  return cut(pfn, pages, Object.values(machine.frames)).map(([start, count]) => {
    const rmp = machine.platform.rmp ? machine.rmp.peek(start) : undefined;
    return {
      pfn: start,
      pages: count,
      page: machine.pages.at(start),
      rmp: rmp?.assigned || rmp?.immutable ? rmp : undefined,
      directmap: machine.directmap.at(start),
      td: machine.sept.ownerOf(start),
      content: machine.contents.at(start),
    };
  });
}

/** A range of a VM's frames as runs; throws MachineError `unknown-vm`. */
export function guestFramesOf(machine: Machine, vm: string, gfn: number, pages: number): GuestFrameRun[] {
  const npt = machine.npt(vm);
  const space = machine.platform.sept ? 'shared' : 'npt';
  const spaces = machine.platform.sept ? (['private', 'shared'] as const) : (['npt'] as const);
  const vcpus = machine.vms.get(vm).vcpus.map(({ id }) => id);
  const tlbs = vcpus.flatMap((vcpu) => spaces.map((each) => ({ vcpu, table: npt.tlb(vcpu, each) })));
  const tables = [
    npt.table(space),
    machine.sept.table(vm),
    machine.backing.table(vm, 'private'),
    machine.backing.table(vm, 'shared'),
    ...tlbs.map(({ table }) => table),
  ];
  return cut(gfn, pages, tables).map(([start, count]) => ({
    gfn: start,
    pages: count,
    npt: npt.table(space).get(start),
    sept: machine.sept.at(vm, start),
    privatePfn: machine.backing.pfn(vm, start, 'private'),
    sharedPfn: machine.backing.pfn(vm, start, 'shared'),
    cachedBy: [...new Set(tlbs.filter(({ table }) => table.get(start)).map(({ vcpu }) => vcpu))],
  }));
}

interface Cuttable {
  runs(start: number, pages: number): { start: number; value: object | undefined }[];
}

/** The range cut wherever one of the tables changes. */
function cut(start: number, pages: number, tables: readonly Cuttable[]): [start: number, count: number][] {
  const edges = new Set([start + pages]);
  for (const table of tables) for (const run of table.runs(start, pages)) edges.add(run.start);
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(1).map((edge, index) => [sorted[index]!, edge - sorted[index]!]);
}
