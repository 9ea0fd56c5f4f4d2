/** Marks an empty place. */
const EMPTY = 0;

/**
 * Finds slots by a hash of their content: open addressing with linear probing. The caller decides equality.
 * If two slots are equal, either may be found.
 */
export class SlotIndex {
  readonly #places: Int32Array;
  readonly #mask: number;
  readonly #hashOf: (slot: number) => number;

  /** Has room for `capacity` slots. `hashOf` a slot must not change while the slot is in the index. */
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

  /**
   * Removes a slot, which must be in the index, and closes the gap: entries that were displaced over it move
   * back.
   */
  remove(slot: number): void {
    let gap = this.#hashOf(slot) & this.#mask;
    while (this.#places[gap] !== slot + 1) gap = (gap + 1) & this.#mask;
    for (let place = (gap + 1) & this.#mask; ; place = (place + 1) & this.#mask) {
      const moved = this.#places[place] ?? EMPTY;
      if (moved === EMPTY) break;
      const home = this.#hashOf(moved - 1) & this.#mask;
      // An entry may move into the gap if the gap lies between the entry's home and its place, cyclically.
      if (((place - home) & this.#mask) < ((place - gap) & this.#mask)) continue;
      this.#places[gap] = moved;
      gap = place;
    }
    this.#places[gap] = EMPTY;
  }
}
