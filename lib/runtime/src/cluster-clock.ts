import type { JetStreamManager } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { AgreedClock } from "./agreed-clock.ts";
import type { Telemetry } from "./telemetry.ts";

export interface ClockParts {
  readonly jsm: JetStreamManager;
  readonly names: Names;
  /** Redis's command `TIME`: seconds, and the microseconds within the second. */
  readonly redis: { time(): Promise<readonly (number | string)[]> };
  readonly telemetry: Pick<Telemetry, "gauge" | "log">;
  readonly signal: AbortSignal;
}

/** Limit of the first looks: Redis is connected in the background. */
const START_MS = 1_000;
const RETRY_MS = 50;

/**
 * The clock of a component: the agreed time of its host, Redis and NATS, or of those that answer within a
 * second. It keeps looking until the signal aborts.
 */
export async function openClock({ jsm, names, redis, telemetry, signal }: ClockParts): Promise<AgreedClock> {
  const { log } = telemetry;
  const clock = new AgreedClock({
    others: [async () => timeOfRedis(redis), async () => timeOfNats(jsm, names)],
    onBelief: (isBelieved, aheadMs) => {
      const aheadSeconds = Math.round(aheadMs / 1_000);
      if (isBelieved) log.info({ aheadSeconds }, "this host's clock is right again");
      else log.warn({ aheadSeconds }, "this host's clock is wrong and is not used: synchronize it by NTP");
    },
  });
  telemetry.gauge(
    "jichat_clock_ahead_seconds",
    "how far this host's clock is ahead of the time that hosts agree on",
    () => clock.aheadMs / 1_000,
  );
  const until = clock.monotonic() + START_MS;
  while (!(await clock.look()) && clock.monotonic() < until) await clock.sleep(RETRY_MS);
  void clock.run(signal);
  return clock;
}

async function timeOfRedis(redis: ClockParts["redis"]): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

/**
 * The time of a nats-server, which each answer about a stream carries. nats-server before 2.10 does not send
 * it.
 */
async function timeOfNats(jsm: JetStreamManager, names: Names): Promise<number> {
  const { ts }: { ts?: string } = await jsm.streams.info(`KV_${names.settings}`);
  const time = Date.parse(ts ?? "");
  if (Number.isNaN(time)) throw new Error("NATS did not report its time");
  return time;
}
