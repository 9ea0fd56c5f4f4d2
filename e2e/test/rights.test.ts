import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { inboxOf, namesOf } from "@jichat/protocol/bus/names.ts";
import { PUSH_OFFER_KEY } from "@jichat/protocol/bus/push-offer.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats } from "@jichat/testkit/needs.ts";
import { askBackends } from "@jichat/operator/ask-backends.ts";
import type { ChatCluster } from "@jichat/operator/crd/definition.ts";
import { USERS, credentialOf, keysOf, newGeneration } from "@jichat/operator/desired/keys.ts";
import type { NatsUser } from "@jichat/operator/desired/nats-permissions.ts";
import { clusterNameOf } from "@jichat/operator/desired/names.ts";
import { natsConfig } from "@jichat/operator/desired/nats.ts";
import type { DesiredInput } from "@jichat/operator/desired/desired-input.ts";

/** What can be done to a subject (the first two) or to a stream or bucket (all of them). */
type Right = "publish" | "subscribe" | "inform" | "follow" | "read" | "erase" | "purge" | "manage";
type Name = keyof ReturnType<typeof namesOf>;
type Needs = Partial<Readonly<Record<Name, readonly Right[]>>>;

const RW: readonly Right[] = ["read", "publish"];
const EDGE: Needs = {
  settings: ["read"],
  people: ["read"],
  revocations: ["read"],
  command: ["publish"],
  query: ["publish"],
};
const OWNER: Needs = {
  settings: ["read"],
  handover: ["publish", "subscribe"],
  alive: ["publish", "subscribe"],
  logStream: RW,
  leases: RW,
  owners: RW,
  snapshots: [...RW, "purge"],
};
/** All that a component needs. Whatever else is declared, now or later, has to be refused. */
const NEEDS: Readonly<Record<NatsUser, Needs>> = {
  connector: {
    ...EDGE,
    deliver: ["subscribe"],
    replace: ["publish", "subscribe"],
    activity: ["subscribe"],
    pushStream: ["publish"],
  },
  api: { ...EDGE, people: RW, revocations: RW, accounts: RW, pushDevices: [...RW, "erase"] },
  router: {
    ...OWNER,
    command: ["subscribe"],
    deliver: ["publish"],
    query: ["publish"],
    pushStream: ["publish", "follow"],
    watermarks: ["read"],
  },
  storage: { ...OWNER, query: ["subscribe"], logStream: [...RW, "purge"], watermarks: RW },
  push: {
    alive: ["publish", "subscribe"],
    settings: ["read"],
    accounts: ["read"],
    leases: RW,
    owners: RW,
    activity: ["publish"],
    query: ["publish"],
    pushStream: RW,
    pushDeadStream: ["publish"],
    pushDevices: [...RW, "erase"],
    pushLater: [...RW, "erase"],
  },
  operator: { settings: ["publish"] },
};
/** How everybody finds out whether streams are there; and the operator makes, keeps and takes them away. */
const OF_ALL: Readonly<Record<NatsUser, readonly Right[]>> = {
  connector: ["inform"],
  api: ["inform"],
  router: ["inform"],
  storage: ["inform"],
  push: ["inform"],
  operator: ["inform", "read", "erase", "purge", "manage"],
};
/** No subjects of NATS: the prefix of all, ClickHouse's, Redis's, a consumer's. */
const ELSEWHERE = new Set<Name>(["cluster", "database", "redis", "pushConsumer"]);
/** Of several: a wildcard stands for it, and a name that was only made for the first does not. */
const PARTITION = "1";

interface Act {
  readonly of: Name | undefined;
  readonly right: Right;
  readonly does: "Publish" | "Subscription";
  readonly subject: string;
}

const keys = keysOf(newGeneration("", 1), { tokenMs: 0, ticketMs: 0 });
const spec = {
  partitions: 2,
  durability: { replicas: 1, fsync: "interval" },
  retention: { logBytesPerPartition: 1_048_576 },
  nats: { managed: {} },
  push: {},
};
const cluster = { metadata: { namespace: "people", name: "chat" }, spec } as unknown as ChatCluster;
const names = namesOf(clusterNameOf(cluster));
const folder = mkdtempSync(join(tmpdir(), "jichat-rights-"));
const logFile = join(folder, "nats.log");
let port = 0;
let part: Part;
let acts: readonly Act[] = [];

async function as(who: NatsUser): Promise<NatsConnection> {
  const { user, password: pass } = credentialOf(keys, "nats", who);
  const servers = `127.0.0.1:${port}`;
  return connect({ servers, user, pass, inboxPrefix: inboxOf(user), reconnect: false });
}

