import type { JetStreamManager } from "@nats-io/jetstream";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { DeadLetter } from "./judgement.ts";

const names = namesOf("jichat");

/** All dead letters, the oldest first. */
export async function deadLettersOf(jsm: JetStreamManager): Promise<readonly DeadLetter[]> {
  const { state } = await jsm.streams.info(names.pushDeadStream);
  const letters: DeadLetter[] = [];
  if (state.messages === 0) return letters;
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const stored = await jsm.streams.getMessage(names.pushDeadStream, { seq });
    if (stored === null) throw new Error(`dead letter ${seq} is not there`);
    letters.push(stored.json<DeadLetter>());
  }
  return letters;
}
