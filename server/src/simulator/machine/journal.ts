/** Events, hazards and counters of one machine, and who acts at the moment. */
import { type Counters, newCounters } from './counters.js';
import { type Change, type MachineEvent, type Place, touches } from './events.js';
import type { Hazard, HazardReport } from './hazards.js';

/** Events by a link to the one before, so that snapshots share them. */
interface EventLink {
  readonly event: MachineEvent;
  readonly before: EventLink | undefined;
}

export interface JournalSnapshot {
  readonly seq: number;
  readonly recent: EventLink | undefined;
  readonly recentCount: number;
  readonly older: EventLink | undefined;
  readonly hazards: readonly Hazard[];
  readonly counters: Readonly<Counters>;
}

/** Kept at least; at most twice as many. Older ones are forgotten, so that long sessions stay bounded. */
const EVENTS_KEPT = 50_000;
const CAUSES_OF_A_HAZARD = 12;

export class Journal {
  actor = 'host';
  at: Place | undefined;
  counters: Counters = newCounters();
  private seq = 0;
  private recent: EventLink | undefined;
  private recentCount = 0;
  private older: EventLink | undefined;
  private found: readonly Hazard[] = [];
  private readonly listeners = new Set<(event: MachineEvent) => void>();

  record(change: Change): void {
    const event: MachineEvent = { ...change, ...this.stamp(++this.seq) };
    if (this.recentCount >= EVENTS_KEPT) {
      this.older = this.recent;
      this.recent = undefined;
      this.recentCount = 0;
    }
    this.recent = { event, before: this.recent };
    this.recentCount++;
    for (const listener of this.listeners) listener(event);
  }

  hazard(report: HazardReport): void {
    const causes: MachineEvent[] = [];
    for (const event of this.backwards()) {
      if (causes.length === CAUSES_OF_A_HAZARD) break;
      if (touches(event, report.pfn, report.gfn)) causes.push(event);
    }
    this.found = [...this.found, { ...report, ...this.stamp(this.seq), causes: causes.reverse() }];
  }

  get hazards(): readonly Hazard[] {
    return this.found;
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
      for (let link = start; link; link = link.before) yield link.event;
    }
  }
}
