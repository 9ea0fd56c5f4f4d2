import { Type } from "typebox";

/** The schema of the values: helm validates against it, and editors show its descriptions. */

const text = (description: string, more: object = {}) => Type.String({ description, ...more });
const flag = (description: string) => Type.Boolean({ description });
const words = (description: string) =>
  Type.Unsafe<Record<string, string>>({
    type: "object",
    additionalProperties: { type: "string" },
    description,
  });
const like = (type: "object" | "array", description: string) => Type.Unsafe<unknown>({ type, description });
const closed = { additionalProperties: false };
const NAME = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$";

const image = Type.Object(
  {
    registry: text("the image is REGISTRY/operator:TAG", { minLength: 1 }),
    tag: text("empty: the chart's appVersion"),
    pullPolicy: Type.Unsafe<string>({ enum: ["IfNotPresent", "Always", "Never"] }),
    pullSecrets: like("array", "as in a pod: a list of {name}"),
  },
  { ...closed, description: "the operator's image; a ChatCluster names its own registry" },
);

const ms = (description: string, minimum: number, maximum: number) =>
  Type.Integer({ description, minimum, maximum });

export const VALUES = Type.Object(
  {
    image,
    replicas: Type.Integer({ minimum: 1, maximum: 5, description: "one leads, the others wait" }),
    watchNamespaces: Type.Array(Type.String({ pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", maxLength: 63 }), {
      description: "namespaces that are looked after, with rights in them alone; none: all",
      maxItems: 64,
      uniqueItems: true,
    }),
    podUsers: Type.Unsafe<string>({
      enum: ["auto", "fixed", "assigned"],
      description: "user ids of pods: 65532, or those that the platform gives, as OpenShift does",
    }),
    crd: Type.Object(
      {
        install: flag("the CustomResourceDefinition comes with the chart, and is upgraded with it"),
        keep: flag("`helm uninstall` leaves it, and with it every ChatCluster"),
      },
      closed,
    ),
    uninstallCheck: Type.Object(
      { enabled: flag("`helm uninstall` fails, and says why, where a ChatCluster could not go any more") },
      closed,
    ),
    logLevel: Type.Unsafe<string>({ enum: ["debug", "info", "warn", "error"] }),
    workers: Type.Integer({ minimum: 1, maximum: 64, description: "ChatClusters worked on at once" }),
    rolloutsAtOnce: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: "ChatClusters that move their devices to a new revision at once",
    }),
    probeMs: ms("how often backends are asked, in ms", 500, 60_000),
    resyncMs: ms("how often every ChatCluster is looked at unasked, in ms", 1_000, 600_000),
    otlpEndpoint: text("OTLP over HTTP; empty: none"),
    resources: like("object", "as in a pod"),
    nodeSelector: words("as in a pod"),
    tolerations: like("array", "as in a pod"),
    affinity: like("object", "as in a pod"),
    priorityClassName: text("as in a pod"),
    podAnnotations: words("more annotations on its pods"),
    podLabels: words("more labels on its pods"),
    serviceAccount: Type.Object(
      { name: text("empty: RELEASE-operator"), annotations: words("for a cloud's identities") },
      closed,
    ),
    networkPolicy: Type.Object({ enabled: flag("only its admin port may be reached") }, closed),
    podMonitor: Type.Object(
      {
        enabled: flag("a PodMonitor for the operator; needs the Prometheus operator"),
        labels: words("by which Prometheus finds it"),
        interval: text("as Prometheus has it", { pattern: "^[0-9]+(ms|s|m)$" }),
      },
      closed,
    ),
    prometheusRule: Type.Object(
      {
        enabled: flag("alerts for operator and ChatClusters"),
        labels: words("by which Prometheus finds it"),
      },
      closed,
    ),
    dashboards: Type.Object(
      { enabled: flag("dashboards as ConfigMaps"), labels: words("by which Grafana's sidecar finds them") },
      closed,
    ),
    test: Type.Object(
      {
        chatCluster: text("the ChatCluster that `helm test` talks through", { minLength: 1, maxLength: 40 }),
        namespace: text("where it is; empty: the release's", { pattern: NAME, maxLength: 63 }),
      },
      closed,
    ),
    global: Type.Optional(like("object", "helm's own")),
  },
  { ...closed, title: "Values of the jichat chart" },
);
