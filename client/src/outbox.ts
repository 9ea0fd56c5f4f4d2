import { ChatError, isRetryable } from "@jichat/protocol/errors.ts";
import type { Ack } from "@jichat/protocol/frame/server-frame.ts";
import type { WriteResult } from "./types.ts";

export interface OutFrame {
  readonly t: string;
  readonly id: string;
  readonly conversation?: string | undefined;
  readonly to?: string | undefined;
}

interface Entry {
  readonly frame: OutFrame;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: Error) => void;
  state: "waiting" | "sent";
  notBefore: number;
  internals: number;
}

/** Writes that may be on their way at once: the rest waits here, not in a server's queue. */
const WINDOW = 64;

const GAP_MAX_MS = 1_000;
const SLOWER = 1.5;
const FASTER = 0.98;

/**
 * What was written and not yet acked, in order. Sent again, in order, on every new socket and after every
 * retryable error.
 */
export class Outbox {
  readonly #max: number;
  readonly #transmit: (frame: OutFrame) => boolean;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Between two writes, once they were too fast for the server: it closes sockets that are told so often. */
  #gapMs = 0;
  #nextAt = 0;
  #slowedAt = Number.NEGATIVE_INFINITY;

  /** `transmit` returns false while there is no socket. `now` is monotonic milliseconds. */
  constructor(
    max: number,
    transmit: (frame: OutFrame) => boolean,
    now: () => number = () => performance.now(),
  ) {
    this.#max = max;
    this.#transmit = transmit;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Resolves once the frame is acked; rejects when it can never be, or when the outbox is full or closed. */
  put(frame: OutFrame): Promise<WriteResult> {
    if (this.#entries.size >= this.#max)
      return Promise.reject(new ChatError("BUSY", `${this.#max} writes are waiting for their acks`));
    if (this.#entries.has(frame.id))
      return Promise.reject(new ChatError("CONFLICT", `a write with id ${frame.id} is waiting for its ack`));
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    this.#entries.set(frame.id, { frame, resolve, reject, state: "waiting", notBefore: 0, internals: 0 });
    this.pump();
    return promise;
  }

  /** A new socket: nothing that was sent over the old one counts. */
  restart(): void {
    for (const entry of this.#entries.values()) {
      entry.state = "waiting";
      entry.notBefore = 0;
    }
    this.pump();
  }

  /** Returns the frame that was acked; undefined for one that is not waited for. */
  acked({ id, conversation, seq, ts, duplicate, traceId }: Ack): OutFrame | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    this.#gapMs = this.#entries.size === 0 ? 0 : this.#gapMs * FASTER;
    entry.resolve({ id, conversation, seq, ts, duplicate: duplicate === true, traceId });
    this.pump();
    return entry.frame;
  }

  /** True when the error belonged to a write of ours. */
  refused(id: string, error: ChatError): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    if (error.code === "RATE_LIMITED") this.#slowDown(error.retryAfterMs ?? 0);
    if (error.code === "INTERNAL") entry.internals += 1;
    if (!isRetryable(error.code) || entry.internals > 1) {
      this.#entries.delete(id);
      entry.reject(error);
    } else this.#holdFrom(entry, this.#now() + (error.retryAfterMs ?? 500));
    this.pump();
    return true;
  }

  /** Gives up on everything: the client was closed. */
  fail(error: Error): void {
    clearTimeout(this.#timer);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { reject } of entries) reject(error);
  }

  /** Once for all that were on their way together. Other devices of this user may share what is left. */
  #slowDown(retryAfterMs: number): void {
    const now = this.#now();
    if (now - this.#slowedAt <= Math.max(this.#gapMs, retryAfterMs)) return;
    this.#slowedAt = now;
    this.#gapMs = Math.min(GAP_MAX_MS, Math.max(retryAfterMs, this.#gapMs * SLOWER));
  }

  /** This write, and later ones to the same conversation, go again in order (PROTOCOL: resend in order). */
  #holdFrom(refused: Entry, notBefore: number): void {
    const target = targetOf(refused.frame);
    let behind = false;
    for (const entry of this.#entries.values()) {
      behind ||= entry === refused;
      if (!behind || targetOf(entry.frame) !== target) continue;
      entry.state = "waiting";
      entry.notBefore = Math.max(entry.notBefore, notBefore);
    }
  }

  pump(): void {
    clearTimeout(this.#timer);
    const now = this.#now();
    const held = new Set<string>();
    let sent = 0;
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (sent >= WINDOW) break;
      const target = targetOf(entry.frame);
      if (entry.state === "sent") sent += 1;
      else if (entry.notBefore > now || held.has(target)) {
        held.add(target);
        if (entry.notBefore > now) wakeAt = Math.min(wakeAt, entry.notBefore);
      } else if (this.#nextAt > now && this.#gapMs > 0) {
        wakeAt = Math.min(wakeAt, this.#nextAt);
        break;
      } else {
        if (!this.#transmit(entry.frame)) return;
        this.#nextAt = now + this.#gapMs;
        entry.state = "sent";
        sent += 1;
      }
    }
    if (wakeAt < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => {
        this.pump();
      }, wakeAt - now);
  }
}

const targetOf = ({ conversation, to, id }: OutFrame): string =>
  conversation !== undefined ? `c ${conversation}` : to !== undefined ? `u ${to}` : `i ${id}`;
