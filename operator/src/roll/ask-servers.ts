import { setTimeout as pause } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { withConnection } from "../ask-log.ts";
import type { User } from "../desired/keys.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Door } from "../door.ts";
import { doorOf } from "../door.ts";
import { messageOf } from "../kube/errors.ts";
import type { GroupSaid } from "./levels.ts";
import { behindIn } from "./levels.ts";
import type { Answer, Page } from "./jetstream.ts";
import { ask, listed, streamNames } from "./jetstream.ts";
import type { ServersTold } from "./next-server.ts";

/** All servers answer within this time, or count as absent. */
const ANSWERS_MS = 1_000;
/** A copy that follows a busy stream is level now and again: it is looked at this often. */
const LOOKS = 12;
const LOOK_EVERY_MS = 150;
/** The number of streams that are asked at once. */
const AT_ONCE = 16;

interface StreamInfo extends Answer {
  readonly config?: { readonly num_replicas?: number };
  readonly state?: { readonly consumer_count?: number };
  readonly cluster?: GroupSaid;
}
interface ConsumerInfo {
  readonly name: string;
  readonly config?: { readonly num_replicas?: number };
  readonly cluster?: GroupSaid;
}
/** What of one stream is not level: the stream itself, or a consumer that has copies. */
async function behindOf(nats: NatsConnection, stream: string): Promise<readonly string[]> {
  try {
    const { config, state, cluster } = await ask<StreamInfo>(nats, `STREAM.INFO.${stream}`);
    const own = behindIn(stream, config?.num_replicas ?? 1, cluster);
    if (own !== undefined) return [own];
    if ((state?.consumer_count ?? 0) === 0) return [];
    type Consumers = Page & { readonly consumers?: readonly ConsumerInfo[]; readonly missing?: string[] };
    const missing: string[] = [];
    const consumers = await listed<Consumers, ConsumerInfo>(nats, `CONSUMER.LIST.${stream}`, (page) => {
      missing.push(...(page.missing ?? []));
      return page.consumers ?? [];
    });
    const told = consumers.flatMap((one) => {
      // A consumer with a single copy is a reader's own: the reader makes another one.
      // One that has as many copies as its stream says 0.
      const own = one.config?.num_replicas ?? 0;
      const copies = own > 0 ? own : (one.cluster?.replicas?.length ?? 0) + 1;
      const behind = copies < 2 ? undefined : behindIn(`${one.name} of ${stream}`, copies, one.cluster);
      return behind === undefined ? [] : [behind];
    });
    return [...missing.map((name) => `${name} of ${stream} does not answer`), ...told];
  } catch (error) {
    return [`${stream} does not answer: ${messageOf(error)}`];
  }
}

/**
 * What is not level, of everything that this account has. A stream counts as level once it was seen level: a
 * copy that had caught up once follows from then on.
 */
async function askBehind(nats: NatsConnection): Promise<readonly string[]> {
  let left = await streamNames(nats);
  let told: readonly string[] = [];
  for (let look = 0; look < LOOKS && left.length > 0; look += 1) {
    if (look > 0) await pause(LOOK_EVERY_MS);
    const behind = new Map<string, readonly string[]>();
    for (let at = 0; at < left.length; at += AT_ONCE)
      await Promise.all(
        left.slice(at, at + AT_ONCE).map(async (stream) => {
          const lines = await behindOf(nats, stream);
          if (lines.length > 0) behind.set(stream, lines);
        }),
      );
    left = left.filter((stream) => behind.has(stream));
    told = left.flatMap((stream) => behind.get(stream) ?? []);
  }
  return told;
}

interface Ping {
  readonly server: { readonly name: string };
  readonly statsz?: {
    readonly jetstream?: { readonly meta?: GroupSaid & { readonly cluster_size?: number } };
  };
}

/** The servers that answer, and the state of the group that they share. */
async function askMeta(system: NatsConnection, wanted: number): Promise<ServersTold> {
  const answers = await system.requestMany("$SYS.REQ.SERVER.PING", undefined, {
    strategy: "count",
    maxWait: ANSWERS_MS,
    maxMessages: wanted,
  });
  const pings: Ping[] = [];
  for await (const answer of answers) pings.push(answer.json<Ping>());
  const metas = pings.flatMap(({ server, statsz }) => {
    const meta = statsz?.jetstream?.meta;
    return meta === undefined ? [] : [{ server: server.name, meta }];
  });
  // Only the leader knows how far the others are.
  const led = metas.find(({ server, meta }) => meta.leader === server);
  const behind = behindIn("the group of all servers", wanted, led?.meta);
  return {
    servers: pings.map(({ server }) => server.name),
    metaLeader: led?.server,
    behind: behind === undefined ? [] : [behind],
  };
}

/** The address of NATS for a user. */
export type NatsDoors = (user: User) => Door | undefined;

/** Asks once how the managed nats-servers are. Never rejects: what failed is not level. */
export async function askServers(
  input: DesiredInput,
  doors: NatsDoors = (user) => doorOf(input, "nats", user),
): Promise<ServersTold> {
  const [own, system] = [doors("operator"), doors("system")];
  const wanted = input.cluster.spec.nats.managed?.replicas ?? 0;
  try {
    if (own === undefined || system === undefined) throw new Error("NATS has no address");
    const [behind, meta] = await Promise.all([
      withConnection(own, async (nats) => askBehind(nats)),
      withConnection(system, async (nats) => askMeta(nats, wanted)),
    ]);
    return { ...meta, behind: [...meta.behind, ...behind] };
  } catch (error) {
    const why = `NATS does not report whether its streams are level: ${messageOf(error)}`;
    return { servers: [], metaLeader: undefined, behind: [why] };
  }
}
