/** Footprints by number: the same few come again and again, and which of them conflict is worked out once. */
import { type Footprint, GIVES, type Place, touchesConflict } from './footprint.js';

/** A set of footprints' numbers, as bits. */
export type FootprintSet = bigint;

export class FootprintTable {
  private readonly numbers = new Map<string, number>();
  private readonly byPlace = new Map<Place, { number: number; touch: number }[]>();
  private readonly dependent: FootprintSet[] = [];
  private readonly reversible: FootprintSet[] = [];

  numberOf(footprint: Footprint): number {
    const entries = [...footprint].sort(([a], [b]) => a - b);
    const key = entries.join(' ');
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.numbers.size;
    this.numbers.set(key, number);
    this.dependent.push(0n);
    this.reversible.push(0n);
    for (const [place, touch] of entries) this.addPlace(number, place, touch);
    return number;
  }

  /** One has to come after the other: their order matters, or can't be another. */
  depend(a: number, b: number): boolean {
    return ((this.dependent[a]! >> BigInt(b)) & 1n) !== 0n;
  }

  /** Might one of a set come in the other order, and make a difference by it? A lock is taken before it is given back. */
  isReversible(a: number, others: FootprintSet): boolean {
    return (this.reversible[a]! & others) !== 0n;
  }

  private addPlace(number: number, place: Place, touch: number): void {
    let list = this.byPlace.get(place);
    if (!list) this.byPlace.set(place, (list = []));
    list.push({ number, touch });
    for (const other of list) {
      if (!touchesConflict(touch, other.touch)) continue;
      this.mark(this.dependent, number, other.number);
      if (touchesConflict(touch & ~GIVES, other.touch & ~GIVES))
        this.mark(this.reversible, number, other.number);
    }
  }

  private mark(sets: FootprintSet[], a: number, b: number): void {
    sets[a]! |= 1n << BigInt(b);
    sets[b]! |= 1n << BigInt(a);
  }
}
