import assert from "node:assert/strict";
import { after, before } from "node:test";
import { USUAL } from "../src/crowd.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import type { Pod } from "../src/cluster/chat.ts";
import { until } from "@jichat/testkit/until.ts";
import { LAB, helm, kubectl, kubectlChat } from "../src/cluster/kubectl.ts";
import { evict } from "../src/cluster/evict.ts";
import { driftInStreams } from "../src/cluster/drift.ts";
import { REFUSED_BY_API, fails } from "../src/cluster/failing.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { assertUnnoticed, underLoad } from "../src/cluster/load.ts";
import { killPod } from "../src/cluster/node.ts";
import { REFUSED, isRefused } from "../src/cluster/refused-changes.ts";
import { RELEASE, install } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";

const chat = new Chat(NAMESPACE, "chat");
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };
before(async () => {
  await install();
});

after(async () => {
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=180s"]);
});

scenario("1: the laptop sample is Ready in under 90 s, people talk, rows are in ClickHouse", async (t) => {
  await chat.apply(laptop());
  const seconds = await chat.until("Ready", "True", 90_000);
  t.diagnostic(`Ready after ${seconds.toFixed(1)} s`);
  await chat.until("LevelRaised", "True", 40_000); // Its pods have told that they know the newest one.
  await underLoad(t, chat, async () => undefined, TALKERS);
  const said = await helm(["test", RELEASE, "-n", NAMESPACE, "--logs"]);
  t.diagnostic(/message .*/.exec(said)?.[0] ?? said.slice(-200));
});

scenario("2: connectors and routers 1, 3, 1 under load, and no device is refused or offline", async (t) => {
  const lived = await underLoad(t, chat, async () => {
    await kubectl(["-n", NAMESPACE, "scale", `chat/${chat.name}`, "--replicas=3"]);
    await chat.settled(90_000);
    await chat.patch({ routers: { replicas: 3 } });
    await chat.settled(90_000);
    assert.equal((await chat.pods("connector")).length, 3);
    await kubectl(["-n", NAMESPACE, "scale", `chat/${chat.name}`, "--replicas=1"]);
    await chat.settled(90_000);
    await chat.patch({ routers: { replicas: 1 } });
    await chat.settled(90_000);
  });
  assertUnnoticed(t, lived, 2);
});

scenario(
  "3: a setting, an image and secrets change, and the only connector is evicted, under load",
  async (t) => {
    const lived = await underLoad(t, chat, async () => {
      await chat.patch({ connectors: { maxConnectionsPerPod: 4_000 } });
      const setting = await chat.settled(120_000);
      await chat.patch({ version: LAB.versions[1] });
      const image = await chat.settled(120_000);
      const before = await chat.secret("connector", "nats-url");
      await chat.annotate({ "chat.jichat.io/rotate": String(Date.now()) });
      await until("other credentials", 120_000, async () =>
        (await chat.secret("connector", "nats-url")) === before ? undefined : true,
      );
      await chat.until("Progressing", "True", 20_000);
      const secrets = await chat.settled(150_000);
      const [only, ...others] = await chat.staying("connector");
      assert.ok(only !== undefined && others.length === 0, "one connector");
      await evict(only, 30_000);
      await until("another connector alone", 60_000, async () => {
        const [next, ...more] = await chat.pods("connector");
        return next !== undefined && next.metadata.uid !== only.metadata.uid && more.length === 0;
      });
      const eviction = await chat.settled(60_000);
      t.diagnostic(
        `setting ${setting.toFixed(0)} s, image ${image.toFixed(0)} s, secrets ${secrets.toFixed(0)} s, eviction ${eviction.toFixed(0)} s`,
      );
    });
    assertUnnoticed(t, lived, 4);
    assert.equal((await chat.read()).status?.version, LAB.versions[1]);
  },
);

