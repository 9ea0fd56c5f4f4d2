import type { VERBS, VerbName } from "@jichat/conversation/tables.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import type { Field } from "@jichat/protocol/field.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { ChatEvent, LeftConversation, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import type { EncodingName } from "./encoding.ts";

/**
 * What a message carries: a map of what JSON can say as it is. Text is well-formed, numbers are within
 * 2^53 - 1 of 0, maps are of no class. Whatever else is in it (a `bigint`, a `Date`, `undefined`, …) is
 * refused with its place; it is copied at once.
 */
export type Body = Readonly<Record<string, unknown>>;

type Frames = typeof VERBS;
/** What an application gives for a field: a body is a map, and what is always the same text is said. */
type Given<F> = F extends { readonly schema: { readonly const: infer T } }
  ? T
  : F extends Field<infer T>
    ? T extends BodyText
      ? Body
      : T
    : never;
type GivenFields<S> = {
  readonly [K in keyof S as undefined extends Given<S[K]> ? never : K]: Given<S[K]>;
} & { readonly [K in keyof S as undefined extends Given<S[K]> ? K : never]?: Given<S[K]> };

/** Fields of a write as an application gives them: without its `id`. */
export type WriteFields<V extends VerbName> = GivenFields<Omit<Frames[V]["frame"], "id">>;

/** Where a message goes: a conversation, or a user, whose 1-1 conversation is made on first use. */
export type Target = { readonly conversation: string } | { readonly to: string };

export type ConnectionState = "connecting" | "online" | "offline" | "closed";

/** What a device has seen, to go on from after a restart of the application. */
export interface SeenState {
  readonly cursor: string;
  readonly seqs: Readonly<Record<string, number>>;
}

export interface ChatOptions {
  /** Connectors, as `/v1/config` names them: `ws:` or `wss:` URLs; one is tried after the other. */
  readonly urls: readonly string[];
  readonly device: string;
  /**
   * Called whenever a token is needed: at the first connection, and before the old one ends; for all who wait
   * at once, at least 10 s after the last time. Where it throws, rejects or takes more than 30 s, it is
   * called again later. Who gives what is no text, or a token again that has ended, is closed.
   */
  readonly token: () => Promise<string>;
  /**
   * From an earlier run's `seen()`: the events since then come first. Absent: only what happens from now on
   * comes.
   */
  readonly resume?: SeenState | undefined;
  readonly encoding?: EncodingName;
  /** Own sends come back as events too. */
  readonly echo?: boolean;
  readonly client?: string;
  /** Writes that may wait for their acks; one more is refused with BUSY. Default 1,000. */
  readonly outboxMax?: number;
  /** Values that may wait for a slow `for await`. Default 100,000. */
  readonly feedMax?: number;
  /** Milliseconds between the tries of the first connection are those of every other: set only by tests. */
  readonly random?: () => number;
}

export interface ConnectOptions {
  /** How long to wait for it, 30 s if nothing is said; at most 2^31 - 1. */
  readonly timeoutMs?: number;
}

export interface SendOptions {
  readonly replyTo?: number | undefined;
  readonly mentions?: readonly string[] | undefined;
  /** An id of an earlier try, to send the same message again; default: a new one. */
  readonly id?: string | undefined;
}

export interface WriteResult {
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
  readonly ts: number;
  readonly duplicate: boolean;
  /** Finds what the servers did, in their traces and logs. */
  readonly traceId: string;
}

export interface PullOptions {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface ListOptions {
  /** The `next` of the page before. */
  readonly page?: string | undefined;
  readonly limit?: number | undefined;
}

export type Conversation = ListedConversation | LeftConversation;

/** What happens, in order. Events of one conversation come in rising `seq`, each once, without a hole. */
export type Notice =
  | { readonly t: "event"; readonly event: ChatEvent }
  | { readonly t: "receipt"; readonly conversation: string; readonly user: string; readonly seq: number }
  /** From a sync: at first all conversations, page by page; later those that changed. */
  | {
      readonly t: "conversations";
      readonly conversations: readonly Conversation[];
      readonly complete: boolean;
    }
  /**
   * The cluster has begun anew: forget every conversation, event and seq. All that there is now follows as
   * `conversations`; writes without an ack are sent again as ever.
   */
  | { readonly t: "reset" }
  /**
   * `error` says why: always where it is `offline`, and where it is `closed` by anybody but `close()`. With
   * `online` it tells of trouble that is not over yet, as of an application that gives no new token.
   */
  | { readonly t: "state"; readonly state: ConnectionState; readonly error?: ChatError | undefined };
