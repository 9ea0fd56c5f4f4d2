import type { JetStreamClient } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { DeadLetter, DeadLetters } from "./ports.ts";

const TIMEOUT_MS = 2_000;

/** Dead letters in their stream, as JSON. The oldest are dropped. */
export const deadLettersIn = (
  js: Pick<JetStreamClient, "publish">,
  names: Pick<Names, "pushDeadSubject">,
): DeadLetters => ({
  add: async (partition: number, letter: DeadLetter) => {
    await js.publish(names.pushDeadSubject(partition), JSON.stringify({ v: 1, ...letter }), {
      timeout: TIMEOUT_MS,
    });
  },
});
