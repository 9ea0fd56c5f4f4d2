import { ChatError, isErrorCode } from "@jichat/protocol/errors.ts";
import { chatErrorOf } from "../chat-error-of.ts";
import type { ConversationEvent } from "../events.ts";
import { plainBody } from "../plain-body.ts";
import { remedyOf } from "../remedy.ts";
import type { SendOptions, Target, WriteResult } from "../types.ts";
import type { PendingMessage } from "./types.ts";

/** The number of messages that may be pending at once, failed ones included. */
const PENDING_MAX = 1_000;

/** The place of a message: a conversation by its id, or a user as `@user`. */
export const keyOf = (target: Target): string => ("to" in target ? `@${target.to}` : target.conversation);
const targetOf = (key: string): Target =>
  key.startsWith("@") ? { to: key.slice(1) } : { conversation: key };

/** A pending message as it is kept. `order` says which was written, or tried again, first. */
interface Entry<B> {
  readonly key: string;
  /**
   * The place that it is sent to: the user of a 1-1 conversation, also once the conversation exists. The
   * client keeps the order of what goes to one place, and a cluster that has begun anew knows the user
   * still.
   */
  readonly via: string;
  readonly order: number;
  readonly message: PendingMessage<B>;
  /** Its place, once it is acked. */
  readonly at?: { readonly conversation: string; readonly seq: number };
}

export interface SendsParts<B> {
  readonly me: string;
  readonly newId: () => string;
  readonly send: (target: Target, body: B, options: SendOptions) => Promise<WriteResult>;
  readonly isClosed: () => boolean;
  /** The user of a 1-1 conversation, if it is one that is known. */
  readonly peerOf: (conversation: string) => string | undefined;
  readonly keep: (key: string, value: unknown) => void;
  /** The first message to a user has been stored: the 1-1 conversation is known. */
  readonly onConversation: (user: string, conversation: string) => void;
  /** Whether the event is shown by now, or will not be. */
  readonly isPast: (conversation: string, seq: number) => boolean;
  readonly onChange: (key: string) => void;
}

const KEPT = "send/";
const NONE: readonly never[] = [];

/**
 * Messages from the moment they are written until their event is in the thread. Each is kept under its id,
 * and sent again under it after a restart: the server stores it once. Order and repetition are the client's
 * outbox.
 */
export class Sends<B extends object> {
  readonly #parts: SendsParts<B>;
  readonly #entries = new Map<string, Entry<B>>();
  readonly #views = new Map<string, readonly PendingMessage<B>[]>();
  #all: readonly PendingMessage<B>[] | undefined;
  #orders = 0;

  constructor(parts: SendsParts<B>) {
    this.#parts = parts;
  }

  /** Takes what an earlier run has kept, and sends what waited. What is not ours is ignored. */
  resume(kept: ReadonlyMap<string, unknown>): void {
    const entries = [...kept]
      .filter(([key]) => key.startsWith(KEPT))
      .flatMap(([, value]) => (isEntry<B>(value) ? [value] : []))
      .sort((a, b) => a.order - b.order);
    for (const entry of entries) {
      this.#orders = entry.order;
      const { state, ...message } = entry.message;
      const isOver = state === "failed";
      const { key, via, order } = entry;
      const again: Entry<B> = isOver ? entry : { key, via, order, message: { ...message, state: "waiting" } };
      this.#put(again);
      if (!isOver) void this.#transmit(again);
    }
  }

  /** All of them, in order. The same array until something changes. */
  get all(): readonly PendingMessage<B>[] {
    this.#all ??= this.#sorted(() => true);
    return this.#all;
  }

  /** Those to one place, in order. The same array until something changes. */
  of(key: string): readonly PendingMessage<B>[] {
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const view = this.#entries.size === 0 ? NONE : this.#sorted((entry) => entry.key === key);
    this.#views.set(key, view);
    return view;
  }

