import type { ReconnectToServerHandler } from "@nats-io/transport-node";

/**
 * Chooses the server to try after a connection was lost or left: another one first. By default the library
 * tries its first server once more before a second one, and a host that is cut off costs a time-out.
 */
export class NextServer {
  #lost: string | undefined;

  /** Reports the server that is connected now. */
  connectedTo(server: string): void {
    this.#lost = server;
  }

  /** Called before each attempt with the candidate first. Returning null keeps the candidate. */
  readonly choose: ReconnectToServerHandler = ([candidate, next]) => {
    if (candidate === undefined || candidate.listen !== this.#lost) return null;
    this.#lost = undefined; // Skip it once: later it is as good as others.
    return next ?? null;
  };
}
