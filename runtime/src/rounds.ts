/**
 * One round trip for all who wait: what is submitted while a round is under way makes the next one. Under
 * load rounds grow instead of piling up; alone, an item leaves at the end of its turn of the event loop.
 */
export class Rounds<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<Result>;
  readonly #costOf: (item: Item) => number;
  readonly #costMax: number;
  #waiting: Waiting<Item, Result>[] = [];
  #running = false;

  /**
   * A round takes items, in order, while their costs sum to at most `costMax`; one that costs more goes
   * alone.
   */
  constructor(
    run: (items: readonly Item[]) => Promise<Result>,
    costOf: (item: Item) => number,
    costMax: number,
  ) {
    this.#run = run;
    this.#costOf = costOf;
    this.#costMax = costMax;
  }

  /**
   * Resolves or rejects with what became of the round that took `item`. Callers bound how many they submit.
   */
  submit(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, cost: this.#costOf(item), resolve, reject });
    if (!this.#running) {
      this.#running = true;
      setImmediate(() => void this.#runAll());
    }
    return promise;
  }

  /** Nobody waits and nothing is under way. */
  get isIdle(): boolean {
    return !this.#running;
  }

  async #runAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const round = this.#take();
      try {
        const result = await this.#run(round.map(({ item }) => item));
        for (const { resolve } of round) resolve(result);
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#running = false;
  }

  #take(): Waiting<Item, Result>[] {
    let cost = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      cost += waiting.cost;
      if (count > 0 && cost > this.#costMax) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly cost: number;
  resolve(this: void, result: Result): void;
  reject(this: void, error: unknown): void;
}
