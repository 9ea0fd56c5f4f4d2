import type { Static } from "typebox";
import { Type } from "typebox";
import { GROUND } from "./ground.ts";
import { listBy, word } from "./kinds.ts";

/** Every condition that a ChatCluster has after its first pass. docs/chat-cluster.md lists the same ones. */
export const CONDITIONS = {
  Ready: "everything that is wanted runs, and people can talk",
  SpecValid: "the spec can be acted on: what it names is there and fits together",
  BackendsReachable: "NATS, Redis and ClickHouse answer with the credentials given",
  DurabilityVerified:
    "the logs have the copies that are wanted; Unknown where an external NATS cannot be asked about fsync",
  StreamsInSync: "streams and buckets are there as wanted",
  SchemaInSync: "ClickHouse has this version's schema",
  ConnectorsAvailable: "as many connectors as are wanted take connections",
  SyntheticTalk: "two devices of the operator's sent, received and resumed through the connectors' Service",
  Reconciled: "the last pass could do all that it wanted, and no object was refused",
  Rotated: "keys and credentials are those that were asked for last, and no others are in use",
  LevelRaised:
    "the cluster is at the newest level that the operator knows: nothing of an earlier version is left",
  Progressing: "something is being changed",
  Paused: "the operator changes nothing, because it was told so",
  Degraded: "something runs that should not be as it is",
} as const;

export type ConditionType = keyof typeof CONDITIONS;
const TYPES = Object.keys(CONDITIONS) as ConditionType[];

const condition = Type.Object({
  type: word(TYPES),
  status: word(["True", "False", "Unknown"]),
  observedGeneration: Type.Integer({ minimum: 0 }),
  lastTransitionTime: Type.String({ format: "date-time" }),
  reason: Type.String({
    minLength: 1,
    maxLength: 1_024,
    pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
  }),
  message: Type.String({ maxLength: 32_768 }),
});

const counts = Type.Object({
  wanted: Type.Integer({ minimum: 0 }),
  ready: Type.Integer({ minimum: 0 }),
  updated: Type.Integer({ minimum: 0 }),
});

/** A request to rebalance is no longer. */
export const REBALANCE_MAX = 64;
/** More connectors that are to go are not named. */
export const DRAINS_MAX = 50;

const drain = Type.Object({
  pod: Type.String({ maxLength: 253 }),
  why: word(["ScaleIn", "OldRevision", "Asked"]),
  phase: word(["Leaves", "Drains", "Goes"], {
    description: "out of the Service; its devices are told to go; about to be deleted",
  }),
  since: Type.String({ format: "date-time" }),
  deadline: Type.Optional(
    Type.String({ format: "date-time", description: "devices that are left then are closed" }),
  ),
  connections: Type.Optional(Type.Integer({ minimum: 0, description: "devices that are left" })),
  waitsFor: Type.Optional(
    Type.String({ maxLength: 256, description: "its devices are told next, and wait for this" }),
  ),
});

const time = (description: string) => Type.String({ format: "date-time", description });

/** What the autoscaler decided last for a component, and all that the next decision needs of it. */
const scaled = Type.Object({
  desired: Type.Integer({ minimum: 0, description: "pods" }),
  reason: Type.String({ maxLength: 64 }),
  message: Type.String({ maxLength: 1_024, description: "as it was when the decision changed" }),
  since: Type.String({ format: "date-time", description: "it has been decided so since then" }),
  lastScaleTime: Type.Optional(time("another number was chosen then")),
  fewerSince: Type.Optional(time("fewer have been enough since then")),
  fewerNeeded: Type.Optional(
    Type.Integer({ minimum: 0, description: "of these, the most that were needed since `fewerSince`" }),
  ),
  unknownSince: Type.Optional(time("some pod has not reported its load since then")),
});

const log = Type.Object(
  {
    identity: Type.String({ maxLength: 64 }),
    partitions: Type.Integer({ minimum: 1 }),
    streams: Type.Array(Type.String({ maxLength: 255 }), { maxItems: 64, description: "beside the logs" }),
  },
  { description: "the log of this ChatCluster; what is missing of it is never made again" },
);

const target = (description: string) =>
  Type.Object(
    { version: Type.String({ maxLength: 128 }), revision: Type.String({ maxLength: 63 }) },
    { description },
  );

