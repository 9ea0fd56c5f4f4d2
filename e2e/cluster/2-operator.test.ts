import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Chat, laptop } from "../src/cluster/chat.ts";
import type { Pod } from "../src/cluster/chat.ts";
import { until } from "@jichat/testkit/until.ts";
import { find, helm, kubectl, read } from "../src/cluster/kubectl.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { underLoad } from "../src/cluster/load.ts";
import { cutOff, killPod } from "../src/cluster/node.ts";
import {
  CHART,
  EARLIER_CHART,
  RELEASE,
  install,
  leader,
  operators,
  scaleOperator,
} from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";

const chat = new Chat(NAMESPACE, "chat");
/** The operator is killed so long after a change: more often in the nightly run. */
const KILLED_AFTER_MS = (process.env["NIGHTLY"] ?? "") === "" ? [0, 1_000] : [0, 300, 1_000, 3_000];
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };

before(async () => {
  await install();
  await chat.apply(laptop());
  await chat.settled(120_000);
});

after(async () => {
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
});

scenario("4a: a change completes despite kill -9 of the operator at any step", async (t) => {
  for (const delayMs of KILLED_AFTER_MS) {
    const maxConnectionsPerPod = 5_000 + delayMs;
    await chat.patch({ connectors: { maxConnectionsPerPod } });
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await killPod(await leader());
    const seconds = await chat.settled(120_000);
    const map = await read<{ readonly data: Readonly<Record<string, string>> }>([
      "-n",
      NAMESPACE,
      "get",
      "configmap",
      "chat-connector",
    ]);
    assert.equal(map.data["SOCKETS_MAX"], String(maxConnectionsPerPod));
    t.diagnostic(`killed ${delayMs} ms after the change: settled after ${seconds.toFixed(1)} s`);
  }
});

scenario(
  "4b: a leader that is cut off from the API server steps down, and the other operator leads",
  async (t) => {
    const first = await leader();
    const restarts = (pods: readonly Pod[]): number =>
      pods.find(({ metadata }) => metadata.uid === first.metadata.uid)?.status.containerStatuses?.[0]
        ?.restartCount ?? 0;
    const before = restarts(await operators());
    const service = await kubectl(["get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"]);
    const mend = await cutOff(first, service);
    const started = performance.now();
    try {
      await until("the other operator leads", 60_000, async () =>
        (await leader()).metadata.uid === first.metadata.uid ? undefined : true,
      );
      t.diagnostic(`the other leads after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
      await until("the one that was cut off has ended", 60_000, async () =>
        restarts(await operators()) > before ? true : undefined,
      );
    } finally {
      await mend();
    }
  },
);

scenario("4c: people talk without an operator", async (t) => {
  await scaleOperator(0);
  await underLoad(t, chat, async () => undefined, TALKERS);
  await scaleOperator(2);
});

scenario("7: missing or refusing backends are a condition and an Event, and nothing starts", async () => {
  const broken = new Chat(NAMESPACE, "broken");
  await broken.apply(
    laptop({
      nats: { external: { url: "nats://nowhere.invalid:4222" } },
      clickhouse: { external: { url: `http://chat-clickhouse.${NAMESPACE}.svc:8123`, secret: "wrong" } },
    }),
  );
  await broken.until("SpecValid", "False", 30_000); // The Secret that it names is not there.
  await broken.ask([
    "create",
    "secret",
    "generic",
    "wrong",
    "--from-literal=username=eve",
    "--from-literal=password=x",
  ]);
  await broken.until("BackendsReachable", "False", 40_000);
  const message = await until("both backends are named", 40_000, async () => {
    const { status } = await broken.read();
    const told = status?.conditions?.find(({ type }) => type === "BackendsReachable")?.message ?? "";
    return /NATS.*nowhere/.test(told) && /ClickHouse.*refuses/.test(told) ? told : undefined;
  });
  assert.ok(!message.includes("x@"), "no password is told");
  const about = ["--field-selector=involvedObject.name=broken", "-o", "json"];
  // The status is written first.
  await until("an Event says so", 10_000, async () =>
    (await broken.ask(["get", "events", ...about])).includes("nowhere") ? true : undefined,
  );
  const pods = await broken.pods();
  assert.deepEqual(
    pods
      .filter(({ metadata }) => metadata.labels["app.kubernetes.io/component"] !== "redis")
      .map(({ metadata }) => metadata.name),
    [],
    "nothing stands on backends that do not answer",
  );
  for (const pod of await operators())
    assert.equal(
      pod.status.containerStatuses?.every(({ ready }) => ready),
      true,
    );
  await broken.ask(["delete", "chat", "broken", "--timeout=60s"]);
});

