import assert from "node:assert/strict";
import { test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { streamsOf } from "@jichat/log/streams.ts";
import { clusterOf, inputOf } from "../test/input.ts";
import { FORGET_ANNOTATION, askStreams } from "./ask-log.ts";
import { clusterNameOf } from "./desired/names.ts";
import { Observed } from "./observed.ts";
import { planOf } from "./plan.ts";

const names = namesOf(clusterNameOf(clusterOf()));
const WANTED = { partitions: 4, replicas: 3, logBytesMax: 1_073_741_824 } as const;
const SPEC = { partitions: 4, paused: true }; // Paused it makes nothing, whatever it remembers.
const ALL = [`KV_${names.settings}`, ...streamsOf(names, WANTED).map(({ name }) => name)];

const ADDED = [names.pushDeadStream, `KV_${names.pushDevices}`, `KV_${names.pushLater}`];

/** A NATS that has these streams, and counts what is made. */
function nats(streams: readonly string[], created = "2026-01-01") {
  const made: string[] = [];
  const jsm = {
    streams: {
      info: async (name: string) => {
        if (!streams.includes(name))
          throw new JetStreamApiError({ code: 404, err_code: 10_059, description: "stream not found" });
        return { created, config: { name, ...streamsOf(names, WANTED).find((one) => one.name === name) } };
      },
      getMessage: async () => null,
      add: async ({ name }: { readonly name: string }) => {
        made.push(name);
      },
    },
  } as unknown as JetStreamManager;
  return { jsm, made };
}

const ask = async (streams: readonly string[], spec: object, more: object = {}, created?: string) => {
  const { jsm, made } = nats(streams, created);
  const told = await askStreams(
    inputOf({}, { cluster: { ...clusterOf(spec), ...more } }),
    jsm,
    undefined as never,
  );
  return { told, made };
};

const memory = async () => {
  const { told } = await ask(ALL, SPEC);
  assert.ok(told.log !== undefined, told.message);
  return { status: { log: told.log } };
};
const withAnnotation = (identity: string) => ({
  metadata: { ...clusterOf().metadata, annotations: { [FORGET_ANNOTATION]: identity } },
});

test("a log or bucket that this ChatCluster had is never created again", async () => {
  const before = await memory();
  for (const gone of [names.logStream(3), `KV_${names.accounts}`, `KV_${names.settings}`]) {
    const { told, made } = await ask(
      ALL.filter((name) => name !== gone),
      { partitions: 4 },
      before,
    );
    assert.equal(told.fault, "LogLost");
    assert.match(told.message, new RegExp(`NATS lacks ${gone}, which this ChatCluster had.*forget-log=`));
    assert.deepEqual(made, []);
  }
  const { told } = await ask([], { partitions: 4 }, before);
  assert.match(told.message, /and 13 more/);
});

test("a paused ChatCluster is told of streams that only this version adds, and they are no loss", async () => {
  const { status } = await memory();
  const streams = status.log.streams.filter((name) => !ADDED.includes(name));
  const before = { status: { log: { ...status.log, streams } } };
  const old = ALL.filter((name) => !ADDED.includes(name));
  const { told, made } = await ask(old, SPEC, before);
  assert.deepEqual([told.ok, told.fault, made], [false, undefined, []]);
  for (const name of ADDED) assert.match(told.message, new RegExp(`${name}.*differ`));
  // Once they are there, they are remembered as all others are.
  const { log } = (await ask(ALL, SPEC, before)).told;
  assert.ok(log !== undefined && ADDED.every((name) => log.streams.includes(name)));
  assert.equal((await ask(old, SPEC, { status: { log } })).told.fault, "LogLost");
});

test("another log in the place of the old one is reported until the old one is given up", async () => {
  const before = await memory();
  assert.equal((await ask(ALL, SPEC, before)).told.fault, undefined);
  const { told } = await ask(ALL, SPEC, before, "2026-02-02");
  assert.equal(told.fault, "LogReplaced");
  assert.equal(told.log, undefined, "the old one is remembered on");
  const { identity } = before.status.log;
  const forgot = await ask(ALL, SPEC, { ...before, ...withAnnotation(identity) }, "2026-02-02");
  assert.equal(forgot.told.fault, undefined);
  assert.notEqual(forgot.told.log?.identity, identity);
  const later = {
    status: { log: { ...before.status.log, identity: "another" } },
    ...withAnnotation(identity),
  };
  assert.equal((await ask([], SPEC, later)).told.fault, "LogLost", "the leave was for one log");
});

test("nothing new starts while the log is missing", () => {
  const ok = { state: "ok", message: "" } as const;
  const streams = { ok: false, fault: "LogLost", message: "gone" } as const;
  const backends = { nats: ok, redis: ok, clickhouse: ok, streams };
  const router = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "chat-router",
      namespace: "people",
      labels: { "app.kubernetes.io/component": "router" },
    },
  };
  const plan = planOf(inputOf(), new Observed([router]), backends);
  assert.match(plan.waitsFor ?? "", /its log, which is missing/);
  assert.deepEqual(
    plan.objects.filter(({ kind }) => kind === "Deployment").map(({ metadata: { name } }) => name),
    ["chat-redis"],
  );
  assert.deepEqual(plan.removals, []);
});
