import type { ErrorCode } from "../errors.ts";
import type { BodyText } from "./body.ts";

/**
 * `lost` stands for an event that was acked and whose log is gone (a new generation). Only its seq is known.
 */
export type EventKind =
  | "message"
  | "edited"
  | "recalled"
  | "created"
  | "joined"
  | "left"
  | "renamed"
  | "lost"
  | "pinned"
  | "unpinned";

/**
 * A numbered event of a conversation, as clients see it. `B` is the form of the body: text between our
 * processes, a map for clients.
 */
export interface ChatEvent<B = unknown> {
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly kind: EventKind;
  readonly from: string;
  readonly ts: number;
  readonly id?: string | undefined;
  readonly body?: B | undefined;
  readonly replyTo?: number | undefined;
  readonly mentions?: readonly string[] | undefined;
  readonly target?: number | undefined;
  readonly users?: readonly string[] | undefined;
  readonly name?: string | undefined;
  /** In a page: the seq of the message's latest edit, or of its recall. */
  readonly edited?: number | undefined;
  readonly recalled?: number | undefined;
}

/** An event between our processes: its body is still text. */
export type InnerEvent = ChatEvent<BodyText>;

export interface Limits {
  readonly frameBytes: number;
  readonly bodyBytes: number;
  readonly messagesPerSecond: number;
}

export interface Welcome {
  readonly t: "welcome";
  readonly user: string;
  readonly device: string;
  readonly session: string;
  readonly ticket: string;
  readonly ticketExpiresAt: number;
  readonly heartbeatMs: number;
  readonly limits: Limits;
  readonly serverTime: number;
  readonly traceId: string;
}

export interface Ack {
  readonly t: "ack";
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
  readonly ts: number;
  readonly duplicate?: true | undefined;
  readonly traceId: string;
}

/** How a conversation is muted for one user. */
export interface Muted {
  /** Milliseconds since 1970. From then on the conversation is not muted. Absent: for good. */
  readonly until?: number | undefined;
  /** Messages that mention the user are not muted. */
  readonly mentionsOnly?: true | undefined;
}

/** A user's own settings in one conversation. Nobody else is told of them. */
export interface OwnSettings {
  /** Absent if the conversation is not muted. */
  readonly muted?: Muted | undefined;
}

/** Settings as they are kept once they were changed. All of them may have become what they were before. */
export interface KeptSettings extends OwnSettings {
  /** Position of the record that changed them. It rises with each change. */
  readonly at: number;
}

export interface ListedConversation<B = unknown> extends OwnSettings {
  /** The `at` of the latest `settings` that this list includes. Absent if there was none. */
  readonly settingsAt?: number | undefined;
  readonly conversation: string;
  readonly kind: "direct" | "group";
  readonly name?: string | undefined;
  readonly peer?: string | undefined;
  readonly first: number;
  readonly head: number;
  readonly read: number;
  readonly unread: number;
  /** Seqs of the pinned messages that the user can see, the latest pinned last. Absent if there is none. */
  readonly pins?: readonly number[] | undefined;
  readonly last?: ChatEvent<B> | undefined;
}

export interface LeftConversation {
  readonly conversation: string;
  readonly left: number;
}

export interface Synced<B = unknown> {
  readonly t: "synced";
  readonly id: string;
  readonly conversations: readonly (ListedConversation<B> | LeftConversation)[];
  readonly cursor: string;
  readonly more: boolean;
  readonly next?: string | undefined;
  /**
   * The cursor belonged to another life of the cluster. This is a first sync: the device drops what it holds.
   */
  readonly reset?: true | undefined;
  readonly traceId?: string | undefined;
}

export interface Page<B = unknown> {
  readonly t: "page";
  readonly id: string;
  readonly conversation: string;
  readonly events: readonly ChatEvent<B>[];
  readonly first: number;
  readonly head: number;
  readonly more: boolean;
  readonly traceId?: string | undefined;
}

export interface EventFrame<B = unknown> extends ChatEvent<B> {
  readonly t: "event";
}
export interface Receipt {
  readonly t: "receipt";
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
}
/** The user's own settings in a conversation, all of them, changed by any of the user's devices. */
export interface SettingsFrame extends KeptSettings {
  readonly t: "settings";
  readonly conversation: string;
}
export interface Ticket {
  readonly t: "ticket";
  readonly id?: string | undefined;
  readonly ticket: string;
  readonly ticketExpiresAt: number;
}
export interface Pong {
  readonly t: "pong";
  readonly id?: string | undefined;
  readonly serverTime: number;
}
export interface Gap {
  readonly t: "gap";
  readonly conversation?: string | undefined;
  readonly head?: number | undefined;
}
export interface GoAway {
  readonly t: "goaway";
  readonly reason: string;
  readonly reconnectAfterMs: number;
  readonly ticket: string;
}

export interface ErrorFrame {
  readonly t: "error";
  readonly id?: string | undefined;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  readonly traceId: string;
}

/** Everything that a connector may write. */
export type ServerFrame<B = unknown> =
  | Welcome
  | Ack
  | EventFrame<B>
  | Receipt
  | SettingsFrame
  | Synced<B>
  | Page<B>
  | Ticket
  | Pong
  | Gap
  | GoAway
  | ErrorFrame;
