import type { ErrorCode } from "../errors.ts";
import type { ChatEvent, InnerEvent, EventKind } from "../frame/server-frame.ts";
import type { BodyText } from "../frame/body.ts";

/** Questions to storage. Each names a log position, and is answered only once storage has consumed it. */
export type Query = FactsQuery | HeadsQuery | HistoryQuery | ListQuery | MembersQuery;

interface AtPosition {
  readonly v: 1;
  readonly partition: number;
  readonly position: number;
}

/** The router's: whole conversations that are cold, ids too old for memory, events too old for memory. */
export interface FactsQuery extends AtPosition {
  readonly q: "facts";
  readonly conversations: readonly string[];
  readonly ids: readonly { readonly conversation: string; readonly user: string; readonly id: string }[];
  readonly events: readonly { readonly conversation: string; readonly seq: number }[];
  /** Members may come in pages. An owner of level 0 does not say so, and gets all of them at once. */
  readonly isPaged?: true | undefined;
  /** Further members of conversations whose facts were told with `membersNext`. */
  readonly members?: readonly MembersAfter[] | undefined;
}

/** Members of a conversation behind the user `after`, in the order of their ids. */
export interface MembersAfter {
  readonly conversation: string;
  readonly after: string;
}

export interface MemberFacts {
  readonly user: string;
  readonly first: number;
  readonly mark: number;
  readonly markNo: number;
}
export interface EventFacts {
  readonly seq: number;
  readonly no: number;
  readonly kind: EventKind;
  readonly from: string;
  readonly ts: number;
  readonly recalled?: boolean | undefined;
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
  /** Values of facets by name; absent where there is none, and from a storage of level 0. */
  readonly facets?: Readonly<Record<string, unknown>> | undefined;
  readonly members: readonly MemberFacts[];
  /** There are more members, behind this user. */
  readonly membersNext?: string | undefined;
  /** Every UUIDv7 id of this conversation that was made later than this (by its own time) is in `ids`. */
  readonly idsFrom: number;
  readonly ids: readonly IdFacts[];
}

export interface FactsReply {
  readonly conversations: readonly ConversationFacts[];
  readonly ids: readonly (IdFacts & { readonly conversation: string })[];
  readonly events: readonly (EventFacts & { readonly conversation: string })[];
  /** Conversations for which this answer had no room: nothing is said of them. */
  readonly rest?: readonly string[] | undefined;
  readonly members?: readonly MembersPage[] | undefined;
}

/** The answer to one `MembersAfter`. */
export interface MembersPage {
  readonly conversation: string;
  /** The conversation's head as of this page: with another head than the facts had, they are out of date. */
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
  /** The `next` of the answer before. */
  readonly after?: string | undefined;
  /** Without it heads are told whole: the version before asks so. */
  readonly brief?: true;
}
export interface ListReply {
  readonly entries: readonly ListEntry[];
  /** Of those that the user is in. Whole ones in place of briefs too: the version before answers so. */
  readonly heads: readonly (HeadBrief | HeadEntry)[];
  /** There are more, behind this conversation. */
  readonly next?: string | undefined;
}

/** Whole heads of a user's conversations in one partition, which Redis knows briefly. */
export interface HeadsQuery extends AtPosition {
  readonly q: "heads";
  readonly user: string;
  readonly conversations: readonly string[];
}
export interface HeadsReply {
  /** Of those that the user is in. */
  readonly heads: readonly HeadEntry[];
  /** Conversations for which this answer had no room: nothing is said of them. */
  readonly rest?: readonly string[] | undefined;
}

export interface MembersQuery extends AtPosition {
  readonly q: "members";
  readonly user: string;
  readonly conversation: string;
  /** Members behind this user, in the order of their ids. */
  readonly after?: string | undefined;
  /** Without it all of them are told: an api of level 0 asks so. */
  readonly limit?: number | undefined;
}
export interface MembersReply {
  readonly members: readonly { readonly user: string; readonly first: number }[];
  /** There are more, behind this user. */
  readonly next?: string | undefined;
}

/** What Redis holds per user and conversation; the higher position wins. */
export interface ListEntry {
  readonly conversation: string;
  readonly position: number;
  readonly first: number;
  readonly mark: number;
  readonly markNo: number;
  readonly left?: number | undefined;
}

/** What lists are ordered and compared by: all that a first sync reads of most of its conversations. */
export interface HeadBrief {
  readonly conversation: string;
  readonly position: number;
  /** Of its last event. */
  readonly ts: number;
}

/** What Redis holds per conversation; the higher position wins. */
export interface HeadEntry extends HeadBrief {
  readonly seq: number;
  readonly no: number;
  readonly kind: "direct" | "group";
  readonly name?: string | undefined;
  /** The two of a 1-1 conversation, so that each can be shown the other. */
  readonly pair?: readonly string[] | undefined;
  /** Values of facets by name; absent where there is none, and of level 0. */
  readonly facets?: Readonly<Record<string, unknown>> | undefined;
  readonly last?: ChatEvent<BodyText> | undefined;
}

export type QueryReply<T> =
  | { readonly v: 1; readonly reply: T }
  | { readonly v: 1; readonly error: { readonly code: ErrorCode; readonly message: string } };
