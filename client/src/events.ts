import type { ChatEvent, EventKind, Page } from "@jichat/protocol/frame/server-frame.ts";

/** What every event has. `id` is the id of the write that made it, if it is known. */
interface Numbered {
  readonly conversation: string;
  /** Place in the conversation: 1, 2, 3 … without a hole. */
  readonly seq: number;
  /** The number of messages up to and including this event. */
  readonly no: number;
  readonly from: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly ts: number;
  readonly id?: string | undefined;
}

type FieldName = Exclude<keyof ChatEvent, keyof Numbered | "kind">;

/** An event of kind `K`. The fields of other kinds are declared as absent, so that each can be read. */
type Of<K extends EventKind, F extends Partial<Record<FieldName, unknown>> = object> = Numbered & {
  readonly kind: K;
} & Readonly<F> & { readonly [N in Exclude<FieldName, keyof F>]?: undefined };

/** A message in its present form. A recalled one has no `body`. */
export type MessageEvent<B> = Of<
  "message",
  {
    body?: B | undefined;
    replyTo?: number | undefined;
    mentions?: readonly string[] | undefined;
    /** The seq of the latest edit. */
    edited?: number | undefined;
    /** The seq of the recall. */
    recalled?: number | undefined;
  }
>;

/** An event of a conversation. `kind` tells which; a later server may send a kind that is not listed here. */
export type ConversationEvent<B> =
  | MessageEvent<B>
  /** Has no `body` if the message was recalled since. */
  | Of<"edited", { target: number; body?: B | undefined }>
  | Of<"recalled", { target: number }>
  | Of<"created" | "joined" | "left", { users: readonly string[]; name?: string | undefined }>
  | Of<"renamed", { name: string }>
  | Of<"pinned" | "unpinned", { target: number }>
  | Of<"lost">;

/** Events that are a line of their own. Every other event changes a line, or nothing that is shown. */
export type LineEvent<B> = Extract<
  ConversationEvent<B>,
  { readonly kind: "message" | "created" | "joined" | "left" | "renamed" | "lost" }
>;

/** A part of a conversation's history, in rising seq. */
export interface HistoryPage<B> extends Omit<Page, "events"> {
  readonly events: readonly ConversationEvent<B>[];
}
