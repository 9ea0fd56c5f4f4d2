import type { Clock } from "@jichat/protocol/clock.ts";
import { Alarm } from "../alarm.ts";
import type { Row } from "./row.ts";

export interface MuteEndsParts {
  readonly clock: Pick<Clock, "sleep">;
  /** The server's time, in milliseconds since 1970. */
  readonly now: () => number;
  /** The conversation is not muted any more. */
  readonly onEnd: (conversation: string) => void;
}

/** Tells when mutes end: no frame of the server does. */
export class MuteEnds {
  readonly #parts: MuteEndsParts;
  readonly #alarm: Alarm;
  /** When the mute ends, by conversation. */
  readonly #ends = new Map<string, number>();
  #nextAt = Infinity;
  #isOver = false;

  constructor(parts: MuteEndsParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** Takes a row that is shown from now on. */
  follow({ id, muted, isMember }: Pick<Row<unknown>, "id" | "muted" | "isMember">): void {
    const until = isMember ? muted?.until : undefined;
    if (until === undefined) {
      this.#ends.delete(id);
      return;
    }
    this.#ends.set(id, until);
    if (until < this.#nextAt) this.#wait(until);
  }

  clear(): void {
    this.#ends.clear();
    this.#nextAt = Infinity;
    this.#alarm.clear();
  }

  stop(): void {
    this.#isOver = true;
    this.clear();
  }

  #wait(until: number): void {
    if (this.#isOver) return;
    this.#nextAt = until;
    this.#alarm.set(until - this.#parts.now(), this.#ring);
  }

  /** The alarm may ring early: a timer has a longest delay, and the server's clock may be corrected. */
  readonly #ring = (): void => {
    const now = this.#parts.now();
    this.#nextAt = Infinity;
    const ended: string[] = [];
    let next = Infinity;
    for (const [id, until] of this.#ends)
      if (until <= now) ended.push(id);
      else next = Math.min(next, until);
    for (const id of ended) this.#ends.delete(id);
    if (next < Infinity) this.#wait(next);
    for (const id of ended) this.#parts.onEnd(id);
  };
}