  /**
   * Sends a message, and returns its id. Throws FRAME_MALFORMED for a body that JSON cannot express, and BUSY
   * if 1,000 are pending.
   */
  put(key: string, body: B, { id, replyTo, mentions }: SendOptions): string {
    if (this.#entries.size >= PENDING_MAX)
      throw new ChatError("BUSY", `${PENDING_MAX} messages are pending: retry or discard failed ones`);
    const message: PendingMessage<B> = {
      id: id ?? this.#parts.newId(),
      body: plainBody(body) as B,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(mentions === undefined ? {} : { mentions: [...mentions] }),
      state: "waiting",
    };
    if (this.#entries.has(message.id))
      throw new ChatError("CONFLICT", `a message with id ${message.id} is pending`);
    this.#begin(key, message);
    return message.id;
  }

  /** Sends a failed message again, under its id, after those that were written since. */
  retry(id: string): void {
    const entry = this.#entries.get(id);
    if (entry?.message.state !== "failed") return;
    const { error: _, remedy: _remedy, ...message } = entry.message;
    this.#entries.delete(id);
    this.#begin(entry.key, { ...message, state: "waiting" });
  }

  /** Forgets a failed message. Any other may be stored already. */
  discard(id: string): void {
    if (this.#entries.get(id)?.message.state === "failed") this.#remove(id);
  }

  /** The 1-1 conversation with the user is known: what was written to the user belongs there. */
  move(user: string, conversation: string): void {
    const from = keyOf({ to: user });
    for (const entry of this.#entries.values())
      if (entry.key === from) this.#put({ ...entry, key: conversation });
    this.#changed(from);
  }

  /** An event is shown from now on in place of the pending message that it is. */
  event({ from, id }: ConversationEvent<unknown>): void {
    if (from === this.#parts.me && id !== undefined) this.#remove(id);
  }

  /** More of the conversation is shown. */
  settle(conversation: string): void {
    for (const { message, at } of this.#entries.values())
      if (at?.conversation === conversation && this.#parts.isPast(conversation, at.seq))
        this.#remove(message.id);
  }

  #begin(key: string, message: PendingMessage<B>): void {
    this.#orders += 1;
    const peer = this.#parts.peerOf(key);
    // What was written before the user of the conversation was known must not be overtaken.
    const before = [...this.#entries.values()].find(
      (entry) => entry.key === key && entry.message.state === "waiting",
    );
    const entry = {
      key,
      via: before?.via ?? (peer === undefined ? key : keyOf({ to: peer })),
      order: this.#orders,
      message,
    };
    this.#put(entry);
    void this.#transmit(entry);
  }

  async #transmit({ via, message }: Entry<B>): Promise<void> {
    const { send, isClosed, onConversation } = this.#parts;
    const { id, body, replyTo, mentions } = message;
    try {
      const { conversation, seq } = await send(targetOf(via), body, { id, replyTo, mentions });
      if (via.startsWith("@")) onConversation(via.slice(1), conversation);
      this.#acked(id, conversation, seq);
    } catch (thrown) {
      // A closed client sends nothing more: the message waits for the next one.
      if (!isClosed()) this.#failed(id, chatErrorOf(thrown));
    }
  }

  #acked(id: string, conversation: string, seq: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return; // Its event came before its ack.
    if (this.#parts.isPast(conversation, seq)) this.#remove(id);
    else this.#put({ ...entry, message: { ...entry.message, state: "sent" }, at: { conversation, seq } });
  }

  #failed(id: string, error: ChatError): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const { code, message, traceId } = error;
    const why = { code, message, ...(traceId === undefined ? {} : { traceId }) };
    this.#put({
      ...entry,
      message: { ...entry.message, state: "failed", error: why, remedy: remedyOf(error) },
    });
  }

  #put(entry: Entry<B>): void {
    this.#entries.set(entry.message.id, entry);
    this.#parts.keep(KEPT + entry.message.id, entry);
    this.#changed(entry.key);
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#parts.keep(KEPT + id, undefined);
    this.#changed(entry.key);
  }

  #changed(key: string): void {
    this.#all = undefined;
    this.#views.delete(key);
    this.#parts.onChange(key);
  }

  #sorted(isWanted: (entry: Entry<B>) => boolean): readonly PendingMessage<B>[] {
    return [...this.#entries.values()]
      .filter(isWanted)
      .sort((a, b) => a.order - b.order)
      .map(({ message }) => message);
  }
}

/** Whether a kept value is one of ours. A store may hold what a later version has written. */
function isEntry<B>(value: unknown): value is Entry<B> {
  const { key, via, order, message } = (value ?? {}) as Partial<Record<keyof Entry<B>, unknown>>;
  const { id, body, state, error } = (message ?? {}) as Partial<Record<keyof PendingMessage<B>, unknown>>;
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return (
    typeof key === "string" &&
    typeof via === "string" &&
    Number.isSafeInteger(order) &&
    typeof id === "string" &&
    typeof body === "object" &&
    body !== null &&
    (state !== "failed" || (typeof code === "string" && isErrorCode(code)))
  );
}
