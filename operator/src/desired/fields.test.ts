import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import { readNatsTls } from "@jichat/runtime/backend-tls.ts";
import { PUSH, clusterOf, everything, templatesOf, inputOf } from "../../test/input.ts";
import { API_LIMITS, CONNECTOR_LIMITS } from "../crd/limits.ts";
import { OUR_PATHS, OUR_VARIABLES, OUR_VOLUMES } from "../crd/template.ts";
import type { KubeObject } from "../kube/object.ts";
import { rolesOf } from "./desired.ts";
import type { Role } from "./names.ts";
import { COMPONENTS, LABELS } from "./names.ts";
import { flowsOf } from "./network.ts";
import { CONTAINER_SECURITY } from "./pods.ts";
import { secretsOf, settingsOf } from "./settings.ts";
import type { DesiredInput } from "./desired-input.ts";

const pki = { ca: "CA", cert: "CERT", key: "KEY" };
const EXTERNAL = {
  nats: { external: { url: "tls://nats.example:4222", tls: { secret: "n" } } },
  redis: { external: { url: "rediss://redis.example:6379", tls: { secret: "r" } } },
  clickhouse: { external: { url: "https://clickhouse.example", tls: { secret: "c" } } },
};
const external = (): DesiredInput =>
  inputOf(EXTERNAL, { backendTls: { nats: pki, redis: pki, clickhouse: pki } });

const ofRole = (input: DesiredInput, role: Role) =>
  templatesOf(everything(input)).find(({ metadata }) => metadata.labels[LABELS.component] === role);

const template = (mark: string) => ({
  labels: { mark },
  annotations: { mark },
  nodeSelector: { mark },
  tolerations: [{ key: mark, operator: "Exists" }],
  priorityClassName: mark,
  topologySpreadConstraints: [{ topologyKey: mark, maxSkew: 2, whenUnsatisfiable: "DoNotSchedule" }],
  env: [
    { name: "MARK", value: mark },
    { name: "GOGC", value: "50" },
  ],
  volumes: [{ name: mark, emptyDir: {} }],
  volumeMounts: [{ name: mark, mountPath: "/mark" }],
  securityContext: { runAsUser: 7, fsGroup: 8 },
  serviceAccount: { annotations: { mark } },
});
const MARKED: Readonly<Record<Exclude<Role, "canary">, object>> = {
  connector: { connectors: { template: template("connector") } },
  router: { routers: { template: template("router") } },
  storage: { storage: { template: template("storage") } },
  api: { api: { template: template("api") } },
  push: { push: { ...PUSH, template: template("push") } },
  migrate: { migration: { template: template("migrate"), resources: { requests: { cpu: "2" } } } },
  nats: { nats: { managed: { template: template("nats") } } },
  redis: { redis: { managed: { template: template("redis") } } },
  clickhouse: { clickhouse: { managed: { template: template("clickhouse") } } },
};

test("every part with pods takes its own template, and keeps the operator's settings", () => {
  const plain = inputOf({ push: PUSH });
  for (const role of rolesOf(plain)) {
    const input = inputOf({ push: PUSH, ...MARKED[role] });
    const { metadata, spec } = ofRole(input, role) ?? assert.fail(role);
    const [container] = spec.containers;
    assert.ok(container?.env !== undefined);
    assert.equal(metadata.labels["mark"], role);
    assert.equal(metadata.annotations["mark"], role);
    assert.deepEqual(spec.nodeSelector, { mark: role });
    assert.equal(spec.tolerations?.[0]?.key, role);
    assert.equal(spec.priorityClassName, role);
    const [constraint, ...others] = spec.topologySpreadConstraints ?? [];
    assert.deepEqual(others, []);
    assert.equal(constraint?.topologyKey, role);
    assert.equal(constraint.labelSelector?.matchLabels?.[LABELS.component], role);
    assert.ok(container.env.some(({ name, value }) => name === "MARK" && value === role));
    assert.deepEqual(
      container.env.filter(({ name }) => name === "GOGC").map(({ value }) => value),
      ["50"],
      "a variable stands once, or the API server refuses the pod",
    );
    assert.ok(spec.volumes?.some(({ name }) => name === role));
    assert.ok(container.volumeMounts?.some(({ mountPath }) => mountPath === "/mark"));
    assert.deepEqual(container.securityContext, CONTAINER_SECURITY);
    assert.equal(spec.securityContext?.runAsUser, 7);
    assert.equal(spec.securityContext.fsGroup, 8);
    assert.equal(spec.securityContext.fsGroupChangePolicy, "OnRootMismatch");
    const account = everything(input).find(
      ({ kind, metadata: { name } }) => kind === "ServiceAccount" && name === spec.serviceAccountName,
    );
    assert.deepEqual(account?.metadata.annotations, { mark: role });
    for (const other of rolesOf(plain).filter(
      (one) => one !== role && !(role === "storage" && one === "migrate"),
    ))
      assert.deepEqual(ofRole(input, other), ofRole(plain, other), `${other}, of a template for ${role}`);
  }
});

