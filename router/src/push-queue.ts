import type { JetStreamClient } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { MissedEntry } from "@jichat/protocol/bus/push.ts";
import { encodeMissed } from "@jichat/protocol/bus/push.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { finalErrorOf } from "@jichat/runtime/final-errors.ts";
import { missedParcelsOf } from "./parcels.ts";
import type { PushQueue } from "./ports.ts";

const PUBLISH_TIMEOUT_MS = 2_000;

/**
 * Writes missed events to the push queue, for a push service. The queue may drop entries. So entries that it
 * refuses for good are dropped, and effects for people who are online do not wait for them. `letGo` is called
 * once for each new refusal.
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
          await js.publish(names.pushSubject(partition), encodeMissed({ v: 1, position, missed: part }), {
            msgID: `${partition}:${position}:${index}`,
            timeout: PUBLISH_TIMEOUT_MS,
          });
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
