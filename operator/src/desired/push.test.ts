import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { BlockList } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { KEYS, PUSH, everything, inputOf } from "../../test/input.ts";
import { SPEC } from "../crd/spec.ts";
import type { KubeObject } from "../kube/object.ts";
import { redisAcl } from "./caches.ts";
import { rolesOf } from "./desired.ts";
import type { DesiredInput } from "./desired-input.ts";
import { newVapidKeys } from "./keys.ts";
import { LABELS } from "./names.ts";
import { natsConfig } from "./nats.ts";
import { natsPermissions } from "./nats-permissions.ts";
import { networkPolicies } from "./network.ts";
import { providerFiles } from "./push.ts";
import { settingsOf } from "./settings.ts";
import { usersPrint } from "./users.ts";
import type { Workload } from "./workloads.ts";
import { deployment } from "./workloads.ts";

const SECRETS = { fcm: '{"project_id":"p"}', apns: "-----BEGIN", webhook: ["whsec_new", "whsec_old"] };
const TEMPLATES = { "de.json": "{}" };
const CONTENT = { ...SECRETS, templates: TEMPLATES };
const vapid = newVapidKeys();
const pushInput = (more: object = {}, content: DesiredInput["push"] = CONTENT): DesiredInput =>
  inputOf({ push: { ...PUSH, ...more } }, { keys: { ...KEYS, vapid }, push: content });

const workloads = (input: DesiredInput): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    everything(input)
      .filter(({ kind }) => ["Deployment", "StatefulSet", "Job"].includes(kind))
      .map((object) => [`${object.kind} ${object.metadata.name}`, object]),
  );

test("without spec.push nothing of it is made, and no backend accepts its user", () => {
  const input = inputOf();
  assert.ok(!rolesOf(input).includes("push"));
  assert.deepEqual(
    everything(input).filter(({ metadata }) => metadata.labels?.[LABELS.component] === "push"),
    [],
  );
  for (const config of [natsConfig(input), redisAcl(input)]) assert.doesNotMatch(config, /\bpush-\d+\b/);
  for (const config of [natsConfig(pushInput()), redisAcl(pushInput())]) assert.match(config, /\bpush-1\b/);
  const monitors = (of: DesiredInput) =>
    JSON.stringify(
      everything({
        ...of,
        cluster: {
          ...of.cluster,
          spec: { ...of.cluster.spec, observability: { sampling: 0, podMonitor: true } },
        },
      }).filter(({ kind }) => kind === "PodMonitor"),
    );
  assert.doesNotMatch(monitors(input), /"push"/);
  assert.match(monitors(pushInput()), /"push"/);
});

test("push that is added or taken out replaces no other pod, and restarts no server", () => {
  const { "Deployment chat-push": push, ...others } = workloads(pushInput());
  assert.ok(push !== undefined);
  assert.deepEqual(others, workloads(inputOf()));
});

test("servers are told anew when users of push come or when permissions change", () => {
  const [without, withIt] = [inputOf(), pushInput()];
  for (const backend of ["nats", "redis"] as const)
    assert.notEqual(usersPrint(withIt, backend), usersPrint(without, backend), backend);
  assert.equal(usersPrint(withIt, "clickhouse"), usersPrint(without, "clickhouse"));
  const more = { ...without.cluster, spec: { ...without.cluster.spec, partitions: 17 } };
  assert.notEqual(usersPrint({ ...without, cluster: more }, "nats"), usersPrint(without, "nats"));
});