before(async () => {
  const [first = 0, monitor = 0] = await freePorts(2);
  port = first;
  const config = natsConfig({ cluster, keys } as DesiredInput)
    .replace("port: 4222", `port: ${port}`)
    .replace("http_port: 8222", `http_port: ${monitor}`)
    .replace('store_dir: "/data"', `store_dir: ${JSON.stringify(join(folder, "js"))}`);
  writeFileSync(join(folder, "nats.conf"), config);
  const { path: program, env } = await needNats();
  const args = ["-c", join(folder, "nats.conf")];
  part = new Part({ name: "nats", program, env: { ...env, POD_NAME: "n" }, args, port, logFile });
  part.start();
  await part.ready(20_000);
  // As the operator makes them. It asks the other backends too, which are not there.
  const { user, password } = credentialOf(keys, "nats", "operator");
  const nats = { external: { url: `nats://${user}:${password}@127.0.0.1:${port}` } };
  const nowhere = { external: { url: "redis://127.0.0.1:1" } };
  const made = { ...spec, nats, redis: nowhere, clickhouse: { embedded: {} } };
  const seen = await askBackends({
    cluster: { ...cluster, spec: made },
    keys,
    logins: {},
    backendTls: {},
  } as unknown as DesiredInput);
  assert.equal(seen.streams?.ok, true, JSON.stringify(seen));
  const operator = await as("operator");
  const jsm = await jetstreamManager(operator);
  const streams: { name: string; subjects: readonly string[] }[] = [];
  for await (const { config: found } of jsm.streams.list())
    streams.push({ name: found.name, subjects: found.subjects ?? [] });
  await operator.close();
  acts = actsOn(streams);
});
after(async () => {
  await part?.stop(5_000);
  rmSync(folder, { recursive: true, force: true });
});

/** A subject that a wildcard stands for. */
const oneOf = (pattern: string): string => pattern.replace(/\*/g, PARTITION).replace(/>$/, "x.y");

function actsOf(right: Right, does: Act["does"], subjects: readonly string[], of?: Name): readonly Act[] {
  return subjects.map((subject) => ({ of, right, does, subject }));
}

const actsOnSubject = (of: Name, subject: string): readonly Act[] => [
  ...actsOf("publish", "Publish", [subject], of),
  ...actsOf("subscribe", "Subscription", [subject], of),
];

/** All that JetStream's API lets one ask of a stream, its own name put for S, a subject of it for KEY. */
const ASKED: Readonly<Record<Exclude<Right, "publish" | "subscribe">, readonly string[]>> = {
  inform: ["STREAM.INFO.S"],
  follow: ["CONSUMER.INFO.S.c"],
  read: [
    "STREAM.MSG.GET.S",
    "DIRECT.GET.S",
    "DIRECT.GET.S.KEY",
    "CONSUMER.CREATE.S",
    "CONSUMER.CREATE.S.c",
    "CONSUMER.CREATE.S.c.KEY",
    "CONSUMER.DELETE.S.c",
    "CONSUMER.MSG.NEXT.S.c",
  ],
  erase: ["STREAM.MSG.DELETE.S"],
  purge: ["STREAM.PURGE.S"],
  manage: [
    "STREAM.CREATE.S",
    "STREAM.UPDATE.S",
    "STREAM.SNAPSHOT.S",
    "STREAM.RESTORE.S",
    "STREAM.PEER.REMOVE.S",
    "STREAM.LEADER.STEPDOWN.S",
    "CONSUMER.LIST.S",
    "CONSUMER.NAMES.S",
    "CONSUMER.DURABLE.CREATE.S.c",
    "CONSUMER.PAUSE.S.c",
    "CONSUMER.UNPIN.S.c",
    "CONSUMER.LEADER.STEPDOWN.S.c",
    "STREAM.DELETE.S",
  ],
};

const actsOnStream = (of: Name, stream: string, subjects: readonly string[]): readonly Act[] => [
  ...subjects.flatMap((subject) => actsOnSubject(of, oneOf(subject))),
  ...(Object.entries(ASKED) as [Right, readonly string[]][]).flatMap(([right, calls]) =>
    actsOf(
      right,
      "Publish",
      calls.map(
        (call) => `$JS.API.${call.replace(/\bS\b/, stream).replace("KEY", oneOf(subjects[0] ?? ""))}`,
      ),
      of,
    ),
  ),
];

/** What belongs to nobody of this cluster, or to everybody at once. */
const NOBODYS: readonly Act[] = [
  ...actsOf("manage", "Publish", ["$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES"]),
  ...actsOf("publish", "Publish", ["$SYS.REQ.SERVER.PING", "other.cmd.0", "$KV.other-accounts.u.ann"]),
  ...actsOf("publish", "Publish", ["$JS.ACK.S.c.1.1.1.1.1"]),
  ...actsOf("subscribe", "Subscription", [">", "*.>", `${names.cluster}.>`, `${names.cluster}.*.*`]),
  ...actsOf("subscribe", "Subscription", ["$JS.API.>", "$JS.ACK.>", "$JS.EVENT.>", "$KV.>", "$O.>"]),
  ...actsOf("subscribe", "Subscription", ["$SYS.>", "_INBOX.>", "_INBOX.*.*"]),
];

