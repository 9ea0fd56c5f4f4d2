import { hashOf } from "../kube/hash.ts";
import type { V1DeploymentSpec, V1DeploymentStatus, V1JobStatus } from "@kubernetes/client-node";
import type { KubeObject } from "../kube/object.ts";
import { tlsVariables } from "./backend-tls.ts";
import { usedBy } from "./keys.ts";
import type { Component } from "./names.ts";
import { LABELS, PORTS, labelsOf, metaOf, objectName, selectorOf } from "./names.ts";
import type { ContainerInput, PodTemplate } from "./pods.ts";
import { httpProbe, imageOf, podTemplate, resourcesOf } from "./pods.ts";
import { PROVIDERS, PROVIDERS_PATH, TEMPLATES, TEMPLATES_PATH } from "./push.ts";
import { DATA_PATH, GRACE_SECONDS, SECRETS_PATH, settingsOf, startSecretsOf, usesKeys } from "./settings.ts";
import type { DesiredInput } from "./desired-input.ts";
import { backendUrl } from "./desired-input.ts";

/** The part of the spec for a component. */
const specOf = ({ cluster: { spec } }: DesiredInput, component: Component) =>
  ({
    connector: spec.connectors,
    router: spec.routers,
    storage: spec.storage,
    api: spec.api,
    push: spec.push,
  })[component];

/**
 * What the autoscaler wants, or else the replicas in the spec; 0 while the cluster hibernates, and of a
 * component that it does not have.
 */
export function wantedReplicas(input: DesiredInput, component: Component): number {
  if (input.cluster.spec.hibernate) return 0;
  const scaled: Partial<Record<Component, number>> = input.scaled ?? {};
  return scaled[component] ?? specOf(input, component)?.replicas ?? 0;
}

const isEmbedded = ({ cluster: { spec } }: DesiredInput): boolean => spec.clickhouse.embedded !== undefined;

/** Small requests that fit on any node. A cluster with real load states its needs in the spec. */
const REQUESTS: Readonly<Record<Component, Readonly<Record<string, string>>>> = {
  connector: { cpu: "50m", memory: "192Mi" },
  router: { cpu: "50m", memory: "192Mi" },
  storage: { cpu: "50m", memory: "256Mi" },
  api: { cpu: "20m", memory: "128Mi" },
  push: { cpu: "20m", memory: "256Mi" },
};

/** Routers, storage and push workers hand over their partitions within DRAIN_MS, 10 s by default. */
const graceOf = (input: DesiredInput, component: Component): number =>
  component === "connector" ? input.cluster.spec.drain.deadlineSeconds + GRACE_SECONDS : 10 + GRACE_SECONDS;

const SERVES: Readonly<Partial<Record<Component, { name: string; containerPort: number }>>> = {
  connector: { name: "ws", containerPort: PORTS.ws },
  api: { name: "http", containerPort: PORTS.api },
};

/** The files of push workers. They read the providers' again while they run, and templates at the start. */
function pushVolumes({ cluster }: DesiredInput) {
  const providers = {
    volume: {
      name: PROVIDERS,
      secret: { secretName: objectName(cluster, PROVIDERS), defaultMode: 0o440 },
    },
    mount: { name: PROVIDERS, mountPath: PROVIDERS_PATH, readOnly: true },
  };
  if (cluster.spec.push?.templates === undefined) return [providers];
  return [
    providers,
    {
      volume: { name: TEMPLATES, configMap: { name: objectName(cluster, TEMPLATES) } },
      mount: { name: TEMPLATES, mountPath: TEMPLATES_PATH, readOnly: true },
    },
  ];
}

/** A connector sends its devices to others of its own revision, or of a newer one. */
const REVISION = {
  name: "REVISION",
  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${LABELS.revision}']` } },
};

