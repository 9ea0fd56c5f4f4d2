import type { Clock } from "@jichat/protocol/clock.ts";

/** ClickHouse that is started anew takes inserts again by then. */
export const STUCK_MS = 30_000;
const WHY_MAX = 200;

/** How long ClickHouse has not taken what waits for it: refused, or without an answer. */
export class Unwritten {
  readonly #clock: Clock;
  #since: number | undefined;
  #why = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In milliseconds; 0 where nothing waits. */
  get ms(): number {
    return this.#since === undefined ? 0 : this.#clock.monotonic() - this.#since;
  }

  /** An insert is on its way, perhaps once more. */
  begins(): void {
    this.#since ??= this.#clock.monotonic();
  }

  fails(error: unknown): void {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    this.#why = `ClickHouse refuses inserts: ${(cause instanceof Error ? cause.message : String(cause)).slice(0, WHY_MAX)}`;
  }

  ends(): void {
    this.#since = undefined;
    this.#why = "";
  }

  /** Why nothing is written, once that has lasted. */
  fault(): string | undefined {
    if (this.ms <= STUCK_MS) return undefined;
    return this.#why === "" ? "ClickHouse does not answer an insert" : this.#why;
  }
}
