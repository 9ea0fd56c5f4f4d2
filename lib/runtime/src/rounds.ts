/**
 * Gathers items into rounds: items that are submitted while a round is under way form the next one. Under
 * load rounds grow instead of queueing up. A single item leaves at the end of its turn of the event loop. A
 * full round need not wait: up to `inFlightMax` rounds are under way at once.
 */
export class Rounds<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<Result>;
  readonly #costOf: (item: Item) => number;
  readonly #costMax: number;
  readonly #inFlightMax: number;
  #waiting: PendingItem<Item, Result>[] = [];
  #waitingCost = 0;
  #inFlight = 0;
  #isScheduled = false;

  /**
   * A round takes items in order while the sum of their costs is at most `costMax`. An item that costs more
   * goes alone.
   */
  constructor(
    run: (items: readonly Item[]) => Promise<Result>,
    costOf: (item: Item) => number,
    costMax: number,
    inFlightMax = 1,
  ) {
    this.#run = run;
    this.#costOf = costOf;
    this.#costMax = costMax;
    this.#inFlightMax = inFlightMax;
  }

  /**
   * Resolves or rejects with the result of the round that took `item`. The queue has no bound: callers limit
   * what they submit.
   */
  submit(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const cost = this.#costOf(item);
    this.#waiting.push({ item, cost, resolve, reject });
    this.#waitingCost += cost;
    if (!this.#isScheduled && this.#mayStart()) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.#start();
      });
    }
    return promise;
  }

  /** Whether no item waits and no round is under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0;
  }

  #mayStart(): boolean {
    if (this.#waiting.length === 0) return false;
    return this.#inFlight === 0 || (this.#inFlight < this.#inFlightMax && this.#waitingCost >= this.#costMax);
  }

  #start(): void {
    while (this.#mayStart()) void this.#runOne(this.#nextRound());
  }

  async #runOne(round: readonly PendingItem<Item, Result>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      const result = await this.#run(round.map(({ item }) => item));
      for (const { resolve } of round) resolve(result);
    } catch (error) {
      for (const { reject } of round) reject(error);
    }
    this.#inFlight -= 1;
    this.#start();
  }

  #nextRound(): PendingItem<Item, Result>[] {
    let cost = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && cost + waiting.cost > this.#costMax) break;
      cost += waiting.cost;
      count += 1;
    }
    this.#waitingCost -= cost;
    return this.#waiting.splice(0, count);
  }
}

interface PendingItem<Item, Result> {
  readonly item: Item;
  readonly cost: number;
  resolve(this: void, result: Result): void;
  reject(this: void, error: unknown): void;
}
