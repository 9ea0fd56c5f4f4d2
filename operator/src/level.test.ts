import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import { PUSH, inputOf } from "../test/input.ts";
import type { Live } from "./ask-pods.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { COMPONENTS, labelsOf } from "./desired/names.ts";
import { connectorRevision, deployment, migrationJob } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import type { LevelFacts } from "./level.ts";
import { levelWay } from "./level.ts";
import { Observed } from "./observed.ts";
import { NO_DRAINS } from "./scale/drains.ts";
import { NO_SHEDS } from "./scale/sheds.ts";
import { raiseWhereItMay } from "./raise-level.ts";

const OK = { state: "ok", message: "" } as const;
const INPUT = inputOf({ push: PUSH });

const settled = (object: KubeObject, more: object = {}): KubeObject =>
  ({ ...object, status: { replicas: 2, readyReplicas: 2, updatedReplicas: 2, ...more } }) as KubeObject;

const pod = (component: string, phase = "Running", name = `chat-${component}-1`): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "people", labels: labelsOf(INPUT.cluster, component) },
    status: { phase },
  }) as KubeObject;

const job = (type = "Complete"): KubeObject =>
  ({ ...migrationJob(INPUT), status: { conditions: [{ type, status: "True" }] } }) as unknown as KubeObject;

/** All of it as it is wanted, with one pod of each component. */
const whole = (): KubeObject[] => [
  ...(["router", "storage", "api", "push"] as const).map((name) => settled(deployment(INPUT, name))),
  settled(connectorRevision(INPUT, 2)),
  ...COMPONENTS.map((name) => pod(name)),
  job(),
];

interface Change {
  readonly objects?: readonly KubeObject[];
  readonly known?: Readonly<Record<string, number | undefined>>;
  readonly level?: number | undefined;
  readonly input?: DesiredInput;
  readonly facts?: Partial<LevelFacts>;
}

function factsOf({
  objects = whole(),
  known = {},
  input = INPUT,
  facts = {},
  ...more
}: Change = {}): LevelFacts {
  const said = { ...Object.fromEntries(COMPONENTS.map((name) => [`chat-${name}-1`, LEVEL_KNOWN])), ...known };
  const level = "level" in more ? more.level : 0;
  const live: Live = {
    connections: 0,
    partitionsServed: 0,
    partitionsOwned: [],
    faults: [],
    silent: [],
    levels: new Map(Object.entries(said).flatMap(([name, at]) => (at === undefined ? [] : [[name, at]]))),
  };
  return {
    input,
    observed: new Observed(objects),
    backends: {
      nats: OK,
      redis: OK,
      clickhouse: OK,
      streams: { ok: true, message: "", ...(level === undefined ? {} : { level }) },
    },
    plan: { objects: [], removals: [], waitsFor: undefined, drains: NO_DRAINS, sheds: NO_SHEDS },
    refused: [],
    changed: [],
    live,
    ...facts,
  };
}

const held = (change: Change): string => {
  const way = levelWay(factsOf(change));
  assert.ok(!("to" in way), "it would be raised");
  return `${way.finding.status} ${way.finding.reason} ${way.finding.message}`;
};

test("the level is raised once every pod reports that it knows the next one, and no change is in progress", () => {
  assert.deepEqual(levelWay(factsOf()), { to: LEVEL_KNOWN });
  assert.equal(held({ level: LEVEL_KNOWN }), `True Newest level ${LEVEL_KNOWN}`);
});

test("a pod that reports no level holds the level", () => {
  for (const component of COMPONENTS) {
    const name = `chat-${component}-1`;
    assert.equal(
      held({ known: { [name]: undefined } }),
      `False OlderProcesses level 0, not ${LEVEL_KNOWN}: ${name} reports no level`,
    );
    assert.match(held({ known: { [name]: 0 } }), new RegExp(`OlderProcesses .*${name} knows level 0$`));
  }
});

