import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readNatsUrl } from "@jichat/runtime/nats-url.ts";
import type { ChatCluster } from "../crd/definition.ts";
import { KEYS, PUSH, clusterOf, everything, templatesOf, inputOf } from "../../test/input.ts";
import { secrets } from "./resources.ts";
import { redisAcl } from "./caches.ts";
import { rolesOf, serversOf } from "./desired.ts";
import { COMPONENTS, clusterNameOf } from "./names.ts";
import { natsConfig } from "./nats.ts";
import { natsPermissions } from "./nats-permissions.ts";
import type { Policy } from "./network.ts";
import { flowsOf, networkPolicies } from "./network.ts";
import { CONTAINER_SECURITY } from "./pods.ts";
import { secretsOf, settingsOf } from "./settings.ts";
import type { DesiredInput } from "./desired-input.ts";
import { backendUrl } from "./desired-input.ts";
import { connectorRevision, deployment } from "./workloads.ts";

test("the same spec makes the same objects, and ChatClusters of different names share none", () => {
  const ids = (input: DesiredInput): string[] =>
    everything(input).map(({ kind, metadata: { name } }) => `${kind} ${name}`);
  assert.deepEqual(everything(inputOf()), everything(inputOf()));
  const all = ids(inputOf());
  assert.equal(new Set(all).size, all.length);
  const other = ids({ ...inputOf(), cluster: clusterOf({}, "talk") });
  assert.deepEqual(
    all.filter((id) => other.includes(id)),
    [],
  );
});

test("every pod passes the restricted standard, has no token, and leaves a lost node", () => {
  const templates = templatesOf(everything(inputOf({ push: PUSH })));
  assert.equal(templates.length, 9);
  for (const { spec } of templates) {
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.hostNetwork, undefined);
    for (const container of spec.containers) assert.deepEqual(container.securityContext, CONTAINER_SECURITY);
    assert.ok(spec.tolerations?.some(({ tolerationSeconds }) => tolerationSeconds === 15));
  }
});

test("every pod is spread over nodes that have no zone, and over zones where there are some", () => {
  for (const { spec } of templatesOf(everything(inputOf({ push: PUSH })))) {
    const keys = (spec.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey);
    assert.deepEqual(keys, ["kubernetes.io/hostname"], "a node without a key of one gets no score by any");
    const [preferred] = spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    assert.equal(preferred?.podAffinityTerm.topologyKey, "topology.kubernetes.io/zone");
  }
  const affinity = { nodeAffinity: {} };
  const own = deployment(inputOf({ routers: { replicas: 2, template: { affinity } } }), "router");
  assert.deepEqual(own.spec.template.spec.affinity, affinity, "the template's replaces it");
});

test("a template's own tolerations of lost nodes win, each taint for itself", () => {
  const secondsOf = (tolerations: readonly object[]) => {
    const input = inputOf({ routers: { replicas: 2, template: { tolerations } } });
    const of = deployment(input, "router").spec.template.spec.tolerations ?? [];
    return of.map(({ key, tolerationSeconds }) => [
      key?.replace("node.kubernetes.io/", ""),
      tolerationSeconds,
    ]);
  };
  const [exists, effect] = [{ operator: "Exists" }, { effect: "NoExecute" }];
  const unreachable = { key: "node.kubernetes.io/unreachable", ...exists, ...effect };
  const ours = [
    ["not-ready", 15],
    ["unreachable", 15],
  ];
  assert.deepEqual(secondsOf([]), ours);
  assert.deepEqual(secondsOf([{ ...unreachable, tolerationSeconds: 300 }]), [
    ["unreachable", 300],
    ["not-ready", 15],
  ]);
  assert.deepEqual(secondsOf([unreachable]), [
    ["unreachable", undefined],
    ["not-ready", 15],
  ]);
  assert.deepEqual(secondsOf([exists]), [[undefined, undefined]]);
  // Others' taints, and other effects of the same one, say nothing about an eviction.
  assert.deepEqual(secondsOf([{ key: "gpu", ...exists }]), [["gpu", undefined], ...ours]);
  assert.deepEqual(secondsOf([{ ...unreachable, effect: "NoSchedule" }]), [
    ["unreachable", undefined],
    ...ours,
  ]);
  assert.deepEqual(secondsOf([{ key: unreachable.key, operator: "Equal", value: "x" }]), [
    ["unreachable", undefined],
    ...ours,
  ]);
});

