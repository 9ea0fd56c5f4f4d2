import { ChatError } from "../errors.ts";
import { wellFormedJson, wellFormedText } from "../frame/well-formed.ts";
import { decodeInner, textOf } from "./wire.ts";

/** One event and those of a connector's users who are to have it. */
export interface DeliveredEvent {
  /** Its `event` frame in JSON: encoded once, by the owner, for all who read it. */
  readonly frame: string;
  readonly ts: number;
  /**
   * Of the batch that holds it: a connector that has delivered past it drops it, so no socket sees a lower
   * seq again.
   */
  readonly position: number;
  /** Events for the same people share one array: it travels once per delivery. */
  readonly users: readonly string[];
  /** The session that sent it gets the ack instead, unless its hello said `echo`. */
  readonly origin?: string | undefined;
  readonly trace?: string | undefined;
}

/** A read mark for the other devices of its user. */
export interface DeliveredMark {
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly origin?: string | undefined;
}

/**
 * Stands for events that could not be delivered in time: each user pulls the conversation up to `head`, or
 * syncs where none is named.
 */
export interface DeliveredGap {
  readonly conversation?: string | undefined;
  readonly users: readonly string[];
  readonly head?: number | undefined;
}

/**
 * From the owner of a partition to one connector. A connector takes only a `position` above its last of that
 * partition.
 */
export interface Delivery {
  readonly partition: number;
  readonly position: number;
  readonly events: readonly DeliveredEvent[];
  readonly marks: readonly DeliveredMark[];
  readonly gaps: readonly DeliveredGap[];
  /**
   * Marks and gaps for which one message had no room, behind it: taken at its position, and told again where
   * they come twice, which nobody minds who knows where they stand.
   */
  readonly isRest?: true | undefined;
}

/**
 * A delivery on its way: `head` is a WireDelivery as JSON, `frames` are its events' frames, one behind the
 * other, which nobody but the reader of a frame need parse.
 */
export interface EncodedDelivery {
  readonly head: string;
  readonly frames: string;
}

type WireEvent = readonly [
  length: number,
  position: number,
  ts: number,
  audience: number,
  origin?: string | null,
  trace?: string,
];

interface WireDelivery extends Omit<Delivery, "events"> {
  readonly audiences: readonly (readonly string[])[];
  readonly events: readonly WireEvent[];
}

interface WireRound {
  readonly v: 1;
  readonly deliveries: readonly WireDelivery[];
}

/** Whatever stands in a log, readers get valid UTF-8: an earlier version took halves of surrogate pairs. */
export function encodeDelivery({ events, ...rest }: Delivery): EncodedDelivery {
  const frames = events.map(({ frame }) => wellFormedJson(frame));
  const audiences = new Map<readonly string[], number>();
  const wire = events.map(({ position, ts, users, origin, trace }, at): WireEvent => {
    const length = frames[at]?.length ?? 0;
    const audience = audiences.get(users) ?? audiences.size;
    if (audience === audiences.size) audiences.set(users, audience);
    if (trace !== undefined) return [length, position, ts, audience, origin ?? null, trace];
    return origin === undefined ? [length, position, ts, audience] : [length, position, ts, audience, origin];
  });
  const head: WireDelivery = { ...rest, audiences: [...audiences.keys()], events: wire };
  return { head: wellFormedText(head), frames: frames.join("") };
}

/** What one router has for one connector, of all its partitions: taken, and acknowledged, together. */
export const encodeRound = (deliveries: readonly EncodedDelivery[]): string =>
  `{"v":1,"deliveries":[${deliveries.map(({ head }) => head).join(",")}]}\n${deliveries.map(({ frames }) => frames).join("")}`;

/** Throws INTERNAL where it is not a round, or one of another version. */
export function decodeRound(bytes: Uint8Array): readonly Delivery[] {
  const text = textOf(bytes, "a delivery");
  const end = text.indexOf("\n");
  const head = decodeInner<WireRound>(end < 0 ? text : text.slice(0, end), "a delivery");
  let at = end + 1;
  const take = (length: number): string => {
    if (at + length > text.length) throw new ChatError("INTERNAL", "a delivery ends within a frame");
    at += length;
    return text.slice(at - length, at);
  };
  return head.deliveries.map(({ audiences, events, ...rest }) => ({
    ...rest,
    events: events.map(([length, position, ts, audience, origin, trace]) => ({
      frame: take(length),
      position,
      ts,
      users: audiences[audience] ?? [],
      origin: origin ?? undefined,
      trace,
    })),
  }));
}