test("the migration Job uses the template of storage if it has none, and has its own resources", () => {
  assert.deepEqual(ofRole(inputOf(MARKED.storage), "migrate")?.spec.nodeSelector, { mark: "storage" });
  const both = inputOf({ ...MARKED.storage, ...MARKED.migrate });
  assert.deepEqual(ofRole(both, "migrate")?.spec.nodeSelector, { mark: "migrate" });
  assert.deepEqual(ofRole(both, "migrate")?.spec.containers[0]?.resources, { requests: { cpu: "2" } });
});

test("templates may not name any variable, volume or path that pods have already", () => {
  const inputs = [
    inputOf(),
    external(),
    inputOf({ clickhouse: { embedded: { storage: { size: "1Gi" } } } }),
    inputOf({ auth: { peopleMustExist: true }, observability: { otlp: { endpoint: "http://o:4318" } } }),
    inputOf({ connectors: { tls: { secret: "t" } } }),
    inputOf({ push: PUSH }),
  ];
  const limits = [...Object.values(CONNECTOR_LIMITS), ...Object.values(API_LIMITS)].map(
    ({ variable }): string => variable,
  );
  const free = new Set([...limits, "GOGC", "GOMEMLIMIT"]);
  for (const input of inputs) {
    for (const component of COMPONENTS)
      for (const key of Object.keys(settingsOf(input, component)))
        assert.ok(OUR_VARIABLES.includes(key), `${key} of ${component}`);
    for (const { spec } of templatesOf(everything(input))) {
      for (const { name } of spec.volumes ?? []) assert.ok(OUR_VOLUMES.includes(name), name);
      for (const { env, volumeMounts } of spec.containers) {
        for (const { name } of env ?? []) assert.ok(free.has(name) || OUR_VARIABLES.includes(name), name);
        for (const { mountPath } of volumeMounts ?? [])
          assert.ok(
            OUR_PATHS.some((path) => `${mountPath}/`.startsWith(`${path}/`)),
            mountPath,
          );
      }
    }
  }
});

interface ServiceSpec {
  readonly type: string;
  readonly ports: readonly { readonly port: number; readonly nodePort?: number }[];
  readonly ipFamilyPolicy?: string;
}
const servicesOf = (input: DesiredInput) =>
  new Map(
    everything(input)
      .filter(({ kind }) => kind === "Service")
      .map((one) => [one.metadata.name, one as KubeObject & { readonly spec: ServiceSpec }]),
  );

