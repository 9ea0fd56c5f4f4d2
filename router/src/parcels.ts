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

/** Characters of one parcel, of three bytes at most each: below the 1 MB that NATS takes. */
const PARCEL_LENGTH_MAX = 262_144;
/** Of one message to the push queue: some 150 characters each, at most. */
const MISSED_PER_MESSAGE_MAX = 4_096;

/**
 * Cuts what gathered over several batches into parcels that NATS takes, in order. Never within one position:
 * a connector takes each only once. Marks and gaps come with the last.
 */
export function parcelsOf(position: number, out: Outgoing): Parcel[] {
  const parcels: Parcel[] = [];
  let events: OutgoingEvent[] = [];
  let length = 0;
  for (const event of out.events) {
    const last = events.at(-1)?.position;
    if (last !== undefined && last !== event.position && length >= PARCEL_LENGTH_MAX) {
      parcels.push({ position: last, events, marks: [], gaps: [] });
      events = [];
      length = 0;
    }
    // Who is to have it travels once per parcel, and mostly with the event before.
    if (event.users !== events.at(-1)?.users)
      length += event.users.reduce((sum, user) => sum + user.length + 3, 0);
    length += event.frame.length;
    events.push(event);
  }
  parcels.push({ position, events, marks: out.marks, gaps: out.gaps });
  return parcels;
}

/** The same for the push queue, whose messages may be as many as needed. */
export function missedParcelsOf(missed: readonly MissedEntry[]): MissedEntry[][] {
  return Array.from({ length: Math.ceil(missed.length / MISSED_PER_MESSAGE_MAX) }, (_, index) =>
    missed.slice(index * MISSED_PER_MESSAGE_MAX, (index + 1) * MISSED_PER_MESSAGE_MAX),
  );
}
