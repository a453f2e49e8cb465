/** What a run costs. Counts only go up; the gauges say how things are now. */

export interface Counters {
  /** RMP entries read by kernel code: RMPREAD, RMPQUERY, or the table itself. */
  rmpLookups: number;
  /** Successful RMPUPDATEs. */
  rmpUpdates: number;
  psmash: number;
  pvalidate: number;
  /** Nested page faults that the RMP caused. */
  rmpFaults: number;
  /** All nested page faults. */
  nestedFaults: number;
  /** 1G→2M and 2M→4K steps. */
  directmapSplits: number;
  /** Steps back to a larger mapping. */
  directmapRestores: number;
  /** Gauge: 2M ranges that were mapped by 2M or 1G at boot and no longer are. */
  directmap2MLost: number;
  /** Flushes of guest TLBs, one a vCPU and flush. */
  tlbFlushes: number;
  /** Leaves installed in nested page tables. */
  nptMaps: number;
  nptZaps: number;
  septAugments: number;
  septRemovals: number;
  allocations: number;
  frees: number;
  /** Gauge, bytes. */
  bytesAllocated: number;
  /** Highest value of `bytesAllocated`. */
  bytesAllocatedPeak: number;
  /** Gauge, pages. */
  pagesLeaked: number;
  /** Gauge: gfns with a private and a shared page at once. */
  twiceAllocatedGfns: number;
  twiceAllocatedGfnsPeak: number;
  /** Requests to migrate or reclaim that a page refused. */
  movesRefused: number;
}

export const newCounters = (): Counters => ({
  rmpLookups: 0,
  rmpUpdates: 0,
  psmash: 0,
  pvalidate: 0,
  rmpFaults: 0,
  nestedFaults: 0,
  directmapSplits: 0,
  directmapRestores: 0,
  directmap2MLost: 0,
  tlbFlushes: 0,
  nptMaps: 0,
  nptZaps: 0,
  septAugments: 0,
  septRemovals: 0,
  allocations: 0,
  frees: 0,
  bytesAllocated: 0,
  bytesAllocatedPeak: 0,
  pagesLeaked: 0,
  twiceAllocatedGfns: 0,
  twiceAllocatedGfnsPeak: 0,
  movesRefused: 0,
});

/** The names, for scenarios and tables. */
export const COUNTER_NAMES = Object.keys(newCounters()) as (keyof Counters)[];
