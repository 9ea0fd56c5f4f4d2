import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { NoRespondersError, RequestError } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { Bus, Received, Subscription } from "./bus.ts";
import { NobodyServes, SendRefused } from "./bus.ts";
import { finalErrorOf } from "./final-errors.ts";
import { onReconnect } from "./nats.ts";

/** The default `max_payload` of nats-server, which counts until a server has named its own. */
const BYTES_MAX_DEFAULT = 1_048_576;

/** The parts of a connection that the bus uses. */
type Connection = Pick<NatsConnection, "info" | "publish" | "request" | "status" | "subscribe">;

const isUnserved = (error: unknown): boolean =>
  error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());

/** The bus between processes: core NATS, without JetStream. */
export class NatsBus implements Bus {
  readonly #nats: Connection;
  readonly #log: Pick<Logger, "error" | "warn">;

  constructor(nats: Connection, log: Pick<Logger, "error" | "warn">) {
    this.#nats = nats;
    this.#log = log;
  }

  get bytesMax(): number {
    return this.#nats.info?.max_payload ?? BYTES_MAX_DEFAULT;
  }

  async request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    try {
      return (await this.#nats.request(subject, bytes, { timeout: timeoutMs })).data;
    } catch (cause) {
      if (isUnserved(cause)) throw new NobodyServes(subject, { cause });
      const refusal = finalErrorOf(cause);
      throw refusal === undefined ? cause : new SendRefused(refusal);
    }
  }

  publish(subject: string, bytes: Uint8Array): void {
    this.#nats.publish(subject, bytes);
  }

  onReconnect(act: () => void): void {
    onReconnect(this.#nats, act);
  }

  subscribe(subject: string, receive: (message: Received) => void): Subscription {
    const subscription = this.#nats.subscribe(subject, {
      callback: (error: Error | null, message: Msg) => {
        if (error === null) receive({ bytes: message.data, reply: (answer) => void message.respond(answer) });
        else this.#log.error({ err: error, subject }, "the subscription failed");
      },
    });
    return {
      stop: () => {
        subscription.unsubscribe();
      },
      drain: () => {
        subscription.drain().catch((error: unknown) => {
          this.#log.warn({ err: error, subject }, "the subscription did not drain");
        });
      },
    };
  }
}
