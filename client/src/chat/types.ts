import type { ChatError } from "@jichat/protocol/errors.ts";
import type { Muted } from "@jichat/protocol/frame/server-frame.ts";
import type { LineEvent } from "../events.ts";
import type { Remedy } from "../remedy.ts";
import type { Status } from "../types.ts";

/**
 * A value that changes. Both functions are bound, so that React takes them as they are:
 * `useSyncExternalStore(live.subscribe, live.get)`.
 */
export interface Live<T> {
  /** The present value: the same object until something in it changes. What it holds is never mutated. */
  readonly get: () => T;
  /**
   * Calls `listener` after changes: at once for the first one, then at most every 16 ms. Returns a function
   * that stops it.
   */
  readonly subscribe: (listener: () => void) => () => void;
}

/** One conversation as a list shows it. */
export interface ConversationView<B> {
  readonly id: string;
  readonly kind: "direct" | "group";
  /** Name of a group, or the other user's id. `profile(peer)` has the name that a user goes by. */
  readonly name: string;
  /** The other user of a 1-1 conversation. One's own id in the conversation with oneself. */
  readonly peer: string | undefined;
  /** False once this user has left or was removed. Such a conversation is in no list. */
  readonly isMember: boolean;
  /** The first event that this user sees, and the latest one, by their seq. */
  readonly first: number;
  readonly head: number;
  /** The read mark: everything up to this seq is read. */
  readonly read: number;
  /** The number of messages after the read mark. */
  readonly unread: number;
  /** Seqs of pinned messages, the latest pinned last. */
  readonly pins: readonly number[];
  /** How the user has muted it, on any device. Undefined if it is not muted, or not any more. */
  readonly muted: Muted | undefined;
  /**
   * The latest line in its present form: a message, or who came, left or renamed. An edit is no line; it
   * shows in the message. Undefined while it is not known yet.
   */
  readonly last: LineEvent<B> | undefined;
  /** Time of the latest event, in milliseconds since 1970. The list is in this order, the latest first. */
  readonly activeAt: number;
}

export interface ConversationList<B> {
  /** Those that the user is a member of, most recently active first. */
  readonly conversations: readonly ConversationView<B>[];
  /** Unread messages of all of them. */
  readonly unread: number;
  /** False until the server has told all: what is shown until then is what the store kept, or a part. */
  readonly isComplete: boolean;
}

/** A message that is not known to be in the thread yet. */
export interface PendingMessage<B> {
  /** Chosen once: tries again, even after a restart, store the message once. */
  readonly id: string;
  readonly body: B;
  readonly replyTo?: number | undefined;
  readonly mentions?: readonly string[] | undefined;
  /** `waiting` for its ack; `sent` and stored, while its event is still to come; `failed`, see `error`. */
  readonly state: "waiting" | "sent" | "failed";
  /** With `failed`: why. */
  readonly error?: { readonly code: ChatError["code"]; readonly message: string; readonly traceId?: string };
  /** With `failed`: what to do. `retry` and `discard` of the thread are always possible. */
  readonly remedy?: Remedy;
}

/** What a thread is loading. */
export type Loading = "latest" | "older" | "newer" | "around";

/** The loaded window of a conversation: lines without a hole between them, and what is being sent. */
export interface ThreadView<B> {
  /** Undefined for a user to whom nothing was written yet. */
  readonly conversation: string | undefined;
  /** In rising seq. Edits and recalls are applied. */
  readonly lines: readonly LineEvent<B>[];
  /** After the lines, in the order in which they will be sent. */
  readonly pending: readonly PendingMessage<B>[];
  /** Whether there are older lines than the first one: `loadOlder`. */
  readonly hasOlder: boolean;
  /** Whether there are newer lines than the last one: `loadNewer` or `jumpToLatest`. */
  readonly hasNewer: boolean;
  readonly loading: Loading | undefined;
  /** Why nothing can be loaded, such as NOT_FOUND. Errors that pass are waited out, as `loading`. */
  readonly error: ChatError | undefined;
}

export interface ChatStatus extends Status {
  /**
   * The store's latest error. What is unsent would not survive a restart. Absent as soon as the store works
   * again.
   */
  readonly storeError?: unknown;
}

/** A user, and the name that they go by. `name` is absent until it is looked up, or if they gave none. */
export interface Profile {
  readonly user: string;
  readonly name?: string | undefined;
  /** True if the account was deleted: nobody will read what is written to it. */
  readonly deleted?: boolean | undefined;
}

export interface MembersView {
  /** In the order of their ids. */
  readonly members: readonly Profile[];
  /** Who made the group, a member or not. Undefined until it is known. */
  readonly creator: string | undefined;
  readonly isLoading: boolean;
  readonly error: ChatError | undefined;
}

/** Asks the REST interface for people. `restDirectory` makes one; an application may have its own. */
export interface Directory {
  /** Profiles of at most 100 users. Those who do not exist are left out. */
  profiles(users: readonly string[]): Promise<readonly Profile[]>;
  /** Members in the order of their ids, after `after`. `next` is set if there are more. */
  members(conversation: string, after?: string): Promise<MembersPage>;
}

export interface MembersPage {
  readonly users: readonly string[];
  /** Who made the group, if the directory knows. */
  readonly creator?: string | undefined;
  readonly next?: string | undefined;
}

/**
 * Where a device keeps what must survive a restart: unsent messages, the list, what was seen. Values are what
 * JSON can carry. Calls come one at a time, in order. A device has its own keys, but must not be open twice.
 */
export interface Store {
  /** Resolves with undefined if there is no such key. */
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  /** Does nothing if there is no such key. */
  delete(key: string): Promise<void>;
  /** All keys that begin with `prefix`, in any order. */
  keys(prefix: string): Promise<readonly string[]>;
}
