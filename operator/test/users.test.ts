import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { inboxOf, namesOf } from "@jichat/protocol/bus/names.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Program } from "@jichat/testkit/needs.ts";
import { needNats, needRedis } from "@jichat/testkit/needs.ts";
import { until } from "@jichat/testkit/until.ts";
import { bringUsers } from "../src/ask-users.ts";
import { REDIS_CONFIG, redisAcl } from "../src/desired/caches.ts";
import type { Keys } from "../src/desired/keys.ts";
import { credentialOf, usedBy } from "../src/desired/keys.ts";
import { clusterNameOf } from "../src/desired/names.ts";
import { natsConfig } from "../src/desired/nats.ts";
import { advanced, keysFor } from "../src/desired/rotation.ts";
import type { DesiredInput } from "../src/desired/desired-input.ts";
import type { UsersSeen } from "../src/plan.ts";
import { KEYS, inputOf } from "./input.ts";

/** Real servers with the very files that pods get, and the operator's own way of changing who is let in. */
const folder = mkdtempSync(join(tmpdir(), "jichat-users-"));
const spec = {
  partitions: 1,
  durability: { replicas: 1, fsync: "interval" },
  nats: { managed: { replicas: 1 } },
  clickhouse: { embedded: { storage: { size: "1Gi" } } },
};
const of = (keys: Keys): DesiredInput => inputOf(spec, { keys });
let [natsPort, monitorPort, redisPort] = [0, 0, 0];
const parts: Part[] = [];

const path = (name: string): string => join(folder, name);
/** As a kubelet does it: whoever reads sees the old file, or the new one. */
function put(name: string, text: string): void {
  writeFileSync(path(`${name}.next`), text, { mode: 0o600 });
  renameSync(path(`${name}.next`), path(name));
}
const putNats = (keys: Keys): void => {
  const js = JSON.stringify(path("js"));
  const config = natsConfig(of(keys))
    .replace("port: 4222", `port: ${natsPort}`)
    .replace("http_port: 8222", `http_port: ${monitorPort}`)
    .replace('store_dir: "/data"', `store_dir: ${js}`);
  put("nats.conf", config);
};

async function start(name: string, program: Program, args: string[], port: number): Promise<void> {
  const env = { ...program.env, POD_NAME: "chat-nats-0" };
  const part = new Part({ name, program: program.path, env, args, port, logFile: path(`${name}.log`) });
  part.start();
  parts.push(part);
  await part.ready(20_000);
}

before(async () => {
  [natsPort = 0, monitorPort = 0, redisPort = 0] = await freePorts(3);
  putNats(KEYS);
  put("users.acl", redisAcl(of(KEYS)));
  const redisConfig = REDIS_CONFIG.replace("port 6379", `port ${redisPort}`)
    .replace("/etc/redis/users.acl", path("users.acl"))
    .replace("dir /tmp", `dir ${folder}`);
  put("redis.conf", redisConfig);
  await start("nats", await needNats(), ["-c", path("nats.conf")], natsPort);
  await start("redis", await needRedis(), [path("redis.conf")], redisPort);
});
after(async () => {
  await Promise.all(parts.map((part) => part.stop(5_000)));
  rmSync(folder, { recursive: true, force: true });
});

const doorOf = (keys: Keys, backend: "nats" | "redis", user: "system" | "operator" | "router") => {
  const { user: name, password } = credentialOf(keys, backend, user);
  const port = backend === "nats" ? natsPort : redisPort;
  return { url: `${backend}://${name}:${password}@127.0.0.1:${port}`, tls: undefined };
};
const step = (keys: Keys): Keys => advanced(keys, { isTaken: true, isInPods: true }, keys.lives, 0);
const finished = (keys: Keys): Keys => (keys.coming === undefined ? keys : finished(step(keys)));
const bring = async (keys: Keys): Promise<UsersSeen> =>
  bringUsers(of(keys), {
    askClickHouse: async () => assert.fail("there is none"),
    doors: (backend, user) => doorOf(keys, backend as "nats" | "redis", user as "system" | "operator"),
  });

async function natsAs(keys: Keys, who: "router" | "operator"): Promise<NatsConnection> {
  const { user, password: pass } = credentialOf(keys, "nats", who);
  const servers = `127.0.0.1:${natsPort}`;
  return connect({ servers, user, pass, inboxPrefix: inboxOf(user), reconnect: false });
}
function redisAs(keys: Keys): Redis {
  const redis = new Redis(doorOf(keys, "redis", "router").url, { retryStrategy: () => null });
  redis.on("error", () => undefined); // Whether it is let in is what the test asks.
  return redis;
}