/**
 * Every act on every name that is declared. What is a stream, a bucket, or a subject of one, the server says;
 * what it does not know is a subject between components.
 */
function actsOn(streams: readonly { name: string; subjects: readonly string[] }[]): readonly Act[] {
  const declared = (Object.entries(names) as [Name, unknown][])
    .filter(([name]) => !ELSEWHERE.has(name))
    .map(([name, of]) => [name, typeof of === "function" ? String(of(PARTITION)) : String(of)] as const);
  const streamOf = (value: string) =>
    streams.find(({ name }) => [value, `KV_${value}`, `OBJ_${value}`].includes(name));
  const isInStream = (value: string): boolean =>
    streams.some(({ subjects }) => subjects.some((subject) => oneOf(subject) === value));
  const known = new Set(declared.flatMap(([, value]) => streamOf(value)?.name ?? []));
  const other = streams.filter(({ name }) => !known.has(name) && name !== names.logStream(0));
  assert.deepEqual(other, [], "every stream of the server has a name in `namesOf`");
  return declared.flatMap(([name, value]) => {
    const stream = streamOf(value);
    if (stream !== undefined) return actsOnStream(name, stream.name, stream.subjects);
    return isInStream(value) ? [] : actsOnSubject(name, value);
  });
}

const othersAnswers = (user: NatsUser): readonly Act[] => {
  const others = USERS.nats.filter((other) => other !== user);
  const inboxes = others.map((other) => `${inboxOf(credentialOf(keys, "nats", other).user)}.>`);
  return actsOf("subscribe", "Subscription", inboxes);
};

/** What the server wrote into its log that it refused this user. */
function refusedOf(user: NatsUser): ReadonlySet<string> {
  const { user: name } = credentialOf(keys, "nats", user);
  const pattern = /user:([^"]+)" - (Publish|Subscription) Violation - Subject "([^"]+)"/g;
  const lines = [...readFileSync(logFile, "utf8").matchAll(pattern)].filter(([, who]) => who === name);
  return new Set(lines.map(([, , does, subject]) => `${does} ${subject}`));
}

const has = (user: NatsUser, of: Name | undefined, right: Right): boolean =>
  OF_ALL[user].includes(right) || (of !== undefined && (NEEDS[user][of]?.includes(right) ?? false));
/** Who reads a stream follows how far it is. */
const needs = (user: NatsUser, { of, right }: Act): boolean =>
  has(user, of, right) || (right === "follow" && has(user, of, "read"));

for (const user of USERS.nats as readonly NatsUser[])
  test(`${user} can do what it needs on NATS, and everything else that is declared is refused`, async () => {
    const nats = await as(user);
    const tried = [...acts, ...NOBODYS, ...othersAnswers(user)];
    for (const { does, subject } of tried)
      if (does === "Publish") nats.publish(subject, "forged");
      else nats.subscribe(subject, { callback: () => undefined });
    await nats.flush();
    await nats.close();
    const refused = refusedOf(user);
    const name = ({ does, subject }: Act): string => `${does} ${subject}`;
    assert.deepEqual(
      tried.filter((act) => needs(user, act) === refused.has(name(act))).map(name),
      [],
      "what it needs and is refused, or is let do and does not need",
    );
    assert.ok(tried.length > 250 && refused.size > 40, `${tried.length} acts, ${refused.size} refused`);
  });

test("push workers take from their queue and acknowledge, and write one entry of the settings", async () => {
  const nats = await as("push");
  const js = jetstream(nats);
  const jsm = await jetstreamManager(nats);
  await js.publish(names.pushSubject(1), "entry");
  const durable_name = "push-1";
  await jsm.consumers.add(names.pushStream, {
    durable_name,
    ack_policy: AckPolicy.Explicit,
    filter_subject: names.pushSubject(1),
  });
  const consumer = await js.consumers.get(names.pushStream, durable_name);
  const message = await consumer.next({ expires: 5_000 });
  assert.equal(message?.string(), "entry");
  assert.equal(await message.ackAck(), true);
  await js.publish(names.pushDeadSubject(1), "letter");
  await js.publish(`$KV.${names.settings}.${PUSH_OFFER_KEY}`, "offer");
  nats.publish(`$KV.${names.settings}.layout`, "forged");
  await nats.flush();
  await nats.close();
  assert.ok(refusedOf("push").has(`Publish $KV.${names.settings}.layout`), "no other entry");
});
