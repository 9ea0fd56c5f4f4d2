import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@jichat/protocol/faults.ts";
import { clusterOf, inputOf } from "../test/input.ts";
import type { Live } from "./ask-pods.ts";
import type { Condition } from "./crd/status.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { LABELS } from "./desired/names.ts";
import { connectorRevision, deployment } from "./desired/workloads.ts";
import type { Finding } from "./kube/conditions.ts";
import { no, unknown, yes } from "./kube/conditions.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import type { BackendsSeen } from "./plan.ts";
import type { Roll } from "./roll/next-server.ts";
import { NO_DRAINS } from "./scale/drains.ts";
import { NO_SHEDS } from "./scale/sheds.ts";
import { failedStatus, statusOf } from "./status.ts";

const OK = { state: "ok", message: "" } as const;
const WELL: BackendsSeen = { nats: OK, redis: OK, clickhouse: OK, streams: { ok: true, message: "" } };
const NOW = new Date("2026-03-03T00:00:00Z");
const QUIET: Live = {
  connections: 1,
  partitionsServed: 16,
  partitionsOwned: [],
  faults: [],
  silent: [],
  levels: new Map(),
};
const TALKED = yes("Talked");

interface Seen {
  readonly input?: DesiredInput;
  readonly connectors?: number;
  readonly servers?: readonly KubeObject[];
}

const running = (input: DesiredInput, { connectors = 2, servers = [] }: Seen): Observed => {
  const withReady = (object: KubeObject, readyReplicas: number): KubeObject =>
    ({ ...object, status: { replicas: 2, readyReplicas, updatedReplicas: 2 } }) as KubeObject;
  return new Observed([
    ...servers,
    ...(["router", "storage", "api"] as const).map((name) => withReady(deployment(input, name), 2)),
    withReady(connectorRevision(input, 2), connectors),
  ]);
};

function told(
  talk: Finding,
  more: Seen & {
    live?: Partial<Live>;
    backends?: Partial<BackendsSeen>;
    roll?: Roll;
  } = {},
): (type: string) => string {
  const { input = inputOf({ clickhouse: { embedded: {} } }), roll } = more;
  const plan = { objects: [], removals: [], waitsFor: undefined, drains: NO_DRAINS, sheds: NO_SHEDS };
  const status = statusOf({
    input,
    observed: running(input, more),
    backends: { ...WELL, ...more.backends },
    plan: roll === undefined ? plan : { ...plan, roll },
    unserved: [],
    live: { ...QUIET, ...more.live },
    talk,
    level: { finding: yes("Newest") },
    refused: [],
    changed: [],
    now: NOW,
  });
  return (type) => {
    const found = status.conditions.find((one) => one.type === type);
    return `${found?.status} ${found?.reason} ${found?.message}`;
  };
}

const READY_BEFORE = inputOf(
  {},
  {
    cluster: {
      ...clusterOf({ clickhouse: { embedded: {} } }),
      status: {
        observedGeneration: 1,
        conditions: [{ type: "Ready", status: "True", reason: "AllReady" } as Condition],
      },
    },
  },
);

test("a ChatCluster is Ready if it runs and people can talk, and not Ready if they cannot", () => {
  assert.match(told(TALKED)("Ready"), /^True AllReady/);
  const of = told(no("ReceiveFails", "receive fails: nothing was received within 10 s"));
  assert.match(of("Ready"), /^False PeopleCannotTalk receive fails: nothing was received/);
  assert.match(of("SyntheticTalk"), /^False ReceiveFails/);
});

test("the message of Ready names what may keep people from talking", () => {
  const redis = { state: "unreachable", message: "redis does not answer" } as const;
  const of = told(no("ReceiveFails", "receive fails: x"), { backends: { redis }, connectors: 1 });
  assert.match(
    of("Ready"),
    /^False PeopleCannotTalk receive fails: x; ready: connector 1\/2; Redis: redis does not answer$/,
  );
});

