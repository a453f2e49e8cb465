/** What the machine itself can see going wrong. Locks, sleeping and the like are the kernel model's to report. */
import type { MachineEvent, Place } from './events.js';

export const HAZARD_KINDS = [
  /** A host write met an assigned RMP entry: the host goes down, or the process does. */
  'rmp-violation',
  /** A host access through a directmap entry that isn't present. */
  'directmap-not-present',
  'page-freed-while-assigned',
  /** Its next user gets a page fault. */
  'page-freed-without-directmap',
  'double-free',
  /** Part of a block, or with the wrong order. */
  'bad-free',
  /** The guest can still reach a page that was freed, or is somebody else's by now; raised when it does. */
  'stale-guest-mapping',
  /** A mapping was made to a page that is free. */
  'free-page-mapped',
  'page-outside-slot',
  'double-allocation',
  'leak-at-teardown',
  /** A host write into a TD's page. */
  'td-page-written',
  'machine-check',
] as const;

export type HazardKind = (typeof HAZARD_KINDS)[number];

/** Whom it takes down. */
export type HazardEffect = 'host' | 'process' | 'guest' | 'memory';

export interface HazardReport {
  kind: HazardKind;
  /** One sentence with the numbers. */
  message: string;
  effect: HazardEffect;
  /** Row of MAILS.md it belongs to. */
  row?: string;
  vm?: string;
  pfn?: number;
  gfn?: number;
  /** Pages concerned, 1 if not given. */
  pages?: number;
}

export interface Hazard extends HazardReport {
  /** Of the last event before it. */
  seq: number;
  actor: string;
  at?: Place;
  /** The last events about that pfn or gfn, oldest first: how it came to be. */
  causes: MachineEvent[];
}
