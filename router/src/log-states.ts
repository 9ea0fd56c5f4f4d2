import { LOG_FULL_RATIO } from "@jichat/protocol/log/streams.ts";
import type { LogState } from "@jichat/log/partition-log.ts";

type Heard = Pick<LogState, "bytes" | "bytesMax" | "behind">;

/** What the logs of partitions served here said last: which are full, and which copies are behind. */
export class LogStates {
  readonly #full = new Set<number>();
  readonly #behind = new Map<number, { readonly servers: readonly string[]; readonly since: number }>();
  readonly #onBehind: (servers: readonly string[]) => void;
  #told = "";

  /** `onBehind` hears of each change of the servers that are behind; of none, once all have caught up. */
  constructor(onBehind: (servers: readonly string[]) => void) {
    this.#onBehind = onBehind;
  }

  isFull(partition: number): boolean {
    return this.#full.has(partition);
  }

  /** Copies that are behind, over all logs served here. */
  get copiesBehind(): number {
    return [...this.#behind.values()].reduce((sum, { servers }) => sum + servers.length, 0);
  }

  /** Monotonic: since when a copy of this log has been behind, look by look; undefined where none is. */
  behindSince(partition: number): number | undefined {
    return this.#behind.get(partition)?.since;
  }

  /** What a leader said at `now`, which is monotonic. */
  hear(partition: number, { bytes, bytesMax, behind }: Heard, now: number): void {
    const since = this.#behind.get(partition)?.since ?? now;
    this.forget(partition);
    if (bytesMax > 0 && bytes > bytesMax * LOG_FULL_RATIO) this.#full.add(partition);
    if (behind.length > 0) this.#behind.set(partition, { servers: behind, since });
  }

  /** Another router serves it now. */
  forget(partition: number): void {
    this.#full.delete(partition);
    this.#behind.delete(partition);
  }

  /** A round is over: says who is behind, where that is news. */
  sum(): void {
    const servers = [...new Set([...this.#behind.values()].flatMap(({ servers }) => servers))].sort();
    if (servers.join() === this.#told) return;
    this.#told = servers.join();
    this.#onBehind(servers);
  }
}
