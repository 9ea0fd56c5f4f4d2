import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { readLayout } from "@jichat/log/layout.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Program } from "@jichat/testkit/needs.ts";
import { needNats, needRedis } from "@jichat/testkit/needs.ts";
import { askPods } from "../src/ask-pods.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import { COMPONENTS, clusterNameOf } from "../src/desired/names.ts";
import type { Workload } from "../src/desired/workloads.ts";
import type { KubeObject, Resource } from "../src/kube/object.ts";
import { RESOURCES, resourceOf } from "../src/kube/object.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Told } from "../src/talk/talk.ts";
import { FakeConnectors } from "./fake-connectors.ts";
import { NAMESPACE, WELL, World, chat, unlessGone } from "./world.ts";

/**
 * One ChatCluster from apply to delete on the real API server, with a real NATS and Redis. There is no
 * kubelet: the test says that pods are ready and that the Job is done, as a kubelet would. Of ClickHouse only
 * its door is here.
 */
const folder = mkdtempSync(join(tmpdir(), "jichat-life-"));
const PROBE_MS = 1_000;
const names = namesOf(clusterNameOf({ metadata: { namespace: NAMESPACE, name: "life" } } as ChatCluster));
let world: World;
let nats: Part;
let redis: Part;
let door: Server;
let doorTakes = true;
const dropped: string[] = [];
/** By pod, the level that it says it knows: there is no pod to ask. */
const levels = new Map<string, number>();
/** What a talk comes to: there is no pod to talk through. */
let told: Told = WELL;
let connection: NatsConnection;
let jsm: JetStreamManager;
let spec: object;
let natsUrl: string;
let connectors: FakeConnectors;

before(async () => {
  const [natsPort = 0, redisPort = 0] = await freePorts(2);
  const config = join(folder, "nats.conf");
  const js = JSON.stringify(join(folder, "js"));
  writeFileSync(config, `host: 127.0.0.1\nport: ${natsPort}\njetstream { store_dir: ${js} }\n`);
  const start = async (name: string, program: Program, args: string[], port: number): Promise<Part> => {
    const { path, env } = program;
    const part = new Part({ name, program: path, env, args, port, logFile: join(folder, `${name}.log`) });
    part.start();
    await part.ready(20_000);
    return part;
  };
  nats = await start("nats", await needNats(), ["-c", config], natsPort);
  const redisArgs = ["--port", String(redisPort), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  redis = await start("redis", await needRedis(), redisArgs, redisPort);
  door = createServer((request, response) => {
    const query = new URL(request.url ?? "/", "http://door").searchParams.get("query") ?? "";
    if (query.startsWith("DROP")) dropped.push(query);
    response.writeHead(doorTakes ? 200 : 516).end(doorTakes ? "1\n" : "Code: 516. Authentication failed");
  });
  await new Promise<void>((resolve) => {
    door.listen(0, "127.0.0.1", resolve);
  });
  natsUrl = `nats://127.0.0.1:${natsPort}`;
  connection = await connect({ servers: natsUrl });
  jsm = await jetstreamManager(connection);
  spec = {
    partitions: 4,
    deletionPolicy: "Delete",
    durability: { replicas: 1 },
    connectors: { replicas: 2 },
    rollout: { soakSeconds: 0 },
    nats: { external: { url: natsUrl } },
    redis: { external: { url: `redis://127.0.0.1:${redisPort}` } },
    clickhouse: { external: { url: `http://127.0.0.1:${(door.address() as AddressInfo).port}` } },
  };
  world = await World.start();
  connectors = new FakeConnectors(world, "life");
});

after(async () => {
  await connection.close();
  await Promise.all([nats.stop(5_000), redis.stop(5_000), world.stop()]);
  connectors.stop();
  door.close();
  door.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

async function all<T extends KubeObject>(resource: Resource, component?: string): Promise<readonly T[]> {
  const more = component === undefined ? "" : `,app.kubernetes.io/component=${component}`;
  const labelSelector = `app.kubernetes.io/instance=life${more}`;
  return (await world.api.list<T>(resource, NAMESPACE, { labelSelector })).items;
}

async function tellStatus(object: KubeObject, status: object): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  const wanted = { apiVersion, kind, metadata: { name, namespace }, status } as unknown as KubeObject;
  await unlessGone(world.api.apply(resourceOf(object), wanted, { subresource: "status" }));
}

/** From here on connectors have pods, which are drained before they go. */
let hasPods = false;

/** What kubelets would bring about: every Deployment has the pods that it wants. */
async function bePods(): Promise<void> {
  if (hasPods) await connectors.step();
  for (const deployment of await all<Workload>(RESOURCES.deployments)) {
    if (hasPods && deployment.metadata.labels?.["app.kubernetes.io/component"] === "connector") continue;
    const n = deployment.spec.replicas ?? 0;
    const counts = { replicas: n, readyReplicas: n, updatedReplicas: n, availableReplicas: n };
    await tellStatus(deployment, { ...counts, observedGeneration: deployment.metadata.generation });
  }
}

const condition = async (type: string, status: string, ms = 20_000, says = /^/): Promise<string> =>
  until(`${type} is ${status}`, ms, async () => {
    const cluster = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "life");
    return cluster?.status?.conditions.find(
      (one) => one.type === type && one.status === status && says.test(one.message),
    )?.message;
  });

/** Waits for it: what an Event is about is written first. */
const warns = async (reason: string): Promise<void> => {
  await until(`an Event says ${reason}`, 10_000, async () => {
    const { items } = await world.api.list<KubeObject & { reason?: string; type?: string }>(
      RESOURCES.events,
      NAMESPACE,
    );
    return items.find((event) => event.reason === reason && event.type === "Warning");
  });
};

const gone = async (resource: Resource, name: string): Promise<void> => {
  await until(`${resource.kind} ${name} is gone`, 10_000, async () =>
    (await world.find(resource, name)) === undefined ? true : undefined,
  );
};

const wants = async (name: string, replicas: number): Promise<void> => {
  await until(`Deployment ${name} wants ${replicas}`, 10_000, async () => {
    const found = await world.find<Workload>(RESOURCES.deployments, name);
    return found?.spec.replicas === replicas ? true : undefined;
  });
};

const change = async (patch: object): Promise<void> => {
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "life", patch);
};

