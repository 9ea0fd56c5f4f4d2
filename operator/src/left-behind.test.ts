import assert from "node:assert/strict";
import { test } from "node:test";
import { beforeUninstall } from "./before-uninstall.ts";
import { readUninstallConfig } from "./config.ts";
import type { ChatCluster } from "./crd/definition.ts";
import { FINALIZER, finalize } from "./finalize.ts";
import type { KubeObject, Resource } from "./kube/object.ts";
import { sayLastWords } from "./last-words.ts";
import { blockedMessage, blockedStatus, leftBehind } from "./left-behind.ts";
import { Observed } from "./observed.ts";
import { clusterOf, inputOf } from "../test/input.ts";

const ME = "jichat/jichat-operator";
const NOW = new Date("2026-01-02T03:04:05.678Z");
const EXTERNAL = {
  nats: { external: { url: "nats://nats.example:4222" } },
  clickhouse: { external: { url: "https://clickhouse.example" } },
};
type Cluster = ChatCluster & KubeObject;

const held = (name: string, spec: object, more: Partial<ChatCluster["metadata"]> = {}): Cluster => {
  const cluster = clusterOf({ deletionPolicy: "Delete", ...spec }, name);
  const metadata = { ...cluster.metadata, finalizers: ["else/where", FINALIZER], ...more };
  const status = { observedGeneration: 1, conditions: [], keeper: ME, version: "0.1.0" };
  return { ...cluster, metadata, status };
};

/** Notes what is let go and what is said. */
function notes(isGoing = true, clusters: readonly Cluster[] = []) {
  const released: string[] = [];
  const said = new Map<string, string>();
  const api = {
    get: async <T extends KubeObject>({ kind }: Resource, _: string | undefined, name: string) =>
      (kind === "Namespace"
        ? { metadata: { name, ...(isGoing ? { deletionTimestamp: "now" } : {}) } }
        : clusters.find(({ metadata }) => metadata.name === name)) as object as T,
    mergePatch: async <T extends KubeObject>(_: unknown, __: unknown, name: string, patch: object) => {
      const { finalizers } = (patch as { metadata: { finalizers: string[] } }).metadata;
      assert.deepEqual(finalizers, ["else/where"]);
      released.push(name);
      return {} as T;
    },
    apply: async <T extends KubeObject>(_: unknown, object: KubeObject) => {
      const { status } = object as unknown as Cluster;
      const degraded = status?.conditions.find(({ type }) => type === "Degraded");
      assert.equal(status?.keeper, ME, "what was told before stays");
      said.set(object.metadata.name, degraded?.message ?? "");
      return object as T;
    },
  };
  return { released, said, api };
}

test("the operator itself deletes only the data in external backends", () => {
  assert.deepEqual(leftBehind(clusterOf()), []);
  const [streams, database, ...more] = leftBehind(clusterOf(EXTERNAL));
  assert.match(
    streams ?? "",
    /^streams and buckets of people-chat-[0-9a-f]{8} at nats:\/\/nats\.example:4222$/,
  );
  assert.match(database ?? "", /^database \w+ at https:\/\/clickhouse\.example$/);
  assert.deepEqual(more, []);
});

test("a blocked deletion reports what is left and the cure, and the rest of the status stays", () => {
  const cluster = held("chat", EXTERNAL);
  const message = blockedMessage(cluster, "nats.example does not answer");
  assert.match(
    message,
    /does not answer\. Not deleted: streams .*; database .*kubectl chat release chat -n people/,
  );
  const status = blockedStatus(cluster, message, NOW);
  assert.equal(status.version, "0.1.0");
  assert.partialDeepStrictEqual(status.conditions, [
    {
      type: "Degraded",
      status: "True",
      reason: "DeletionBlocked",
      lastTransitionTime: "2026-01-02T03:04:05Z",
    },
  ]);
  const later = blockedStatus({ ...cluster, status }, message, new Date());
  assert.deepEqual(later.conditions, status.conditions);
});

