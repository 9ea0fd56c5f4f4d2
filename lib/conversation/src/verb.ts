import type { CommandSource } from "@jichat/protocol/bus/command.ts";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Of, Shape } from "@jichat/protocol/field.ts";
import { clientId, id } from "@jichat/protocol/field.ts";
import type { InnerEvent, OwnSettings } from "@jichat/protocol/frame/server-frame.ts";
import type { Member, View } from "./state.ts";

/** An event that a verb makes, before it has a place. */
export type Draft = Omit<InnerEvent, "conversation" | "seq" | "no" | "from" | "ts" | "id">;

/** A read mark that moves to the event `seq`; `no` is that event's. */
export interface Mark {
  readonly seq: number;
  readonly no: number;
}

/** What a verb may read besides the state. */
export interface Look {
  /** Time of the new event in milliseconds since 1970, never before the conversation's last event. */
  readonly ts: number;
  /**
   * The event `seq` of this conversation. Throws if memory does not hold it; the command is then decided
   * again once storage has answered. Must not be called with a seq beyond the head.
   */
  readonly eventAt: (seq: number) => EventFacts;
}

/** What is known of a write before it is decided. */
interface Door<F extends Shape, Values> {
  /** The lowest cluster level at which it is answered. Below it the answer is FRAME_UNKNOWN. */
  readonly level: number;
  /**
   * Fields of the frame and of the REST request. A field in the route's path is not in the request's body.
   */
  readonly frame: F;
  /** Method and path of REST. */
  readonly rest: string;
  /** Fields of the frame that REST leaves out, since its path already has what they say. */
  readonly notInRest?: readonly string[];
  /** One line for the API's page. */
  readonly summary: string;
  /** Checks what no single field can. Throws FRAME_MALFORMED. */
  readonly check?: (fields: Values) => void;
  /** Users whom it writes to or adds to a group. They must exist if names are checked. */
  readonly named?: (fields: Values) => readonly string[];
  /** Users who become members, or cease to be. */
  readonly moves?: (fields: Values, user: string) => readonly string[];
  /** Whether one command may make two records, or a record that repeats the conversation's name. */
  readonly isLarge?: (fields: Values) => boolean;
}

/** A write that becomes events. Its client's id makes it idempotent. */
export interface EventVerb<F extends Shape, Values = Of<F>> extends Door<F, Values> {
  readonly marks?: never;
  readonly sets?: never;
  /**
   * Returns the events of the write; the last one is acknowledged and carries the client's id. "unchanged"
   * means that nothing happens: the id is remembered, and the ack names the head. Refusals are thrown as
   * ChatErrors. Pure.
   */
  readonly decide: (view: View, user: string, fields: Values, look: Look) => readonly Draft[] | "unchanged";
}

/** A write that moves its user's read mark. */
export interface MarkVerb<F extends Shape, Values = Of<F>> extends Door<F, Values> {
  readonly marks: true;
  readonly sets?: never;
  readonly decide: (view: View, user: string, fields: Values, look: Look) => Mark | "unchanged";
}

/**
 * A write that changes its user's own settings in a conversation. It makes no event: nobody else learns of
 * it. Its client's id makes it idempotent, and its ack names the head.
 */
export interface SettingVerb<F extends Shape, Values = Of<F>> extends Door<F, Values> {
  readonly sets: true;
  readonly marks?: never;
  /** Returns all settings of the user as they will be, `undefined` if none is left. Pure. */
  readonly decide: (
    view: View,
    user: string,
    fields: Values,
    look: Look,
  ) => OwnSettings | undefined | "unchanged";
}

/** Any verb, for callers whose fields were read by the same verb's frame. */
export type AnyVerb = AnyEventVerb | AnyMarkVerb | AnySettingVerb;
export type AnyEventVerb = EventVerb<Shape, object>;
export type AnyMarkVerb = MarkVerb<Shape, object>;
export type AnySettingVerb = SettingVerb<Shape, object>;

/**
 * The fields of a frame. What a command says of its source has these names too: a frame's field `user` would be
 * lost behind the user who asks.
 */
type FrameShape = Shape & {
  readonly [N in Exclude<keyof CommandSource, "conversation"> | "op" | "t"]?: never;
};

/** Infers the types of `decide`'s fields from the frame. */
export const verb = <F extends FrameShape>(made: EventVerb<F>): EventVerb<F> => made;
export const markVerb = <F extends FrameShape>(made: MarkVerb<F>): MarkVerb<F> => made;
export const settingVerb = <F extends FrameShape>(made: SettingVerb<F>): SettingVerb<F> => made;

/** The fields that nearly every verb begins with. */
export const IN_CONVERSATION = { id: clientId, conversation: id } as const;

export const notFound = (): ChatError =>
  new ChatError("NOT_FOUND", "this conversation does not exist, or you are not a member of it");

/** The member `user`. Throws NOT_FOUND for anyone else. */
export function memberOf({ members }: View, user: string): Member {
  const member = members.get(user);
  if (member === undefined) throw notFound();
  return member;
}

/** Throws FORBIDDEN in a 1-1 conversation. */
export function mustBeGroup({ kind }: View): void {
  if (kind === "direct")
    throw new ChatError("FORBIDDEN", "a 1-1 conversation has its two members and no name");
}

const noMessage = (): ChatError => new ChatError("NOT_FOUND", "`seq` names no message that you can see");

/** A message that `user` can see, recalled or not. Throws NOT_FOUND. */
export function visibleMessage(view: View, user: string, seq: number, look: Look): EventFacts {
  const { first } = memberOf(view, user);
  if (seq > view.head || seq < first) throw noMessage();
  const event = look.eventAt(seq);
  if (event.kind !== "message") throw noMessage();
  return event;
}
