import { ChatError } from "../errors.ts";
import { wellFormedJson, wellFormedText } from "../frame/well-formed.ts";
import type { DeliveredMark, Notice } from "./notice.ts";
import { markOf, receiptOf } from "./notice.ts";
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
 * From the owner of a partition to one connector. A connector takes events and gaps only of a `position` above
 * its last of that partition. Notices have an order of their own, whatever the position.
 */
export interface Delivery {
  readonly partition: number;
  readonly position: number;
  readonly events: readonly DeliveredEvent[];
  readonly notices: readonly Notice[];
  readonly gaps: readonly DeliveredGap[];
  /**
   * It has the notices and gaps for which the message before it had no room. Its gaps are taken at that
   * message's position too; a gap may come twice, and is idempotent.
   */
  readonly isRest?: true | undefined;
}

/** From this level of a cluster on every connector reads `notices`. Below it, receipts travel as `marks`. */
export const NOTICES_LEVEL = 1;

/**
 * A delivery on its way: `head` is a WireDelivery as JSON, `frames` are the frames of its events and then of
 * its notices, one behind the other, which nobody but the reader of a frame need parse.
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

interface WireNotice extends Omit<Notice, "frame"> {
  readonly length: number;
}

interface WireDelivery extends Omit<Delivery, "events" | "notices"> {
  readonly audiences: readonly (readonly string[])[];
  readonly events: readonly WireEvent[];
  /** Written at level 0 only, always, and read at any. */
  readonly marks?: readonly DeliveredMark[];
  /** Written from level 1 on, where there are any. */
  readonly notices?: readonly WireNotice[];
}

interface WireRound {
  readonly v: 1;
  readonly deliveries: readonly WireDelivery[];
}

/**
 * In the form that the cluster's `level` allows: at level 0 notices other than receipts are not told. Whatever
 * stands in a log, readers get valid UTF-8: an earlier version took halves of surrogate pairs.
 */
export function encodeDelivery({ events, notices, ...rest }: Delivery, level: number): EncodedDelivery {
  const frames = events.map(({ frame }) => wellFormedJson(frame));
  const audiences = new Map<readonly string[], number>();
  const wire = events.map(({ position, ts, users, origin, trace }, at): WireEvent => {
    const length = frames[at]?.length ?? 0;
    const audience = audiences.get(users) ?? audiences.size;
    if (audience === audiences.size) audiences.set(users, audience);
    if (trace !== undefined) return [length, position, ts, audience, origin ?? null, trace];
    return origin === undefined ? [length, position, ts, audience] : [length, position, ts, audience, origin];
  });
  // Last of all that adds to `frames`: their readers take events' frames first.
  const told = toldAt(level, notices, frames);
  const head: WireDelivery = { ...rest, ...told, audiences: [...audiences.keys()], events: wire };
  return { head: wellFormedText(head), frames: frames.join("") };
}

/** Notices in the form of this level; puts their frames behind those of the events. */
function toldAt(
  level: number,
  notices: readonly Notice[],
  frames: string[],
): Pick<WireDelivery, "marks" | "notices"> {
  if (level < NOTICES_LEVEL) return { marks: notices.flatMap((notice) => markOf(notice) ?? []) };
  if (notices.length === 0) return {};
  return {
    notices: notices.map(({ frame, ...notice }) => {
      const text = wellFormedJson(frame);
      frames.push(text);
      return { ...notice, length: text.length };
    }),
  };
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
  return head.deliveries.map(({ audiences, events, marks, notices, ...rest }) => ({
    ...rest,
    events: events.map(([length, position, ts, audience, origin, trace]) => ({
      frame: take(length),
      position,
      ts,
      users: audiences[audience] ?? [],
      origin: origin ?? undefined,
      trace,
    })),
    notices: noticesOf(marks, notices, take),
  }));
}

const NO_NOTICES: readonly Notice[] = [];

/** Of either level: `marks` of a router that writes level 0, `notices` of one that writes level 1. */
function noticesOf(
  marks: readonly DeliveredMark[] | undefined,
  notices: readonly WireNotice[] | undefined,
  take: (length: number) => string,
): readonly Notice[] {
  if (notices === undefined) return marks?.map(receiptOf) ?? NO_NOTICES;
  return notices.map(({ length, ...notice }) => ({ frame: take(length), ...notice }));
}
