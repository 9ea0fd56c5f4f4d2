import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import type { BackendTls } from "@jichat/runtime/backend-tls.ts";
import { Agent, fetch } from "undici";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { readNatsUrl } from "@jichat/runtime/nats-url.ts";
import { provision, putBackStreams, removeStreams } from "@jichat/runtime/provision.ts";
import type { User } from "./desired/keys.ts";
import type { Backend } from "./desired/names.ts";
import { clusterNameOf } from "./desired/names.ts";
import type { Wish } from "./desired/wish.ts";
import { backendUrl } from "./desired/wish.ts";
import { messageOf } from "./kube/errors.ts";
import type { BackendsSeen, Seen } from "./plan.ts";

const TIMEOUT_MS = 4_000;
const OK: Seen = { state: "ok", message: "answers" };

/** Says what is wrong without the login that is in the URL. */
const failed = (url: string, error: unknown): Seen => {
  const [, host = ""] = /^\w+:\/\/(?:[^@/]*@)?([^/]+)/.exec(url) ?? [];
  const why = messageOf(error);
  return /auth|WRONGPASS|NOAUTH|NOPERM|denied|401|403|516/i.test(why)
    ? { state: "refused", message: `${host} refuses the credentials: ${why}` }
    : { state: "unreachable", message: `${host} does not answer: ${why}` };
};

const logSettings = ({ cluster: { spec } }: Wish) => ({
  partitions: spec.partitions,
  replicas: spec.durability.replicas,
  logBytesMax: spec.retention.logBytesPerPartition,
});

/** Where a backend is, and how it is spoken to. */
interface Door {
  readonly url: string;
  readonly tls: BackendTls | undefined;
}

async function withNats<T>(
  { url, tls }: Door,
  act: (
    jsm: Awaited<ReturnType<typeof jetstreamManager>>,
    nats: Awaited<ReturnType<typeof connect>>,
  ) => Promise<T>,
): Promise<T> {
  const nats = await connect({
    ...readNatsUrl(url, tls),
    name: "jichat-operator",
    reconnect: false,
    timeout: TIMEOUT_MS,
  });
  try {
    return await act(await jetstreamManager(nats, { timeout: TIMEOUT_MS }), nats);
  } finally {
    await nats.close();
  }
}

type Streams = BackendsSeen["streams"];

/**
 * Makes what is missing of streams and buckets and puts back what differs; looks only while the cluster is
 * paused.
 */
async function askNats(wish: Wish, door: Door): Promise<{ nats: Seen; streams: Streams }> {
  const names = namesOf(clusterNameOf(wish.cluster));
  const wanted = logSettings(wish);
  const lookOnly = wish.cluster.spec.paused;
  try {
    return await withNats(door, async (jsm, nats) => {
      try {
        const partitions = lookOnly ? wanted.partitions : await provision(nats, jsm, names, wanted);
        if (partitions !== wanted.partitions)
          return {
            nats: OK,
            streams: {
              ok: false,
              message: `the logs were made with ${partitions} partitions, spec.partitions is ${wanted.partitions}: set it to ${partitions}, or take the streams of ${names.cluster} away`,
            },
          };
        const differing = await putBackStreams(jsm, names, wanted, lookOnly);
        const message =
          differing.length === 0
            ? `${partitions} logs, ${wanted.replicas} copies each`
            : `${differing.join(", ")} ${lookOnly ? "differ" : "were put back"}`;
        return { nats: OK, streams: { ok: !lookOnly || differing.length === 0, message } };
      } catch (error) {
        return { nats: OK, streams: { ok: false, message: `JetStream refuses: ${messageOf(error)}` } };
      }
    });
  } catch (error) {
    return { nats: failed(door.url, error), streams: undefined };
  }
}

async function askRedis({ url, tls }: Door): Promise<Seen> {
  const redis = new Redis(url, {
    ...(tls === undefined ? {} : { tls }),
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  let first: unknown;
  redis.on("error", (error: unknown) => {
    first ??= error; // The promise says only that the connection is closed; this says why.
  });
  try {
    await redis.connect();
    await redis.ping();
    return OK;
  } catch (error) {
    return failed(url, first ?? error);
  } finally {
    redis.disconnect();
  }
}

/** One statement over ClickHouse's HTTP interface; throws what it answered. */
async function clickhouse({ url, tls }: Door, query: string): Promise<void> {
  const parsed = new URL(url);
  const login = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  parsed.username = "";
  parsed.password = "";
  parsed.searchParams.set("query", query);
  const agent = tls === undefined ? undefined : new Agent({ connect: { ...tls } });
  try {
    const response = await fetch(parsed, {
      method: "POST",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: login === ":" ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` },
      ...(agent === undefined ? {} : { dispatcher: agent }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${answer.trim().slice(0, 200)}`);
  } finally {
    await agent?.destroy();
  }
}

async function askClickHouse(door: Door): Promise<Seen> {
  try {
    await clickhouse(door, "SELECT 1");
    return OK;
  } catch (error) {
    return failed(door.url, error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}

/** The embedded ClickHouse has no door. */
function doorOf(wish: Wish, backend: Backend, user: User): Door | undefined {
  const url = backendUrl(wish, backend, user);
  return url === undefined ? undefined : { url, tls: wish.backendTls[backend] };
}

const NOWHERE: Door = { url: "", tls: undefined };

/** One look at everything that a ChatCluster stands on; never rejects. */
export async function askBackends(wish: Wish): Promise<BackendsSeen> {
  const storeDoor = doorOf(wish, "clickhouse", "storage");
  const [nats, redis, store] = await Promise.all([
    askNats(wish, doorOf(wish, "nats", "operator") ?? NOWHERE),
    askRedis(doorOf(wish, "redis", "operator") ?? NOWHERE),
    storeDoor === undefined ? OK : askClickHouse(storeDoor),
  ]);
  return { ...nats, redis, clickhouse: store };
}

/** Takes what a ChatCluster left in backends of somebody else; of managed ones the volumes go. */
export async function removeData(wish: Wish): Promise<void> {
  const { nats, clickhouse: store } = wish.cluster.spec;
  const names = namesOf(clusterNameOf(wish.cluster));
  if (nats.external !== undefined)
    await withNats(doorOf(wish, "nats", "operator") ?? NOWHERE, (jsm) => removeStreams(jsm, names));
  if (store.external !== undefined)
    await clickhouse(
      doorOf(wish, "clickhouse", "migrate") ?? NOWHERE,
      `DROP DATABASE IF EXISTS ${names.database}`,
    );
}
