import { Agent, fetch } from "undici";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { removeStreams } from "@jichat/log/provision.ts";
import { lookAtStreams, withNats } from "./ask-log.ts";
import { bringUsers } from "./ask-users.ts";
import { clusterNameOf } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Door } from "./door.ts";
import { doorOf } from "./door.ts";
import { messageOf } from "./kube/errors.ts";
import type { BackendsSeen, Seen } from "./plan.ts";
import { withRedis } from "./with-redis.ts";

const TIMEOUT_MS = 4_000;
const OK: Seen = { state: "ok", message: "answers" };

/** Describes a failure without the login in the URL. */
const failed = (url: string, error: unknown): Seen => {
  const [, host = ""] = /^\w+:\/\/(?:[^@/]*@)?([^/]+)/.exec(url) ?? [];
  const why = messageOf(error);
  return /auth|WRONGPASS|NOAUTH|NOPERM|denied|401|403|516/i.test(why)
    ? { state: "refused", message: `${host} refuses the credentials: ${why}` }
    : { state: "unreachable", message: `${host} does not answer: ${why}` };
};

async function askNats(
  input: DesiredInput,
  door: Door,
): Promise<{ nats: Seen; streams: BackendsSeen["streams"] }> {
  try {
    return await withNats(door, async (jsm, nats) => ({
      nats: OK,
      streams: await lookAtStreams(input, jsm, nats),
    }));
  } catch (error) {
    return { nats: failed(door.url, error), streams: undefined };
  }
}

async function askRedis(door: Door): Promise<Seen> {
  try {
    await withRedis(door, async (redis) => redis.ping());
    return OK;
  } catch (error) {
    return failed(door.url, error);
  }
}

/** Sends one statement over ClickHouse's HTTP interface. Throws what ClickHouse answered. */
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

async function lookAtClickHouse(door: Door): Promise<Seen> {
  try {
    await clickhouse(door, "SELECT 1");
    return OK;
  } catch (error) {
    return failed(door.url, error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}

const NOWHERE: Door = { url: "", tls: undefined };

/** Looks once at every backend of a ChatCluster. Never rejects. */
export async function askBackends(input: DesiredInput): Promise<BackendsSeen> {
  const storeDoor = doorOf(input, "clickhouse", "storage");
  const [nats, redis, store] = await Promise.all([
    askNats(input, doorOf(input, "nats", "operator") ?? NOWHERE),
    askRedis(doorOf(input, "redis", "operator") ?? NOWHERE),
    storeDoor === undefined ? OK : lookAtClickHouse(storeDoor),
  ]);
  const askClickHouse = async (door: Door): Promise<void> => clickhouse(door, "SELECT 1");
  const seen = { ...nats, redis, clickhouse: store };
  // A paused ChatCluster is not changed, and reloading the users is a change.
  if (input.cluster.spec.paused) return seen;
  return { ...seen, users: await bringUsers(input, { askClickHouse }) };
}

/**
 * Removes the data of a ChatCluster from external backends. Data in managed backends goes with their volumes.
 */
export async function removeData(input: DesiredInput): Promise<void> {
  const { nats, clickhouse: store } = input.cluster.spec;
  const names = namesOf(clusterNameOf(input.cluster));
  if (nats.external !== undefined)
    await withNats(doorOf(input, "nats", "operator") ?? NOWHERE, (jsm) => removeStreams(jsm, names));
  if (store.external !== undefined)
    await clickhouse(
      doorOf(input, "clickhouse", "migrate") ?? NOWHERE,
      `DROP DATABASE IF EXISTS ${names.database}`,
    );
}
