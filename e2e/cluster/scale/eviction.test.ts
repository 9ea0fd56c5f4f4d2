import assert from "node:assert/strict";
import { before } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { Chat } from "../../src/cluster/chat.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { assertUnnoticed } from "../../src/cluster/scale/bounds.ts";
import { askToEvict, drainNode, evict, uncordon } from "../../src/cluster/evict.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, nodes, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

/** What administrators do to nodes and pods. */
const SETTLED_MS = 300_000;
const DRAINED_MS = 400_000;
const LONG_MS = 2_400_000;
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

scenario(
  "scale 5a: every node is drained in turn, and nobody notices",
  async (t) => {
    const all = (await nodes()).map(({ metadata: { name } }) => name);
    let drains = 0;
    const outcome = await underMost(t, chat, {
      name: "node-drains",
      perSecond: PER_SECOND,
      act: async ({ mark }) => {
        for (const node of all) {
          mark(`drain of ${node}`);
          // Those of a node that was emptied before are on the others, so one may have two.
          drains += (await chat.staying("connector")).filter(({ spec }) => spec.nodeName === node).length;
          const started = performance.now();
          try {
            await drainNode(node, DRAINED_MS);
            t.diagnostic(`${node}: drained in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
          } finally {
            await uncordon(node);
          }
          t.diagnostic(`${node}: settled after ${(await chat.settled(SETTLED_MS)).toFixed(1)} s`);
        }
      },
    });
    assertUnnoticed(outcome, { drains, perSecond: PER_SECOND, startsPods: true });
  },
  LONG_MS,
);

scenario(
  "scale 5b: every pod is evicted in turn, and nobody notices",
  async (t) => {
    const pods = await chat.staying();
    const kinds = pods.map(({ metadata }) => metadata.labels["app.kubernetes.io/component"]);
    const outcome = await underMost(t, chat, {
      name: "evictions",
      perSecond: PER_SECOND,
      act: async ({ mark }) => {
        for (const [index, pod] of pods.entries()) {
          mark(kinds[index] ?? "");
          await evict(pod, SETTLED_MS);
          await until(
            `${pod.metadata.name} is gone`,
            SETTLED_MS,
            async () => (await chat.pods()).every(({ metadata }) => metadata.uid !== pod.metadata.uid),
            1_000,
          );
          await chat.settled(SETTLED_MS);
        }
      },
    });
    const drains = kinds.filter((kind) => kind === "connector").length;
    assertUnnoticed(outcome, { drains, perSecond: PER_SECOND, startsPods: true });
  },
  LONG_MS,
);

scenario(
  "scale 5c: the only connector is evicted, and nobody notices; of two that may not both go, one is kept",
  async (t) => {
    const [first, second] = await chat.staying("connector");
    assert.ok(first !== undefined && second !== undefined);
    assert.ok(await askToEvict(first));
    assert.equal(await askToEvict(second), false, "the budget allows one at a time");
    await chat.patch({ connectors: { replicas: 1 } });
    await chat.settled(SETTLED_MS);
    const outcome = await underMost(t, chat, {
      name: "only-connector",
      perSecond: PER_SECOND,
      act: async ({ mark }) => {
        const [only, ...others] = await chat.staying("connector");
        assert.ok(only !== undefined && others.length === 0);
        mark("eviction");
        await evict(only, SETTLED_MS);
        await until(
          "it is gone",
          SETTLED_MS,
          async () =>
            (await chat.pods("connector")).every(({ metadata }) => metadata.uid !== only.metadata.uid),
          1_000,
        );
        await chat.settled(SETTLED_MS);
      },
    });
    assertUnnoticed(outcome, { drains: 1, perSecond: PER_SECOND, startsPods: true });
  },
  LONG_MS,
);
