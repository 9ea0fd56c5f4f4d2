import type { ChatError } from "@jichat/protocol/errors.ts";

/** A message as it arrives. */
export interface Received {
  readonly bytes: Uint8Array;
  /**
   * Answers a request, and does nothing for a message that asks for no answer. Throws if the answer is larger
   * than `bytesMax` of the bus.
   */
  readonly reply: (bytes?: Uint8Array) => void;
}

/** Receives the messages of one subject until it is ended in one of two ways. */
export interface Subscription {
  /** Ends at once. Messages that have not been received yet are dropped. */
  stop(): void;
  /** Ends after the messages that are already on their way to this process. */
  drain(): void;
}

/**
 * How components send messages to one another. The bus stores nothing and delivers at most once, so whoever
 * needs more repeats a request until it is answered. A message goes to every subscriber of its subject, and
 * the first answer to a request counts. Bytes that were handed over belong to the receiver.
 *
 * `nats-bus.ts` connects processes, and `local-bus.ts` connects components of one process.
 */
export interface Bus {
  /** The limit of one message in bytes. It may change when the connection is lost and comes back. */
  readonly bytesMax: number;
  /**
   * Resolves with the first answer. Rejects with `NobodyServes`, with `SendRefused`, or with another error,
   * such as one for no answer within `timeoutMs`; the request may have arrived only in the last case.
   */
  request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  publish(subject: string, bytes: Uint8Array): void;
  /** Calls `receive` for each message. `receive` must not throw. */
  subscribe(subject: string, receive: (message: Received) => void): Subscription;
  /** Calls `act` each time the connection is back after a loss. Messages may have been lost meanwhile. */
  onReconnect(act: () => void): void;
}

/** Nobody has subscribed to the subject of a request. A later attempt may find somebody. */
export class NobodyServes extends Error {
  override readonly name = "NobodyServes";

  constructor(subject: string, options?: ErrorOptions) {
    super(`nobody serves ${subject}`, options);
  }
}

/** The bus did not send a request, and would refuse it on every attempt. `refusal` says why. */
export class SendRefused extends Error {
  override readonly name = "SendRefused";
  readonly refusal: ChatError;

  constructor(refusal: ChatError) {
    super(refusal.message, { cause: refusal });
    this.refusal = refusal;
  }
}