scenario("8a: a paused operator reports and changes nothing, and catches up when it is resumed", async () => {
  await chat.patch({ paused: true });
  await chat.until("Paused", "True", 30_000);
  await chat.ask(["delete", "configmap", "chat-api"]);
  await chat.patch({ api: { replicas: 2 } });
  await new Promise((resolve) => setTimeout(resolve, 12_000)); // Longer than a resync.
  assert.equal(await find(["-n", NAMESPACE, "get", "configmap", "chat-api"]), undefined);
  assert.equal((await chat.pods("api")).length, 1);
  await chat.patch({ paused: false });
  await chat.settled(60_000);
  assert.equal((await chat.pods("api")).length, 2);
});

scenario("8b: a hibernating ChatCluster has no pod, and has all messages when it wakes up", async (t) => {
  await underLoad(t, chat, async () => undefined, TALKERS);
  await chat.patch({ hibernate: true });
  await until("no pod is left", 120_000, async () => {
    const pods = await chat.pods();
    return pods.every(({ status }) => status.phase === "Succeeded") ? true : undefined;
  });
  await chat.patch({ hibernate: false });
  t.diagnostic(`awake after ${(await chat.settled(120_000)).toFixed(1)} s`);
  await chat.verify();
  await underLoad(t, chat, async () => undefined, TALKERS);
});

scenario(
  "9: the chart of an earlier commit is upgraded, and ChatClusters keep running after its uninstall",
  async (t) => {
    const crd = ["get", "crd", "chatclusters.chat.jichat.io", "-o", "json"];
    const schema = async (): Promise<string> =>
      JSON.stringify(
        (JSON.parse(await kubectl(crd)) as { readonly spec: { readonly versions: object } }).spec.versions,
      );
    const current = await schema();
    await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--wait"]);
    assert.equal((await chat.read()).metadata.name, chat.name, "the CRD and its ChatClusters are kept");
    await underLoad(t, chat, async () => undefined, TALKERS);
    await install(EARLIER_CHART);
    assert.notEqual(await schema(), current, "the earlier CRD is another");
    await chat.until("Ready", "True", 60_000);
    await underLoad(t, chat, async () => install(CHART), TALKERS);
    assert.equal(await schema(), current);
    await chat.settled(120_000);
  },
);

scenario(
  "8c: data stays and is found again after a deletion with Retain, and nothing is left with Delete",
  async (t) => {
    const claims = async (): Promise<number> =>
      (
        await read<{ readonly items: readonly object[] }>([
          "-n",
          NAMESPACE,
          "get",
          "pvc",
          "-l",
          `chat.jichat.io/cluster=${chat.name}`,
        ])
      ).items.length;
    const signingKey = await chat.secret("api", "signing-key.json");
    await chat.ask(["delete", "chat", chat.name, "--timeout=60s"]);
    await until("its pods are gone", 90_000, async () =>
      (await chat.pods()).length === 0 ? true : undefined,
    );
    assert.equal(await claims(), 2);
    await chat.apply(laptop());
    await chat.settled(120_000);
    assert.equal(await chat.secret("api", "signing-key.json"), signingKey, "tokens of before still hold");
    await chat.verify();
    await underLoad(t, chat, async () => undefined, TALKERS);

    await chat.loseData();
    await chat.ask(["delete", "chat", chat.name, "--timeout=120s"]);
    await until("nothing is left", 90_000, async () => {
      const kinds = "all,pvc,secret,configmap,serviceaccount,networkpolicy,pdb,ingress";
      let left = 0;
      for (const label of ["app.kubernetes.io/instance", "chat.jichat.io/cluster"]) {
        const list = await read<{ readonly items: readonly object[] }>([
          "-n",
          NAMESPACE,
          "get",
          kinds,
          "-l",
          `${label}=${chat.name}`,
        ]);
        left += list.items.length;
      }
      return left === 0 ? true : undefined;
    });
  },
);
