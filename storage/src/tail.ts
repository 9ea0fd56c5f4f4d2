import { Run } from "./run.ts";
import type { Positioned } from "@jichat/log/partition-log.ts";
import { ConversationEnds } from "./conversation-ends.ts";

/**
 * The runs of one partition between the watermark and the consumed position: at most one being written to
 * ClickHouse, and the growing one. A reader takes `runs` before it asks ClickHouse, so that no record falls
 * between the two.
 */
export class Tail {
  readonly partition: number;
  readonly recents: ConversationEnds;
  #growing: Run;
  #flushing: Run | undefined;
  #waiting: { position: number; resolve: () => void }[] = [];
  watermark: number;

  constructor(partition: number, watermark: number, recentBytesMax: number) {
    this.partition = partition;
    this.recents = new ConversationEnds(recentBytesMax);
    this.watermark = watermark;
    this.#growing = new Run(partition, watermark + 1);
  }

  get consumed(): number {
    return this.#growing.last;
  }

  get growing(): Run {
    return this.#growing;
  }

  get bytes(): number {
    return this.#growing.bytes + (this.#flushing?.bytes ?? 0);
  }

  /** Oldest first. */
  get runs(): readonly Run[] {
    return this.#flushing === undefined ? [this.#growing] : [this.#flushing, this.#growing];
  }

  add(positioned: Positioned): void {
    this.#growing.add(positioned);
    const { position, batch } = positioned;
    for (const record of batch.records) this.recents.follow({ record, position });
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter(({ position }) => position <= this.consumed);
    this.#waiting = this.#waiting.filter(({ position }) => position > this.consumed);
    for (const { resolve } of ready) resolve();
  }

  /** Resolves to whether `position` was consumed within `ms`. */
  async until(position: number, ms: number): Promise<boolean> {
    if (position <= this.consumed) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { position, resolve };
    this.#waiting.push(waiter);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    return position <= this.consumed;
  }

  /**
   * The run to write next: the same one again until it is written. Undefined if there is nothing to write.
   */
  cut(): Run | undefined {
    if (this.#flushing !== undefined) return this.#flushing;
    if (this.#growing.last < this.#growing.first) return undefined;
    this.#flushing = this.#growing;
    this.#growing = new Run(this.partition, this.#flushing.last + 1);
    return this.#flushing;
  }

  /** Call once the run from `cut` is durable in ClickHouse. */
  written(run: Run): void {
    this.watermark = run.last;
    if (this.#flushing === run) this.#flushing = undefined;
  }
}