test("connectors and api have Services as the spec describes them, and the route leads to the api's port", () => {
  const service = {
    type: "LoadBalancer",
    port: 8443,
    nodePort: 30_443,
    annotations: { a: "b" },
    externalTrafficPolicy: "Local",
    loadBalancerClass: "cloud/inner",
    loadBalancerSourceRanges: ["10.0.0.0/8"],
    trafficDistribution: "PreferClose",
  };
  const gateway = { name: "g", host: "chat.example" };
  const input = inputOf({ connectors: { service, gateway }, api: { service } });
  const services = servicesOf(input);
  for (const name of ["chat-connector", "chat-api"]) {
    const { metadata, spec } = services.get(name) ?? assert.fail(name);
    const { port, nodePort, annotations, ...same } = service;
    assert.deepEqual(metadata.annotations, annotations);
    assert.partialDeepStrictEqual(spec, { ...same, ports: [{ port, nodePort }] });
  }
  assert.match(
    JSON.stringify(everything(input).find(({ kind }) => kind === "HTTPRoute")),
    /"chat-api","port":8443/,
  );
  assert.equal(servicesOf(inputOf()).get("chat-api")?.spec.ports[0]?.port, 80);
});

test("limits become variables if they are set, and trustProxy is shared by connectors and api unless both set it", () => {
  const plain = settingsOf(inputOf(), "connector");
  for (const { variable } of Object.values(CONNECTOR_LIMITS)) assert.equal(plain[variable], undefined);
  const limits = Object.fromEntries(
    Object.entries(CONNECTOR_LIMITS).map(([name, { maximum }]) => [name, maximum]),
  );
  const said = settingsOf(inputOf({ connectors: { limits } }), "connector");
  for (const { variable, maximum } of Object.values(CONNECTOR_LIMITS))
    assert.equal(said[variable], String(maximum));
  assert.equal(
    settingsOf(inputOf({ api: { limits: { signInsPerSecond: 9 } } }), "api")["SIGN_INS_PER_SECOND"],
    "9",
  );
  const trust = (spec: object) =>
    (["connector", "api"] as const).map((component) => settingsOf(inputOf(spec), component)["TRUST_PROXY"]);
  const ingress = { host: "chat.example" };
  assert.deepEqual(trust({}), ["no", "no"]);
  assert.deepEqual(trust({ connectors: { ingress } }), ["yes", "yes"]);
  assert.deepEqual(trust({ connectors: { ingress, trustProxy: 2 } }), ["2", "2"]);
  const networks = "10.0.0.0/8, fd00::/8";
  assert.deepEqual(trust({ connectors: { trustProxy: 0 }, api: { trustProxy: networks } }), ["0", networks]);
});

test("every limit is a variable of its component, with the same bounds", () => {
  for (const [component, table] of [
    ["connector", CONNECTOR_LIMITS],
    ["api", API_LIMITS],
  ] as const) {
    const sources = [`../../../${component}/src/config.ts`, "../../../lib/identity/src/people-config.ts"];
    const text = sources.map((path) => readFileSync(join(import.meta.dirname, path), "utf8")).join("\n");
    for (const { variable, minimum, maximum } of Object.values(table)) {
      const bounds = new RegExp(`"${variable}", \\{[^}]*min: ([\\w.]+),\\s*max: ([\\w.]+)`).exec(text);
      assert.ok(bounds !== null, `${component} does not read ${variable}`);
      const [, min = "", max = ""] = bounds.map((one) => one.replaceAll("_", ""));
      assert.equal(Number(min), minimum, variable);
      if (variable !== "BODY_BYTES_MAX") assert.equal(Number(max), maximum, variable);
    }
  }
});

