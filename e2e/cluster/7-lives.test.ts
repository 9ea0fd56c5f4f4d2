import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { nextSteps, withBackends } from "@jichat/tools/cluster/next-steps.ts";
import { until } from "@jichat/testkit/until.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import { LAB, find, helm, kubectl, read } from "../src/cluster/kubectl.ts";
import { underLoad } from "../src/cluster/load.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { commandsIn, inShell, inShellUntil } from "../src/cluster/printed.ts";
import { CHART, RELEASE, install, scaleOperator } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";

/** How operators and ChatClusters come, share, and go. */
const ROOT = join(import.meta.dirname, "../..");
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };
const READY = /^chat +True/m;
/** Where a second release is, with a ChatCluster of its own. */
const SECOND = "jichat-second";
const chat = new Chat(NAMESPACE, "chat");
const own = new Chat(SECOND, "own");

const noNamespace = async (name: string, timeout: string): Promise<string> =>
  kubectl(["delete", "namespace", name, "--ignore-not-found", `--timeout=${timeout}`], {
    timeoutMs: 300_000,
  });

before(async () => {
  // A file before this one may have left its namespace, and those who read a README have none.
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
  await noNamespace(NAMESPACE, "180s");
});

after(async () => {
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found", "--no-hooks"]);
  await noNamespace(SECOND, "120s");
  await noNamespace(NAMESPACE, "120s");
});

/** A sample as `make load` writes it, with the images of this cluster. */
function sample(): string {
  const text = readFileSync(join(ROOT, "chart/samples/laptop.yaml"), "utf8");
  const file = ".data/laptop-of-scenarios.yaml";
  mkdirSync(join(ROOT, ".data"), { recursive: true });
  const more = `spec:\n  image: { registry: ${LAB.registry} }\n  connectors: { replicas: 1, service: { type: NodePort } }\n  auth: { peopleMustExist: false }\n`;
  const whole = withBackends(text, LAB.backends).replace(/^spec:\n {2}connectors: .*\n/m, more);
  writeFileSync(join(ROOT, file), whole);
  return file;
}

scenario("the commands of `make load` and README work", async (t) => {
  const values = [
    "--set",
    `image.registry=${LAB.registry}`,
    "--set",
    "resyncMs=10000",
    "--set",
    "probeMs=5000",
  ];
  const lines = nextSteps({ enter: [], helm: "helm", kubectl: "kubectl", sample: sample(), values });
  assert.equal(lines.length, 4);
  const [installs = "", applies = "", watches = "", tests = ""] = lines;
  await inShell(installs);
  await inShell(applies);
  t.diagnostic((await inShellUntil(watches, READY, 150_000)).trim().split("\n").at(-1) ?? "");
  await inShell(tests);
  await underLoad(t, chat, async () => undefined, TALKERS);
});

scenario(
  "a ChatCluster goes on with its data during an uninstall by the hook's advice and a new install",
  async (t) => {
    await chat.loseData();
    await assert.rejects(helm(["uninstall", RELEASE, "-n", NAMESPACE]));
    const said = await inShell(`kubectl logs job/${RELEASE}-operator-uninstall -n ${NAMESPACE}`);
    assert.match(said, /jichat\/chat/);
    const [cure = ""] = /kubectl patch chat NAME -n NAMESPACE [^)]*/.exec(said) ?? assert.fail(said);
    await inShell(cure.replace("NAMESPACE", NAMESPACE).replace("NAME", chat.name));
    await until("the operator holds it no more", 30_000, async () =>
      (await chat.read()).metadata.finalizers === undefined ? true : undefined,
    );
    const before = await chat.uids(["connector", "router", "storage", "api", "nats"]);
    await underLoad(
      t,
      chat,
      async () => {
        await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--wait"]);
        await install();
      },
      TALKERS,
    );
    assert.deepEqual(await chat.uids(Object.keys(before)), before, "no pod of it went");
    await chat.patch({ routers: { replicas: 2 } });
    await chat.settled(90_000);
    await chat.patch({ routers: { replicas: 1 } });
    await chat.settled(90_000);
  },
);

