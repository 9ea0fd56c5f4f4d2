import { ChatError } from "../errors.ts";
import { wellFormedJson, wellFormedText } from "../frame/well-formed.ts";
import type { DeliveredMark, Notice } from "./notice.ts";
import { markOf, receiptOf } from "./notice.ts";
import { decodeInner, encodeText, textOf } from "./wire.ts";

/** One event, and the users of this connector who receive it. */
export interface DeliveredEvent {
  /** The `event` frame in JSON. The owner encodes it once for all readers. */
  readonly frame: string;
  readonly ts: number;
  /**
   * Position of the batch that holds the event. A connector drops events at or below the position that it has
   * delivered, so no socket sees a lower seq again.
   */
  readonly position: number;
  /** Events for the same users share one array, which travels once per delivery. */
  readonly users: readonly string[];
  /** The session that sent the event. It gets the ack instead, unless its hello said `echo`. */
  readonly origin?: string | undefined;
  readonly trace?: string | undefined;
}

/**
 * Replaces events that could not be delivered in time. Each user pulls the conversation up to `head`; if no
 * conversation is named, each user syncs.
 */
export interface DeliveredGap {
  readonly conversation?: string | undefined;
  readonly users: readonly string[];
  readonly head?: number | undefined;
}

/**
 * A message from the owner of a partition to one connector. The connector accepts events and gaps only from a
 * `position` above the last one that it saw of that partition. Notices are ordered by their own keys,
 * whatever the position.
 */
export interface Delivery {
  readonly partition: number;
  readonly position: number;
  readonly events: readonly DeliveredEvent[];
  readonly notices: readonly Notice[];
  readonly gaps: readonly DeliveredGap[];
  /**
   * This delivery holds the notices and gaps that did not fit into the previous one, at the same position.
   * The connector accepts its gaps at that position too. A gap may repeat; it is idempotent.
   */
  readonly isRest?: true | undefined;
}

/** Every connector reads `notices` from this cluster level on. Below it, receipts travel as `marks`. */
export const NOTICES_LEVEL = 1;

/**
 * A delivery as it is sent. `head` is a WireDelivery in JSON. `frames` are the frames of its events and then
 * of its notices, concatenated; only the reader of a frame has to parse it.
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
  /** Always written at level 0, and only there. Read at any level. */
  readonly marks?: readonly DeliveredMark[];
  /** Written from level 1 on, if there are any. */
  readonly notices?: readonly WireNotice[];
}

interface WireRound {
  readonly v: 1;
  readonly deliveries: readonly WireDelivery[];
}

/**
 * Encodes a delivery in the form of the cluster's `level`. Level 0 has no form for notices other than
 * receipts, so they are dropped there. Readers always get valid UTF-8: logs may hold unpaired surrogates,
 * which an earlier version accepted.
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
  // Notices come after events: readers take the frames of events first.
  const told = toldAt(level, notices, frames);
  const head: WireDelivery = { ...rest, ...told, audiences: [...audiences.keys()], events: wire };
  return { head: wellFormedText(head), frames: frames.join("") };
}

/** Notices in the form of `level`. Appends their frames to `frames`, after those of the events. */
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

/**
 * Encodes what one router sends to one connector for all its partitions. The connector accepts and
 * acknowledges it as a whole.
 */
export const encodeRound = (deliveries: readonly EncodedDelivery[]): Uint8Array =>
  encodeText(
    `{"v":1,"deliveries":[${deliveries.map(({ head }) => head).join(",")}]}\n${deliveries.map(({ frames }) => frames).join("")}`,
  );

/** Throws INTERNAL if `bytes` are not a round, or are a round of another version. */
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

/** Reads both forms: `marks` of a router that writes level 0, `notices` of one that writes level 1. */
function noticesOf(
  marks: readonly DeliveredMark[] | undefined,
  notices: readonly WireNotice[] | undefined,
  take: (length: number) => string,
): readonly Notice[] {
  if (notices === undefined) return marks?.map(receiptOf) ?? NO_NOTICES;
  return notices.map(({ length, ...notice }) => ({ frame: take(length), ...notice }));
}
