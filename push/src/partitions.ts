import type { Clock } from "@jichat/protocol/clock.ts";
import type { LeaseHolder } from "@jichat/log/leases.ts";
import type { Scope } from "./job.ts";
import type { PartitionWorkParts } from "./partition-work.ts";
import { PartitionWork } from "./partition-work.ts";

/** What was read is finished within this time when a partition is given up; the rest is delivered again. */
const LAST_MS = 5_000;
/** A queue that is silent for longer is not read. */
const SILENT_MAX_MS = 10_000;

export type PartitionsParts = PartitionWorkParts & { readonly clock: Clock };

/** The partitions that are leased to this worker. */
export class Partitions implements LeaseHolder {
  readonly #parts: PartitionsParts;
  readonly #works = new Map<number, { readonly work: PartitionWork; readonly since: number }>();

  constructor(parts: PartitionsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#works.size;
  }

  get scopes(): readonly Scope[] {
    return [...this.#works.values()].map(({ work }) => work.scope);
  }

  /** Messages of the queue that are not done. NaN while that is unknown. */
  get waiting(): number {
    return [...this.#works.values()].reduce((sum, { work }) => sum + (work.waiting ?? Number.NaN), 0);
  }

  /** Partitions whose queue has not been heard for a while. */
  get unheard(): readonly number[] {
    const now = this.#parts.clock.monotonic();
    return [...this.#works].flatMap(([partition, { work, since }]) =>
      now - (work.heardAt ?? since) > SILENT_MAX_MS ? [partition] : [],
    );
  }

  acquire(partition: number): void {
    if (this.#works.has(partition)) return;
    const work = new PartitionWork(this.#parts, partition);
    this.#works.set(partition, { work, since: this.#parts.clock.monotonic() });
    work.start();
  }

  async give(partition: number): Promise<void> {
    const held = this.#works.get(partition);
    if (held === undefined) return;
    await held.work.close(LAST_MS);
    if (this.#works.get(partition) === held) this.#works.delete(partition);
  }

  lose(partition: number): void {
    this.#works.get(partition)?.work.drop();
    this.#works.delete(partition);
  }

  stop(): void {
    for (const partition of this.#works.keys()) this.lose(partition);
  }
}
