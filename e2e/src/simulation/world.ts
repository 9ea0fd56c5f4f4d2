import type { Clock } from "@jichat/protocol/clock.ts";
import { Dice } from "@jichat/protocol/dice.ts";

/** The dice of a simulated cluster, in which nothing goes wrong once `calm` is set. */
export class ClusterDice extends Dice {
  /** While it is set, the network is good. */
  calm = false;

  /** Whether something goes wrong on the way. */
  mishap(probability: number): boolean {
    return this.chance(probability) && !this.calm;
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** Virtual time. All waits are in one queue, and time moves from one event to the next. */
export class Time {
  now = 1_000_000_000_000;
  #queue: Event[] = [];
  #order = 0;

  after(ms: number, act: () => void): void {
    const event = { at: this.now + Math.max(0, ms), order: (this.#order += 1), act };
    // A binary heap: the earliest event comes first. Events of the same instant keep their order.
    let index = this.#queue.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(event, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /**
   * Runs until `done`, or until this much time has passed. Between two events, all pending promises continue.
   */
  async run(ms: number, done: () => boolean = () => false): Promise<void> {
    const end = this.now + ms;
    while (!done()) {
      const event = this.#take(end);
      if (event === undefined) break;
      this.now = event.at;
      event.act();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    this.now = Math.max(this.now, Math.min(end, this.now));
  }

  #take(end: number): Event | undefined {
    const first = this.#queue[0];
    if (first === undefined || first.at > end) return undefined;
    const last = this.#queue.pop();
    if (last === undefined || this.#queue.length === 0) return first;
    this.#queue[0] = last;
    let index = 0;
    for (;;) {
      let least = 2 * index + 1;
      if (least >= this.#queue.length) break;
      const right = this.#queue[least + 1];
      if (right !== undefined && this.#isBefore(right, least)) least += 1;
      const child = this.#queue[least];
      if (child === undefined || !this.#isBefore(child, index)) break;
      this.#swap(index, least);
      index = least;
    }
    return first;
  }

  #isBefore(event: Event, index: number): boolean {
    const other = this.#queue[index];
    return (
      other !== undefined && (event.at < other.at || (event.at === other.at && event.order < other.order))
    );
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#queue[a], this.#queue[b]];
    if (first === undefined || second === undefined) return;
    this.#queue[a] = second;
    this.#queue[b] = first;
  }
}

/** A process that can stall and die. What it waits for comes late, or never. */
export class Machine {
  readonly time: Time;
  readonly dice: ClusterDice;
  readonly clock: Clock;
  #isDead = false;
  #stalledUntil = 0;
  #cutUntil = 0;
  readonly #onCut: { readonly lost: () => void; readonly back: () => void }[] = [];
  readonly #onDeath: (() => void)[] = [];

  /** `skewMs` is the offset of this machine's clock. */
  constructor(time: Time, dice: ClusterDice, skewMs: number) {
    this.time = time;
    this.dice = dice;
    this.clock = {
      now: () => Math.floor(time.now + skewMs),
      monotonic: () => time.now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  get dead(): boolean {
    return this.#isDead;
  }

  /** Ends this machine. Nothing that it waits for comes any more. */
  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    for (const act of this.#onDeath) act();
  }

  onDeath(act: () => void): void {
    this.#onDeath.push(act);
  }

  /**
   * Takes the network from this machine. What it sends waits; what it has subscribed to is gone until then.
   */
  cut(ms: number): void {
    if (this.time.now < this.#cutUntil) return;
    this.#cutUntil = this.time.now + ms;
    for (const { lost } of this.#onCut) lost();
    this.time.after(ms, () => {
      if (!this.#isDead) for (const { back } of this.#onCut) back();
    });
  }

  onCut(acts: { readonly lost: () => void; readonly back: () => void }): void {
    this.#onCut.push(acts);
  }

  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.time.now + ms);
  }

  /** Resolves only while this machine is alive and not stalled. On a dead machine it never resolves. */
  async alive(): Promise<void> {
    while (this.time.now < this.#stalledUntil) await this.time.sleep(this.#stalledUntil - this.time.now);
    if (this.#isDead) await new Promise(() => undefined);
  }

  async #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.time.sleep(ms);
    await this.alive();
    signal?.throwIfAborted();
  }

  /** One way over the network: usually fast, sometimes slow. */
  async hop(): Promise<void> {
    await this.time.sleep(this.dice.mishap(0.03) ? this.dice.between(50, 2_500) : this.dice.between(0.2, 4));
    while (this.time.now < this.#cutUntil) await this.time.sleep(this.#cutUntil - this.time.now);
  }
}
