import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { ChatCluster } from "./crd/definition.ts";
import { KEEPER_ANNOTATION, Keeper } from "./keeper.ts";
import { KubeError } from "./kube/errors.ts";
import type { KubeObject } from "./kube/object.ts";
import { clusterOf } from "../test/input.ts";

const ME = "ops/mine";
const OTHER = "elsewhere/theirs";
type Found = ChatCluster & KubeObject;

const kept = (keeper: string | undefined, annotations: Record<string, string> = {}): Found => {
  const cluster = clusterOf();
  const status = keeper === undefined ? undefined : { observedGeneration: 1, conditions: [], keeper };
  return { ...cluster, metadata: { ...cluster.metadata, annotations }, status } as Found;
};

/** A clock that is set, and an API server with one Lease, which a test may change, or take the right to. */
function world() {
  let now = 0;
  const state = { holder: "pod-1", version: 1, refuses: 0, asked: 0 };
  const applied: KubeObject[] = [];
  const keeper = new Keeper({
    me: ME,
    clock: { ...systemClock, monotonic: () => now },
    api: {
      get: async <T extends KubeObject>() => {
        state.asked += 1;
        if (state.refuses > 0) throw new KubeError(state.refuses, "", "no");
        return {
          metadata: { name: "theirs", resourceVersion: String(state.version) },
          spec: { holderIdentity: state.holder, leaseDurationSeconds: 15 },
        } as object as T;
      },
      apply: async <T extends KubeObject>(_: unknown, object: KubeObject) => {
        applied.push(object);
        return object as T;
      },
    },
  });
  const wait = (ms: number): void => {
    now += ms;
  };
  return { keeper, state, applied, wait };
}

test("a ChatCluster without a keeper is claimed with the observed version, and our own is left unchanged", async () => {
  const { keeper, applied } = world();
  assert.equal(await keeper.other(kept(undefined)), undefined);
  await keeper.claim(kept(undefined));
  const [claim] = applied as (KubeObject & { readonly status: { readonly keeper: string } })[];
  assert.equal(claim?.metadata.resourceVersion, "1");
  assert.equal(claim.status.keeper, ME);
  await keeper.claim(kept(undefined)); // The watch is late.
  assert.equal(await keeper.other(kept(ME)), undefined);
  await keeper.claim(kept(ME));
  assert.equal(applied.length, 1);
});

test("a ChatCluster of another operator is taken over once that one no longer renews its Lease", async () => {
  const { keeper, state, applied, wait } = world();
  for (let i = 0; i < 10; i += 1) {
    assert.equal(await keeper.other(kept(OTHER)), OTHER);
    state.version += 1;
    wait(10_000);
  }
  assert.equal(await keeper.other(kept(OTHER)), OTHER);
  wait(29_000);
  assert.equal(await keeper.other(kept(OTHER)), OTHER, "two lives of its Lease are not over");
  wait(2_000);
  assert.equal(await keeper.other(kept(OTHER)), undefined);
  await keeper.claim(kept(OTHER));
  assert.equal((applied[0] as unknown as { status: { keeper: string } }).status.keeper, ME);
});

test("an operator with a released or deleted Lease has left, and one with an unreadable Lease has not", async () => {
  const { keeper, state, wait } = world();
  state.holder = "";
  assert.equal(await keeper.other(kept(OTHER)), undefined);
  state.refuses = 404;
  wait(3_000);
  assert.equal(await keeper.other(kept(OTHER)), undefined);
  state.refuses = 403;
  for (let i = 0; i < 5; i += 1) {
    wait(60_000);
    assert.equal(await keeper.other(kept(OTHER)), OTHER);
  }
  state.refuses = 500;
  wait(3_000);
  await assert.rejects(keeper.other(kept(OTHER)), { status: 500 });
});

test("one request finds out about the keeper of many ChatClusters", async () => {
  const { keeper, state } = world();
  for (let i = 0; i < 50; i += 1) await keeper.other(kept(OTHER));
  assert.equal(state.asked, 1);
});

test("the operator named by the annotation keeps the ChatCluster, whatever the status says", async () => {
  const { keeper } = world();
  assert.equal(await keeper.other(kept(OTHER, { [KEEPER_ANNOTATION]: ME })), undefined);
  assert.equal(await keeper.other(kept(ME, { [KEEPER_ANNOTATION]: OTHER })), OTHER);
});
