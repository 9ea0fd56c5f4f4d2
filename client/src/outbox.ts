import { ChatError, isRetryable } from "@jichat/protocol/errors.ts";
import type { Ack } from "@jichat/protocol/frame/server-frame.ts";
import type { WriteResult } from "./types.ts";

/** A write; one without an id gets it when it goes out for the first time. */
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
  /** Returns false while there is no socket. */
  readonly transmit: (frame: OutFrame) => boolean;
  readonly newId: () => string;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

interface Entry {
  draft: Draft;
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
  readonly #newId: () => string;
  readonly #now: () => number;
  readonly #entries = new Set<Entry>();
  /** Those that have one. */
  readonly #byId = new Map<string, Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Between two writes, once they were too fast for the server: it closes sockets that are told so often. */
  #gapMs = 0;
  #nextAt = 0;
  #slowedAt = Number.NEGATIVE_INFINITY;

  constructor({ max, transmit, newId, now = () => performance.now() }: OutboxParts) {
    this.#max = max;
    this.#transmit = transmit;
    this.#newId = newId;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Resolves once the frame is acked; rejects when it can never be, or when the outbox is full or closed. */
  put(draft: Draft): Promise<WriteResult> {
    if (this.#entries.size >= this.#max)
      return Promise.reject(new ChatError("BUSY", `${this.#max} writes are waiting for their acks`));
    const { id } = draft;
    if (id !== undefined && this.#byId.has(id))
      return Promise.reject(new ChatError("CONFLICT", `a write with id ${id} is waiting for its ack`));
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    const entry: Entry = { draft, resolve, reject, state: "waiting", notBefore: 0, internals: 0 };
    this.#entries.add(entry);
    if (id !== undefined) this.#byId.set(id, entry);
    this.pump();
    return promise;
  }

  /** A new socket: nothing that was sent over the old one counts. */
  restart(): void {
    for (const entry of this.#entries) {
      entry.state = "waiting";
      entry.notBefore = 0;
    }
    this.pump();
  }

  /** Returns the frame that was acked; undefined for one that is not waited for. */
  acked({ id, conversation, seq, ts, duplicate, traceId }: Ack): Draft | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined) return undefined;
    this.#drop(id, entry);
    this.#gapMs = this.#entries.size === 0 ? 0 : this.#gapMs * FASTER;
    entry.resolve({ id, conversation, seq, ts, duplicate: duplicate === true, traceId });
    this.pump();
    return entry.draft;
  }

  /** True when the error belonged to a write of ours. */
  refused(id: string, error: ChatError): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined) return false;
    if (error.code === "RATE_LIMITED") this.#slowDown(error.retryAfterMs ?? 0);
    if (error.code === "INTERNAL") entry.internals += 1;
    if (!isRetryable(error.code) || entry.internals > 1) {
      this.#drop(id, entry);
      entry.reject(error);
    } else this.#holdFrom(entry, this.#now() + (error.retryAfterMs ?? 500));
    this.pump();
    return true;
  }

  /** Gives up on everything: the client was closed. */
  fail(error: Error): void {
    clearTimeout(this.#timer);
    const entries = [...this.#entries];
    this.#entries.clear();
    this.#byId.clear();
    for (const { reject } of entries) reject(error);
  }

  #drop(id: string, entry: Entry): void {
    this.#entries.delete(entry);
    this.#byId.delete(id);
  }

  /** Once for all that were on their way together. Other devices of this user may share what is left. */
  #slowDown(retryAfterMs: number): void {
    const now = this.#now();
    if (now - this.#slowedAt <= Math.max(this.#gapMs, retryAfterMs)) return;
    this.#slowedAt = now;
    this.#gapMs = Math.min(GAP_MAX_MS, Math.max(retryAfterMs, this.#gapMs * SLOWER));
  }

  /**
   * This write goes again, and behind a send later sends to the same conversation, in order (PROTOCOL: they
   * get the same error). What else is on its way is answered by itself: a copy of it would only be refused.
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
    clearTimeout(this.#timer);
    const now = this.#now();
    const held = new Set<unknown>();
    let sent = 0;
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries) {
      if (sent >= WINDOW) break;
      const target = targetOf(entry);
      if (entry.state === "sent") sent += 1;
      else if (entry.notBefore > now || held.has(target)) {
        held.add(target);
        if (entry.notBefore > now) wakeAt = Math.min(wakeAt, entry.notBefore);
      } else if (this.#nextAt > now && this.#gapMs > 0) {
        wakeAt = Math.min(wakeAt, this.#nextAt);
        break;
      } else {
        if (!this.#send(entry)) return;
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

  /** The id says when it was first sent (PROTOCOL), on the server's clock: before, that may be unknown. */
  #send(entry: Entry): boolean {
    const { draft } = entry;
    const id = draft.id ?? this.#newId();
    if (!this.#transmit({ ...draft, id })) return false;
    if (draft.id === undefined) {
      entry.draft = { ...draft, id };
      this.#byId.set(id, entry);
    }
    return true;
  }
}

/** Writes that keep their order among each other; one that names neither keeps it with none. */
function targetOf(entry: Entry): unknown {
  const { conversation, to } = entry.draft;
  if (conversation !== undefined) return `c ${conversation}`;
  return to === undefined ? entry : `u ${to}`;
}
