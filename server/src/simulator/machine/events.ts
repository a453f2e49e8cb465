/** Every change of the machine, as it is told to the story, the memory map and data breakpoints. */
import type {
  BackingCell,
  ContentCell,
  DirectmapCell,
  MappingCell,
  PageState,
  PamtCell,
  RmpCell,
  SeptCell,
  Side,
  Space,
} from './state.js';

/** Where in the C, as the execution says it; the machine only passes it on. */
export interface Place {
  file: string;
  line: number;
  function?: string;
}

export interface Stamp {
  /** Counts from 1 and never repeats in a run; after a restore it goes on from the snapshot's number. */
  seq: number;
  /** Who did it: `vcpu0`, `vmm`, `host` … */
  actor: string;
  at?: Place;
}

interface OfFrames<K extends string, V> {
  kind: K;
  pfn: number;
  pages: number;
  before: V | undefined;
  after: V | undefined;
}

interface OfGuestFrames<K extends string, V> {
  kind: K;
  vm: string;
  gfn: number;
  pages: number;
  before: V | undefined;
  after: V | undefined;
}

/** A range of one state that became another; `undefined` is free, default, not mapped. */
export type RangeChange =
  /** `bytesAllocated`: by the allocator, after the change. */
  | (OfFrames<'page', PageState> & { bytesAllocated: number })
  | OfFrames<'rmp', RmpCell>
  | OfFrames<'directmap', DirectmapCell>
  | OfFrames<'content', ContentCell>
  | OfFrames<'pamt', PamtCell>
  | (OfGuestFrames<'npt', MappingCell> & { space: Space })
  | (OfGuestFrames<'tlb', MappingCell> & { space: Space; vcpu: number })
  | OfGuestFrames<'sept', SeptCell>
  | (OfGuestFrames<'backing', BackingCell> & { side: Side });

/** Something was done that is worth telling even where no state changed. */
export type Incident =
  /** An instruction or module call: `code` 0 is success, else the architecture's return code (`name` of it). */
  | {
      kind: 'instruction';
      instruction: string;
      pfn?: number;
      gfn?: number;
      vm?: string;
      code: bigint;
      name: string;
    }
  | {
      kind: 'flush';
      vm: string;
      vcpus: number[];
      reason: 'remote' | 'asid' | 'vcpu' | 'range';
      entries: number;
    }
  | { kind: 'host-fault'; pfn: number; errorCode: bigint; reason: string }
  | { kind: 'guest-fault'; vm: string; vcpu: number; gfn: number; errorCode: bigint; reason: string }
  | { kind: 'directmap-split'; pfn: number; from: string; to: string }
  | { kind: 'directmap-restore'; pfn: number; to: string }
  | { kind: 'vm'; vm: string; change: 'created' | 'destroyed' };

export type Change = RangeChange | Incident;
export type MachineEvent = Change & Stamp;

/** Whether an event is about a frame; either may be left out. */
export function touches(event: MachineEvent, pfn: number | undefined, gfn: number | undefined): boolean {
  const pages = 'pages' in event ? event.pages : 1;
  const covers = (from: number | undefined, at: number): boolean =>
    from !== undefined && at >= from && at < from + pages;
  if (pfn !== undefined && 'pfn' in event && covers(event.pfn, pfn)) return true;
  return gfn !== undefined && 'gfn' in event && covers(event.gfn, gfn);
}