test("a pod that starts or ends holds the level, and one that has ended does not", () => {
  const old = "chat-connector-old";
  for (const phase of ["Pending", "Running", "Unknown"])
    assert.match(
      held({ objects: [...whole(), pod("connector", phase, old)] }),
      new RegExp(`${old} reports no level`),
    );
  for (const phase of ["Succeeded", "Failed"])
    assert.deepEqual(levelWay(factsOf({ objects: [...whole(), pod("connector", phase, old)] })), {
      to: LEVEL_KNOWN,
    });
});

test("a roll-out in progress holds the level, whatever the present pods report", () => {
  const without = (name: string): KubeObject[] =>
    whole().filter(({ kind, metadata }) => `${kind} ${metadata.name}` !== name);
  const behind = settled(deployment(INPUT, "router"), { updatedReplicas: 1 });
  assert.match(held({ objects: [...without("Deployment chat-router"), behind] }), /RollingOut .*router 2\/2/);
  const older = settled(connectorRevision({ ...INPUT, version: "1.0.0" }, 1), {
    replicas: 1,
    readyReplicas: 1,
  });
  assert.match(held({ objects: [...whole(), older] }), /RollingOut .*connector/);
  assert.match(held({ objects: without("Pod chat-api-1") }), /RollingOut .*waits for a pod of api/);
  const plan = {
    objects: [],
    removals: [],
    waitsFor: "the schema of ClickHouse",
    drains: NO_DRAINS,
    sheds: NO_SHEDS,
  };
  assert.match(held({ facts: { plan } }), /waits for the schema of ClickHouse/);
  const router = deployment(INPUT, "router");
  assert.match(held({ facts: { changed: [router] } }), /Deployment chat-router, which was just changed/);
  const refused = [{ object: router, error: new Error("no") }] as unknown as LevelFacts["refused"];
  assert.match(held({ facts: { refused } }), /Deployment chat-router to be applied/);
});

test("the level waits for the schema", () => {
  const others = whole().filter(({ kind }) => kind !== "Job");
  for (const objects of [others, [...others, job("Failed")], [...others, job("Suspended")]])
    assert.match(held({ objects }), /waits for the schema of ClickHouse/);
  const input = inputOf({ clickhouse: { embedded: {} } });
  const embedded = [
    ...(["router", "storage", "api"] as const).map((name) => settled(deployment(input, name))),
    settled(connectorRevision(input, 2)),
    ...COMPONENTS.map((name) => pod(name)),
  ];
  assert.deepEqual(
    levelWay(factsOf({ input, objects: embedded })),
    { to: LEVEL_KNOWN },
    "storage brings it up itself",
  );
});

test("the level is not raised while paused, hibernating, without pods or without an answer of NATS", () => {
  assert.match(held({ level: undefined }), /^Unknown NotAskedYet/);
  assert.match(held({ input: inputOf({ paused: true }) }), /^False Paused/);
  assert.match(held({ input: inputOf({ hibernate: true }), objects: [] }), /^False Hibernating/);
});

test("the level is written once in a pass, and a refusal of NATS is reported", async () => {
  const written: number[] = [];
  const raise = async (_: DesiredInput, to: number): Promise<number> => {
    written.push(to);
    return to;
  };
  const seen = await raiseWhereItMay(factsOf(), raise);
  assert.deepEqual([seen.level, seen.finding.reason], [LEVEL_KNOWN, "Newest"]);
  await raiseWhereItMay(factsOf({ level: LEVEL_KNOWN }), raise);
  await raiseWhereItMay(factsOf({ known: { "chat-api-1": undefined } }), raise);
  assert.deepEqual(written, [LEVEL_KNOWN]);
  const { finding, level } = await raiseWhereItMay(factsOf(), async () => {
    throw new Error("wrong last sequence");
  });
  assert.deepEqual([finding.status, finding.reason, level], ["False", "RaiseFailed", undefined]);
  assert.match(finding.message, new RegExp(`level ${LEVEL_KNOWN} could not be written: wrong last sequence`));
});
