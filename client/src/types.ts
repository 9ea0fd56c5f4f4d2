import type { VERBS, VerbName } from "@jichat/conversation/tables.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import type { Field } from "@jichat/protocol/field.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type {
  KeptSettings,
  LeftConversation,
  ListedConversation,
} from "@jichat/protocol/frame/server-frame.ts";
import type { Encoding } from "./encoding.ts";
import type { ConversationEvent } from "./events.ts";

/**
 * The content of a message: a map of values that JSON can carry unchanged. Text is well-formed, numbers are
 * at most 2^53 - 1 from 0, and maps are instances of no class. Any other value (a `bigint`, a `Date`,
 * `undefined`, …) is refused, and the error names its place. The client copies a body at once.
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

/**
 * The destination of a message: a conversation, or a user. The 1-1 conversation with a user is created on
 * first use.
 */
export type Target = { readonly conversation: string } | { readonly to: string };

export type ConnectionState = "connecting" | "online" | "offline" | "closed";

/** The state of the connection. */
export interface Status {
  readonly state: ConnectionState;
  /**
   * The reason. It is always set with `offline` once the client has begun to connect, and with `closed`
   * unless `close()` was called. With `online` it reports a problem that persists, such as an application
   * that gives no new token.
   */
  readonly error?: ChatError | undefined;
  /** With `offline`: milliseconds from this notice to the next try. */
  readonly retryInMs?: number | undefined;
}

/** What a device has seen, so that it can continue after a restart of the application. */
export interface SeenState {
  readonly cursor: string;
  readonly seqs: Readonly<Record<string, number>>;
}

export interface ChatOptions {
  /**
   * The `ws:` or `wss:` URLs of the connectors, as `/v1/config` lists them. They are tried one after the
   * other.
   */
  readonly urls: readonly string[];
  readonly device: string;
  /**
   * Who the client is for: the `sub` of its tokens. Default: the user of the first welcome. A token of anybody
   * else closes the client with INVALID before anything that waits is sent.
   */
  readonly user?: string | undefined;
  /**
   * Called whenever a token is needed: at the first connection, and before the old token expires. All callers
   * share one call, and two calls are at least 10 s apart. If it throws, rejects or takes more than 30 s, it
   * is called again later. If it gives something that is not text, or a token that has already ended, the
   * client closes.
   */
  readonly token: () => Promise<string>;
  /**
   * The result of `seen()` in an earlier run: the events since then come first. If it is absent, only new
   * events come.
   */
  readonly resume?: SeenState | undefined;
  /**
   * How frames travel. `msgpack` of `@jichat/client/msgpack` makes them smaller, and the app larger. Default
   * `"json"`.
   */
  readonly encoding?: "json" | Encoding;
  /** Delivers this device's own sends as events too. */
  readonly echo?: boolean;
  readonly client?: string;
  /** The number of writes that may wait for their acks. The next one is refused with BUSY. Default 1,000. */
  readonly outboxMax?: number;
  /** The number of values that may wait for a slow `for await`. Default 100,000. */
  readonly feedMax?: number;
  /** The randomness of delays and of the first connector. Only tests set it. */
  readonly random?: () => number;
}

export interface ConnectOptions {
  /** How long to wait, in milliseconds. Default 30,000; at most 2^31 - 1. */
  readonly timeoutMs?: number;
}

export interface SendOptions {
  readonly replyTo?: number | undefined;
  readonly mentions?: readonly string[] | undefined;
  /** The id of an earlier try, to send the same message again. Default: a new id. */
  readonly id?: string | undefined;
}

export interface WriteResult {
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
  readonly ts: number;
  readonly duplicate: boolean;
  /** Finds this write in the traces and logs of the servers. */
  readonly traceId: string;
}

export interface MuteOptions {
  /**
   * When the mute ends, in milliseconds since 1970 by the server's clock (`serverTime`): in the future, at
   * most 10 years ahead. Default: never.
   */
  readonly until?: number | undefined;
  /** Messages that mention the user are not muted. */
  readonly mentionsOnly?: boolean | undefined;
}

export interface PullOptions {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface ListOptions {
  /** The `next` of the previous page. */
  readonly page?: string | undefined;
  readonly limit?: number | undefined;
}

export type Conversation = ListedConversation | LeftConversation;

/** What happens, in order. Events of one conversation come in rising `seq`, each once, without gaps. */
export type Notice<B = Body> =
  | { readonly t: "event"; readonly event: ConversationEvent<B> }
  | { readonly t: "receipt"; readonly conversation: string; readonly user: string; readonly seq: number }
  /** The user's own settings in a conversation, changed by this device or by another one of the user. */
  | ({ readonly t: "settings"; readonly conversation: string } & KeptSettings)
  /** The result of a sync: at first all conversations, page by page; later those that changed. */
  | {
      readonly t: "conversations";
      readonly conversations: readonly Conversation[];
      readonly complete: boolean;
    }
  /**
   * The cluster has begun anew: forget every conversation, event and seq. The present state follows as
   * `conversations`. Writes without an ack are sent again as usual.
   */
  | { readonly t: "reset" }
  | ({ readonly t: "state" } & Status);

/** The notice that `on` tells a listener of. */
export type NoticeOf<T extends Notice["t"], B = Body> = Extract<Notice<B>, { readonly t: T }>;
