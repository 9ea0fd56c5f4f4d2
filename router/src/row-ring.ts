/** Numbers in a row, which thus takes one cache line. */
const DOUBLES = 8;
const CAPACITY_MIN = 4;
/** Up to this capacity a ring doubles. Beyond it, it grows by an eighth of this number. */
const DOUBLING_MAX = 4_096;

const grown = (capacity: number): number =>
  capacity < DOUBLING_MAX ? capacity * 2 : capacity + DOUBLING_MAX / 8;

/** A queue of rows of eight numbers in one block of memory outside the heap. */
export class RowRing {
  #data = new Float64Array(CAPACITY_MIN * DOUBLES);
  #capacity = CAPACITY_MIN;
  #oldest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Number of rows that fit. It grows and shrinks with the size; then `push` and `shift` move rows to other
   * slots.
   */
  get capacity(): number {
    return this.#capacity;
  }

  /** The slot of the row that has `index` older rows. Valid until the capacity changes. */
  slot(index: number): number {
    const slot = this.#oldest + index;
    return slot < this.#capacity ? slot : slot - this.#capacity;
  }

  /** The first slot that passes, oldest first. */
  find(isIt: (slot: number) => boolean): number | undefined {
    for (let index = 0; index < this.#size; index += 1) {
      const slot = this.slot(index);
      if (isIt(slot)) return slot;
    }
    return undefined;
  }

  get(slot: number, field: number): number {
    return this.#data[slot * DOUBLES + field] ?? 0;
  }

  set(slot: number, field: number, value: number): void {
    this.#data[slot * DOUBLES + field] = value;
  }

  /** Adds a row and returns its slot. Set all its fields: they still hold old values. */
  push(): number {
    if (this.#size === this.#capacity) this.#resize(grown(this.#capacity));
    this.#size += 1;
    return this.slot(this.#size - 1);
  }

  /** Removes the oldest row. */
  shift(): void {
    this.#oldest = this.slot(1);
    this.#size -= 1;
    if (this.#size < this.#capacity / 4 && this.#capacity > CAPACITY_MIN)
      this.#resize(Math.max(CAPACITY_MIN, Math.ceil(this.#capacity / 2)));
  }

  #resize(capacity: number): void {
    const data = new Float64Array(capacity * DOUBLES);
    const untilEnd = Math.min(this.#size, this.#capacity - this.#oldest);
    const begin = this.#oldest * DOUBLES;
    data.set(this.#data.subarray(begin, begin + untilEnd * DOUBLES));
    data.set(this.#data.subarray(0, (this.#size - untilEnd) * DOUBLES), untilEnd * DOUBLES);
    this.#data = data;
    this.#capacity = capacity;
    this.#oldest = 0;
  }
}
