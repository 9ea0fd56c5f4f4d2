import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError, isRetryable } from "@jichat/protocol/errors.ts";
import { chatErrorOf } from "./chat-error-of.ts";
import type { Ack } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import type { WriteResult } from "./types.ts";

/** A write. A write without an id gets one when it is first sent. */
export interface Draft {
  readonly t: string;
  readonly id?: string | undefined;
  readonly conversation?: string | undefined;
  readonly to?: string | undefined;
}

export interface OutFrame extends Draft {
  readonly id: string;
}

export interface OutboxParts {
  readonly max: number;
  /**
   * Returns false while there is no socket. Throws a ChatError for a frame that this connection will never
   * accept.
   */
  readonly transmit: (frame: OutFrame) => boolean;
  /**
   * Called when a write has had no answer for a minute. Its connection is broken, even if it shows signs of
   * life.
   */
  readonly onOverdue?: () => void;
  readonly newId: () => string;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
}

interface Entry {
  draft: Draft;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: Error) => void;
  state: "waiting" | "sent";
  /** Whether the write was sent on any socket: then it may be stored, whatever happens next. */
  wasSent: boolean;
  sentAt: number;
  notBefore: number;
  internals: number;
}

/** The number of writes that may be unacked at once. The rest waits here, not in a server's queue. */
const WINDOW = 64;

/** A server answers each write long before this, if only to say that it cannot. */
const OVERDUE_MS = 60_000;

const GAP_MAX_MS = 1_000;
const SLOWER = 1.5;
const FASTER = 0.98;