function container(input: DesiredInput, component: Component): ContainerInput {
  const serves = SERVES[component];
  return {
    name: component,
    image: imageOf(input, component),
    imagePullPolicy: input.cluster.spec.image.pullPolicy,
    envFrom: [{ configMapRef: { name: objectName(input.cluster, component) } }],
    env: [
      { name: "INSTANCE", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      ...(component === "connector" ? [REVISION] : []),
    ],
    ports: [{ name: "admin", containerPort: PORTS.admin }, ...(serves === undefined ? [] : [serves])],
    resources: resourcesOf(specOf(input, component)?.resources, REQUESTS[component]),
    // A pod has two minutes to start, since a takeover may replay a long log. After that, three failures in a
    // row end it.
    startupProbe: httpProbe("/livez", "admin", 60),
    livenessProbe: httpProbe("/livez", "admin", 3, 5),
    readinessProbe: httpProbe("/readyz", "admin", 1),
    volumeMounts: [
      { name: "secrets", mountPath: SECRETS_PATH, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
      ...(component === "storage" && isEmbedded(input) ? [{ name: "data", mountPath: DATA_PATH }] : []),
      ...(component === "push" ? pushVolumes(input).map(({ mount }) => mount) : []),
    ],
  };
}

function podOf(input: DesiredInput, component: Component) {
  const hasData = component === "storage" && isEmbedded(input);
  return podTemplate(input, {
    role: component,
    containers: [container(input, component)],
    volumes: [
      { name: "secrets", secret: { secretName: objectName(input.cluster, component), defaultMode: 0o440 } },
      { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
      ...(hasData
        ? [{ name: "data", persistentVolumeClaim: { claimName: objectName(input.cluster, "storage-data") } }]
        : []),
      ...(component === "push" ? pushVolumes(input).map(({ volume }) => volume) : []),
    ],
    graceSeconds: graceOf(input, component),
    config: [
      settingsOf(input, component),
      startSecretsOf(input, component),
      ...(component === "push" ? [input.push?.templates] : []),
    ],
    generation: usesKeys(input, component) ? usedBy(input.keys, component).generation : undefined,
  });
}

export interface Workload extends KubeObject {
  readonly spec: Omit<V1DeploymentSpec, "template"> & { readonly template: PodTemplate };
  readonly status?: V1DeploymentStatus;
}

/**
 * Routers, storage, push workers and the api use Kubernetes's rolling update. A storage that owns a folder
 * stops before its successor starts.
 */
export function deployment(input: DesiredInput, component: Exclude<Component, "connector">): Workload {
  const isAlone = component === "storage" && isEmbedded(input);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metaOf(input.cluster, component),
    spec: {
      replicas: wantedReplicas(input, component),
      selector: { matchLabels: selectorOf(input.cluster, component) },
      strategy: isAlone
        ? { type: "Recreate" }
        : { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      revisionHistoryLimit: 3,
      template: podOf(input, component),
    },
  };
}

/**
 * Connectors have one Deployment per revision. The operator sets the replicas of each, so it chooses which
 * pods go. A revision is identified by its pod template.
 */
export function connectorRevision(input: DesiredInput, replicas: number): Workload {
  const { cluster } = input;
  const template = podOf(input, "connector");
  const revision = hashOf(template).slice(0, 8);
  const labels = { ...labelsOf(cluster, "connector"), [LABELS.revision]: revision };
  const ofPods = { ...template.metadata.labels, ...labels, [LABELS.routed]: "true" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...metaOf(cluster, "connector", objectName(cluster, `connector-${revision}`)), labels },
    spec: {
      replicas,
      selector: { matchLabels: { ...selectorOf(cluster, "connector"), [LABELS.revision]: revision } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      revisionHistoryLimit: 0,
      template: {
        ...template,
        metadata: { ...template.metadata, labels: ofPods },
      },
    },
  };
}

export interface MigrationJob extends KubeObject {
  readonly spec: { readonly backoffLimit: number; readonly template: PodTemplate };
  readonly status?: V1JobStatus;
}

/**
 * The Job that migrates ClickHouse's schema before a version starts. A Job cannot be changed, so a different
 * one gets another name.
 */
export function migrationJob(input: DesiredInput): MigrationJob | undefined {
  // The embedded engine has one user, which migrates by itself.
  if (backendUrl(input, "clickhouse", "migrate") === undefined) return undefined;
  const { cluster } = input;
  const { CLUSTER = "", CLUSTER_KEY_FILE = "" } = settingsOf(input, "storage");
  const settings = {
    CLUSTER,
    CLUSTER_KEY_FILE,
    CLICKHOUSE_URL_FILE: `${SECRETS_PATH}/clickhouse-url`,
    ...tlsVariables(input, ["clickhouse"], SECRETS_PATH),
  };
  const template = podTemplate(input, {
    role: "migrate",
    restartPolicy: "Never",
    containers: [
      {
        name: "migrate",
        image: imageOf(input, "storage"),
        imagePullPolicy: cluster.spec.image.pullPolicy,
        args: ["migrate"],
        env: Object.entries(settings).map(([name, value]) => ({ name, value })),
        resources: resourcesOf(cluster.spec.migration?.resources, { cpu: "20m", memory: "128Mi" }),
        volumeMounts: [
          { name: "secrets", mountPath: SECRETS_PATH, readOnly: true },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "secrets", secret: { secretName: objectName(cluster, "migrate"), defaultMode: 0o440 } },
      { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
    ],
    graceSeconds: GRACE_SECONDS,
    config: cluster.spec.clickhouse.external?.url ?? "managed",
  });
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metaOf(cluster, "migrate", objectName(cluster, `migrate-${hashOf(template).slice(0, 8)}`)),
    spec: { backoffLimit: 6, template },
  };
}
