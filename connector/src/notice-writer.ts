import type { Notice } from "@jichat/protocol/bus/notice.ts";
import { LatestOrders } from "./latest-orders.ts";
import type { Readers } from "./reader.ts";
import { Encoded } from "./reader.ts";

/** Writes notices to sockets. Of each key it writes only a higher order than any before. */
export class NoticeWriter {
  readonly #readers: Readers;
  readonly #orders = new LatestOrders();

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  write(notices: readonly Notice[]): { readonly written: number; readonly dropped: number } {
    let written = 0;
    let dropped = 0;
    for (const notice of notices) {
      if (!this.#orders.raise(notice.key, notice.order)) continue;
      const frame = new Encoded(notice.frame);
      for (const user of notice.users)
        for (const reader of this.#readers.of(user)) {
          if (reader.id === notice.origin) continue;
          if (notice.session !== undefined && reader.id !== notice.session) continue;
          if (!reader.isLive) reader.missed = true;
          else if (reader.writeNotice(frame.as(reader.codecName))) written += 1;
          else dropped += 1;
        }
    }
    return { written, dropped };
  }
}
