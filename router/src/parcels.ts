import type { DeliveredEvent, DeliveredGap } from "@jichat/protocol/bus/delivery.ts";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import { nameBytes } from "./audience.ts";

export interface OutgoingEvent extends DeliveredEvent {
  readonly conversation: string;
  readonly seq: number;
}

/** The part of a unit that goes to one connector. */
export interface ConnectorUnit {
  readonly events: OutgoingEvent[];
  readonly notices: Notice[];
  readonly gaps: DeliveredGap[];
}

/** A part of a ConnectorUnit that fits into one message. */
export interface Parcel extends ConnectorUnit {
  readonly position: number;
  /** True if it only continues, with notices and gaps, a parcel of the same position. */
  readonly isRest: true | undefined;
}

/** A parcel ends here, unless it holds a single position. */
const PARCEL_BYTES_MAX = 524_288;
/**
 * Most bytes of one position: more than a batch has (`BATCH_BYTES_MAX`, `READERSHIP_BYTES_MAX`), less than
 * NATS's 1 MB.
 */
const POSITION_BYTES_MAX = 983_040;
/** Bytes beside a frame: its position, its sender's session, its trace. */
const EVENT_BYTES = 160;
/**
 * Bytes of a gap without its readers, or of a notice without readers and texts: ids of 64 characters, and
 * numbers.
 */
const NOTE_BYTES = 256;
/** Most users of one gap in one parcel. */
const GAP_USERS_MAX = 4_096;

/**
 * Cuts the deliveries of several batches into parcels that NATS accepts, in order. Events of one position
 * stay in one parcel, since a connector accepts each position once. If one position is too large, which can
 * happen when it is told again to all present members, gaps replace the rest and readers pull it. Notices and
 * gaps come after all events.
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

/** Fills one parcel after the other. An item larger than a parcel gets one of its own. */
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

/** How many events of one position fit into a message, from the first on, and their bytes. */
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

/** Groups events by position. */
function batchesOf(events: readonly OutgoingEvent[]): OutgoingEvent[][] {
  const batches: OutgoingEvent[][] = [];
  for (const event of events) {
    const batch = batches.at(-1);
    if (batch?.[0]?.position === event.position) batch.push(event);
    else batches.push([event]);
  }
  return batches;
}

/** Gaps in place of deliveries that were not possible: each reader pulls. */
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
