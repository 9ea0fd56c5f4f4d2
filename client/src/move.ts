import { CLOSE, mayResume } from "@jichat/protocol/errors.ts";
import type { Closed } from "./closed.ts";

/**
 * A move to another connector, which a `goaway` asks for. The new socket is opened before the old one is left,
 * so the application is told nothing. It ends with the new connection, or with the first reason to tell more.
 */
export class Move {
  /** Whether the server has asked for it, and the application need not know. */
  isOn = false;
  #arrival: PromiseWithResolvers<void> | undefined;

  /**
   * The old socket has ended. False if that is no part of a move: then the application is told as ever. Where
   * the new socket is being opened, its own hello ends the old one (4409).
   */
  lostOld({ code }: Pick<Closed, "code">, isOpening: boolean): boolean {
    const goesOn = this.isOn && (mayResume(code) || (isOpening && code === CLOSE.replaced));
    if (goesOn) this.#arrival = Promise.withResolvers();
    else this.end();
    return goesOn;
  }

  /** Resolves when the gap between the sockets is over, however it ends; at once if there is none. */
  async untilOver(): Promise<void> {
    await this.#arrival?.promise;
  }

  /** The new connection is there, or will not come as quietly as this. */
  end(): void {
    this.isOn = false;
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
