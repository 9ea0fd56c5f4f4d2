import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats, needRedis } from "@jichat/testkit/needs.ts";
import { until } from "@jichat/testkit/until.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES, resourceOf } from "../src/kube/object.ts";
import { FakeConnectors } from "./fake-connectors.ts";
import { NAMESPACE, World, chat, unlessGone } from "./world.ts";

/** The operator on a real API server, with backends of somebody else's; the test says that pods are ready. */
const folder = mkdtempSync(join(tmpdir(), "jichat-rotations-"));
const NAME = "turn";
const ROTATIONS = ["a", "b", "c"];
let world: World;
let door: Server;
let spec: object;
let connectors: FakeConnectors;
const parts: Part[] = [];

before(async () => {
  const [natsPort = 0, redisPort = 0] = await freePorts(2);
  const js = JSON.stringify(join(folder, "js"));
  writeFileSync(
    join(folder, "nats.conf"),
    `host: 127.0.0.1\nport: ${natsPort}\njetstream { store_dir: ${js} }\n`,
  );
  const redisArgs = ["--port", String(redisPort), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  for (const [name, { path, env }, args, port] of [
    ["nats", await needNats(), ["-c", join(folder, "nats.conf")], natsPort],
    ["redis", await needRedis(), redisArgs, redisPort],
  ] as const) {
    const part = new Part({ name, program: path, env, args, port, logFile: join(folder, `${name}.log`) });
    part.start();
    parts.push(part);
    await part.ready(20_000);
  }
  door = createServer((_, response) => {
    response.end("1\n");
  });
  await new Promise<void>((resolve) => {
    door.listen(0, "127.0.0.1", resolve);
  });
  spec = {
    partitions: 2,
    durability: { replicas: 1 },
    nats: { external: { url: `nats://127.0.0.1:${natsPort}` } },
    redis: { external: { url: `redis://127.0.0.1:${redisPort}` } },
    clickhouse: { external: { url: `http://127.0.0.1:${(door.address() as AddressInfo).port}` } },
  };
  world = await World.start();
  connectors = new FakeConnectors(world, NAME);
});

after(async () => {
  await Promise.all([...parts.map((part) => part.stop(5_000)), world.stop()]);
  connectors.stop();
  door.close();
  door.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

async function tellStatus(object: KubeObject, status: object): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  const wanted = { apiVersion, kind, metadata: { name, namespace }, status } as unknown as KubeObject;
  await unlessGone(world.api.apply(resourceOf(object), wanted, { subresource: "status" }));
}

/** What kubelets would bring about: the Job is done, and every Deployment has the pods that it wants. */
async function bePods(): Promise<void> {
  const labelSelector = `app.kubernetes.io/instance=${NAME}`;
  for (const job of (await world.api.list(RESOURCES.jobs, NAMESPACE, { labelSelector })).items) {
    const startTime = new Date(0).toISOString();
    const conditions = ["SuccessCriteriaMet", "Complete"].map((type) => ({ type, status: "True" }));
    await tellStatus(job, { startTime, completionTime: startTime, succeeded: 1, conditions });
  }
  await connectors.step();
  await world.settle(NAME);
}

type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };

async function fileOf(part: string, file: string): Promise<string> {
  const secret = await world.find<SecretObject>(RESOURCES.secrets, `${NAME}-${part}`);
  return Buffer.from(secret?.data?.[file] ?? "", "base64").toString("utf8");
}

const kidOf = (text: string): string => (JSON.parse(text) as { readonly kid: string }).kid;

async function rotated(): Promise<{ readonly status: string; readonly reason: string } | undefined> {
  const cluster = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, NAME);
  return cluster?.status?.conditions.find(({ type }) => type === "Rotated");
}

test(
  "checkers know each key of three overlapping rotations before it signs, and keep the earlier ones",
  { timeout: 300_000 },
  async (t) => {
    const operator = world.startOperator(
      { probeMs: 1_000, resyncMs: 500 },
      undefined,
      undefined,
      connectors.admin,
    );
    t.after(async () => operator.stop());
    await world.api.apply(RESOURCES.chatClusters, chat(NAME, spec));
    await until("it is ready", 30_000, async () => {
      await bePods();
      return (await rotated())?.status === "True";
    });
    const signs: string[] = [kidOf(await fileOf("api", "signing-key.json"))];
    const tickets: string[] = [(await fileOf("connector", "cluster-key")).split("\n")[0] ?? ""];
    for (const rotation of ROTATIONS) {
      const annotations = { "chat.jichat.io/rotate": rotation };
      await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, NAME, { metadata: { annotations } });
      // The rotation before may still be waiting for pods when this one is asked for.
      await until("the next one is known to connectors, and pods are waited for", 20_000, async () => {
        const { keys } = JSON.parse(await fileOf("connector", "jwks.json")) as { readonly keys: object[] };
        return keys.length === signs.length + 1 && (await rotated())?.reason === "PodsAreReplaced";
      });
      assert.equal(kidOf(await fileOf("api", "signing-key.json")), signs.at(-1), "and signs nothing yet");
      await until("it is in use", 60_000, async () => {
        await bePods();
        return kidOf(await fileOf("api", "signing-key.json")) !== signs.at(-1);
      });
      signs.push(kidOf(await fileOf("api", "signing-key.json")));
      tickets.push((await fileOf("connector", "cluster-key")).split("\n")[0] ?? "");
    }
    await until("the rotation is over", 60_000, async () => {
      await bePods();
      return (await rotated())?.status === "True";
    });
    const kids = async (part: string): Promise<unknown[]> => {
      const { keys } = JSON.parse(await fileOf(part, "jwks.json")) as { readonly keys: { kid: string }[] };
      return keys.map(({ kid }) => kid);
    };
    assert.deepEqual(await kids("connector"), signs.toReversed());
    assert.deepEqual(await kids("api"), signs.toReversed());
    assert.deepEqual((await fileOf("connector", "cluster-key")).split("\n"), tickets.toReversed());
    assert.equal(new Set([...signs, ...tickets]).size, 2 * (ROTATIONS.length + 1));
  },
);
