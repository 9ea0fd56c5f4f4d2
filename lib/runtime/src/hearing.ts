import { systemClock } from "@jichat/protocol/clock.ts";

/** Called each time a reader starts to receive, or loses its stream; `why` is the error of the loss. */
export type OnTurn = (isHeard: boolean, why: unknown) => void;

/** Whether a reader receives from the stream that it follows, for callers that report it. */
export class Hearing {
  readonly #onTurn: OnTurn;
  #isHeard: boolean | undefined;
  #lostAt = 0;
  /** The last known end of the stream. */
  end = 0;

  constructor(onTurn: OnTurn = () => {}) {
    this.#onTurn = onTurn;
  }

  get isHeard(): boolean {
    return this.#isHeard === true;
  }

  /** Milliseconds since the stream was lost; 0 while it is received, or before it was received first. */
  get lostMs(): number {
    return this.#isHeard === false ? systemClock.monotonic() - this.#lostAt : 0;
  }

  heard(end: number): void {
    this.end = end;
    const wasLost = this.#isHeard === false;
    this.#isHeard = true;
    if (wasLost) this.#onTurn(true, undefined);
  }

  lost(why: unknown): void {
    if (this.#isHeard === false) return;
    this.#isHeard = false;
    this.#lostAt = systemClock.monotonic();
    this.#onTurn(false, why);
  }
}

interface Log {
  warn(of: object, line: string): void;
}

/** Logs each loss and each recovery. */
export const hearingOf = (log: Log, what: string, about: object = {}): Hearing =>
  new Hearing((isHeard, err) => {
    if (isHeard) log.warn(about, `the reader of ${what} receives again`);
    else log.warn({ ...about, err }, `the reader of ${what} stopped: it is opened again until it receives`);
  });
