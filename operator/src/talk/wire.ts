import type { Socket } from "node:net";
import { checkServerIdentity } from "node:tls";
import { Agent, WebSocket, buildConnector } from "undici";
import type { Trust, Way } from "./way.ts";

/**
 * The connections of one talk. Only what the Secret's certificate vouches for is trusted, not the public CAs:
 * a self-made certificate is just as good to devices that know it.
 */
export class Wire {
  readonly #url: string;
  readonly #agent: Agent;
  readonly #sockets = new Set<Socket>();
  #failure: Error | undefined;

  constructor({ url, trust }: Pick<Way, "url" | "trust">, timeoutMs: number) {
    this.#url = url;
    const connect = buildConnector({ ...tlsOf(trust), allowH2: false, timeout: timeoutMs });
    this.#agent = new Agent({
      allowH2: false,
      connect: (options, callback) => {
        connect(options, (...[error, socket]) => {
          if (error !== null) {
            this.#failure = error; // The WebSocket itself says only that it is closed.
            callback(error, null);
            return;
          }
          this.#sockets.add(socket);
          socket.once("close", () => this.#sockets.delete(socket));
          callback(null, socket);
        });
      },
    });
  }

  /** Why the last connection failed. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  open(): WebSocket {
    return new WebSocket(this.#url, { protocols: ["jichat.v1.json"], dispatcher: this.#agent });
  }

  /**
   * Ends every connection at once. A connection to a frozen process would otherwise stay until that process
   * continues.
   */
  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#agent.destroy();
  }
}

function tlsOf(trust: readonly Trust[]): object {
  if (trust.length === 0) return {};
  return {
    ca: trust.map(({ pem }) => pem),
    // The Secret may hold only the leaf, or a chain up to a CA that only devices know.
    allowPartialTrustChain: true,
    // The Service's name is not the one that devices ask for.
    checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) => {
      const errors = trust.map(({ name }) => checkServerIdentity(name, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
}