/** Resolves once the containers of a killed pod are ready again. */
async function restarted({ metadata: { uid, name }, status: before }: Pod): Promise<void> {
  await until(`${name} is ready again`, 90_000, async () => {
    const pod = (await chat.pods()).find(({ metadata }) => metadata.uid === uid);
    const isReady = pod?.status.containerStatuses?.every(({ ready }) => ready) === true;
    return isReady && restartsOf(pod.status) > restartsOf(before);
  });
}

const restartsOf = ({ containerStatuses = [] }: Pod["status"]): number =>
  containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);

scenario("5: kill -9 in every kind of pod under load, backends too", async (t) => {
  await underLoad(
    t,
    chat,
    async () => {
      for (const kind of ["connector", "router", "storage", "api", "redis", "nats", "clickhouse"]) {
        const [pod] = await chat.pods(kind);
        assert.ok(pod !== undefined, `there is a pod of ${kind}`);
        await killPod(pod);
        const killed = performance.now();
        // Ready may stay true meanwhile: some are back before anybody looks.
        await restarted(pod);
        await chat.until("Ready", "True", 90_000);
        t.diagnostic(`${kind}: Ready again after ${((performance.now() - killed) / 1_000).toFixed(1)} s`);
      }
    },
    USUAL,
  );
});

scenario("6: a change by hand is reverted within 60 s", async (t) => {
  await chat.ask(["delete", "service", "chat-connector"]);
  await chat.ask(["scale", "deployment/chat-router", "--replicas=0"]);
  const started = performance.now();
  await driftInStreams(chat, 60_000);
  await chat.ask(["get", "service", "chat-connector"]);
  await chat.settled(60_000 - (performance.now() - started));
  t.diagnostic(`all put back after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
});

scenario(
  "a change that would lose data is refused, a failure is reported within 30 s, and all else is kept",
  async (t) => {
    const before = await chat.read();
    for (const one of REFUSED.filter(({ patch }) => !("network" in patch))) await isRefused(chat, one);
    assert.equal((await chat.read()).metadata.generation, before.metadata.generation);
    const failure = {
      fail: async () => chat.patch({ api: { template: { tolerations: [{ operator: "Sideways" }] } } }),
      told: REFUSED_BY_API(/Deployment chat-api: .*toleration.*Sideways/i),
      cure: async () => chat.patch({ api: { template: null } }),
    };
    await underLoad(t, chat, async () => fails(t, chat, failure), TALKERS);
  },
);

scenario("kubectl chat reports owners, pauses and resumes, and finds logs", async () => {
  const at = ["-n", NAMESPACE];
  const lines = [
    /^ChatCluster jichat\/chat, version \S+: Ready/,
    /router +Ready +\d+ +owns 0-7/,
    /storage +Ready +\d+ +owns 0-7; \d+ batches behind/,
    /connector +Ready +\d+ +\d+ connections/,
  ];
  // A part that has just come back says "?" until it knows.
  let said = "";
  await until("the status names an owner for every partition", 30_000, async () => {
    said = await kubectlChat(["status", chat.name, ...at]);
    return lines.every((line) => line.test(said));
  }).catch((error: unknown) => {
    throw new Error(`kubectl chat says:\n${said}`, { cause: error });
  });
  assert.doesNotMatch(said, /without an owner/);
  await kubectlChat(["pause", chat.name, ...at]);
  await chat.until("Paused", "True", 30_000);
  assert.match(await kubectlChat(["status", chat.name, ...at]), /paused: nothing is changed/);
  await kubectlChat(["resume", chat.name, ...at]);
  await chat.until("Paused", "False", 30_000);
  assert.match(await kubectlChat(["logs", chat.name, "router", ...at]), /^\[pod\/chat-router-/);
  await assert.rejects(
    kubectlChat(["logs", chat.name, "rooter", ...at]),
    /no component rooter: the components are connector/,
  );
  await assert.rejects(
    kubectlChat(["trace", chat.name, "f".repeat(32), ...at]),
    /logged anything under f{32}/,
  );
  await assert.rejects(kubectlChat(["status", "nobody", ...at]), /"nobody" not found/);
});
