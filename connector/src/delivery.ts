import type { DeliveredEvent, Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import { NoticeWriter } from "./notice-writer.ts";
import type { Readers } from "./reader.ts";
import { Encoded } from "./reader.ts";
import { gapTime } from "./unconfirmed.ts";

export interface DeliveryResult {
  /** Number of frames that were handed to sockets. */
  readonly written: number;
  /** Number of notices dropped, one for each socket that has too much unread. */
  readonly dropped: number;
  readonly latest: readonly DeliveredEvent[];
}

/**
 * Writes deliveries to sockets. It accepts a partition's positions in ascending order only, so no socket sees
 * a lower seq after a higher one.
 */
export class Deliveries {
  readonly #readers: Readers;
  readonly #notices: NoticeWriter;
  readonly #clock: Pick<Clock, "now">;
  readonly #positions = new Map<number, number>();

  constructor(readers: Readers, clock: Pick<Clock, "now">) {
    this.#readers = readers;
    this.#clock = clock;
    this.#notices = new NoticeWriter(readers);
  }

  /**
   * Writes what is new in the delivery. A repeated delivery, or a late one of a deposed owner, changes
   * nothing.
   */
  deliver(delivery: Delivery): DeliveryResult {
    const { partition, position, notices } = delivery;
    const last = this.#positions.get(partition) ?? 0;
    const isNew = position > last || delivery.isRest === true;
    if (position > last) this.#positions.set(partition, position);
    const latest = isNew ? delivery.events.filter((event) => event.position > last) : [];
    let written = 0;
    for (const event of latest) written += this.#write(event.frame, event);
    const told = notices.length === 0 ? undefined : this.#notices.write(notices);
    if (isNew)
      for (const { conversation, users, head } of delivery.gaps)
        written += this.#write(jsonFrame({ t: "gap", conversation, head }), {
          users,
          ts: gapTime(this.#clock.now()),
        });
    return { written: written + (told?.written ?? 0), dropped: told?.dropped ?? 0, latest };
  }

  #write(json: string, { users, ts, origin }: Pick<DeliveredEvent, "users" | "ts" | "origin">): number {
    const frame = new Encoded(json);
    let written = 0;
    for (const user of users) {
      for (const reader of this.#readers.of(user)) {
        if (reader.id === origin && !reader.echo) continue;
        if (reader.isLive) {
          reader.writeEncoded(frame.as(reader.codecName));
          reader.delivered(ts);
          written += 1;
        } else reader.missed = true;
      }
    }
    return written;
  }
}
