import type { Static } from "typebox";
import { PER_SECOND_MAX } from "@jichat/protocol/drain.ts";
import { Type } from "typebox";
import { partitionsRule, routerAutoscaling } from "./autoscaling.ts";
import { clickhouse, nats, redis } from "./backends.ts";
import { api, component, connectors } from "./components.ts";
import { listBy, oneOfNumbers, resources, rules, secretName, word } from "./kinds.ts";
import { network } from "./network.ts";
import { push } from "./push.ts";
import { ruleOf } from "./refusals.ts";
import { template } from "./template.ts";

const optional = Type.Optional;

/** All origins, or one, without a path. Apps may have a scheme of their own, such as `capacitor://localhost`. */
const ORIGIN = String.raw`^(\*|[a-z][a-z0-9+.-]*://[^/?#@,\s]+)$`;

const auth = Type.Object(
  {
    jwksUrl: optional(
      Type.String({
        pattern: "^https?://.+$",
        maxLength: 1_024,
        description: "keys of another system's tokens; that system has the accounts",
      }),
    ),
    secret: optional(
      secretName(
        "a Secret with `jwks.json` and, for JiChat's own accounts, `signing-key.json`. Without `secret` and `jwksUrl` the operator makes one",
      ),
    ),
    issuer: Type.String({ default: "jichat", minLength: 1, maxLength: 256 }),
    audience: Type.String({ default: "jichat", minLength: 1, maxLength: 256 }),
    algorithm: word(["EdDSA", "ES256", "ES384", "RS256", "PS256"], {
      default: "EdDSA",
      description: "the one that is accepted",
    }),
    peopleMustExist: optional(
      Type.Boolean({
        description:
          "names of users who do not exist are refused; default: with JiChat's own accounts, from the first sign-up on",
      }),
    ),
    origins: Type.Array(Type.String({ pattern: ORIGIN, maxLength: 256 }), {
      default: [],
      maxItems: 64,
      description:
        "origins of pages that may connect and call REST, such as `https://chat.example.com`; `*` allows all",
      "x-kubernetes-list-type": "set",
    }),
  },
  {
    default: {},
    description: "which tokens are accepted",
    ...rules({
      rule: "!(has(self.jwksUrl) && has(self.secret))",
      message: "auth.jwksUrl and auth.secret are both set: keep the one whose keys are to count",
    }),
  },
);

const otlp = Type.Object({
  endpoint: Type.String({ pattern: "^https?://.+$", maxLength: 1_024, description: "OTLP over HTTP" }),
});

const observability = Type.Object(
  {
    otlp: optional(otlp),
    sampling: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.01,
      description: "share of messages that are traced",
    }),
    podMonitor: Type.Boolean({ default: false, description: "a PodMonitor for the Prometheus operator" }),
  },
  { default: {}, description: "where traces and metrics go" },
);

const retention = Type.Object(
  {
    logHours: Type.Integer({
      minimum: 0,
      maximum: 720,
      default: 6,
      description: "how long the log keeps what ClickHouse has",
    }),
    logBytesPerPartition: Type.Integer({
      minimum: 8_388_608,
      maximum: 1_099_511_627_776,
      default: 1_073_741_824,
      description: "limit of one partition's log; from 90 % of it clients are told BUSY",
    }),
  },
  { default: {}, description: "how much the log holds; history is kept for ever" },
);

const migration = Type.Object(
  { resources: optional(resources), template: optional(template) },
  {
    description:
      "the Job that brings ClickHouse's schema up; what it does not say is the storage's (`storage.template`)",
  },
);

const rollout = Type.Object(
  {
    mode: word(["Automatic", "Supervised"], {
      default: "Automatic",
      description:
        "`Supervised` waits, once a canary has proven the new revision, until a person says `kubectl chat promote`",
    }),
    progressDeadlineSeconds: Type.Integer({
      minimum: 60,
      maximum: 86_400,
      default: 600,
      description: "after this time without progress the revision that served comes back",
    }),
    soakSeconds: Type.Integer({
      minimum: 0,
      maximum: 86_400,
      default: 60,
      description:
        "how long the new revision serves alone before the rollout counts as done; until then `kubectl chat rollback` works, and the level is not raised",
    }),
  },
  { default: {}, description: "how connectors come to a new revision" },
);

