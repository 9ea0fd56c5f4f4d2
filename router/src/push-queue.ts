import { headers } from "@nats-io/transport-node";
import type { JetStreamClient } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { encodeInner } from "@jichat/protocol/bus/wire.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { finalErrorOf } from "@jichat/runtime/final-errors.ts";
import { missedParcelsOf } from "./parcels.ts";
import type { MissedEntry, PushQueue } from "./ports.ts";

const PUBLISH_TIMEOUT_MS = 2_000;

/**
 * What went past those who are away, for a push service. The queue may drop, and so what it takes on no
 * repetition is let go: effects behind it, which are to reach people who are here, do not wait for it. `letGo`
 * hears of it once.
 */
export function pushQueueOver(
  js: Pick<JetStreamClient, "publish">,
  names: Pick<Names, "pushSubject">,
  letGo: (refusal: ChatError, partition: number) => void,
): PushQueue {
  let said = "";
  return {
    add: async (partition: number, position: number, missed: readonly MissedEntry[]) => {
      for (const [index, part] of missedParcelsOf(missed).entries()) {
        try {
          await js.publish(
            names.pushSubject(partition),
            encodeInner({ v: 1, position, missed: part } as { v: 1 }),
            {
              msgID: `${partition}:${position}:${index}`,
              headers: headers(),
              timeout: PUBLISH_TIMEOUT_MS,
            },
          );
          said = "";
        } catch (error) {
          const refusal = finalErrorOf(error);
          if (refusal === undefined) throw error;
          if (refusal.message !== said) letGo(refusal, partition);
          said = refusal.message;
        }
      }
    },
  };
}