test("no secret is in a ConfigMap, an argument or a variable, and the Secret of a component holds only what it needs", () => {
  const input = inputOf();
  const hidden = [KEYS.clusterKey, KEYS.signingKey["d"] ?? "", ...Object.values(KEYS.passwords)];
  const shown = everything(input).filter(({ kind }) => kind !== "Secret");
  for (const secret of hidden) assert.ok(!JSON.stringify(shown).includes(secret));
  const files = (component: (typeof COMPONENTS)[number]): string[] =>
    Object.keys(secretsOf(input, component)).sort();
  assert.deepEqual(files("router"), ["cluster-key", "nats-url", "redis-url"]);
  assert.deepEqual(files("storage"), ["clickhouse-url", "cluster-key", "nats-url"]);
  assert.deepEqual(files("connector"), ["cluster-key", "jwks.json", "nats-url", "redis-url"]);
  assert.deepEqual(files("api"), ["cluster-key", "jwks.json", "nats-url", "redis-url", "signing-key.json"]);
  assert.equal(secrets(input).length, 8);
});

test("connectors with a certificate use TLS, alone have the Secret, are not replaced for a change, and devices get wss URLs", () => {
  const spec = { connectors: { ...clusterOf().spec.connectors, tls: { secret: "t", host: "chat.example" } } };
  const input = { ...inputOf(spec), tls: { "tls.crt": "certificate", "tls.key": "key" } };
  for (const component of COMPONENTS) {
    const isConnector = component === "connector";
    assert.equal("tls.key" in secretsOf(input, component), isConnector);
    assert.equal("TLS_KEY_FILE" in settingsOf(input, component), isConnector);
  }
  assert.equal(settingsOf(input, "api")["WS_URLS"], "wss://chat.example:80/v1/ws");
  const renewed = { ...input, tls: { ...input.tls, "tls.crt": "another" } };
  assert.deepEqual(connectorRevision(renewed, 1), connectorRevision(input, 1));
  assert.notDeepEqual(secretsOf(renewed, "connector"), secretsOf(input, "connector"));
});

test("every setting is a key of docs/configuration.md", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");
  const connectors = { ...clusterOf().spec.connectors, tls: { secret: "t" } };
  for (const spec of [
    {},
    { connectors },
    { push: PUSH },
    { clickhouse: { embedded: { storage: { size: "1Gi" } } } },
  ])
    for (const component of COMPONENTS)
      for (const key of Object.keys(settingsOf(inputOf(spec), component)))
        assert.ok(
          [key, key.replace(/_FILE$/, "")].some((name) => docs.includes(`\`${name}\``)),
          key,
        );
});

test("every part gets the URLs of several external nats-servers, with the login in the first one", () => {
  const url = "nats://a.example:4222,b.example:4222,nats://c.example:4222";
  const input = inputOf({ nats: { external: { url, secret: "login" } } });
  const login = { username: "me", password: "p,w@1" };
  assert.equal(backendUrl(input, "nats", "router"), url);
  const told = backendUrl({ ...input, logins: { nats: login } }, "nats", "router");
  assert.equal(told, "nats://me:p%2Cw%401@a.example:4222,b.example:4222,nats://c.example:4222");
  const { servers, user, pass } = readNatsUrl(told);
  assert.deepEqual(servers, ["a.example:4222", "b.example:4222", "c.example:4222"]);
  assert.deepEqual({ username: user, password: pass }, login);
  const ports = (external: string) =>
    flowsOf(clusterOf({ nats: { external: { url: external } } }))
      .filter(({ from, to }) => from === "router" && to === "anyone")
      .map(({ port }) => port);
  assert.deepEqual(ports(url), [4_222]);
  assert.deepEqual(ports("nats://a:4222,b:4223,c"), [4_222, 4_223]);
});

test("names of streams and databases are bounded, and never collide", () => {
  const of = (namespace: string, name: string): string =>
    clusterNameOf({ metadata: { namespace, name } } as ChatCluster);
  assert.notEqual(of("a-b", "c"), of("a", "b-c"));
  for (const name of [of("n".repeat(63), "c".repeat(40)), of("a", "b")])
    assert.match(name, /^[A-Za-z0-9_-]{1,32}$/);
});