test("workers get their settings from the spec, and the credentials as files that no pod's template shows", () => {
  const { template } = deployment(pushInput(), "push").spec;
  const volumes = new Map(template.spec.volumes?.map((volume) => [volume.name, volume]));
  const [container] = template.spec.containers;
  const mounts = new Map(container?.volumeMounts?.map(({ name, mountPath }) => [name, mountPath]));
  const settings = everything(pushInput()).find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "chat-push",
  ) as KubeObject & { readonly data: Readonly<Record<string, string>> };
  assert.partialDeepStrictEqual(settings.data, {
    PUSH_PREVIEWS: "true",
    PUSH_MENTIONS_ONLY_ABOVE: "200",
    PUSH_ALLOWED_ADDRESSES: "10.96.0.0/16,fd00:1::/64",
    PUSH_FOLDER: mounts.get("push-providers"),
    PUSH_TEMPLATES: mounts.get("push-templates"),
    REDIS_URL_FILE: "/etc/jichat/secrets/redis-url",
  });
  assert.equal(volumes.get("push-providers")?.secret?.secretName, "chat-push-providers");
  assert.deepEqual(volumes.get("push-templates")?.configMap, { name: "chat-push-templates" });
  const templates = everything(pushInput()).find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "chat-push-templates",
  );
  assert.partialDeepStrictEqual(templates, { data: TEMPLATES });
  const shown = JSON.stringify([template, settings]);
  for (const secret of [vapid.privateKey, ...SECRETS.webhook, SECRETS.apns, "project_id"])
    assert.ok(!shown.includes(secret), secret);
  const changed = pushInput({}, { ...CONTENT, webhook: ["whsec_newer"], apns: "another" });
  assert.notDeepEqual(providerFiles(changed), providerFiles(pushInput()));
  assert.deepEqual(deployment(changed, "push"), deployment(pushInput(), "push"));
  const other = pushInput({}, { ...CONTENT, templates: { "de.json": "{ }" } });
  assert.notDeepEqual(deployment(other, "push"), deployment(pushInput(), "push"), "read at the start");
});

test("each provider of the spec has its file, and one that is taken out has none", () => {
  const files = providerFiles(pushInput());
  const { secretRef: _, ...apns } = PUSH.apns;
  assert.deepEqual(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, JSON.parse(text) as unknown])),
    {
      "vapid.json": { subject: PUSH.webPush.subject, ...vapid },
      "fcm.json": { project_id: "p" },
      "apns.json": { ...apns, key: SECRETS.apns },
      "webhook.json": { url: PUSH.webhook.url, secrets: SECRETS.webhook },
    },
  );
  assert.deepEqual(Object.keys(providerFiles(pushInput({ webPush: undefined, apns: undefined }))), [
    "fcm.json",
    "webhook.json",
  ]);
  assert.deepEqual(providerFiles(inputOf()), {});
});

test("VAPID keys are a key pair of P-256 in the form that browsers take", () => {
  const point = Buffer.from(vapid.publicKey, "base64url");
  assert.deepEqual([point.length, point[0], vapid.publicKey.length], [65, 4, 87]);
  assert.equal(Buffer.from(vapid.privateKey, "base64url").length, 32);
  assert.notEqual(newVapidKeys().privateKey, vapid.privateKey);
});

/** Whether the policy of push workers lets them out to an address. */
function reaches(input: DesiredInput, address: string, port: number): boolean {
  const policies = networkPolicies(input, rolesOf(input));
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const has = (cidr: string): boolean => {
    const [net = "", prefix] = cidr.split("/");
    if (net.includes(":") !== address.includes(":")) return false;
    const list = new BlockList();
    list.addSubnet(net, Number(prefix), net.includes(":") ? "ipv6" : "ipv4");
    return list.check(address, family);
  };
  const { egress = [] } =
    policies.find(({ metadata }) => metadata.name === "chat-push")?.spec ?? assert.fail("no policy");
  return egress.some(
    ({ ports, to = [] }) =>
      ports.some((one) => one.protocol === "TCP" && (one.port ?? port) === port) &&
      to.some(
        ({ ipBlock }) =>
          ipBlock !== undefined && has(ipBlock.cidr) && !(ipBlock.except ?? []).some((except) => has(except)),
      ),
  );
}

