import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { PUSH_OFFER_KEY } from "@jichat/protocol/bus/push-offer.ts";
import type { User } from "./keys.ts";

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}
export type NatsUser = Exclude<User, "migrate" | "system">;

/**
 * The operator's permissions in the system account: listing the servers, and telling one to reload its users.
 */
export const SYSTEM: Permissions = {
  publish: ["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.*.RELOAD"],
  subscribe: [],
};

/** Permissions to read a stream or bucket: its information, single values, and an own consumer. */
const reads = (stream: string): readonly string[] => [
  `$JS.API.STREAM.MSG.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}.>`,
  `$JS.API.CONSUMER.CREATE.${stream}`,
  `$JS.API.CONSUMER.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.INFO.${stream}.>`,
  `$JS.API.CONSUMER.DELETE.${stream}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
];
const readsBucket = (name: string): readonly string[] => reads(`KV_${name}`);
/** Permission to remove single values without a trace: `Bucket.erase`. */
const erases = (name: string): string => `$JS.API.STREAM.MSG.DELETE.KV_${name}`;
const readsAndWrites = (name: string): readonly string[] => [...readsBucket(name), `$KV.${name}.>`];
/** Answers to requests. Only the user that asked can listen there: see `natsConfig`. */
const ANSWERS = "_INBOX.>";

/**
 * What every component asks at its start: whether JetStream and the streams are there, and the number of
 * partitions.
 */
const START = ["$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.FC.>"];

/** A NATS wildcard stands for a whole token, and a stream's name is one token. So each log is named. */
const logsOf = (names: Names, partitions: number): readonly string[] =>
  Array.from({ length: partitions }, (_, partition) => names.logStream(partition));

const objects = (name: string): readonly string[] => [
  ...reads(`OBJ_${name}`),
  `$JS.API.STREAM.PURGE.OBJ_${name}`,
  `$O.${name}.>`,
];

/** Permissions of the components that serve clients. */
const edge = (names: Names): readonly string[] => [
  ...readsBucket(names.settings),
  ...readsBucket(names.people),
  ...readsBucket(names.revocations),
  `${names.cluster}.cmd.*`,
  `${names.cluster}.query.*`,
];

const connector = (names: Names): Permissions => ({
  // Beside its own traffic: reports of half-open connections, and answers to push workers.
  publish: [...START, ...edge(names), ANSWERS, `${names.cluster}.replace.*`, `${names.cluster}.push.*`],
  subscribe: [`${names.cluster}.deliver.*`, `${names.cluster}.replace.*`, `${names.cluster}.activity.*`],
});

const api = (names: Names): Permissions => ({
  publish: [
    ...START,
    ...edge(names),
    ...readsAndWrites(names.accounts),
    ...readsAndWrites(names.pushDevices),
    erases(names.pushDevices),
    `$KV.${names.people}.>`,
    `$KV.${names.revocations}.>`,
  ],
  subscribe: [],
});

/** Signs of life between those that share partitions. Each asks the others, and answers. */
const aliveOf = ({ cluster }: Names): string => `${cluster}.alive.*`;

/** Permissions of the components that share partitions by leases. */
const lessees = (names: Names): readonly string[] => [
  ...START,
  ANSWERS,
  ...readsBucket(names.settings),
  ...readsAndWrites(names.leases),
  ...readsAndWrites(names.owners),
  aliveOf(names),
];

const owners = (names: Names, logs: readonly string[]): readonly string[] => [
  ...lessees(names),
  `${names.cluster}.handover.*`,
  `${names.cluster}.log.*`,
  ...logs.flatMap(reads),
  ...objects(names.snapshots),
];

const router = (names: Names, logs: readonly string[]): Permissions => ({
  publish: [
    ...owners(names, logs),
    `${names.cluster}.deliver.*`,
    `${names.cluster}.query.*`,
    `${names.cluster}.push.*`,
    // How far push workers are.
    `$JS.API.CONSUMER.INFO.${names.pushStream}.>`,
    ...readsBucket(names.watermarks),
  ],
  subscribe: [`${names.cluster}.cmd.*`, `${names.cluster}.handover.*`, aliveOf(names)],
});

const storage = (names: Names, logs: readonly string[]): Permissions => ({
  publish: [
    ...owners(names, logs),
    ...logs.map((log) => `$JS.API.STREAM.PURGE.${log}`),
    ...readsAndWrites(names.watermarks),
  ],
  subscribe: [`${names.cluster}.query.*`, `${names.cluster}.handover.*`, aliveOf(names)],
});

const push = (names: Names): Permissions => ({
  publish: [
    ...lessees(names),
    // For display names.
    ...readsBucket(names.accounts),
    ...reads(names.pushStream),
    `$JS.ACK.${names.pushStream}.>`,
    // A report becomes messages of other partitions.
    `${names.cluster}.push.*`,
    `${names.cluster}.push-dead.*`,
    `${names.cluster}.activity.*`,
    // Marks and mutes come from storage while Redis has lost them.
    `${names.cluster}.query.*`,
    // What a provider says is gone, and what was sent late, is removed.
    ...[names.pushDevices, names.pushLater].flatMap((name) => [...readsAndWrites(name), erases(name)]),
    `$KV.${names.settings}.${PUSH_OFFER_KEY}`,
  ],
  subscribe: [aliveOf(names)],
});

/**
 * What each component may publish and subscribe to on NATS: its own part of a message's path, the buckets
 * that it reads and writes, and no other stream. Only the operator creates, changes and deletes streams.
 */
export function natsPermissions(
  cluster: string,
  partitions: number,
): Readonly<Record<NatsUser, Permissions>> {
  const names = namesOf(cluster);
  const logs = logsOf(names, partitions);
  return {
    connector: connector(names),
    api: api(names),
    router: router(names, logs),
    storage: storage(names, logs),
    push: push(names),
    operator: { publish: ["$JS.API.>", `$KV.${names.settings}.>`], subscribe: [] },
  };
}
