import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LABELS, labelsOf } from "./desired/names.ts";
import { claimed, relabelling } from "./kept.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { clusterOf, everything, inputOf } from "../test/input.ts";

/** What goes on being there without its ChatCluster; docs/kubernetes.md says so of each. */
const KEPT = ["Secret chat-keys", "PersistentVolumeClaim chat-storage-data"];

test("owned objects are deleted with their ChatCluster, except kept ones, which no tool prunes", () => {
  const objects = [
    ...everything(
      inputOf({
        connectors: { ingress: { host: "chat.example" } },
        observability: { podMonitor: true },
        clickhouse: { embedded: { storage: { size: "1Gi" } } },
      }),
    ),
    ...everything(inputOf({ connectors: { gateway: { name: "g", host: "chat.example" } } })),
  ];
  const free = objects.filter(({ metadata }) => metadata.ownerReferences === undefined);
  assert.deepEqual(
    [...new Set(free.map(({ kind, metadata }) => `${kind} ${metadata.name}`))].sort(),
    KEPT.sort(),
  );
  for (const { metadata } of free) {
    assert.equal(metadata.labels?.[LABELS.instance], undefined);
    assert.equal(metadata.labels?.[LABELS.cluster], "chat");
  }
  for (const { metadata } of objects.filter((object) => !free.includes(object))) {
    const [owner, ...others] = metadata.ownerReferences ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual([owner?.kind, owner?.name, owner?.controller], ["ChatCluster", "chat", true]);
  }
  const docs = readFileSync(join(import.meta.dirname, "../../docs/kubernetes.md"), "utf8");
  for (const name of ["NAME-keys", "NAME-storage-data", "data-NAME-nats-", "data-NAME-clickhouse-"])
    assert.ok(docs.includes(`\`${name}`), `docs/kubernetes.md does not say that ${name} is kept`);
});

test("the volume claims of a StatefulSet lose the label for pruning once", () => {
  const cluster = clusterOf();
  const claim = (labels: Record<string, string>): KubeObject => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data-chat-nats-0", namespace: "people", labels },
  });
  const made = claim(labelsOf(cluster, "nats"));
  assert.deepEqual(claimed(new Observed([made])), [made]);
  const [, namespace, name, patch] = relabelling(cluster, made);
  assert.deepEqual([namespace, name], ["people", "data-chat-nats-0"]);
  assert.deepEqual(patch, { metadata: { labels: { [LABELS.instance]: null, [LABELS.cluster]: "chat" } } });
  assert.deepEqual(claimed(new Observed([claim({ [LABELS.cluster]: "chat" })])), []);
});
