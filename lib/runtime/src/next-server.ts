import type { ReconnectToServerHandler } from "@nats-io/transport-node";

/**
 * Which server of a cluster is tried when one was lost or left: another one first. Left alone, the library
 * goes back to its first server once before it tries a second, and a host that is cut off costs a time-out.
 */
export class NextServer {
  #lost: string | undefined;

  /** The connection is to this one now. */
  connectedTo(server: string): void {
    this.#lost = server;
  }

  /** Called before every try, its candidate first; null leaves it at that. */
  readonly choose: ReconnectToServerHandler = ([candidate, next]) => {
    if (candidate === undefined || candidate.listen !== this.#lost) return null;
    this.#lost = undefined; // Once: in turn, it is as good as others.
    return next ?? null;
  };
}
