import type { Clock } from "@jichat/protocol/clock.ts";

/** A restarted ClickHouse accepts inserts again within this time. */
export const STUCK_MS = 30_000;
const WHY_MAX = 200;

/** Measures for how long ClickHouse has not accepted an insert, because it refuses or does not answer. */
export class Unwritten {
  readonly #clock: Clock;
  #since: number | undefined;
  #why = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds; 0 if no insert is pending. */
  get ms(): number {
    return this.#since === undefined ? 0 : this.#clock.monotonic() - this.#since;
  }

  /** An insert begins, or is tried again. */
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

  /** The reason, once the state has lasted longer than `STUCK_MS`. */
  fault(): string | undefined {
    if (this.ms <= STUCK_MS) return undefined;
    return this.#why === "" ? "ClickHouse does not answer an insert" : this.#why;
  }
}