/** In the order in which a rollout goes through them; docs/operations.md says what each waits for. */
const ROLLOUT_PHASES = [
  "Preflight",
  "Migrating",
  "Canary",
  "Waiting",
  "Backends",
  "Connectors",
  "Soaking",
  "Done",
  "RollingBack",
  "RolledBack",
] as const;

const rollout = Type.Object(
  {
    phase: word(ROLLOUT_PHASES),
    from: target("the revision of connectors that served when it began"),
    to: target("the revision of connectors that the spec asks for"),
    startedAt: time("when it began"),
    phaseSince: time("when it came to this phase"),
    isPromoted: Type.Optional(Type.Boolean({ description: "a person let it go on" })),
    progress: Type.Optional(
      Type.Object(
        {
          missing: Type.Integer({ minimum: 0, description: "new pods, or components" }),
          old: Type.Integer({ minimum: 0, description: "connectors of other revisions" }),
          at: time("when less was left than before"),
        },
        { description: "what is left; after `rollout.progressDeadlineSeconds` without any it is taken back" },
      ),
    ),
    blockedBy: Type.Array(
      Type.Object({ gate: Type.String({ maxLength: 63 }), message: Type.String({ maxLength: 512 }) }),
      { maxItems: 8, description: "what it waits for, by name" },
    ),
    message: Type.String({ maxLength: 512 }),
    failed: Type.Optional(
      Type.Object(
        {
          version: Type.String({ maxLength: 128 }),
          revision: Type.String({ maxLength: 63 }),
          reason: Type.String({ maxLength: 512 }),
          at: time("when it was given up"),
        },
        { description: "the revision that was taken back; it is tried again when the spec changes" },
      ),
    ),
  },
  { description: "the last change of the connectors' revision, as far as it is" },
);

/** The observed state, as of the last pass. */
export const STATUS = Type.Object({
  observedGeneration: Type.Integer({ minimum: 0 }),
  keeper: Type.Optional(
    Type.String({
      maxLength: 317,
      description: "the operator that works on it, by its Lease, as `namespace/name`; any other stands back",
    }),
  ),
  version: Type.Optional(
    Type.String({ description: "the version that serves; while an image cannot be pulled, the earlier one" }),
  ),
  conditions: listBy(condition, ["type"], { maxItems: 32 }),
  ground: Type.Optional(GROUND),
  log: Type.Optional(log),
  level: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: "which forms are written and which verbs are answered; it never falls",
    }),
  ),
  connectors: Type.Optional(counts),
  routers: Type.Optional(counts),
  storage: Type.Optional(counts),
  api: Type.Optional(counts),
  push: Type.Optional(counts),
  drains: Type.Optional(
    listBy(drain, ["pod"], { maxItems: DRAINS_MAX, description: "connectors that are to go" }),
  ),
  rollout: Type.Optional(rollout),
  autoscaler: Type.Optional(
    Type.Object(
      { connectors: Type.Optional(scaled), routers: Type.Optional(scaled) },
      { description: "how many pods are wanted by load, and why" },
    ),
  ),
  rebalanced: Type.Optional(
    Type.String({ maxLength: REBALANCE_MAX, description: "the last request to rebalance that is done" }),
  ),
  replicas: Type.Optional(Type.Integer({ minimum: 0, description: "connectors, for the scale subresource" })),
  selector: Type.Optional(Type.String({ description: "of connector pods, for the scale subresource" })),
  connections: Type.Optional(
    Type.Integer({ minimum: 0, description: "open sockets, as the connectors reported last" }),
  ),
  partitions: Type.Optional(
    Type.Object(
      {
        wanted: Type.Integer({ minimum: 1 }),
        served: Type.Optional(Type.Integer({ minimum: 0, description: "by all routers together" })),
      },
      { description: "how many there are, and how many have an owner, as the routers reported last" },
    ),
  ),
  endpoints: Type.Optional(
    Type.Object(
      { ws: Type.Array(Type.String()), api: Type.Array(Type.String()) },
      { description: "where devices and pages connect" },
    ),
  ),
});

export type ChatClusterStatus = Static<typeof STATUS>;
export type Condition = Static<typeof condition>;
export type ScaledTold = Static<typeof scaled>;
export type DrainTold = Static<typeof drain>;
export type RolloutTold = Static<typeof rollout>;
export type Counts = Static<typeof counts>;
export type LogMemory = Static<typeof log>;
