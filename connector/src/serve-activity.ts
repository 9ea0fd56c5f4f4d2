import {
  ACTIVITY_USERS_MAX,
  decodeActivityQuestion,
  encodeActivityAnswer,
} from "@jichat/protocol/bus/activity.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { ErrorLog } from "@jichat/runtime/telemetry.ts";
import type { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import { activityOf } from "./activity.ts";
import type { Config } from "./config.ts";
import type { Hub } from "./hub.ts";

/** Most devices of one answer: it fits into a message of NATS. */
const DEVICES_MAX = 5_000;

interface ActivityParts {
  readonly bus: Pick<Bus, "subscribe">;
  readonly names: Pick<Names, "activity">;
  readonly config: Pick<Config, "instance">;
  readonly hub: Pick<Hub, "of">;
  readonly wakeful: Pick<WakefulClock, "now">;
  readonly telemetry: { readonly log: ErrorLog };
}

/**
 * Tells push workers which devices of users are here, and whether somebody looks at them. A question that is
 * too long gets no answer. Returns a function that stops it.
 */
export function serveActivity({ bus, names, config, hub, wakeful, telemetry }: ActivityParts): () => void {
  const subscription = bus.subscribe(names.activity(config.instance), ({ bytes, reply }) => {
    try {
      const { users } = decodeActivityQuestion(bytes);
      if (users.length > ACTIVITY_USERS_MAX) throw new RangeError(`${users.length} users in one question`);
      reply(encodeActivityAnswer(activityOf(users, hub, wakeful.now()).slice(0, DEVICES_MAX)));
    } catch (thrown) {
      telemetry.log.error({ err: thrown }, "a question about activity cannot be answered");
    }
  });
  return () => {
    subscription.stop();
  };
}
