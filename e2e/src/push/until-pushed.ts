import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { until } from "@jichat/testkit/until.ts";

const names = namesOf("jichat");

/** How far workers are with the queue of one partition. */
interface Progress {
  /** All messages up to this seq of the stream are done. */
  readonly doneTo: number;
  readonly queued: number;
  readonly taken: number;
}

const progressOf = ({ ack_floor, num_pending, num_ack_pending }: ConsumerInfo): Progress => ({
  doneTo: ack_floor.stream_seq,
  queued: num_pending,
  taken: num_ack_pending,
});

const isDone = ({ doneTo, queued, taken }: Progress, end: number): boolean =>
  queued + taken === 0 || doneTo >= end;

const consumersOf = async (jsm: JetStreamManager): Promise<readonly ConsumerInfo[]> =>
  jsm.consumers.list(names.pushStream).next();

const laterOf = async (jsm: JetStreamManager): Promise<number> =>
  (await jsm.streams.info(`KV_${names.pushLater}`)).state.messages;

/** Messages that no worker is done with, and pushes that are kept until their provider is up. */
export async function waitingPushes(jsm: JetStreamManager): Promise<number> {
  const queues = (await consumersOf(jsm)).map(progressOf);
  return queues.reduce((sum, { queued, taken }) => sum + queued + taken, await laterOf(jsm));
}

/**
 * Resolves once workers are done with each message of the push queue up to now, and nothing waits for its
 * provider. What comes meanwhile is waited for only where it stands in the queue of a partition that has not
 * been empty since: a device that is lost now and then must not keep this waiting for ever. Rejects after `ms`
 * with what is left.
 */
export async function untilPushed(jsm: JetStreamManager, ms: number): Promise<void> {
  const { state } = await jsm.streams.info(names.pushStream);
  const behind = new Map((await consumersOf(jsm)).map((info) => [info.name, progressOf(info)]));
  if (behind.size === 0) throw new Error("nobody reads the push queue");
  let later = Number.NaN;
  await until("workers are done with the queue", ms, async () => {
    for (const info of await consumersOf(jsm)) {
      if (!behind.has(info.name)) continue;
      const progress = progressOf(info);
      behind.set(info.name, progress);
      if (isDone(progress, state.last_seq)) behind.delete(info.name);
    }
    return behind.size === 0;
  }).catch((error: unknown) => {
    const left = JSON.stringify({ end: state.last_seq, behind: Object.fromEntries(behind) });
    throw new Error(`${String(error)}; left: ${left}`, { cause: error });
  });
  await until("nothing waits for its provider", ms, async () => {
    later = await laterOf(jsm);
    return later === 0;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; left: ${later}`, { cause: error });
  });
}
