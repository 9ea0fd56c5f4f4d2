import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { askBackends } from "@jichat/operator/ask-backends.ts";
import type { ChatCluster } from "@jichat/operator/crd/definition.ts";
import { REDIS_CONFIG, redisAcl } from "@jichat/operator/desired/caches.ts";
import { credentialOf, keysOf, newGeneration } from "@jichat/operator/desired/keys.ts";
import type { User } from "@jichat/operator/desired/keys.ts";
import { clusterNameOf } from "@jichat/operator/desired/names.ts";
import { natsConfig } from "@jichat/operator/desired/nats.ts";
import type { DesiredInput } from "@jichat/operator/desired/desired-input.ts";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Program } from "@jichat/testkit/needs.ts";
import { needNats, needRedis } from "@jichat/testkit/needs.ts";
import { WebhookReceiver } from "@jichat/testkit/push/webhook-receiver.ts";
import { until } from "@jichat/testkit/until.ts";
import { raiseOverNats } from "@jichat/operator/raise-level.ts";
import { LEVEL_KNOWN, readSaidLevel } from "@jichat/protocol/level.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { play, startStack } from "../src/scene.ts";

const PARTITIONS = 16;
const keys = keysOf(newGeneration("", 1), { tokenMs: 0, ticketMs: 0 });
const managed = { image: "", storage: { size: "1Gi" } };

/** What the operator would make of a laptop's spec. */
const input = {
  cluster: {
    metadata: { namespace: "people", name: "chat", uid: "u" },
    spec: {
      partitions: PARTITIONS,
      paused: false,
      durability: { replicas: 1, fsync: "always" },
      retention: { logHours: 6, logBytesPerPartition: 67_108_864 },
      nats: { managed: { ...managed, replicas: 1 } },
      redis: { managed },
      clickhouse: { embedded: managed },
      push: {},
    },
  } as unknown as ChatCluster,
  version: "0.1.0",
  keys,
  logins: {},
  backendTls: {},
  tokenKeys: undefined,
  push: undefined,
  tls: undefined,
  operator: { namespace: "jichat", labels: {}, podUsers: "fixed" },
} satisfies DesiredInput;

const urlFor = (scheme: "nats" | "redis", user: User, port: number): string => {
  const { user: name, password } = credentialOf(keys, scheme, user);
  return `${scheme}://${name}:${password}@127.0.0.1:${port}`;
};

/** The cluster's level as a part knows it. */
async function levelAt(port: number | undefined): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/level`);
  return readSaidLevel(await answer.text()).cluster;
}

test(
  "components can do all their work with the operator's credentials, and nothing of it is refused",
  { timeout: 170_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "jichat-least-"));
    const [natsPort = 0, monitorPort = 0, redisPort = 0] = await freePorts(3);
    const start = async (name: string, program: Program, args: string[], port: number): Promise<Part> => {
      const env = { ...program.env, POD_NAME: "chat-nats-0" };
      const part = new Part({
        name,
        program: program.path,
        env,
        args,
        port,
        logFile: join(folder, `${name}.log`),
      });
      part.start();
      t.after(() => part.stop(5_000));
      await part.ready(20_000);
      return part;
    };
    t.after(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const write = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    // The very files that pods get; only what is this machine's is another: ports and folders.
    const config = natsConfig(input)
      .replace("port: 4222", `port: ${natsPort}`)
      .replace("http_port: 8222", `http_port: ${monitorPort}`)
      .replace('store_dir: "/data"', `store_dir: ${JSON.stringify(join(folder, "js"))}`);
    const acl = write("users.acl", redisAcl(input));
    const redisConfig = REDIS_CONFIG.replace("port 6379", `port ${redisPort}`)
      .replace("/etc/redis/users.acl", acl)
      .replace("dir /tmp", `dir ${folder}`);
    await start("nats", await needNats(), ["-c", write("nats.conf", config)], natsPort);
    await start("redis", await needRedis(), [write("redis.conf", redisConfig)], redisPort);

    const external = (url: string): object => ({ external: { url } });
    const spec = {
      ...input.cluster.spec,
      nats: external(urlFor("nats", "operator", natsPort)),
      redis: external(urlFor("redis", "operator", redisPort)),
    };
    const seen = await askBackends({ ...input, cluster: { ...input.cluster, spec } });
    assert.deepEqual(
      [seen.nats.state, seen.redis.state, seen.streams?.ok],
      ["ok", "ok", true],
      JSON.stringify(seen),
    );

    const env: Record<string, Record<string, string>> = Object.fromEntries(
      (["connector", "router", "storage", "api", "push"] as const).map((component) => [
        component,
        {
          NATS_URL: urlFor("nats", component, natsPort),
          ...(component === "storage" ? {} : { REDIS_URL: urlFor("redis", component, redisPort) }),
        },
      ]),
    );
    env["*"] = { PEOPLE_MUST_EXIST: "yes" }; // For the rights that it takes.
    const receiver = await WebhookReceiver.start();
    t.after(() => receiver.stop());
    write("webhook.json", receiver.file);
    const stack = await startStack(t, {
      push: { workers: 2, folder },
      cluster: clusterNameOf(input.cluster),
      natsUrl: urlFor("nats", "storage", natsPort),
      redisUrl: urlFor("redis", "router", redisPort),
      env,
    });
    // The operator begins at level 0, since pods of the version before may run. Here there are none.
    await raiseOverNats({ ...input, cluster: { ...input.cluster, spec } }, LEVEL_KNOWN);
    for (const { spec: of } of stack.parts)
      await until(
        `${of.name} knows of it`,
        20_000,
        async () => (await levelAt(of.adminPort)) === LEVEL_KNOWN,
      );
    // Somebody who is away is told of a message, and the name of its sender is an account's.
    const [gone, writer] = ["gone", "writer"].map((sub) => mint(stack.secrets.signingKeyFile, { sub }));
    const answer = await fetch(`${stack.apiUrl}/v1/me/devices/phone/push`, {
      method: "PUT",
      headers: { authorization: `Bearer ${String(gone)}`, "content-type": "application/json" },
      body: JSON.stringify({ kind: "webhook", token: "of-gone", locale: "en", preview: "text" }),
    });
    assert.equal(answer.status, 200, await answer.text());
    const sender = new ChatClient({
      urls: [...stack.wsUrls],
      device: "laptop",
      token: async () => String(writer),
    });
    await sender.connect({ timeoutMs: 20_000 });
    await sender.send({ to: "gone" }, { text: "hello" });
    sender.close();
    await until("the webhook has it", 40_000, async () => (receiver.received.length > 0 ? true : undefined));
    assert.equal(receiver.received[0]?.data["user"], "gone");

    await play(t, {
      fault: async ({ stack: { routers } }) => {
        await routers[0]?.kill(); // Takeover, replay and snapshots need rights too.
        routers[0]?.start();
      },
      stack,
    });
    // One connector tells another that a device of that one's is here now.
    const token = mint(stack.secrets.signingKeyFile, { sub: "mover" });
    const [before, after] = stack.wsUrls.slice(0, 2).map((url) => new Raw(url));
    assert.equal((await before?.hello(token, "phone"))?.t, "welcome");
    assert.equal((await after?.hello(token, "phone"))?.t, "welcome");
    assert.equal((await before?.closed)?.code, 4409);
    after?.close();

    // That the server does refuse what nobody needs: rights.test.ts.
    const refusals =
      readFileSync(join(folder, "nats.log"), "utf8").match(/(Publish|Subscription) Violation[^\n]*/g) ?? [];
    assert.deepEqual([...new Set(refusals)].slice(0, 10), []);
  },
);
