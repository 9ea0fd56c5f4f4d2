import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { until } from "@jichat/testkit/until.ts";

const names = namesOf("jichat");

/** A partition's queue, whose messages up to a seq are not all done. */
interface Behind {
  readonly consumer: string;
  /** All messages up to this seq of the stream are done. */
  readonly doneTo: number;
  readonly queued: number;
  readonly taken: number;
}

const behindOf = ({ name, ack_floor, num_pending, num_ack_pending }: ConsumerInfo): Behind => ({
  consumer: name,
  doneTo: ack_floor.stream_seq,
  queued: num_pending,
  taken: num_ack_pending,
});

const isDone = ({ doneTo, queued, taken }: Behind, end: number): boolean =>
  queued + taken === 0 || doneTo >= end;

/**
 * Resolves once workers are done with each message of the push queue up to now, and nothing waits for its
 * provider. What comes meanwhile does not count: a device that is lost now and then would keep the queue busy
 * for ever. Rejects after `ms` with what is left.
 */
export async function untilPushed(jsm: JetStreamManager, ms: number): Promise<void> {
  const { state } = await jsm.streams.info(names.pushStream);
  const done = new Set<string>();
  let behind: readonly Behind[] = [];
  let later = Number.NaN;
  await until("workers are done with the queue", ms, async () => {
    const consumers = (await jsm.consumers.list(names.pushStream).next()).map(behindOf);
    for (const one of consumers) if (isDone(one, state.last_seq)) done.add(one.consumer);
    behind = consumers.filter(({ consumer }) => !done.has(consumer));
    return consumers.length > 0 && behind.length === 0;
  }).catch((error: unknown) => {
    const left = JSON.stringify({ end: state.last_seq, behind });
    throw new Error(`${String(error)}; left: ${left}`, { cause: error });
  });
  await until("nothing waits for its provider", ms, async () => {
    later = (await jsm.streams.info(`KV_${names.pushLater}`)).state.messages;
    return later === 0;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; left: ${later}`, { cause: error });
  });
}
