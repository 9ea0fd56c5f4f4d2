import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../../test/input.ts";
import { canaryDeployment } from "./canary.ts";
import { disruptionBudgets } from "./resources.ts";
import { groundworkOf, rolesOf } from "./desired.ts";
import type { Policy } from "./network.ts";
import { connectorRevision } from "./workloads.ts";

const selects = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

test("a canary is one pod of the connectors' present template, under the name of its revision", () => {
  const input = inputOf({ connectors: { replicas: 5, template: { labels: { team: "chat" } } } });
  const [canary, connectors] = [canaryDeployment(input), connectorRevision(input, 5)];
  assert.equal(canary.spec.replicas, 1);
  assert.equal(canary.spec.strategy?.type, "Recreate");
  const [own, theirs] = [canary.spec.template, connectors.spec.template];
  assert.deepEqual(own.metadata.annotations, theirs.metadata.annotations);
  assert.equal(own.metadata.labels["team"], "chat");
  const revision = connectors.metadata.labels?.["chat.jichat.io/revision"];
  assert.equal(own.metadata.labels["chat.jichat.io/revision"], revision);
  assert.equal(canary.metadata.labels?.["chat.jichat.io/revision"], revision);
  // The account, secrets, volumes and settings are the connectors'.
  const [{ env: [...ownEnv] = [], ...rest } = { name: "" }] = own.spec.containers;
  const [{ env: theirEnv = [], ...theirRest } = { name: "" }] = theirs.spec.containers;
  assert.deepEqual(rest, theirRest);
  assert.deepEqual(ownEnv, [...theirEnv, { name: "TAKES_DEVICES", value: "no" }]);
  const { containers: _, ...pod } = own.spec;
  const { containers: __, ...theirPod } = theirs.spec;
  assert.deepEqual(pod, theirPod);
  const changed = canaryDeployment({ ...input, version: "1.2.4" });
  assert.equal(changed.metadata.name, canary.metadata.name, "a new template replaces it");
  assert.deepEqual(changed.spec.selector, canary.spec.selector);
});

test("no Service, budget or Deployment of connectors selects a canary, and only the operator may talk to it", () => {
  const input = inputOf();
  const { labels } = canaryDeployment(input).spec.template.metadata;
  const objects = groundworkOf(input);
  for (const { kind, metadata, spec } of objects as readonly {
    kind: string;
    metadata: { name: string };
    spec?: unknown;
  }[]) {
    if (kind !== "Service") continue;
    const { selector } = spec as { readonly selector: Readonly<Record<string, string>> };
    assert.ok(!selects(selector, labels), metadata.name);
  }
  for (const { spec } of disruptionBudgets(
    input,
    rolesOf(input).filter((role) => role !== "migrate"),
  )) {
    const { selector } = spec as { readonly selector: { matchLabels: Readonly<Record<string, string>> } };
    assert.ok(!selects(selector.matchLabels, labels));
  }
  assert.ok(!selects(connectorRevision(input, 1).spec.selector.matchLabels ?? {}, labels));
  const policies = objects.filter(({ kind }) => kind === "NetworkPolicy") as unknown as readonly Policy[];
  const own = policies.filter(({ spec }) => selects(spec.podSelector.matchLabels, labels));
  assert.deepEqual(own.map(({ metadata }) => metadata.name).sort(), ["chat-canary", "chat-deny"]);
  const ways = own.flatMap(({ spec }) => spec.ingress ?? []);
  const toWs = ways.filter(({ ports }) => ports.some(({ port }) => port === 8_081));
  const from = [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "jichat" } },
      podSelector: { matchLabels: { app: "operator" } },
    },
  ];
  assert.deepEqual(toWs, [{ ports: [{ port: 8_081, protocol: "TCP" }], from }]);
  const egressOf = (name: string) => policies.find(({ metadata }) => metadata.name === name)?.spec.egress;
  assert.deepEqual(egressOf("chat-canary"), egressOf("chat-connector"));
});
