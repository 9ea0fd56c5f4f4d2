import type { NatsConnection } from "@nats-io/transport-node";
import { withConnection } from "./ask-log.ts";
import { redisUsers } from "./desired/caches.ts";
import type { User } from "./desired/keys.ts";
import { credentialsOf } from "./desired/keys.ts";
import type { Backend } from "./desired/names.ts";
import { usersTag } from "./desired/nats.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Door } from "./door.ts";
import { doorOf } from "./door.ts";
import { messageOf } from "./kube/errors.ts";
import type { UsersSeen } from "./plan.ts";
import { withRedis } from "./with-redis.ts";

const TIMEOUT_MS = 4_000;
/** All servers of a cluster answer within this time, or count as absent. */
const ANSWERS_MS = 1_500;

interface Server {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
}

/** The servers that answer, each once. */
async function serversIn(nats: NatsConnection, wanted: number): Promise<readonly Server[]> {
  const answers = await nats.requestMany("$SYS.REQ.SERVER.PING", undefined, {
    strategy: "count",
    maxWait: ANSWERS_MS,
    maxMessages: wanted,
  });
  const servers = new Map<string, Server>();
  for await (const answer of answers) {
    const { server } = answer.json<{ server: { id: string; name: string; tags?: readonly string[] } }>();
    servers.set(server.id, { tags: [], ...server });
  }
  return [...servers.values()];
}

/**
 * Makes nats-servers reload their users if they hold others than wanted. A connection is cut only if its own
 * user is gone. The kubelet delivers the file in its own time, and a server reports its new users a moment
 * after its answer. A server that is late is checked again later.
 */
async function bringNats(input: DesiredInput, door: Door, replicas: number): Promise<string | undefined> {
  return withConnection(door, async (nats) => {
    const tag = usersTag(input);
    const behind = (servers: readonly Server[]): readonly Server[] =>
      servers.filter(({ tags }) => !tags.includes(tag));
    let servers = await serversIn(nats, replicas);
    const late = behind(servers);
    for (const { id } of late)
      await nats.request(`$SYS.REQ.SERVER.${id}.RELOAD`, undefined, { timeout: TIMEOUT_MS });
    if (late.length > 0) servers = await serversIn(nats, replicas);
    if (servers.length < replicas) return `NATS: ${servers.length} of ${replicas} servers answer`;
    const still = behind(servers).map(({ name }) => name);
    return still.length === 0 ? undefined : `NATS: ${still.join(", ")} has not read its users yet`;
  });
}

const OURS = /^(connector|router|api|push|operator)-\d+$/;

/** Adds missing users to Redis and deletes surplus ones of ours, without a look at Redis's file. */
async function bringRedis(input: DesiredInput, door: Door): Promise<undefined> {
  return withRedis(door, async (redis) => {
    const there = new Set((await redis.call("ACL", "USERS")) as readonly string[]);
    const wanted = redisUsers(input);
    for (const [user, rules] of wanted)
      if (!there.has(user)) await redis.call("ACL", "SETUSER", user, "reset", ...rules.split(" "));
    const surplus = [...there].filter((user) => OURS.test(user) && !wanted.has(user));
    if (surplus.length > 0) await redis.call("ACL", "DELUSER", ...surplus);
    return undefined;
  });
}

/**
 * Checks whether ClickHouse has the wanted users. It reloads them by itself once the kubelet has delivered
 * the file.
 */
async function lookAtClickHouse(
  input: DesiredInput,
  { url }: Door,
  ask: (door: Door) => Promise<void>,
): Promise<string | undefined> {
  for (const { user, password } of credentialsOf(input.keys, "clickhouse", ["storage"])) {
    const door = new URL(url);
    door.username = user;
    door.password = password;
    try {
      await ask({ url: door.href, tls: undefined });
    } catch (error) {
      return `ClickHouse does not accept user ${user} yet: ${messageOf(error)}`;
    }
  }
  return undefined;
}

export interface UsersOptions {
  /** Rejects if a login is refused. */
  readonly askClickHouse: (door: Door) => Promise<void>;
  /** The address of a backend. Defaults to the one of the input. */
  readonly doors?: (backend: Backend, user: User) => Door | undefined;
}

/**
 * Makes running managed servers accept exactly the users in their Secrets, and reports what is still missing.
 * Never rejects.
 */
export async function bringUsers(input: DesiredInput, options: UsersOptions): Promise<UsersSeen> {
  const { askClickHouse, doors = (backend, user) => doorOf(input, backend, user) } = options;
  const { nats, redis, clickhouse, hibernate } = input.cluster.spec;
  if (hibernate) return { state: "taken", message: "no backend runs" };
  let isKnown = true;
  const bring = async (
    backend: "NATS" | "Redis" | "ClickHouse",
    door: Door | undefined,
    act: (door: Door) => Promise<string | undefined>,
  ): Promise<readonly string[]> => {
    if (door === undefined) return [];
    try {
      const late = await act(door);
      return late === undefined ? [] : [late];
    } catch (error) {
      isKnown = false;
      return [`${backend}: ${messageOf(error)}`];
    }
  };
  const { managed } = nats;
  const late = await Promise.all([
    bring("NATS", managed && doors("nats", "system"), async (door) =>
      bringNats(input, door, managed?.replicas ?? 1),
    ),
    bring("Redis", redis.managed && doors("redis", "operator"), async (door) => bringRedis(input, door)),
    bring("ClickHouse", clickhouse.managed && doors("clickhouse", "storage"), async (door) =>
      lookAtClickHouse(input, door, askClickHouse),
    ),
  ]);
  const message = late.flat().join("; ");
  return { state: message === "" ? "taken" : isKnown ? "late" : "unknown", message };
}
