import assert from "node:assert/strict";
import { test } from "node:test";
import { connectorPods, inputOf } from "../../test/input.ts";
import { connectorRevision } from "../desired/workloads.ts";
import { KubeError } from "../kube/errors.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { carryOutSheds } from "./carry-out-sheds.ts";
import type { ShedAct } from "./sheds.ts";

const INPUT = inputOf();
const PODS = connectorPods(connectorRevision(INPUT, 2), 2);
const [POD = "", OTHER = ""] = PODS.map(({ metadata }) => metadata.name);
const MARK = { since: Date.parse("2026-03-03T00:00:00Z"), connections: 30, perSecond: 20, rounds: 1 };
const TEXT = '{"since":"2026-03-03T00:00:00.000Z","connections":30,"perSecond":20,"rounds":1}';

/** Carries the acts out, and returns what was done, in order. */
async function doing(
  acts: readonly ShedAct[],
  fails: { readonly shed?: Error; readonly patch?: Error } = {},
): Promise<{ readonly done: readonly string[]; readonly refused: number }> {
  const done: string[] = [];
  const parts = {
    api: {
      mergePatch: async <T extends KubeObject>(_: unknown, __: string, name: string, patch: object) => {
        if (fails.patch !== undefined) throw fails.patch;
        const { metadata } = patch as { metadata: { annotations: Record<string, string | null> } };
        done.push(`mark ${name} ${metadata.annotations["chat.jichat.io/shed"] ?? "none"}`);
        return PODS[0] as T;
      },
    },
    admin: {
      shed: async ({ metadata }: KubeObject, order: object) => {
        if (fails.shed !== undefined) throw fails.shed;
        done.push(`tell ${metadata.name} ${JSON.stringify(order)}`);
      },
    },
    events: {
      tell: async (_: unknown, { type, reason, note }: { type: string; reason: string; note: string }) => {
        done.push(`${type} ${reason}: ${note}`);
      },
    },
    memory: { wrote: () => undefined },
  };
  const refused = await carryOutSheds(INPUT, acts, new Observed(PODS), parts);
  return { done, refused: refused.length };
}

test("the mark is written before the order, and removed after the order to stop", async () => {
  const { done } = await doing([
    { does: "shed", pod: POD, mark: MARK },
    { does: "stop", pod: OTHER },
  ]);
  assert.deepEqual(done, [
    `mark ${POD} ${TEXT}`,
    `tell ${POD} {"connections":30,"perSecond":20}`,
    `Normal ConnectorSheds: ${POD} sends 30 devices to connectors that have fewer`,
    `tell ${OTHER} {"connections":0,"perSecond":1}`,
    `mark ${OTHER} none`,
  ]);
  assert.deepEqual((await doing([{ does: "forget", pod: POD }])).done, [`mark ${POD} none`]);
});

test("an order that fails leaves the mark, since it may have arrived, and is told", async () => {
  const shed = new Error("timed out");
  assert.deepEqual((await doing([{ does: "shed", pod: POD, mark: MARK }], { shed })).done, [
    `mark ${POD} ${TEXT}`,
    `Warning ShedFailed: ${POD} could not be told to send devices to others: timed out`,
  ]);
  assert.deepEqual((await doing([{ does: "stop", pod: POD }], { shed })).done, [
    `Warning ShedFailed: ${POD} could not be told to keep its devices: timed out`,
  ]);
});

test("nobody is told what could not be written down", async () => {
  const acts: readonly ShedAct[] = [
    { does: "shed", pod: "gone", mark: MARK },
    { does: "shed", pod: POD, mark: MARK },
  ];
  const denied = await doing(acts, { patch: new KubeError(403, "Forbidden", "no") });
  assert.deepEqual(denied, { done: [], refused: 1 });
  const gone = await doing(acts, { patch: new KubeError(404, "NotFound", "gone") });
  assert.deepEqual(gone, { done: [], refused: 0 });
  await assert.rejects(
    doing(acts, { patch: new KubeError(409, "Conflict", "another wrote") }),
    /another wrote/,
  );
});
