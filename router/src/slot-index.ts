/** Marks a place that holds no slot. */
const EMPTY = 0;

/**
 * Finds slots by a hash of what they hold: open addressing with linear probing. The caller says what is
 * equal; two slots may hold the same, and then either is found.
 */
export class SlotIndex {
  readonly #places: Int32Array;
  readonly #mask: number;
  readonly #hashOf: (slot: number) => number;

  /** For up to `capacity` slots. `hashOf` of a slot stays the same while it is in here. */
  constructor(capacity: number, hashOf: (slot: number) => number) {
    const length = 2 ** Math.ceil(Math.log2(capacity * 1.5));
    this.#places = new Int32Array(length);
    this.#mask = length - 1;
    this.#hashOf = hashOf;
  }

  add(slot: number): void {
    let place = this.#hashOf(slot) & this.#mask;
    while (this.#places[place] !== EMPTY) place = (place + 1) & this.#mask;
    this.#places[place] = slot + 1;
  }

  find(hash: number, isIt: (slot: number) => boolean): number | undefined {
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const slot = (this.#places[place] ?? EMPTY) - 1;
      if (slot < 0) return undefined;
      if (isIt(slot)) return slot;
    }
  }

  /** Takes a slot out that is in here, and closes the gap: whoever was displaced over it moves back. */
  remove(slot: number): void {
    let gap = this.#hashOf(slot) & this.#mask;
    while (this.#places[gap] !== slot + 1) gap = (gap + 1) & this.#mask;
    for (let place = (gap + 1) & this.#mask; ; place = (place + 1) & this.#mask) {
      const moved = this.#places[place] ?? EMPTY;
      if (moved === EMPTY) break;
      const home = this.#hashOf(moved - 1) & this.#mask;
      // From its home on, cyclically, the gap comes before its place: so it may move there.
      if (((place - home) & this.#mask) < ((place - gap) & this.#mask)) continue;
      this.#places[gap] = moved;
      gap = place;
    }
    this.#places[gap] = EMPTY;
  }
}