test("only the components of a backend and the Job get its CA and certificate", () => {
  const input = external();
  const files = (component: (typeof COMPONENTS)[number]): string[] =>
    Object.keys(secretsOf(input, component)).filter((name) => /ca\.crt|tls/.test(name));
  assert.deepEqual(files("router"), [
    "nats-ca.crt",
    "nats-tls.crt",
    "nats-tls.key",
    "redis-ca.crt",
    "redis-tls.crt",
    "redis-tls.key",
  ]);
  assert.deepEqual(files("storage"), [
    "nats-ca.crt",
    "nats-tls.crt",
    "nats-tls.key",
    "clickhouse-ca.crt",
    "clickhouse-tls.crt",
    "clickhouse-tls.key",
  ]);
  const settings = settingsOf(input, "storage");
  assert.equal(settings["CLICKHOUSE_CA_FILE"], "/etc/jichat/secrets/clickhouse-ca.crt");
  assert.equal(settings["NATS_KEY_FILE"], "/etc/jichat/secrets/nats-tls.key");
  assert.ok(!("REDIS_CA_FILE" in settings));
  const job = ofRole(input, "migrate")?.spec.containers[0]?.env?.map(({ name }) => name);
  assert.ok(job?.includes("CLICKHOUSE_CERT_FILE") && !job.includes("NATS_CA_FILE"));
  for (const component of COMPONENTS)
    assert.ok(
      !Object.keys(settingsOf(inputOf(), component)).some(
        (key) => /_(CA|CERT|KEY)_FILE$/.test(key) && !/^(CLUSTER|TOKEN)/.test(key),
      ),
    );
});

test("a certificate that is incomplete or broken is refused at the start by its name", () => {
  const faults = (env: NodeJS.ProcessEnv): string => {
    const reader = new EnvReader(env);
    readNatsTls(reader);
    try {
      reader.finish();
      return "";
    } catch (error) {
      return String(error);
    }
  };
  assert.equal(faults({}), "");
  assert.match(faults({ NATS_CERT: "x" }), /NATS_CERT_FILE and NATS_KEY_FILE go together/);
  assert.match(faults({ NATS_CA: "x", NATS_CERT: "x", NATS_KEY: "x" }), /NATS_CA_FILE, .* are not PEM/);
});

test("the spec sets how many pods of the edge may be evicted at once, and it is one for parts with state", () => {
  const budgets = everything(inputOf({ disruption: { maxUnavailable: "20%" } })).filter(
    ({ kind }) => kind === "PodDisruptionBudget",
  ) as (KubeObject & { readonly spec: { readonly maxUnavailable: number | string } })[];
  for (const { metadata, spec } of budgets) {
    const isEdge = ["chat-connector", "chat-api"].includes(metadata.name);
    assert.equal(spec.maxUnavailable, isEdge ? "20%" : 1, metadata.name);
  }
  assert.equal(clusterOf().spec.disruption.maxUnavailable, 1);
});

test("every Service has the wanted IP families, headless ones too", () => {
  const ipFamilies = ["IPv6", "IPv4"];
  const network = { ipFamilyPolicy: "RequireDualStack", ipFamilies };
  for (const [name, { spec }] of servicesOf(inputOf({ network })))
    assert.partialDeepStrictEqual(spec, network, name);
  for (const { spec } of servicesOf(inputOf()).values())
    assert.ok(!("ipFamilyPolicy" in spec || "ipFamilies" in spec), "Kubernetes's own choice");
});

test("no object contains a DNS domain, so pods find Services under any domain", () => {
  assert.doesNotMatch(JSON.stringify(everything(inputOf())), /cluster\.local/);
});

test("no pod sets a user id if the platform assigns them, unless its template does", () => {
  const operator = { namespace: "jichat", labels: {}, podUsers: "assigned" as const };
  for (const { spec } of templatesOf(everything(inputOf({}, { operator })))) {
    assert.deepEqual(spec.securityContext, { fsGroupChangePolicy: "OnRootMismatch" });
    for (const { securityContext } of spec.containers) assert.equal(securityContext?.runAsNonRoot, true);
  }
  const said = inputOf({ routers: { template: { securityContext: { fsGroup: 9 } } } }, { operator });
  assert.equal(ofRole(said, "router")?.spec.securityContext?.fsGroup, 9);
});

test("pods may resolve names only at the ports of the spec's network", () => {
  const ports = (spec: object): readonly unknown[] => [
    ...new Set(flowsOf(clusterOf(spec)).flatMap(({ to, port }) => (to === "dns" ? [port] : []))),
  ];
  assert.deepEqual(ports({}), [53, 5353]);
  assert.deepEqual(ports({ network: { dnsPorts: [1053] } }), [1053]);
});
