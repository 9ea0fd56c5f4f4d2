import { LOG_FULL_RATIO } from "@jichat/protocol/log/streams.ts";
import type { LogState } from "@jichat/log/partition-log.ts";

type Heard = Pick<LogState, "bytes" | "bytesMax" | "behind">;

/** The last known state of the logs that are served here: which are full, and which copies are behind. */
export class LogStates {
  readonly #full = new Set<number>();
  readonly #behind = new Map<number, { readonly servers: readonly string[]; readonly since: number }>();
  readonly #onBehind: (servers: readonly string[]) => void;
  #told = "";

  /**
   * `onBehind` is called with the servers that are behind whenever they change; with none once all have
   * caught up.
   */
  constructor(onBehind: (servers: readonly string[]) => void) {
    this.#onBehind = onBehind;
  }

  isFull(partition: number): boolean {
    return this.#full.has(partition);
  }

  /** Number of copies that are behind, over all logs served here. */
  get copiesBehind(): number {
    return [...this.#behind.values()].reduce((sum, { servers }) => sum + servers.length, 0);
  }

  /**
   * Monotonic time at which a copy of this log was first found behind, with no look since that found all up
   * to date; `undefined` if none is behind.
   */
  behindSince(partition: number): number | undefined {
    return this.#behind.get(partition)?.since;
  }

  /** Takes the state that a leader reported at `now`, which is monotonic. */
  hear(partition: number, { bytes, bytesMax, behind }: Heard, now: number): void {
    const since = this.#behind.get(partition)?.since ?? now;
    this.forget(partition);
    if (bytesMax > 0 && bytes > bytesMax * LOG_FULL_RATIO) this.#full.add(partition);
    if (behind.length > 0) this.#behind.set(partition, { servers: behind, since });
  }

  /** Forgets a partition that another router serves now. */
  forget(partition: number): void {
    this.#full.delete(partition);
    this.#behind.delete(partition);
  }

  /** Ends a round of looks: reports the servers that are behind, if they have changed. */
  sum(): void {
    const servers = [...new Set([...this.#behind.values()].flatMap(({ servers }) => servers))].sort();
    if (servers.join() === this.#told) return;
    this.#told = servers.join();
    this.#onBehind(servers);
  }
}
