import type { Clock } from "@jichat/protocol/clock.ts";
import { CLOSE, mayResume } from "@jichat/protocol/errors.ts";
import { Alarm } from "./alarm.ts";
import type { Closed } from "./closed.ts";

/** A device between two sockets for longer than this is told to be offline. */
const QUIET_MS = 5_000;

/**
 * A move to another connector, which a `goaway` asks for. The new socket is opened before the old one is left,
 * so the application is told nothing. It ends with the new connection, or with the first reason to tell more.
 */
export class Move {
  readonly #gap: Alarm;
  #isOn = false;
  #arrival: PromiseWithResolvers<void> | undefined;

  constructor(clock: Clock) {
    this.#gap = new Alarm(clock);
  }

  /** The server has asked for it. */
  begin(): void {
    this.#isOn = true;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /**
   * The old socket has ended. False if that is no part of a move: then the application is told as ever. Where
   * the new socket is being opened, its own hello ends the old one (4409). `onLong` is called if no new one has
   * come within `QUIET_MS`.
   */
  lostOld(why: Closed, isOpening: boolean, onLong: () => void): boolean {
    if (!this.#isOn || !(mayResume(why.code) || (isOpening && why.code === CLOSE.replaced))) return false;
    this.#arrival = Promise.withResolvers();
    this.#gap.set(QUIET_MS, onLong);
    return true;
  }

  /** Resolves when the gap between the sockets is over, however it ends; at once if there is none. */
  async untilOver(): Promise<void> {
    await this.#arrival?.promise;
  }

  /** The new connection is there, or will not come as quietly as this. */
  end(): void {
    this.#isOn = false;
    this.#gap.clear();
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
