import { wellFormedText } from "../frame/well-formed.ts";
import { decodeInner, encodeInner, encodeText } from "./wire.ts";
import type { ErrorCode } from "../errors.ts";
import type { ChatEvent, InnerEvent, EventKind, KeptSettings } from "../frame/server-frame.ts";
import type { BodyText } from "../frame/body.ts";

/**
 * Queries to storage. Each names a log position, and is answered only once storage has consumed the log up to
 * it.
 */
export type Query = FactsQuery | HeadsQuery | HistoryQuery | ListQuery | MembersQuery;

interface AtPosition {
  readonly v: 1;
  readonly partition: number;
  readonly position: number;
}

/**
 * A query of a router: whole cold conversations, and ids and events that are too old for its memory. Push
 * workers ask for events alone.
 */
export interface FactsQuery extends AtPosition {
  readonly q: "facts";
  readonly conversations: readonly string[];
  readonly ids: readonly { readonly conversation: string; readonly user: string; readonly id: string }[];
  readonly events: readonly { readonly conversation: string; readonly seq: number }[];
  /**
   * The asker accepts members in pages. An owner of level 0 does not set it, and gets all members at once.
   */
  readonly isPaged?: true | undefined;
  /** Asks for the texts of `events` too, as a push worker does. */
  readonly hasTexts?: true | undefined;
  /** Asks for further members of conversations whose facts had `membersNext`. */
  readonly members?: readonly MembersAfter[] | undefined;
}

/** Asks for the members of a conversation after the user `after`, in the order of their ids. */
export interface MembersAfter {
  readonly conversation: string;
  readonly after: string;
}

export interface MemberFacts {
  readonly user: string;
  readonly first: number;
  readonly mark: number;
  readonly markNo: number;
  /** For the owner of the conversation alone: no other member may see them. Absent if there is none. */
  readonly settings?: KeptSettings | undefined;
}
export interface EventFacts {
  readonly seq: number;
  readonly no: number;
  readonly kind: EventKind;
  readonly from: string;
  readonly ts: number;
  readonly recalled?: boolean | undefined;
  /**
   * If texts were asked for: the beginning of the body's `text` after its latest edit (`previewOf`), "" if
   * there is none. A storage of an earlier version tells none.
   */
  readonly text?: string | undefined;
}
export interface IdFacts {
  readonly user: string;
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
}

export interface ConversationFacts {
  readonly conversation: string;
  readonly kind: "direct" | "group";
  readonly name?: string | undefined;
  readonly creator: string;
  readonly head: number;
  readonly no: number;
  readonly ts: number;
  readonly position: number;
  /** Values of facets by name. Absent if there is none, and in answers of a storage of level 0. */
  readonly facets?: Readonly<Record<string, unknown>> | undefined;
  readonly members: readonly MemberFacts[];
  /** If present, more members follow after this user. */
  readonly membersNext?: string | undefined;
  /**
   * `ids` holds every UUIDv7 of this conversation whose own time is later than this (milliseconds since
   * 1970).
   */
  readonly idsFrom: number;
  readonly ids: readonly IdFacts[];
}

export interface FactsReply {
  readonly conversations: readonly ConversationFacts[];
  readonly ids: readonly (IdFacts & { readonly conversation: string })[];
  readonly events: readonly (EventFacts & { readonly conversation: string })[];
  /** Conversations that did not fit into this answer: it says nothing about them. */
  readonly rest?: readonly string[] | undefined;
  readonly members?: readonly MembersPage[] | undefined;
}

/** The answer to one `MembersAfter`. */
export interface MembersPage {
  readonly conversation: string;
  /**
   * The conversation's head as of this page. If it differs from the head in the facts, the facts are out of
   * date.
   */
  readonly head: number;
  readonly members: readonly MemberFacts[];
  readonly membersNext?: string | undefined;
}