test("a ChatCluster's life, from apply to delete", { timeout: 240_000 }, async (t) => {
  const operator = world.startOperator(
    { probeMs: PROBE_MS, resyncMs: PROBE_MS },
    async () => told,
    async (observed, asks) => ({ ...(await askPods(observed, asks)), levels }),
    connectors.admin,
  );

  await t.test("wrong credentials are reported, and nothing starts", async () => {
    doorTakes = false;
    await world.api.apply(RESOURCES.chatClusters, chat("life", spec));
    assert.match(await condition("BackendsReachable", "False"), /ClickHouse: .*refuses the credentials/);
    assert.equal((await all(RESOURCES.jobs)).length, 0);
    assert.equal((await all(RESOURCES.deployments)).length, 0);
    doorTakes = true;
  });

  await t.test(
    "the schema is migrated before the components start, and then all of them are ready",
    async () => {
      const job = await until("the migration Job", 20_000, async () => (await all(RESOURCES.jobs))[0]);
      assert.equal((await all(RESOURCES.deployments)).length, 0, "before the schema is there");
      const at = new Date().toISOString().replace(/\.\d+Z/, "Z");
      const conditions = ["SuccessCriteriaMet", "Complete"].map((type) => ({
        type,
        status: "True",
        lastTransitionTime: at,
        lastProbeTime: at,
        reason: "Done",
        message: "",
      }));
      const times = { startTime: at, completionTime: at };
      await tellStatus(job, { conditions, ...times, succeeded: 1, uncountedTerminatedPods: {} });
      await until("the components", 10_000, async () =>
        (await all(RESOURCES.deployments)).length === 4 ? true : undefined,
      );
      await bePods();
      await condition("Ready", "True");
      await condition("SyntheticTalk", "True");
      assert.equal((await jsm.streams.info(names.logStream(3))).config.num_replicas, 1);
    },
  );

  await t.test("the level is raised once every pod reports that it knows it", async () => {
    assert.deepEqual(await readLayout(jsm, names), { partitions: 4, level: 0 }, "who will run is not known");
    await condition("LevelRaised", "False", 20_000, /waits for a pod of connector, router, storage, api$/);
    for (const component of COMPONENTS) await world.pod("life", component, "127.0.0.1");
    for (const component of COMPONENTS.slice(1)) levels.set(`life-${component}-1`, LEVEL_KNOWN);
    await condition("LevelRaised", "False", 20_000, /: life-connector-1 reports no level$/);
    assert.equal((await readLayout(jsm, names))?.level, 0);
    levels.set("life-connector-1", LEVEL_KNOWN);
    await condition("LevelRaised", "True");
    assert.deepEqual(await readLayout(jsm, names), { partitions: 4, level: LEVEL_KNOWN });
    const cluster = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "life");
    assert.equal(cluster?.status?.level, LEVEL_KNOWN);
    for (const component of COMPONENTS)
      await world.api.remove(RESOURCES.pods, NAMESPACE, `life-${component}-1`);
  });

  await t.test(
    "two failed talks in a row make Ready false with an Event, and a successful one makes it true again",
    async () => {
      told = { ...WELL, outcome: "receive", why: "nothing was received within 10 s" };
      // A change is talked about soon; so is each failure.
      await change({ spec: { connectors: { service: { annotations: { talked: "about" } } } } });
      const message = await condition("SyntheticTalk", "False", 40_000);
      assert.equal(message, "receive fails: nothing was received within 10 s");
      assert.match(await condition("Ready", "False"), /^receive fails: nothing was received/);
      for (const reason of ["ReceiveFails", "PeopleCannotTalk"]) await warns(reason);
      told = WELL;
      await condition("SyntheticTalk", "True", 30_000);
      await condition("Ready", "True");
    },
  );

  await t.test("a change by hand is reverted", async () => {
    await world.api.remove(RESOURCES.services, NAMESPACE, "life-connector");
    await until("the Service is back", 10_000, async () => world.find(RESOURCES.services, "life-connector"));
    await world.api.mergePatch(RESOURCES.deployments, NAMESPACE, "life-router", { spec: { replicas: 7 } });
    await wants("life-router", 2);
    const { config } = await jsm.streams.info(names.logStream(0));
    await jsm.streams.update(config.name, { ...config, max_bytes: 16_000_000 });
    await until("the stream is as wanted", 10_000, async () =>
      (await jsm.streams.info(config.name)).config.max_bytes === config.max_bytes ? true : undefined,
    );
  });

  await t.test(
    "rotated keys make a new revision of connectors, and the old one drains once it is there",
    async () => {
      hasPods = true;
      await bePods();
      await bePods();
      const before = (await all<Workload>(RESOURCES.deployments, "connector"))[0]?.metadata.name ?? "";
      await change({ metadata: { annotations: { "chat.jichat.io/rotate": "once" } } });
      // Connectors last: each component waits until none is left of the one in front as it was.
      await until("a second revision", 30_000, async () => {
        await bePods();
        return (await all(RESOURCES.deployments, "connector")).length === 2 ? true : undefined;
      });
      await until("the old revision is gone", 40_000, async () => {
        await bePods();
        return (await world.find(RESOURCES.deployments, before)) === undefined ? true : undefined;
      });
      assert.equal(connectors.orders.length, 2, "both were told to drain");
      assert.deepEqual(connectors.cut, []);
      await condition("Ready", "True");
    },
  );

  await t.test("a refused pod template is reported, and all else is applied, its replicas too", async () => {
    const tolerations = [{ key: "a", operator: "Sometimes" }];
    const routers = { replicas: 3, template: { tolerations } };
    await change({ spec: { routers, connectors: { service: { annotations: { told: "yes" } } } } });
    const message = await condition("Reconciled", "False");
    assert.match(message, /Deployment life-router: .*tolerations.*Sometimes/);
    await wants("life-router", 3);
    const service = await world.find(RESOURCES.services, "life-connector");
    assert.equal(service?.metadata.annotations?.["told"], "yes");
    await condition("Progressing", "False");
    await warns("ApplyRefused");
    await change({ spec: { routers: { replicas: 2, template: null } } });
    await condition("Reconciled", "True");
    await wants("life-router", 2);
    await bePods();
  });

  await t.test("a missing bucket is reported and not created again until the log is given up", async () => {
    const bucket = `KV_${names.accounts}`;
    const cluster = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "life");
    const identity = cluster?.status?.log?.identity ?? "";
    assert.notEqual(identity, "");
    await jsm.streams.delete(bucket);
    const message = await condition("Degraded", "True");
    assert.ok(message.includes(`NATS lacks ${bucket}, which this ChatCluster had`), message);
    assert.ok(message.includes(`chat.jichat.io/forget-log=${identity}`), message);
    await new Promise((resolve) => {
      setTimeout(resolve, 3 * PROBE_MS);
    });
    await assert.rejects(jsm.streams.info(bucket), "it was made anew");
    await change({ metadata: { annotations: { "chat.jichat.io/forget-log": identity } } });
    await condition("Degraded", "False");
    await jsm.streams.info(bucket);
  });

  await t.test("a paused ChatCluster is observed and not changed", async () => {
    await change({ spec: { paused: true } });
    await condition("Paused", "True");
    await condition("SyntheticTalk", "Unknown", 10_000, /the operator does not talk/);
    await world.api.mergePatch(RESOURCES.deployments, NAMESPACE, "life-router", { spec: { replicas: 5 } });
    await new Promise((resolve) => {
      setTimeout(resolve, 2 * PROBE_MS);
    });
    await wants("life-router", 5);
    await change({ spec: { paused: false } });
    await wants("life-router", 2);
  });

  await t.test("a hibernating ChatCluster has no pods, and wakes up again", async () => {
    const replicas = async (): Promise<number> => {
      const deployments = await all<Workload>(RESOURCES.deployments);
      return deployments.reduce((sum, { spec: { replicas: some = 0 } }) => sum + some, 0);
    };
    await change({ spec: { hibernate: true } });
    await condition("SyntheticTalk", "Unknown", 10_000, /nobody can talk/);
    await until("no pod is wanted", 10_000, async () => ((await replicas()) === 0 ? true : undefined));
    await bePods();
    await change({ spec: { hibernate: false } });
    await until("all pods are wanted", 10_000, async () => ((await replicas()) === 8 ? true : undefined));
  });

  await t.test("a missing Secret is reported with its field", async () => {
    await change({ spec: { nats: { external: { url: natsUrl, secret: "nowhere" } } } });
    assert.match(await condition("SpecValid", "False"), /spec\.nats\.external\.secret names Secret nowhere/);
    await change({ spec: { nats: { external: { url: natsUrl, secret: null } } } });
    await condition("SpecValid", "True");
    await change({ spec: { connectors: { tls: { secret: "life-keys" } } } });
    assert.match(
      await condition("SpecValid", "False"),
      /spec\.connectors\.tls\.secret: Secret life-keys has no key `tls\.crt`; it has keys/,
    );
    await change({ spec: { connectors: { tls: null } } });
    await condition("SpecValid", "True");
  });

  await t.test("a deletion with its data leaves nothing in the backends", async () => {
    await world.api.remove(RESOURCES.chatClusters, NAMESPACE, "life");
    await gone(RESOURCES.chatClusters, "life");
    await gone(RESOURCES.secrets, "life-keys");
    const left: string[] = [];
    for await (const { config } of jsm.streams.list()) left.push(config.name);
    assert.deepEqual(
      left.filter((name) => name.includes(names.cluster)),
      [],
    );
    // A second pass may come before the watch tells that it is gone: it asks for the same.
    assert.deepEqual([...new Set(dropped)], [`DROP DATABASE IF EXISTS ${names.database}`]);
  });

  await operator.stop();
});
