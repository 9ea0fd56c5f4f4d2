import type { CommandSource } from "@jichat/protocol/bus/command.ts";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Of, Shape } from "@jichat/protocol/field.ts";
import { clientId, id } from "@jichat/protocol/field.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Member, View } from "./state.ts";

/** An event that a verb brings about, before it has a place. */
export type Draft = Omit<InnerEvent, "conversation" | "seq" | "no" | "from" | "ts" | "id">;

/** A read mark that moves to the event `seq`. */
export interface Mark {
  readonly seq: number;
  readonly no: number;
}

/** What a verb may look at beside the state. */
export interface Look {
  /** The time of the event that is decided, milliseconds since 1970: never before the conversation's last. */
  readonly ts: number;
  /**
   * An event of this conversation. Where memory does not hold it, this throws, and the command is decided
   * again once storage has told of it. Seqs beyond the head must not be asked for.
   */
  readonly eventAt: (seq: number) => EventFacts;
}

/** What is said of a write before anybody decides it. */
interface Door<F extends Shape, Values> {
  /** The least level of a cluster that answers it: FRAME_UNKNOWN below. */
  readonly level: number;
  /** Fields of the frame, and of the REST request; those in the route's path are not in its body. */
  readonly frame: F;
  /** Method and path of REST. */
  readonly rest: string;
  /** Fields of the frame that REST does not have: its path says it already. */
  readonly notInRest?: readonly string[];
  /** One line for the API's page. */
  readonly summary: string;
  /** What no single field can say. Throws FRAME_MALFORMED. */
  readonly check?: (fields: Values) => void;
  /** Users whom it writes to or puts into a group: they must exist where names are checked. */
  readonly named?: (fields: Values) => readonly string[];
  /** Users who become members, or are no longer. */
  readonly moves?: (fields: Values, user: string) => readonly string[];
  /** It may make two records of one command, or one that repeats the conversation's name. */
  readonly isLarge?: (fields: Values) => boolean;
}

/** A write that becomes events. Its client's id makes it happen once. */
export interface EventVerb<F extends Shape, Values = Of<F>> extends Door<F, Values> {
  readonly marks?: never;
  /**
   * The events that it brings about, the last of which is acknowledged and has the client's id; or
   * "unchanged": its id is remembered, and the ack names the head. Refusals are thrown as ChatErrors. Pure.
   */
  readonly decide: (view: View, user: string, fields: Values, look: Look) => readonly Draft[] | "unchanged";
}

/** A write that moves its user's read mark. */
export interface MarkVerb<F extends Shape, Values = Of<F>> extends Door<F, Values> {
  readonly marks: true;
  readonly decide: (view: View, user: string, fields: Values, look: Look) => Mark | "unchanged";
}

/** Any row, for whoever runs it with fields that were read by it. */
export type AnyVerb = AnyEventVerb | AnyMarkVerb;
export type AnyEventVerb = EventVerb<Shape, object>;
export type AnyMarkVerb = MarkVerb<Shape, object>;

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

/** What nearly every verb begins with. */
export const IN_CONVERSATION = { id: clientId, conversation: id } as const;

export const notFound = (): ChatError => new ChatError("NOT_FOUND", "no such conversation, or not for you");

/** The member that `user` is. Throws NOT_FOUND for anybody else. */
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

/** A message that `user` can see and that is not recalled. Throws NOT_FOUND or CONFLICT. */
export function visibleMessage(view: View, user: string, seq: number, look: Look): EventFacts {
  const { first } = memberOf(view, user);
  if (seq > view.head || seq < first) throw noMessage();
  const event = look.eventAt(seq);
  if (event.kind !== "message") throw noMessage();
  return event;
}