/** Whether the policies let `from` speak to `to`: both sides must allow it, as Kubernetes has it. */
function lets(
  policies: readonly Policy[],
  from: Record<string, string>,
  to: Record<string, string>,
  port: number,
): boolean {
  const selects = (labels: Readonly<Record<string, string>>, pod: Record<string, string>): boolean =>
    Object.entries(labels).every(([key, value]) => pod[key] === value);
  const side = (
    pod: Record<string, string>,
    other: Record<string, string>,
    way: "ingress" | "egress",
  ): boolean =>
    policies
      .filter(({ spec }) => selects(spec.podSelector.matchLabels, pod))
      .flatMap(({ spec }) => spec[way] ?? [])
      .some((rule) => {
        const peers = way === "ingress" ? rule.from : rule.to;
        return (
          rule.ports.some((one) => one.port === port) &&
          (peers === undefined ||
            peers.some(
              ({ podSelector }) => podSelector === undefined || selects(podSelector.matchLabels ?? {}, other),
            ))
        );
      });
  return side(from, to, "egress") && side(to, from, "ingress");
}

test("pods may reach each other only along the declared flows", () => {
  const input = inputOf({ push: PUSH });
  const roles = rolesOf(input);
  const policies = networkPolicies(input, roles);
  const pod = (role: string): Record<string, string> => ({
    "app.kubernetes.io/instance": "chat",
    "app.kubernetes.io/component": role,
    "app.kubernetes.io/managed-by": "jichat-operator",
  });
  const ports = [4222, 6222, 6379, 8123];
  for (const from of roles)
    for (const to of roles)
      for (const port of ports) {
        const wanted = flowsOf(input.cluster).some(
          (flow) => flow.from === from && flow.to === to && flow.port === port,
        );
        assert.equal(lets(policies, pod(from), pod(to), port), wanted, `${from} to ${to}:${port}`);
      }
  assert.ok(!lets(policies, pod("connector"), pod("clickhouse"), 8123));
  assert.ok(lets(policies, pod("storage"), pod("clickhouse"), 8123));
});

test("only the operator may create, change or delete a stream, and each part sends only as itself", () => {
  const all = natsPermissions("c", 2);
  for (const user of COMPONENTS) {
    const { publish, subscribe } = all[user];
    assert.deepEqual(
      publish.filter((subject) => /STREAM\.(CREATE|UPDATE|DELETE)/.test(subject)),
      [],
      user,
    );
    assert.ok(!publish.includes(">") && !subscribe.includes(">"), user);
  }
  assert.ok(!all.connector.publish.some((subject) => subject.startsWith("c.log.")), "only owners append");
  assert.ok(!all.api.subscribe.includes("c.cmd.*"));
  assert.match(natsConfig(inputOf()), /sync_interval: always/);
  assert.doesNotMatch(
    natsConfig(inputOf({ durability: { replicas: 1, fsync: "interval" } })),
    /sync_interval/,
  );
  assert.match(redisAcl(inputOf()), /^user default off$/m);
});

test("managed nats-servers notice a cut route, and a single one has no route", () => {
  const config = (replicas: number) => natsConfig(inputOf({ nats: { managed: { replicas } } }));
  assert.match(config(3), /cluster \{[^}]*ping_interval: 3s\n\s+ping_max: 2\n\}/);
  assert.doesNotMatch(config(1), /ping/);
});

test("a managed nats-server whose JetStream a full disk has switched off is restarted", () => {
  const server = serversOf(inputOf()).find(
    ({ kind, metadata }) => kind === "StatefulSet" && metadata.name.endsWith("-nats"),
  );
  // `js-server-only` says ok all the while (nats-server 2.15).
  assert.match(JSON.stringify(server), /"livenessProbe":\{"httpGet":\{[^}]*js-enabled-only=true/);
});

test("a managed nats-server gets its memory limit as a setting if it has one", () => {
  const told = (limits?: object) => {
    const nats = { managed: { ...clusterOf().spec.nats.managed, ...(limits && { resources: { limits } }) } };
    const [template] = templatesOf(serversOf(inputOf({ nats })));
    const [container] = template?.spec.containers ?? [];
    return container?.env?.find(({ name }) => name === "GOMEMLIMIT")?.value;
  };
  assert.equal(told(), undefined);
  assert.equal(told({ cpu: "1" }), undefined);
  assert.equal(told({ memory: "1Gi" }), String(Math.floor(0.9 * 2 ** 30)));
  assert.equal(told({ memory: 1e9 }), "900000000");
});
