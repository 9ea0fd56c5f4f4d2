export interface RoundsOptions {
  /** Full rounds under way at once. Default: 1. */
  readonly inFlightMax?: number;
  /**
   * Milliseconds that a round which is not full gathers items for, where fewer rounds are worth the wait.
   * Default: until the end of the turn of the event loop.
   */
  readonly gatherMs?: number;
}

/**
 * Gathers items into rounds: items that are submitted while a round is under way form the next one. Under
 * load rounds grow instead of queueing up. A full round need not wait: up to `inFlightMax` rounds are under
 * way at once.
 */
export class Rounds<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<Result>;
  readonly #costOf: (item: Item) => number;
  readonly #costMax: number;
  readonly #inFlightMax: number;
  readonly #gatherMs: number | undefined;
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
    { inFlightMax = 1, gatherMs }: RoundsOptions = {},
  ) {
    this.#run = run;
    this.#costOf = costOf;
    this.#costMax = costMax;
    this.#inFlightMax = inFlightMax;
    this.#gatherMs = gatherMs;
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
    this.#schedule();
    return promise;
  }

  /** Whether no item waits and no round is under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0;
  }

  get #isFull(): boolean {
    return this.#waitingCost >= this.#costMax;
  }

  #mayStart(): boolean {
    if (this.#waiting.length === 0) return false;
    return this.#inFlight === 0 || (this.#inFlight < this.#inFlightMax && this.#isFull);
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#mayStart()) return;
    this.#isScheduled = true;
    const start = (): void => {
      this.#isScheduled = false;
      this.#start();
    };
    if (this.#gatherMs === undefined || this.#isFull) setImmediate(start);
    else setTimeout(start, this.#gatherMs);
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
    if (this.#gatherMs === undefined) this.#start();
    else this.#schedule();
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
