import type { Clock } from "@jichat/protocol/clock.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly backoffMs?: number;
  readonly backoffMaxMs?: number;
  readonly random?: () => number;
}

/**
 * Keys that need work. Each key is queued once, and only one worker has it at a time. A key that is added
 * while a worker has it is queued again afterwards, so no change is missed. Failed keys come back after a
 * back-off with jitter.
 */
export class WorkQueue {
  readonly #options: Required<WorkQueueOptions>;
  readonly #ready: string[] = [];
  readonly #queued = new Set<string>();
  readonly #running = new Set<string>();
  /** Keys that were added again while a worker had them. */
  readonly #dirty = new Set<string>();
  readonly #failures = new Map<string, number>();
  /** When a delayed key is due, and how to cancel its delay. */
  readonly #delayed = new Map<string, { readonly at: number; readonly stop: AbortController }>();
  #waiting: ((key: string | undefined) => void)[] = [];
  #isClosed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = { backoffMs: 500, backoffMaxMs: 60_000, random: Math.random, ...options };
  }

  get depth(): number {
    return this.#queued.size;
  }

  get running(): number {
    return this.#running.size;
  }

  add(key: string): void {
    if (this.#isClosed) return;
    this.#cancel(key);
    if (this.#running.has(key)) {
      this.#dirty.add(key);
      return;
    }
    if (this.#queued.has(key)) return;
    this.#queued.add(key);
    const next = this.#waiting.shift();
    if (next === undefined) this.#ready.push(key);
    else next(key);
  }

  /** Adds the key after `ms`, unless it is added earlier. Of two delays, the shorter counts. */
  addAfter(key: string, ms: number): void {
    if (this.#isClosed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#options.clock.monotonic() + ms;
    const known = this.#delayed.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.stop.abort(new Error("sooner"));
    const stop = new AbortController();
    this.#delayed.set(key, { at, stop });
    this.#options.clock.sleep(ms, stop.signal).then(
      () => {
        if (this.#delayed.get(key)?.stop !== stop) return;
        this.#delayed.delete(key);
        this.add(key);
      },
      () => undefined, // The key was added earlier, or the queue was closed.
    );
  }

  /** Adds the key after a back-off that grows with each consecutive failure. */
  addFailed(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const { backoffMs, backoffMaxMs, random } = this.#options;
    this.addAfter(
      key,
      Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(failures, 20)) * (0.5 + random() / 2),
    );
  }

  /** The key succeeded: after its next failure, the back-off starts at its shortest. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes the next key, which is then in work until `done`. Undefined once the queue is closed. */
  async next(): Promise<string | undefined> {
    const key =
      this.#ready.shift() ??
      (this.#isClosed
        ? undefined
        : await new Promise<string | undefined>((resolve) => this.#waiting.push(resolve)));
    if (key === undefined) return undefined;
    this.#queued.delete(key);
    this.#running.add(key);
    return key;
  }

  done(key: string): void {
    this.#running.delete(key);
    if (this.#dirty.delete(key)) this.add(key);
  }

  close(): void {
    this.#isClosed = true;
    for (const { stop } of this.#delayed.values()) stop.abort(new Error("closed"));
    this.#delayed.clear();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #cancel(key: string): void {
    const delayed = this.#delayed.get(key);
    if (delayed === undefined) return;
    this.#delayed.delete(key);
    delayed.stop.abort(new Error("added before"));
  }
}
