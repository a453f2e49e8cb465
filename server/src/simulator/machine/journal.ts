/** Events, hazards and counters of one machine, and who acts at the moment. */
import { type Counters, newCounters } from './counters.js';
import { type Change, type MachineEvent, type Place, touches } from './events.js';
import type { Hazard, HazardReport } from './hazards.js';

/** A list by links to the item before, so that snapshots share it. */
interface Link<T> {
  readonly item: T;
  readonly before: Link<T> | undefined;
}

export interface JournalSnapshot {
  readonly seq: number;
  readonly recent: Link<MachineEvent> | undefined;
  readonly recentCount: number;
  readonly older: Link<MachineEvent> | undefined;
  readonly hazards: Link<Hazard> | undefined;
  readonly counters: Readonly<Counters>;
}

/** Kept at least; at most twice as many. Older ones are forgotten, so that long sessions stay bounded. */
const EVENTS_KEPT = 50_000;
const CAUSES_OF_A_HAZARD = 12;
/** How far back causes are looked for: a run that goes wrong at every step must not take for ever. */
const EVENTS_SEARCHED = 1_000;

export class Journal {
  actor = 'host';
  at: Place | undefined;
  counters: Counters = newCounters();
  private seq = 0;
  private recent: Link<MachineEvent> | undefined;
  private recentCount = 0;
  private older: Link<MachineEvent> | undefined;
  private found: Link<Hazard> | undefined;
  private readonly listeners = new Set<(event: MachineEvent) => void>();

  record(change: Change): void {
    const event: MachineEvent = { ...change, ...this.stamp(++this.seq) };
    if (this.recentCount >= EVENTS_KEPT) {
      this.older = this.recent;
      this.recent = undefined;
      this.recentCount = 0;
    }
    this.recent = { item: event, before: this.recent };
    this.recentCount++;
    for (const listener of this.listeners) listener(event);
  }

  hazard(report: HazardReport): void {
    const causes: MachineEvent[] = [];
    const oldest = this.seq - EVENTS_SEARCHED;
    for (const event of this.backwards()) {
      if (causes.length === CAUSES_OF_A_HAZARD || event.seq <= oldest) break;
      if (touches(event, report.pfn, report.gfn)) causes.push(event);
    }
    const item: Hazard = { ...report, ...this.stamp(this.seq), causes: causes.reverse() };
    this.found = { item, before: this.found };
  }

  /** Oldest first. */
  get hazards(): readonly Hazard[] {
    const hazards: Hazard[] = [];
    for (let link = this.found; link; link = link.before) hazards.push(link.item);
    return hazards.reverse();
  }

  get lastSeq(): number {
    return this.seq;
  }

  /** Events with a higher number than `seq`, oldest first; those that were forgotten are missing. */
  eventsSince(seq: number): MachineEvent[] {
    const events: MachineEvent[] = [];
    for (const event of this.backwards()) {
      if (event.seq <= seq) break;
      events.push(event);
    }
    return events.reverse();
  }

  /** Called with every event from now on; returns how to stop that. Restoring a snapshot calls nobody. */
  onEvent(listener: (event: MachineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  snapshot(): JournalSnapshot {
    const { seq, recent, recentCount, older, found } = this;
    return { seq, recent, recentCount, older, hazards: found, counters: { ...this.counters } };
  }

  restore(snapshot: JournalSnapshot): void {
    this.seq = snapshot.seq;
    this.recent = snapshot.recent;
    this.recentCount = snapshot.recentCount;
    this.older = snapshot.older;
    this.found = snapshot.hazards;
    this.counters = { ...snapshot.counters };
  }

  private stamp(seq: number): { seq: number; actor: string; at?: Place } {
    return { seq, actor: this.actor, ...(this.at ? { at: this.at } : {}) };
  }

  private *backwards(): Generator<MachineEvent> {
    for (const start of [this.recent, this.older]) {
      for (let link = start; link; link = link.before) yield link.item;
    }
  }
}