const names = namesOf(clusterNameOf(of(KEYS).cluster));
const key = `${clusterNameOf(of(KEYS).cluster)}:k`;

/** A router of one generation, which appends and counts without a pause. */
class Busy {
  readonly keys: Keys;
  readonly nats: NatsConnection;
  readonly redis: Redis;
  appended = 0;
  slowestMs = 0;
  cut: "nats" | "redis" | undefined;
  #isOver = false;
  readonly #done: Promise<void>;

  private constructor(keys: Keys, nats: NatsConnection, redis: Redis) {
    this.keys = keys;
    this.nats = nats;
    this.redis = redis;
    void nats.closed().then(() => (this.cut ??= "nats"));
    redis.once("end", () => (this.cut ??= "redis"));
    this.#done = this.#work();
  }

  static async of(keys: Keys): Promise<Busy> {
    const redis = redisAs(keys);
    assert.equal(await redis.ping(), "PONG");
    return new Busy(keys, await natsAs(keys, "router"), redis);
  }

  async #work(): Promise<void> {
    const js = jetstream(this.nats);
    while (!this.#isOver && this.cut === undefined) {
      const began = performance.now();
      await Promise.all([
        js.publish(names.logSubject(0), `${usedBy(this.keys, "router").generation}`),
        this.redis.incr(key),
      ]).catch((error: unknown) => {
        if (!this.nats.isClosed() && this.redis.status === "ready") throw error;
      });
      this.appended += 1;
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    await this.nats.close();
    this.redis.disconnect();
  }
}

test("running servers accept the new users of three rotations, keep open connections, and drop the old users last", async (t) => {
  const operator = await natsAs(KEYS, "operator");
  const jsm = await jetstreamManager(operator);
  await jsm.streams.add({ name: names.logStream(0), subjects: [names.logSubject(0)] });
  await operator.close();
  assert.deepEqual(await bring(KEYS), { state: "taken", message: "" });

  let keys: Keys = KEYS;
  let busy = await Busy.of(keys);
  let appended = 0;
  for (const rotation of ["a", "b", "c"]) {
    const offered = keysFor(keys, rotation, { lives: keys.lives, now: 0 });
    // The kubelet has not brought the file yet: the servers do not let in what is new, and that is said.
    const waiting = await bring(offered);
    assert.equal(waiting.state, "late", JSON.stringify(waiting));
    assert.match(waiting.message, /^NATS: chat-nats-0 has not read its users yet$/);
    putNats(offered);
    put("users.acl", redisAcl(of(offered)));
    await until("it lets in both", 5_000, async () => (await bring(offered)).state === "taken");
    const connected = step(step(offered)); // Routers connect with it.
    const next = await Busy.of(connected);
    await until("both go on", 5_000, async () => next.appended > 20 && busy.appended > 20);
    assert.equal(busy.cut, undefined, "who was let in before still is");

    const used = finished(connected);
    putNats(used);
    put("users.acl", redisAcl(of(used)));
    await until("it lets in the new ones alone", 5_000, async () => (await bring(used)).state === "taken");
    await until("the old login is cut off", 5_000, async () => busy.cut !== undefined);
    await assert.rejects(natsAs(keys, "router"), /Authorization Violation/i);
    await assert.rejects(redisAs(keys).ping());
    const since = next.appended;
    await until("the new one goes on", 5_000, async () => next.appended > since + 20);
    assert.equal(next.cut, undefined);
    await busy.end();
    appended += busy.appended;
    [keys, busy] = [used, next];
    t.diagnostic(`slowest append and count beside the reloads: ${next.slowestMs.toFixed(0)} ms`);
    assert.ok(next.slowestMs < 2_000);
  }
  assert.deepEqual([busy.cut, usedBy(busy.keys, "router").generation], [undefined, 4]);
  await busy.end();
  const last = await natsAs(keys, "operator");
  const { state } = await (await jetstreamManager(last)).streams.info(names.logStream(0));
  await last.close();
  // The last append of each that was cut off may or may not be stored.
  const all = appended + busy.appended;
  assert.ok(state.messages <= all && state.messages >= all - 3, `${state.messages} of ${all}`);
  assert.doesNotMatch(readFileSync(path("nats.log"), "utf8"), /\[ERR\].*reload/i);
});

test("a server that cannot be asked is reported, and no rotation ends without it", async () => {
  const seen = await bringUsers(of(KEYS), {
    askClickHouse: async () => assert.fail("there is none"),
    doors: (backend) => ({ url: `${backend}://a:b@127.0.0.1:1`, tls: undefined }),
  });
  assert.equal(seen.state, "unknown");
  assert.match(seen.message, /NATS: .*; Redis: .*/);
});