test("a ChatCluster is not Ready before the first talk, and stays Ready while another operator takes over", () => {
  const notYet = unknown("NotTalkedYet", "the operator has not talked yet");
  assert.match(told(notYet)("Ready"), /^False NotTalkedYet/);
  assert.match(told(notYet, { input: READY_BEFORE })("Ready"), /^True AllReady/);
  assert.match(told(unknown("Stale", "old"), { input: READY_BEFORE })("Ready"), /^Unknown TalkStale/);
  assert.match(told(unknown("Paused", "paused"))("Ready"), /^True AllReady/);
});

test("each fault of a component makes Degraded true by name, and one that stops partitions makes Ready false", () => {
  const stopped: Fault = { fault: "PartitionStopped", partitions: [3, 4], why: "no router owns it" };
  const stuck: Fault = { fault: "HistoryStuck", partitions: [1], why: "no space" };
  const of = told(TALKED, { live: { faults: [stopped, stuck] } });
  assert.match(
    of("Ready"),
    /^False PartitionStopped PartitionStopped: partitions 3-4: no router owns it; look/,
  );
  assert.doesNotMatch(of("Ready"), /HistoryStuck/);
  assert.match(of("Degraded"), /^True PartitionStopped .*HistoryStuck: partition 1: no space/);
  const history = told(TALKED, { live: { faults: [stuck] } });
  assert.match(history("Ready"), /^True/);
  assert.match(history("Degraded"), /^True HistoryStuck/);
});

test("Degraded is Unknown while a ready pod does not report its faults", () => {
  const of = told(TALKED, { live: { silent: ["router-a"] } });
  assert.match(of("Degraded"), /^Unknown PodsSilent router-a do not report/);
  assert.match(of("Ready"), /^True/);
});

test("a pass that fails updates the conditions of the talks, and no others", () => {
  const { cluster } = READY_BEFORE;
  const of = (talk?: Finding): string[] =>
    failedStatus(cluster, "the API server answered 500", NOW, talk)
      .conditions.filter(({ type }) => type === "Ready" || type === "SyntheticTalk")
      .map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  assert.deepEqual(of(), ["Ready True AllReady", "SyntheticTalk Unknown PassFailed"]);
  assert.deepEqual(of(TALKED), ["Ready True AllReady", "SyntheticTalk True Talked"]);
  assert.deepEqual(of(no("SendFails", "send fails: x")), [
    "Ready False PeopleCannotTalk",
    "SyntheticTalk False SendFails",
  ]);
});

const servers = (ready: number, wanted = 3): KubeObject[] => [
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "chat-nats", namespace: "people", labels: { [LABELS.component]: "nats" } },
    spec: { replicas: wanted },
    status: { replicas: wanted, readyReplicas: ready, updatedReplicas: wanted },
  } as KubeObject,
];

test("two of three nats-servers are a quorum: Ready stays, and Degraded says how many are missing", () => {
  const of = told(TALKED, { servers: servers(2) });
  assert.match(of("Ready"), /^True AllReady/);
  assert.match(of("Degraded"), /^True ServersMissing 2 of 3 nats-servers are ready/);
  assert.match(told(TALKED, { servers: servers(3) })("Degraded"), /^False AsWanted/);
  // Without a quorum, NATS does not answer: that is another reason.
  assert.match(told(TALKED, { servers: servers(1) })("Degraded"), /^False AsWanted/);
  assert.match(told(TALKED, { servers: servers(0, 1) })("Degraded"), /^False AsWanted/);
  // A roll restarts one at a time: Progressing says so, until it stands still.
  const roll = {
    does: "waits",
    why: "chat-nats-1 is not ready",
    heldMs: 0,
    asks: false,
  } as const;
  const rolling = told(TALKED, { servers: servers(2), roll });
  assert.match(rolling("Degraded"), /^False AsWanted/);
  assert.match(rolling("Progressing"), /^True RollingOut nats 2\/3, the next .*: chat-nats-1 is not ready$/);
  const late = told(TALKED, { servers: servers(2), roll: { ...roll, heldMs: 60_000 } });
  assert.match(late("Degraded"), /^True ServersMissing 2 of 3/, "by then it would be back");
  const held = told(TALKED, { servers: servers(2), roll: { ...roll, heldMs: 300_000 } });
  assert.match(held("Degraded"), /^True RollHeld .* no server is restarted: chat-nats-1 is not ready$/);
  assert.match(held("Ready"), /^True AllReady/, "people talk");
});
