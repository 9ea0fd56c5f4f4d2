import type { DeliveredEvent, DeliveredGap, DeliveredMark } from "@jichat/protocol/bus/delivery.ts";
import type { MissedEntry } from "./ports.ts";

export interface OutgoingEvent extends DeliveredEvent {
  readonly conversation: string;
  readonly seq: number;
}

/** What a unit has for one connector. */
export interface Outgoing {
  readonly events: OutgoingEvent[];
  readonly marks: DeliveredMark[];
  readonly gaps: DeliveredGap[];
}

/** A part of it that is delivered at once. */
export interface Parcel extends Outgoing {
  readonly position: number;
}

/** Of frames and readers in one parcel: with their positions below the 1 MB that NATS takes. */
const PARCEL_BYTES_MAX = 524_288;
/** Of one message to the push queue: some 150 characters each, at most. */
const MISSED_PER_MESSAGE_MAX = 4_096;

/**
 * Cuts what gathered over several batches into parcels that NATS takes, in order. Never within one position:
 * a connector takes each only once. Marks and gaps come with the last.
 */
export function parcelsOf(position: number, out: Outgoing): Parcel[] {
  const parcels: Parcel[] = [];
  let [events, bytes]: [OutgoingEvent[], number] = [[], 0];
  for (const batch of batchesOf(out.events)) {
    const last = events.at(-1);
    const more = bytesOf(batch);
    if (last !== undefined && bytes + more > PARCEL_BYTES_MAX) {
      parcels.push({ position: last.position, events, marks: [], gaps: [] });
      [events, bytes] = [[], 0];
    }
    for (const event of batch) events.push(event);
    bytes += more;
  }
  parcels.push({ position, events, marks: out.marks, gaps: out.gaps });
  return parcels;
}

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

function bytesOf(batch: readonly OutgoingEvent[]): number {
  let bytes = 0;
  for (const { frame } of batch) bytes += Buffer.byteLength(frame);
  for (const users of new Set(batch.map((event) => event.users)))
    for (const user of users) bytes += user.length + 3;
  return bytes;
}

/** The same for the push queue, whose messages may be as many as needed. */
export function missedParcelsOf(missed: readonly MissedEntry[]): MissedEntry[][] {
  return Array.from({ length: Math.ceil(missed.length / MISSED_PER_MESSAGE_MAX) }, (_, index) =>
    missed.slice(index * MISSED_PER_MESSAGE_MAX, (index + 1) * MISSED_PER_MESSAGE_MAX),
  );
}