test("workers reach public addresses by port 443 alone, and inner ones only if the spec allows them", () => {
  const inner = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "fd00:2::1",
    "::1",
  ];
  for (const address of ["142.250.1.1", "17.188.1.1", "2a00:1450::1"]) {
    assert.ok(reaches(pushInput(), address, 443), address);
    for (const port of [80, 8443, 22, 6379])
      assert.ok(!reaches(pushInput(), address, port), `${address}:${port}`);
  }
  for (const address of inner) assert.ok(!reaches(pushInput(), address, 443), address);
  // A policy sees the port of the pod behind a Service.
  for (const port of [443, 3_000]) assert.ok(reaches(pushInput(), "10.96.7.1", port));
  assert.ok(reaches(pushInput(), "fd00:1::7", 443));
  assert.ok(!reaches(pushInput({ allowedAddresses: [] }), "10.96.7.1", 443));
});

test("nothing reaches workers but the metrics, and they reach no ClickHouse", () => {
  const input = pushInput();
  const policy = networkPolicies(input, rolesOf(input)).find(({ metadata }) => metadata.name === "chat-push");
  assert.deepEqual(policy?.spec.ingress, [
    { ports: [{ port: 9090, protocol: "TCP" }], from: [{ namespaceSelector: {} }] },
  ]);
  const roles = policy.spec.egress?.flatMap(({ to = [] }) =>
    to.flatMap(({ podSelector }) => podSelector?.matchLabels?.[LABELS.component] ?? []),
  );
  assert.deepEqual(roles, ["nats", "redis"]);
});

test("workers read the queue, write what is theirs, and change no log, account or stream", () => {
  const { publish, subscribe } = natsPermissions("c", 2).push;
  for (const subject of ["$JS.ACK.c-PUSH.>", "c.push-dead.*", "c.activity.*", "$KV.c-settings.push"])
    assert.ok(publish.includes(subject), subject);
  const others =
    /^c\.(log|cmd|deliver|handover)\b|c-(people|revocations|snapshots|LOG)|\$KV\.c-(settings|accounts)\.>/;
  assert.deepEqual(
    publish.filter((subject) => others.test(subject) || /STREAM\.(CREATE|UPDATE|DELETE|PURGE)/.test(subject)),
    [],
  );
  assert.deepEqual(subscribe, ["c.alive.*"]);
});

test("workers have the replicas and resources of the spec, two by default, and none while it hibernates", () => {
  const of = (input: DesiredInput): Workload => deployment(input, "push");
  assert.equal(of(pushInput()).spec.replicas, 2);
  assert.equal(of(pushInput({ replicas: 5 })).spec.replicas, 5);
  const resources = { limits: { memory: "1Gi" } };
  assert.partialDeepStrictEqual(
    of(pushInput({ resources })).spec.template.spec.containers[0]?.resources,
    resources,
  );
  const asleep = inputOf({ push: PUSH, hibernate: true });
  assert.equal(of(asleep).spec.replicas, 0);
});

test("fields of the spec have the bounds and words of the worker's settings", () => {
  const config = readFileSync(join(import.meta.dirname, "../../../push/src/config.ts"), "utf8");
  interface Bounds {
    readonly minimum: number;
    readonly maximum: number;
    readonly default: number;
  }
  const field: unknown = SPEC.properties.push.properties.mentionsOnlyAbove;
  const { minimum, maximum, default: fallback } = field as Bounds;
  const [, text = ""] = /"PUSH_MENTIONS_ONLY_ABOVE", (\{[^}]*\})/.exec(config) ?? [];
  assert.equal(text.replaceAll("_", ""), `{ default: ${fallback}, min: ${minimum}, max: ${maximum} }`);
  assert.ok(config.includes('oneOf("PUSH_PREVIEWS", ["true", "false"]'));
  const keys = new Set([...config.matchAll(/"(PUSH_\w+)"/g)].map(([, key]) => key));
  for (const key of Object.keys(settingsOf(pushInput(), "push")).filter((name) => name.startsWith("PUSH_")))
    assert.ok(keys.has(key), key);
});
