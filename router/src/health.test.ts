import assert from "node:assert/strict";
import { test } from "node:test";
import { LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { standstill, waitingFor } from "./health.ts";

type Told = Parameters<typeof standstill>[0] extends ReadonlyMap<number, infer T> ? T : never;

const NOW = 60_000;
const well: Told = { state: "serving", appendSince: undefined, stuckMs: 0 };

test("a router is not ready while it replays, or while an append waits for longer than a lease", () => {
  assert.equal(waitingFor(new Map([[0, well]]), NOW), undefined);
  const since = NOW - LEASE_TTL_MS;
  assert.equal(waitingFor(new Map([[0, { ...well, appendSince: since + 1 }]]), NOW), undefined);
  const owners = new Map<number, Told>([
    [0, { ...well, appendSince: since }],
    [3, { ...well, state: "replaying" }],
    [4, well],
  ]);
  assert.equal(
    waitingFor(owners, NOW),
    `replaying partitions 3; partition 0 has waited ${LEASE_TTL_MS / 1_000} s for an append`,
  );
});

test("a loop without progress for longer than a lease is not alive, and a loop that waits for its log is", () => {
  assert.equal(standstill(new Map([[0, { ...well, stuckMs: LEASE_TTL_MS }]])), undefined);
  assert.match(standstill(new Map([[7, { ...well, stuckMs: LEASE_TTL_MS + 1 }]])) ?? "", /partitions 7/);
  assert.equal(standstill(new Map([[0, { ...well, appendSince: 1 }]])), undefined);
});
