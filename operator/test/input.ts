import type { ChatCluster } from "../src/crd/definition.ts";
import { definition } from "../src/crd/definition.ts";
import { componentsOf, groundworkOf, migrationOf, serversOf } from "../src/desired/desired.ts";
import { keysOf, newGeneration } from "../src/desired/keys.ts";
import type { PodTemplate } from "../src/desired/pods.ts";
import type { DesiredInput } from "../src/desired/desired-input.ts";
import type { Workload } from "../src/desired/workloads.ts";
import { connectorRevision } from "../src/desired/workloads.ts";
import type { KubeObject } from "../src/kube/object.ts";

interface Field {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Field>>;
}
interface Schema {
  readonly versions: readonly [
    {
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: { readonly spec: Field & { default: object } } };
      };
    },
  ];
}
const SPEC = (definition().spec as Schema).versions[0].schema.openAPIV3Schema.properties.spec;
/** The spec of an empty manifest, as the API server would hand it out. */
const DEFAULTS = SPEC.default;

/** The defaults of fields below one that has none itself. */
const defaultsIn = ({ properties = {} }: Field = {}): Tree =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, field]) =>
      field.default === undefined ? [] : [[name, field.default]],
    ),
  );

type Tree = Readonly<Record<string, unknown>>;
const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Defaults stay where `more` says nothing else; of backends, which are one or another, only what `more` says. */
const filled = (defaults: Tree, more: Tree): Tree =>
  Object.fromEntries(
    [...new Set([...Object.keys(defaults), ...Object.keys(more)])].map((key) => {
      const [ours, theirs] = [defaults[key], more[key]];
      if (isTree(ours) && isTree(theirs) && !("managed" in ours && !("managed" in theirs)))
        return [key, filled(ours, theirs)];
      return [key, key in more ? theirs : ours];
    }),
  );

export const clusterOf = (spec: object = {}, name = "chat"): ChatCluster =>
  ({
    apiVersion: "chat.jichat.io/v1alpha1",
    kind: "ChatCluster",
    metadata: { name, namespace: "people", uid: "u", generation: 1, resourceVersion: "1" },
    spec: filled(
      "push" in spec ? { ...DEFAULTS, push: defaultsIn(SPEC.properties?.["push"]) } : (DEFAULTS as Tree),
      spec as Tree,
    ),
  }) as unknown as ChatCluster;

/** Push by every provider. */
export const PUSH = {
  webPush: { subject: "mailto:push@example.com" },
  fcm: { secretRef: { name: "google", key: "service-account.json" } },
  apns: {
    secretRef: { name: "apple", key: "key.p8" },
    keyId: "ABCDE12345",
    teamId: "FGHIJ67890",
    topic: "com.example.chat",
    isSandbox: false,
  },
  webhook: { url: "https://push.example.com/chat", secretRef: { name: "hook", key: "secret" } },
  allowedAddresses: ["10.96.0.0/16", "fd00:1::/64"],
  templates: { configMapRef: { name: "words" } },
};

export const KEYS = keysOf(newGeneration("", 1), { tokenMs: 86_400_000, ticketMs: 3_600_000 });
export const inputOf = (spec: object = {}, more: Partial<DesiredInput> = {}): DesiredInput => ({
  cluster: clusterOf(spec),
  version: "1.2.3",
  keys: KEYS,
  logins: {},
  backendTls: {},
  tokenKeys: undefined,
  tls: undefined,
  push: undefined,
  operator: { namespace: "jichat", labels: { app: "operator" }, podUsers: "fixed" },
  ...more,
});

/** The pods of a Deployment of connectors. The first `ready` of them are ready. */
export const connectorPods = (
  { metadata, spec }: Workload,
  count: number,
  ready = count,
): readonly KubeObject[] =>
  Array.from({ length: count }, (_, at) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${metadata.name}-${at}`,
      namespace: metadata.namespace,
      labels: spec.template.metadata.labels,
    },
    spec: { nodeName: `node-${at}`, containers: spec.template.spec.containers },
    status: {
      phase: "Running",
      podIP: "127.0.0.1",
      conditions: [{ type: "Ready", status: at < ready ? "True" : "False" }],
    },
  }));

export const everything = (input: DesiredInput): readonly KubeObject[] => [
  ...groundworkOf(input),
  ...serversOf(input),
  ...migrationOf(input),
  ...componentsOf(input, connectorRevision(input, 2)),
];

export const templatesOf = (objects: readonly KubeObject[]): readonly PodTemplate[] =>
  objects.flatMap((object) => {
    const { template } =
      (object as KubeObject & { readonly spec?: { readonly template?: PodTemplate } }).spec ?? {};
    return template === undefined ? [] : [template];
  });