const keeperOf = async (of: Chat, keeper: string, ms: number): Promise<void> => {
  await until(`${of.name} is kept by ${keeper}`, ms, async () =>
    (await of.read()).status?.keeper === keeper ? true : undefined,
  );
};

async function leaseOf(release: string, namespace: string): Promise<string> {
  const { items } = await read<{
    readonly items: readonly { readonly metadata: { readonly name: string } }[];
  }>(["-n", namespace, "get", "lease"]);
  const found = items.find(({ metadata: { name } }) => name.startsWith(`${release}-operator`));
  if (found === undefined) throw new Error(`${release} has no Lease`);
  return `${namespace}/${found.metadata.name}`;
}

scenario(
  "each of two releases keeps its own ChatClusters, and the second reports the other's and takes over later",
  async (t) => {
    await kubectl(["create", "namespace", SECOND]);
    await helm([
      "install",
      SECOND,
      CHART,
      "-n",
      SECOND,
      "--wait",
      ...[
        "image.registry=" + LAB.registry,
        "crd.install=false",
        "resyncMs=10000",
        "probeMs=5000",
        "replicas=1",
      ].flatMap((one) => ["--set", one]),
      "--set",
      `watchNamespaces={${SECOND},${NAMESPACE}}`,
    ]);
    const first = `${NAMESPACE}/${RELEASE}-operator`;
    const second = await leaseOf(SECOND, SECOND);
    const events = await until("the second says that it stands back", 30_000, async () => {
      const text = await chat.ask(["get", "events", "--field-selector=reason=KeptByAnother", "-o", "json"]);
      return text.includes(`operator ${second} does not act`) ? text : undefined;
    });
    assert.ok(events.includes(`operator ${first} keeps this ChatCluster`));
    await keeperOf(chat, first, 1_000);

    await scaleOperator(0);
    const started = performance.now();
    await keeperOf(chat, second, 90_000);
    t.diagnostic(`the second took over after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    await own.apply(laptop());
    await keeperOf(own, second, 30_000);
    await underLoad(
      t,
      chat,
      async () => {
        await chat.ask(["delete", "service", "chat-api"]);
        await until("the second keeps it", 30_000, async () =>
          find(["-n", NAMESPACE, "get", "service", "chat-api"]),
        );
        await scaleOperator(2);
      },
      TALKERS,
    );
    await keeperOf(chat, second, 1_000); // Whoever has it keeps it: nothing goes to and fro.
    await own.settled(150_000);
  },
);

scenario(
  "a namespace is deleted with its operator, and another operator takes over its ChatClusters",
  async (t) => {
    const first = `${NAMESPACE}/${RELEASE}-operator`;
    const started = performance.now();
    await noNamespace(SECOND, "180s");
    t.diagnostic(`the namespace was gone after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    assert.equal(await find(["get", "namespace", SECOND]), undefined);
    await keeperOf(chat, first, 90_000);
    await chat.settled(90_000);
    await underLoad(t, chat, async () => undefined, TALKERS);
    // The rights that the second had here are nobody's.
    await chat.ask(["delete", "role,rolebinding", `${SECOND}-operator`, "--ignore-not-found"]);
  },
);

scenario("the commands of NOTES.txt work, and a repaired image is pulled", async () => {
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=120s"]);
  const notes = await inShell(`helm get notes ${RELEASE} -n ${NAMESPACE}`);
  const [applies = "", watches = "", tests = ""] = commandsIn(notes);
  assert.match(applies, /^kubectl apply -n jichat -f - <<END\n[\s\S]*\nEND$/);
  await inShell(applies);
  await chat.patch({
    nats: { managed: { image: LAB.backends.nats } },
    redis: { managed: { image: LAB.backends.redis } },
    clickhouse: { managed: { image: LAB.backends.clickhouse } },
  });
  await inShellUntil(watches, READY, 180_000);
  await inShell(tests);
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=120s"]);
});