const disruption = Type.Object(
  {
    maxUnavailable: Type.Unsafe<number | string>({
      "x-kubernetes-int-or-string": true,
      default: 1,
      pattern: "^([1-9][0-9]?|100)%$",
      description:
        "connectors, and pods of the api, that may be evicted at once, as a number or a percentage; of routers, storage, push workers and backends it is one",
      ...rules({
        rule: "type(self) != int || self >= 1",
        message:
          "disruption.maxUnavailable is below 1: no node could ever be drained. Set it to 1 or more, or to a percentage",
      }),
    }),
  },
  { default: {}, description: "what may be away at once, by eviction (a PodDisruptionBudget)" },
);

/** The spec that people write. Every default is here and nowhere else; the API server fills them in. */
export const SPEC = Type.Object(
  {
    version: optional(
      Type.String({
        pattern: String.raw`^[0-9]+\.[0-9]+\.[0-9]+([-+].+)?$`,
        maxLength: 64,
        description: "JiChat's version; default: the operator's own version",
      }),
    ),
    image: Type.Object(
      {
        registry: Type.String({
          default: "ghcr.io/jichat",
          minLength: 1,
          maxLength: 256,
          description: "images are REGISTRY/COMPONENT:VERSION",
        }),
        pullPolicy: word(["IfNotPresent", "Always", "Never"], { default: "IfNotPresent" }),
        pullSecrets: optional(
          listBy(Type.Object({ name: secretName("a Secret") }), ["name"], { maxItems: 8 }),
        ),
      },
      { default: {}, description: "where images come from" },
    ),
    paused: Type.Boolean({
      default: false,
      description: "the operator reports and changes nothing",
    }),
    hibernate: Type.Boolean({ default: false, description: "no pods; data stays" }),
    deletionPolicy: word(["Retain", "Delete"], {
      default: "Retain",
      description: "whether streams, buckets, tables and volumes are deleted with the ChatCluster",
    }),
    connectors,
    routers: Type.Object(
      {
        ...component("routers: owners of the log's partitions", 2, 64),
        autoscaling: optional(routerAutoscaling),
      },
      { default: {}, description: "they decide what happens and number it" },
    ),
    storage: Type.Object(component("storage: log to ClickHouse, history", 2, 64), {
      default: {},
      description: "they write ClickHouse and answer from it",
    }),
    api,
    push: optional(push),
    migration: optional(migration),
    partitions: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 16,
      description: "units of order; every conversation has its place by this number",
      ...rules(ruleOf("partitions")),
    }),
    durability: Type.Object(
      {
        replicas: oneOfNumbers([1, 3], { default: 3, description: "copies of every log" }),
        fsync: word(["always", "interval"], {
          default: "always",
          description: "`interval` may lose acknowledged messages in a power cut",
        }),
      },
      { default: {}, description: "how safe an acknowledged message is" },
    ),
    drain: Type.Object(
      {
        deadlineSeconds: Type.Integer({
          minimum: 1,
          maximum: 3_600,
          default: 60,
          description:
            "a connector that is removed sends its devices elsewhere; it closes those that are left after this time",
        }),
        maxReconnectsPerSecond: Type.Integer({
          minimum: 1,
          maximum: PER_SECOND_MAX,
          default: 200,
          description: "devices that are sent elsewhere in one second, by all connectors that drain",
        }),
      },
      { default: {}, description: "how pods leave" },
    ),
    rollout,
    disruption,
    network,
    nats,
    redis,
    clickhouse,
    auth,
    observability,
    retention,
  },
  {
    description: "what is wanted",
    ...rules(
      partitionsRule,
      {
        rule: "!has(self.clickhouse.embedded) || self.storage.replicas <= 1",
        message:
          "storage.replicas is above 1 with clickhouse.embedded: one process owns the folder. Set storage.replicas to 1, or use clickhouse.managed or clickhouse.external",
      },
      {
        rule: "!has(self.nats.managed) || self.durability.replicas <= self.nats.managed.replicas",
        message:
          "durability.replicas is above nats.managed.replicas: three copies need three servers. Set nats.managed.replicas to 3, or durability.replicas to 1",
      },
      {
        rule: "self.api.replicas == 0 || has(self.auth.jwksUrl) || self.auth.algorithm == 'EdDSA' || has(self.auth.secret)",
        message:
          "auth.algorithm is not EdDSA and no keys are given: the operator makes Ed25519 keys only. Set auth.secret or auth.jwksUrl, or leave the algorithm",
      },
    ),
  },
);

export type ChatClusterSpec = Static<typeof SPEC>;
