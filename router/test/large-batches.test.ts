import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { Lanes } from "@jichat/edge/lanes.ts";
import type { Command } from "@jichat/conversation/command.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats } from "@jichat/testkit/needs.ts";
import { Owner } from "../src/owner.ts";
import type { Request } from "../src/partition.ts";
import { serveCommands } from "../src/serve-commands.ts";
import { NOBODY_ONLINE } from "./stand-ins.ts";

const CONNECTORS = 4;
const ACCOUNTS = 40;
const RENAMES = 100;
const log = pino({ level: "silent" });
const data = mkdtempSync(join(tmpdir(), "jichat-large-"));
let server: Part;
let nats: NatsConnection;
let jsm: JetStreamManager;
let url: (user: string) => string;

before(async () => {
  const program = await needNats();
  const [port = 0] = await freePorts(1);
  const config = join(data, "nats.conf");
  writeFileSync(
    config,
    `host: 127.0.0.1
port: ${port}
max_payload: 1MB
jetstream { store_dir: ${JSON.stringify(join(data, "js"))} }
authorization { users: [
  { user: all, password: p }
  { user: mute, password: p, permissions: { publish: { deny: ["*.log.*", "*.cmd.*"] } } }
] }
`,
  );
  const args = ["-c", config];
  server = new Part({
    name: "nats",
    program: program.path,
    args,
    env: program.env,
    logFile: join(data, "log"),
    port,
  });
  server.start();
  await server.ready(10_000);
  url = (user) => `nats://${user}:p@127.0.0.1:${port}`;
  nats = await connectNats(url("all"), "test", log);
  jsm = await jetstreamManager(nats);
});
after(async () => {
  await nats?.close();
  await server?.kill();
  rmSync(data, { recursive: true, force: true });
});

async function makeLog(names: Names, more: { max_msg_size?: number } = {}): Promise<PartitionLog> {
  await jsm.streams.add({
    name: names.logStream(0),
    subjects: [names.logSubject(0)],
    allow_direct: true,
    ...more,
  });
  return new PartitionLog(jsm, names, 0);
}

/** The product's owner of partition 0 over a real log, as a router serves it. */
function serve(names: Names, partitionLog: PartitionLog): Owner {
  const owner = new Owner({
    partition: 0,
    clock: systemClock,
    log: partitionLog,
    facts: { ask: async () => ({ conversations: [], ids: [], events: [] }), watermark: () => 0 },
    ...NOBODY_ONLINE,
    isFull: () => false,
    loadSnapshot: async () => undefined,
    saveSnapshot: async () => undefined,
    serve: (offer: (request: Request) => boolean) =>
      serveCommands(
        {
          bus: new NatsBus(nats, log),
          names,
          onArrival: () => () => undefined,
          onDeclined: () => undefined,
          onUnreadable: (error) => {
            throw error;
          },
        },
        0,
        offer,
      ),
    warn: () => undefined,
  });
  owner.start();
  return owner;
}

const source = (user: string) => ({ conversation: "g_1", user, device: "d", session: `${user}-s` });
const users = Array.from({ length: ACCOUNTS }, (_, index) => `user-${index}`);
const create: Command = { ...source("user-0"), op: "create", id: "c", name: "G", members: users.slice(1) };
const codeOf = (answer: object): string => ("code" in answer ? String(answer.code) : "taken");

const lanesOver = (connection: NatsConnection, names: Names, from: string): Lanes =>
  new Lanes({
    bus: new NatsBus(connection, log),
    names,
    clock: systemClock,
    from,
    partitions: 1,
    onRetry: () => undefined,
  });

async function lanesOf(
  names: Names,
  connector: string,
): Promise<{ lanes: Lanes; connection: NatsConnection }> {
  const connection = await connectNats(url("all"), connector, log);
  return {
    lanes: lanesOver(connection, names, connector),
    connection,
  };
}

const rename = (user: string, index: number): Command => ({
  ...source(user),
  op: "rename",
  id: `${user} ${index} `.padEnd(64, '"'),
  name: "\u0001".repeat(128),
});