export interface HistoryQuery extends AtPosition {
  readonly q: "history";
  readonly user: string;
  readonly conversation: string;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface HistoryReply {
  readonly events: readonly InnerEvent[];
  readonly first: number;
  readonly head: number;
  readonly more: boolean;
}

/** A user's conversations in one partition, to rebuild what Redis lost. */
export interface ListQuery extends AtPosition {
  readonly q: "list";
  readonly user: string;
  /** The `next` of the previous answer. */
  readonly after?: string | undefined;
  /** If absent, heads come whole: the previous version asks in this way. */
  readonly brief?: true;
}
export interface ListReply {
  readonly entries: readonly ListEntry[];
  /**
   * Heads of the conversations that the user is in. The previous version answers with whole heads instead of
   * briefs.
   */
  readonly heads: readonly (HeadBrief | HeadEntry)[];
  /** If present, more conversations follow after this one. */
  readonly next?: string | undefined;
}

/** Asks for whole heads of a user's conversations in one partition, of which Redis holds only briefs. */
export interface HeadsQuery extends AtPosition {
  readonly q: "heads";
  readonly user: string;
  readonly conversations: readonly string[];
}
export interface HeadsReply {
  /** Heads of the conversations that the user is in. */
  readonly heads: readonly HeadEntry[];
  /** Conversations that did not fit into this answer: it says nothing about them. */
  readonly rest?: readonly string[] | undefined;
}

export interface MembersQuery extends AtPosition {
  readonly q: "members";
  readonly user: string;
  readonly conversation: string;
  /** Members after this user, in the order of their ids. */
  readonly after?: string | undefined;
  /** If absent, the answer has all members: an api of level 0 asks in this way. */
  readonly limit?: number | undefined;
}
export interface MembersReply {
  readonly members: readonly { readonly user: string; readonly first: number }[];
  /** Who made the conversation. Absent in an answer of an earlier version. */
  readonly creator?: string | undefined;
  /** If present, more members follow after this user. */
  readonly next?: string | undefined;
}

/** What Redis holds per user and conversation. The entry with the higher position wins. */
export interface ListEntry {
  readonly conversation: string;
  readonly position: number;
  readonly first: number;
  readonly mark: number;
  readonly markNo: number;
  readonly left?: number | undefined;
  /** The user's own settings. Absent if there is none, and in entries of level 0 or 1. */
  readonly settings?: KeptSettings | undefined;
}

/** What lists are ordered and compared by. A first sync reads no more than this of most conversations. */
export interface HeadBrief {
  readonly conversation: string;
  readonly position: number;
  /** Time of the last event. */
  readonly ts: number;
}

/** What Redis holds per conversation. The entry with the higher position wins. */
export interface HeadEntry extends HeadBrief {
  readonly seq: number;
  readonly no: number;
  readonly kind: "direct" | "group";
  readonly name?: string | undefined;
  /** The two users of a 1-1 conversation, so that each can be shown the other. */
  readonly pair?: readonly string[] | undefined;
  /** Values of facets by name. Absent if there is none, and in heads of level 0. */
  readonly facets?: Readonly<Record<string, unknown>> | undefined;
  readonly last?: ChatEvent<BodyText> | undefined;
}

export const encodeQuery = (query: Query): Uint8Array => encodeInner(query);

/** Throws INTERNAL if the bytes are not readable, or of another version. */
export const decodeQuery = (bytes: Uint8Array): Query => decodeInner<Query>(bytes, "a question to storage");

interface QueryRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

export type QueryReply<T> =
  | { readonly v: 1; readonly reply: T }
  | { readonly v: 1; readonly error: QueryRefusal };

/** A reply as JSON of well-formed Unicode: an earlier version accepted unpaired surrogates into the log. */
export const encodeReply = (reply: unknown): Uint8Array =>
  encodeText(wellFormedText({ v: 1, reply } satisfies QueryReply<unknown>));

export const encodeRefusal = ({ code, message }: QueryRefusal): Uint8Array =>
  encodeInner({ v: 1, error: { code, message } } satisfies QueryReply<never>);

/**
 * Throws INTERNAL if the bytes are not readable, or of another version. A refusal is returned, not thrown.
 */
export const decodeReply = <T>(bytes: Uint8Array): QueryReply<T> =>
  decodeInner<QueryReply<T>>(bytes, "an answer of storage");
