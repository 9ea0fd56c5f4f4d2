import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { PushDevices } from "@jichat/identity/push-devices.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { Presence } from "@jichat/presence/presence.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import { RedisData } from "@jichat/presence/redis-data.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { QueuedPush } from "@jichat/protocol/bus/push.ts";
import { encodePushEntries } from "@jichat/protocol/bus/push.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startNatsServers, startRedisServer } from "@jichat/testkit/local/servers.ts";
import { WebhookReceiver } from "@jichat/testkit/push/webhook-receiver.ts";
import { pino } from "pino";
import { registrationOf } from "./fakes.ts";

const PARTITIONS = 4;
/** Pushes that a worker may have under way: as many may come again if it is killed. */
export const IN_FLIGHT_MAX = 100;
const names = namesOf("jichat");

/** Push workers as processes of their own, on real NATS and Redis, before a gateway that counts. */
export class World {
  readonly receiver: WebhookReceiver;
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly presence: Presence;
  readonly servers: { readonly nats: Servers; readonly redis: Servers };
  readonly workers: readonly Part[];
  readonly #redis: RedisConnection;
  readonly #devices: PushDevices;
  readonly #folder: string;

  private constructor(parts: {
    readonly receiver: WebhookReceiver;
    readonly nats: NatsConnection;
    readonly jsm: JetStreamManager;
    readonly redis: RedisConnection;
    readonly presence: Presence;
    readonly servers: { readonly nats: Servers; readonly redis: Servers };
    readonly devices: PushDevices;
    readonly folder: string;
    readonly workers: readonly Part[];
  }) {
    this.receiver = parts.receiver;
    this.nats = parts.nats;
    this.jsm = parts.jsm;
    this.#redis = parts.redis;
    this.presence = parts.presence;
    this.servers = parts.servers;
    this.#devices = parts.devices;
    this.#folder = parts.folder;
    this.workers = parts.workers;
  }

  /** Workers are planned, and not started. */
  static async start(workers: number): Promise<World> {
    const log = pino({ level: "silent" });
    const servers = { nats: await startNatsServers(1), redis: await startRedisServer() };
    const [natsUrl = ""] = servers.nats.urls;
    const [redisUrl = ""] = servers.redis.urls;
    const nats = await connectNats(natsUrl, "test", log);
    const wanted = { partitions: PARTITIONS, replicas: 1, logBytesMax: 8_388_608 } as const;
    const { jsm } = await openCluster(nats, names, wanted, { log, signal: AbortSignal.timeout(20_000) });
    const redis = connectRedis(redisUrl, { log });
    const presence = new Presence({ redis, data: new RedisData(redis, names, log) });
    await presence.untilReady(10_000);
    const receiver = await WebhookReceiver.start();
    const folder = mkdtempSync(join(tmpdir(), "jichat-push-"));
    writeFileSync(join(folder, "webhook.json"), receiver.file);
    const ports = await freePorts(workers);
    const parts = ports.map((adminPort, index) => {
      const name = `push-${index + 1}`;
      return new Part({
        name,
        program: process.execPath,
        args: [join(ROOT, "push/src/main.ts")],
        logFile: join(folder, `${name}.log`),
        adminPort,
        env: {
          INSTANCE: name,
          NATS_URL: natsUrl,
          REDIS_URL: redisUrl,
          ADMIN_PORT: String(adminPort),
          CLUSTER_KEY: "a key that is long enough for a test",
          PARTITIONS: String(PARTITIONS),
          PUSH_FOLDER: folder,
          PUSH_ALLOWED_ADDRESSES: "127.0.0.0/8",
          PUSH_IN_FLIGHT_MAX: String(IN_FLIGHT_MAX),
          NODE_OPTIONS: "",
        },
      });
    });
    const devices = await PushDevices.open(nats, names);
    return new World({ receiver, nats, jsm, redis, presence, servers, devices, folder, workers: parts });
  }

  async register(user: string): Promise<void> {
    await this.#devices.put(user, registrationOf(user));
  }

  async unregister(user: string): Promise<void> {
    await this.#devices.removeAll(user);
  }

  /** Puts entries into the queue as a router does. */
  async put(conversation: string, ...entries: readonly QueuedPush[]): Promise<void> {
    const partition = partitionOf(conversation, PARTITIONS);
    await this.jsm.jetstream().publish(names.pushSubject(partition), encodePushEntries(entries));
  }

  /** The sum of a metric over its attributes and the living workers; those that `match` finds. */
  async metric(name: string, match = ""): Promise<number> {
    let sum = 0;
    for (const worker of this.workers) {
      if (!worker.isRunning) continue;
      const text = await (await fetch(`http://127.0.0.1:${worker.spec.adminPort}/metrics`)).text();
      for (const line of text.split("\n"))
        if (new RegExp(`^${name}(?:_total)?[{ ]`).test(line) && line.includes(match))
          sum += Number(line.split(" ").at(-2 + (/ \d{13}$/.test(line) ? 0 : 1)));
    }
    return sum;
  }

  /** Messages that are neither acknowledged nor waiting in KV. */
  async left(): Promise<number> {
    let left = 0;
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const info = await this.jsm.consumers.info(names.pushStream, `push-${partition}`);
      left += info.num_pending + info.num_ack_pending;
    }
    return left + (await this.jsm.streams.info(`KV_${names.pushLater}`)).state.messages;
  }

  async deadLetters(): Promise<number> {
    return (await this.jsm.streams.info(names.pushDeadStream)).state.messages;
  }

  async destroy(): Promise<void> {
    await Promise.all(this.workers.map(async (worker) => worker.kill()));
    this.#redis.disconnect();
    await this.nats.close();
    await this.receiver.stop();
    await this.servers.nats.destroy();
    await this.servers.redis.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