/**
 * Unacked writes, in order. They are sent again, in order, on every new socket and after every retryable
 * error.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #entries = new Set<Entry>();
  /** The entries that have an id. */
  readonly #byId = new Map<string, Entry>();
  readonly #pumping: Alarm;
  /**
   * The delay between two writes, after the server limited the rate. It closes sockets that exceed the limit
   * too often.
   */
  #gapMs = 0;
  #nextAt = 0;
  #slowedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#pumping = new Alarm(parts.clock);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether a write with this id waits for its ack. */
  holds(id: string): boolean {
    return this.#byId.has(id);
  }

  /**
   * Resolves once the frame is acked. Rejects if it can never be acked, or if the outbox is full or closed.
   */
  put(draft: Draft): Promise<WriteResult> {
    const { max } = this.#parts;
    if (this.#entries.size >= max)
      return Promise.reject(new ChatError("BUSY", `${max} writes are waiting for their acks`));
    const { id } = draft;
    if (id !== undefined && this.#byId.has(id))
      return Promise.reject(new ChatError("CONFLICT", `a write with id ${id} is waiting for its ack`));
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    const entry: Entry = {
      draft,
      resolve,
      reject,
      state: "waiting",
      wasSent: false,
      sentAt: 0,
      notBefore: 0,
      internals: 0,
    };
    this.#entries.add(entry);
    if (id !== undefined) this.#byId.set(id, entry);
    this.pump();
    return promise;
  }

  /** Starts anew on a new socket: what was sent on the old one is sent again. */
  restart(): void {
    for (const entry of this.#entries) {
      entry.state = "waiting";
      entry.notBefore = 0;
    }
    this.pump();
  }

  /** Returns the frame that was acked, or undefined if none waits for this ack. */
  acked({ id, conversation, seq, ts, duplicate, traceId }: Ack): Draft | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined) return undefined;
    this.#drop(id, entry);
    this.#gapMs = this.#entries.size === 0 ? 0 : this.#gapMs * FASTER;
    entry.resolve({ id, conversation, seq, ts, duplicate: duplicate === true, traceId });
    this.pump();
    return entry.draft;
  }

  /** Returns whether the error belonged to one of these writes. */
  refused(id: string, error: ChatError): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined) return false;
    if (error.code === "RATE_LIMITED") this.#slowDown(error.retryAfterMs ?? 0);
    if (error.code === "INTERNAL") entry.internals += 1;
    if (!isRetryable(error.code) || entry.internals > 1) {
      this.#drop(id, entry);
      entry.reject(error);
    } else this.#holdFrom(entry, this.#parts.clock.monotonic() + (error.retryAfterMs ?? 500));
    this.pump();
    return true;
  }

  /** Rejects every write, since the client is closed. */
  fail(error: Error): void {
    this.#pumping.clear();
    const entries = [...this.#entries];
    this.#entries.clear();
    this.#byId.clear();
    for (const { reject } of entries) reject(error);
  }

  #drop(id: string, entry: Entry): void {
    this.#entries.delete(entry);
    this.#byId.delete(id);
  }

  /**
   * Slows down once for all writes that were sent together. Other devices of this user may share the rate.
   */
  #slowDown(retryAfterMs: number): void {
    const now = this.#parts.clock.monotonic();
    if (now - this.#slowedAt <= Math.max(this.#gapMs, retryAfterMs)) return;
    this.#slowedAt = now;
    this.#gapMs = Math.min(GAP_MAX_MS, Math.max(retryAfterMs, this.#gapMs * SLOWER));
  }

  /**
   * Sends this write again. If it is a send, all later sends to the same conversation follow it again, in
   * order, because they get the same error (docs/protocol.md). Every other write in flight gets its own
   * answer; a copy of it would only be refused.
   */
  #holdFrom(refused: Entry, notBefore: number): void {
    const target = targetOf(refused);
    let behind = false;
    for (const entry of this.#entries) {
      behind ||= entry === refused;
      if (!behind || targetOf(entry) !== target) continue;
      const sharesIt = refused.draft.t === "send" && entry.draft.t === "send";
      if (entry.state === "sent" && entry !== refused && !sharesIt) continue;
      entry.state = "waiting";
      entry.notBefore = Math.max(entry.notBefore, notBefore);
    }
  }

  pump(): void {
    this.#pumping.clear();
    const now = this.#parts.clock.monotonic();
    const held = new Set<unknown>();
    let sent = 0;
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries) {
      if (sent >= WINDOW) break;
      const target = targetOf(entry);
      if (entry.state === "sent") {
        sent += 1;
        wakeAt = Math.min(wakeAt, entry.sentAt + OVERDUE_MS);
      } else if (entry.notBefore > now || held.has(target)) {
        held.add(target);
        if (entry.notBefore > now) wakeAt = Math.min(wakeAt, entry.notBefore);
      } else if (this.#nextAt > now && this.#gapMs > 0) {
        wakeAt = Math.min(wakeAt, this.#nextAt);
        break;
      } else {
        const outcome = this.#send(entry);
        if (outcome === "offline") return;
        if (outcome === "refused") continue;
        this.#nextAt = now + this.#gapMs;
        wakeAt = Math.min(wakeAt, now + OVERDUE_MS);
        sent += 1;
      }
    }
    if (wakeAt < Number.POSITIVE_INFINITY)
      this.#pumping.set(wakeAt - now, () => {
        this.#wake();
      });
  }

  #wake(): void {
    const before = this.#parts.clock.monotonic() - OVERDUE_MS;
    const sent = [...this.#entries].filter(({ state }) => state === "sent");
    if (sent.some(({ sentAt }) => sentAt <= before)) {
      for (const entry of sent) entry.state = "waiting";
      this.#parts.onOverdue?.();
    }
    this.pump();
  }

  /**
   * The id holds the time of the first send (docs/protocol.md), by the server's clock. Before that, the
   * server's time may be unknown.
   */
  #send(entry: Entry): "sent" | "offline" | "refused" {
    const { draft } = entry;
    const id = draft.id ?? this.#parts.newId();
    try {
      if (!this.#parts.transmit({ ...draft, id })) return "offline";
    } catch (thrown) {
      this.#drop(id, entry);
      entry.reject(entry.wasSent ? afterwards(chatErrorOf(thrown)) : chatErrorOf(thrown));
      return "refused";
    }
    if (draft.id === undefined) {
      entry.draft = { ...draft, id };
      this.#byId.set(id, entry);
    }
    entry.state = "sent";
    entry.sentAt = this.#parts.clock.monotonic();
    entry.wasSent = true;
    return "sent";
  }
}

/** The limits have changed since the write was first sent. */
const afterwards = (error: ChatError): ChatError =>
  new ChatError(error.code, `${error.message}; it was sent before, and may have been stored`, {
    cause: error,
  });

/** Writes with the same target keep their order. A write that names neither field has a target of its own. */
function targetOf(entry: Entry): unknown {
  const { conversation, to } = entry.draft;
  if (conversation !== undefined) return `c ${conversation}`;
  return to === undefined ? entry : `u ${to}`;
}