test("unreachable external data blocks a deletion with policy Delete, and data in managed volumes does not", async () => {
  const { api, released } = notes();
  const removed: string[] = [];
  const remove = async (_: unknown, __: unknown, name: string): Promise<void> => {
    removed.push(name);
  };
  const gone = new Error("Secret nats is not there");
  const options = { api: { ...api, remove }, removeData: async () => undefined, input: gone };
  await assert.rejects(finalize(held("far", EXTERNAL), new Observed([]), options), gone);
  assert.deepEqual([released, removed], [[], []]);
  await finalize(held("near", {}), new Observed([]), options);
  assert.deepEqual([released, removed], [["near"], ["near-keys"]]);
  await finalize(held("far", EXTERNAL), new Observed([]), { ...options, input: inputOf(EXTERNAL) });
  assert.deepEqual(released, ["near", "far"]);
});

test("an operator that is deleted with its namespace releases its ChatClusters, and reports what is left", async () => {
  const clusters = [
    held("managed", {}),
    held("outside", EXTERNAL),
    held("kept", { ...EXTERNAL, deletionPolicy: "Retain" }),
    held("another", {}, { namespace: "another" }),
    { ...held("theirs", {}), status: { observedGeneration: 1, conditions: [], keeper: "x/y" } } as Cluster,
  ];
  const warned: unknown[] = [];
  const log = {
    warn: (what: unknown) => {
      warned.push(what);
    },
  };
  const common = { namespace: "people", me: ME, clusters, now: NOW, log };
  const ends = notes(true, clusters);
  await sayLastWords({ ...common, api: ends.api });
  assert.deepEqual(ends.released, ["managed", "kept"]);
  assert.deepEqual([...ends.said.keys()], ["outside"]);
  assert.match(ends.said.get("outside") ?? "", /namespace people is being deleted .* Not deleted: streams/);
  const stays = notes(false, clusters);
  await sayLastWords({ ...common, api: stays.api });
  assert.deepEqual([stays.released, stays.said.size], [[], 0]);
  const unknown = notes();
  const refuses = async (): Promise<never> => Promise.reject(new Error("forbidden"));
  await sayLastWords({ ...common, api: { ...unknown.api, get: refuses } });
  assert.deepEqual([unknown.released, unknown.said.size, warned.length], [[], 0, 1]);
});

test("the check before an uninstall lists ChatClusters that could not be deleted later, or would go with the CRD", async () => {
  const ask = async (items: readonly Cluster[], env: NodeJS.ProcessEnv = {}) => {
    const config = readUninstallConfig({ NAMESPACE: "jichat", ...env });
    const pages = items.map((item) => [item]);
    const list = async (_: unknown, namespace: string | undefined, query: { continue?: string } = {}) => {
      const at = Number(query.continue ?? 0);
      const here = (pages[at] ?? []).filter(
        ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
      );
      return { items: here, resourceVersion: "1", next: at + 1 < pages.length ? String(at + 1) : undefined };
    };
    return beforeUninstall(config, { list: list as never });
  };
  const kept = held("kept", { deletionPolicy: "Retain" }, { finalizers: [] });
  const last = held("last", {});
  assert.deepEqual(await ask([kept]), {
    ok: true,
    text: "ChatClusters that go on running without the operator: 1\n",
  });
  const refused = await ask([kept, last]);
  assert.equal(refused.ok, false);
  assert.match(refused.text, /: people\/last\. Delete them first .*--no-hooks.*kubectl chat release NAME/);
  const theirs = {
    ...last,
    status: { observedGeneration: 1, conditions: [], keeper: "other/one" },
  } as Cluster;
  assert.ok((await ask([kept, theirs])).ok, "another operator takes its data away");
  assert.ok((await ask([last], { WATCH_NAMESPACES: "one,two" })).ok, "it is not ours to see to");
  assert.match(
    (await ask([kept], { CRD_GOES: "yes" })).text,
    /people\/kept\. Delete them first .*crd\.keep=true/,
  );
  assert.ok((await ask([], { CRD_GOES: "yes" })).ok);
});
