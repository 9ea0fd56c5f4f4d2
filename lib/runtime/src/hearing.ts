import { systemClock } from "@jichat/protocol/clock.ts";

/** Told each time a reader begins to hear, or hears no more, with what it broke off with. */
export type OnTurn = (isHeard: boolean, why: unknown) => void;

/** Whether a reader hears what it follows: for whoever has to say so. */
export class Hearing {
  readonly #onTurn: OnTurn;
  #isHeard: boolean | undefined;
  #lostAt = 0;
  /** Where the stream was heard to end. */
  end = 0;

  constructor(onTurn: OnTurn = () => {}) {
    this.#onTurn = onTurn;
  }

  get isHeard(): boolean {
    return this.#isHeard === true;
  }

  /** How long nothing of it was heard that once was. */
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

/** Says both turns in the log. */
export const hearingOf = (log: Log, what: string, about: object = {}): Hearing =>
  new Hearing((isHeard, err) => {
    if (isHeard) log.warn(about, `${what} is heard again`);
    else log.warn({ ...about, err }, `${what} is not heard: its reader is made anew until it is`);
  });
