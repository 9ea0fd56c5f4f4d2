import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../../test/input.ts";
import { LABELS } from "../desired/names.ts";
import { KubeError } from "../kube/errors.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { WriteMemory } from "../write-memory.ts";
import type { Roll } from "./next-server.ts";
import { readServers } from "./read-servers.ts";
import { restartServer } from "./restart.ts";

const POD: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "chat-nats-1",
    namespace: "people",
    uid: "u1",
    resourceVersion: "7",
    labels: { [LABELS.component]: "nats" },
  },
};
const SET = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "chat-nats", namespace: "people", labels: { [LABELS.component]: "nats" } },
  spec: { replicas: 3, updateStrategy: { type: "OnDelete" } },
  status: { updateRevision: "new" },
} as KubeObject;
const ROLL = {
  does: "restarts",
  pod: "chat-nats-1",
  why: "every stream is level on all servers",
  leads: true,
} as const satisfies Roll;

/** What is done, in order. */
async function restart(
  roll: Roll,
  but: { readonly removes?: () => Promise<void>; readonly moves?: () => Promise<void> } = {},
) {
  const done: string[] = [];
  const memory = new WriteMemory();
  const refused = await restartServer(inputOf(), roll, new Observed([SET, POD]), {
    api: {
      remove: async ({ plural }, namespace, name, uid) => {
        done.push(`remove ${plural} ${namespace}/${name} ${uid}`);
        await but.removes?.();
      },
    },
    events: {
      tell: async (_, { type, reason, note }) => {
        done.push(`${type} ${reason}: ${note}`);
      },
    },
    memory,
    moveLeaders: async (_, server) => {
      done.push(`move what ${server} leads`);
      await but.moves?.();
    },
    now: () => new Date(0),
  });
  const [seen] = readServers(memory.over(new Observed([SET, POD])))?.pods ?? [];
  return { done, refused, isEnding: seen?.isEnding };
}

const MOVE = "move what chat-nats-1 leads";
const REMOVE = "remove pods people/chat-nats-1 u1";

test("a server gives up what it leads, its very pod is deleted, and counts as ending before the watch says so", async () => {
  assert.deepEqual(await restart(ROLL), {
    done: [
      MOVE,
      REMOVE,
      "Normal ServerRestarts: chat-nats-1 restarts with the new template: every stream is level on all servers",
    ],
    refused: [],
    isEnding: true,
  });
});

test("a server that keeps what it leads does not restart: who does not answer may be down as well", async () => {
  const { done, isEnding } = await restart(ROLL, { moves: async () => Promise.reject(new Error("timeout")) });
  assert.deepEqual(done, [
    MOVE,
    "Warning LeadersStay: chat-nats-1 does not restart yet, since it still leads streams: timeout",
  ]);
  assert.equal(isEnding, false);
});

test("a server that does not run leads nothing", async () => {
  const { done } = await restart({ ...ROLL, leads: false });
  assert.equal(done[0], REMOVE);
});

test("a pod that is another one by now is left alone, and a refusal is returned", async () => {
  for (const status of [404, 409]) {
    const removes = async (): Promise<void> => Promise.reject(new KubeError(status, "", "no"));
    assert.deepEqual(await restart(ROLL, { removes }), {
      done: [MOVE, REMOVE],
      refused: [],
      isEnding: false,
    });
  }
  const error = new KubeError(403, "Forbidden", "pods may not be deleted");
  const { refused, isEnding } = await restart(ROLL, { removes: async () => Promise.reject(error) });
  assert.deepEqual(refused, [{ object: POD, error }]);
  assert.equal(isEnding, false);
  const broken = new KubeError(503, "", "later");
  await assert.rejects(restart(ROLL, { removes: async () => Promise.reject(broken) }), broken);
});

test("a roll that waits, and a pod that is gone, need nothing", async () => {
  const waits: Roll = { does: "waits", why: "x", heldMs: 0, asks: true };
  for (const roll of [waits, { does: "nothing" }, { ...ROLL, pod: "chat-nats-2" }] as const)
    assert.deepEqual((await restart(roll)).done, []);
});
