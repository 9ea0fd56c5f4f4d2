/** Numbers in a row, which thus takes one cache line. */
const DOUBLES = 8;
const CAPACITY_MIN = 4;
/** Up to this capacity a ring doubles. Beyond it, it grows by an eighth of this number. */
const DOUBLING_MAX = 4_096;

const grown = (capacity: number): number =>
  capacity < DOUBLING_MAX ? capacity * 2 : capacity + DOUBLING_MAX / 8;

/** A queue of rows of eight numbers in one block of memory outside the heap. */
export class RowRing {
  #data: Float64Array<ArrayBuffer>;
  #capacity: number;
  #oldest = 0;
  #size = 0;

  /** `data` is a block whose rows are all free, or about to be set. */
  constructor(data = new Float64Array(CAPACITY_MIN * DOUBLES)) {
    this.#data = data;
    this.#capacity = data.length / DOUBLES;
  }

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

  /** A copy of the rows that have `from` or more older ones. It copies memory, and makes no object per row. */
  copy(from: number): RowRing {
    const size = this.#size - from;
    const copied = new RowRing(this.#block(from, Math.max(CAPACITY_MIN, size)));
    copied.#size = size;
    return copied;
  }

  #resize(capacity: number): void {
    this.#data = this.#block(0, capacity);
    this.#capacity = capacity;
    this.#oldest = 0;
  }

  /** The rows that have `from` or more older ones, in a block that has room for `capacity`. */
  #block(from: number, capacity: number): Float64Array<ArrayBuffer> {
    const data = new Float64Array(capacity * DOUBLES);
    if (from === this.#size) return data;
    const [size, first] = [this.#size - from, this.slot(from)];
    const untilEnd = Math.min(size, this.#capacity - first);
    data.set(this.#data.subarray(first * DOUBLES, (first + untilEnd) * DOUBLES));
    data.set(this.#data.subarray(0, (size - untilEnd) * DOUBLES), untilEnd * DOUBLES);
    return data;
  }
}
