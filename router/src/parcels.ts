import type { DeliveredEvent, DeliveredGap } from "@jichat/protocol/bus/delivery.ts";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import { nameBytes } from "./audience.ts";
import type { MissedEntry } from "@jichat/protocol/bus/push.ts";

export interface OutgoingEvent extends DeliveredEvent {
  readonly conversation: string;
  readonly seq: number;
}

/** What a unit has for one connector. */
export interface ConnectorUnit {
  readonly events: OutgoingEvent[];
  readonly notices: Notice[];
  readonly gaps: DeliveredGap[];
}

/** A part of it that is delivered at once. */
export interface Parcel extends ConnectorUnit {
  readonly position: number;
  /** Notices and gaps behind a parcel of the same position. */
  readonly isRest: true | undefined;
}

/** Where a parcel ends, unless it is one position's. */
const PARCEL_BYTES_MAX = 524_288;
/** Of one position: more than a batch has (`BATCH_BYTES_MAX`, `READERSHIP_BYTES_MAX`), below NATS's 1 MB. */
const POSITION_BYTES_MAX = 983_040;
/** What stands around a frame: its position, its sender's session, its trace. */
const EVENT_BYTES = 160;
/** A gap without its readers, or a notice without these and its texts: ids of 64 characters, numbers. */
const NOTE_BYTES = 256;
/** Of one gap in one parcel. */
const GAP_USERS_MAX = 4_096;
/** Of one message to the push queue: some 150 characters each, at most. */
const MISSED_PER_MESSAGE_MAX = 4_096;

/**
 * Cuts what gathered over several batches into parcels that NATS takes, in order. Events never within one
 * position: a connector takes each only once. What of one position is too much, as it may be when it is told
 * anew to those who are members now, is pulled by its readers. Notices and gaps come behind all events.
 */
export function parcelsOf(position: number, out: ConnectorUnit): Parcel[] {
  const packing = new Packing();
  const overflow: OutgoingEvent[] = [];
  for (const batch of batchesOf(out.events)) {
    const { count, bytes } = fit(batch);
    const { events } = packing.roomFor(bytes);
    for (const [index, event] of batch.entries()) (index < count ? events : overflow).push(event);
  }
  for (const notice of out.notices) packing.roomFor(noticeBytes(notice)).notices.push(notice);
  const gaps = overflow.length === 0 ? out.gaps : gapsInPlaceOf({ ...out, events: overflow });
  for (const gap of gaps)
    for (const users of slicesOf(gap.users, GAP_USERS_MAX))
      packing.roomFor(NOTE_BYTES + nameBytes(users)).gaps.push({ ...gap, users });
  return packing.parcels.map((parcel, index, all) => {
    const isFollowed = (all[index + 1]?.events.length ?? 0) > 0;
    return {
      ...parcel,
      position: isFollowed ? (parcel.events.at(-1)?.position ?? 0) : position,
      isRest: index > 0 && parcel.events.length === 0 ? true : undefined,
    };
  });
}

/** Fills one parcel after the other; what is larger than one has one for itself. */
class Packing {
  readonly parcels: ConnectorUnit[] = [{ events: [], notices: [], gaps: [] }];
  #bytes = 0;

  roomFor(bytes: number): ConnectorUnit {
    if (this.#bytes > 0 && this.#bytes + bytes > PARCEL_BYTES_MAX) {
      this.parcels.push({ events: [], notices: [], gaps: [] });
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    return this.parcels.at(-1) as ConnectorUnit;
  }
}

/** How many from the beginning of one position a message takes, and their bytes. */
function fit(batch: readonly OutgoingEvent[]): { readonly count: number; readonly bytes: number } {
  const lists = new Set<readonly string[]>();
  let bytes = 0;
  for (const [count, { frame, users }] of batch.entries()) {
    const more = EVENT_BYTES + Buffer.byteLength(frame) + (lists.has(users) ? 0 : nameBytes(users));
    if (bytes + more > POSITION_BYTES_MAX) return { count, bytes };
    lists.add(users);
    bytes += more;
  }
  return { count: batch.length, bytes };
}

const noticeBytes = ({ frame, key, users }: Notice): number =>
  NOTE_BYTES + Buffer.byteLength(frame) + Buffer.byteLength(key) + nameBytes(users);

const slicesOf = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );

/** Events of one position each. */
function batchesOf(events: readonly OutgoingEvent[]): OutgoingEvent[][] {
  const batches: OutgoingEvent[][] = [];
  for (const event of events) {
    const batch = batches.at(-1);
    if (batch?.[0]?.position === event.position) batch.push(event);
    else batches.push([event]);
  }
  return batches;
}

/** What stands for deliveries that could not be made: each reader pulls. */
export function gapsInPlaceOf(out: ConnectorUnit): DeliveredGap[] {
  const byConversation = new Map<string | undefined, { head: number; users: Set<string> }>();
  const add = (conversation: string | undefined, head: number, users: readonly string[]): void => {
    const known = byConversation.get(conversation) ?? { head, users: new Set<string>() };
    known.head = Math.max(known.head, head);
    for (const user of users) known.users.add(user);
    byConversation.set(conversation, known);
  };
  for (const { conversation, head, users } of out.gaps) add(conversation, head ?? 0, users);
  for (const { conversation, seq, users } of out.events) add(conversation, seq, users);
  return [...byConversation].map(([conversation, { head, users }]) => ({
    ...(conversation === undefined ? {} : { conversation, head }),
    users: [...users],
  }));
}

/** For the push queue, whose messages may be as many as needed. */
export const missedParcelsOf = (missed: readonly MissedEntry[]): MissedEntry[][] =>
  slicesOf(missed, MISSED_PER_MESSAGE_MAX);