for (const [what, more] of [
  ["a log as it is made", {}],
  ["a log that takes less at once than anybody was told", { max_msg_size: 20_000 }],
] as const)
  test(
    `40 accounts over 4 connectors rename a group 100 times each, with control characters and ids of quotes: ${what}`,
    { timeout: 60_000 },
    async () => {
      const names = namesOf(`large-${Object.keys(more).length}`);
      const owner = serve(names, await makeLog(names, more));
      const edges = await Promise.all(Array.from({ length: CONNECTORS }, (_, i) => lanesOf(names, `c${i}`)));
      const laneOf = (index: number): Lanes => edges[index % CONNECTORS]?.lanes ?? assert.fail("no edge");
      const isOpen = (): boolean => true;
      assert.equal(codeOf(await laneOf(0).submit(create, { isOpen })), "taken");
      const answers = await Promise.all(
        users.flatMap((user, account) =>
          Array.from({ length: RENAMES }, (_, index) =>
            laneOf(account)
              .submit(rename(user, index), { isOpen })
              .then((answer) => ({ user, answer })),
          ),
        ),
      );
      const refused = answers.filter(({ answer }) => "code" in answer);
      assert.deepEqual(refused, []);
      // One seq for each, and for each account in the order in which it spoke.
      assert.equal(
        new Set(answers.map(({ answer }) => "seq" in answer && answer.seq)).size,
        ACCOUNTS * RENAMES,
      );
      for (const user of users) {
        const seqs = answers.flatMap((one) =>
          one.user === user && "seq" in one.answer ? [one.answer.seq] : [],
        );
        assert.deepEqual(
          seqs,
          seqs.toSorted((a, b) => a - b),
        );
      }
      await owner.stop();
      for (const { connection } of edges) await connection.close();
    },
  );

test("a single write that no batch has room for is refused with its size, and the next one is accepted", async () => {
  const names = namesOf("alone");
  const owner = serve(names, await makeLog(names, { max_msg_size: 4_000 }));
  const { lanes, connection } = await lanesOf(names, "c");
  const submit = async (command: Command): Promise<string> =>
    codeOf(await lanes.submit(command, { isOpen: () => true }));
  assert.equal(await submit(create), "taken");
  const name = '"'.repeat(2_000);
  assert.equal(await submit({ ...source("user-1"), op: "rename", id: "r", name }), "FRAME_TOO_LARGE");
  assert.equal(await submit({ ...source("user-1"), op: "rename", id: "s", name: "G" }), "taken");
  assert.equal(owner.state, "serving");
  await owner.stop();
  await connection.close();
});

test(
  "final answers of NATS are told apart from those that a repetition may change",
  { timeout: 20_000 },
  async () => {
    const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(32);
    const outcomeOf = async (partitionLog: PartitionLog, length: number, expected = 0): Promise<string> => {
      const result = await partitionLog.append(bytes(length), expected);
      return result.outcome === "refused" ? result.error.code : result.outcome;
    };
    const plain = await makeLog(namesOf("plain"));
    assert.equal(await outcomeOf(plain, 2_000_000), "FRAME_TOO_LARGE", "the client library's own look");
    assert.equal(await outcomeOf(plain, 10), "stored");
    assert.equal(await outcomeOf(plain, 10), "sequence");
    const small = await makeLog(namesOf("small"), { max_msg_size: 100 });
    assert.equal(await outcomeOf(small, 101), "FRAME_TOO_LARGE");

    const connection = await connectNats(url("mute"), "mute", log);
    const muted = new PartitionLog(await jetstreamManager(connection), namesOf("plain"), 0);
    assert.equal(await outcomeOf(muted, 10, 1), "UNAVAILABLE", "no permission");
    const lanes = lanesOver(connection, namesOf("plain"), "mute");
    const began = performance.now();
    assert.equal(codeOf(await lanes.submit(create, { isOpen: () => true })), "UNAVAILABLE");
    assert.ok(performance.now() - began < 2_000, "said at once, not when it is given up");
    await connection.close();
  },
);
