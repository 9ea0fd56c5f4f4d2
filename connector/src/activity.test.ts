import assert from "node:assert/strict";
import { test } from "node:test";
import { activityOf, isActive, sweepActed } from "./activity.ts";

const SWEEP_MS = 500;
const acting = (more: object = {}) => ({
  acted: false,
  actedAt: 0,
  saidActive: undefined as boolean | undefined,
  ...more,
});

test("a session is active for a minute after its last frame of its own", () => {
  const session = acting({ acted: true });
  assert.ok(isActive(session, 1_000_000), "before a sweep has seen it");
  sweepActed(session, SWEEP_MS);
  assert.deepEqual([session.acted, session.actedAt], [false, SWEEP_MS]);
  for (let at = 2 * SWEEP_MS; at <= 60_000; at += SWEEP_MS) sweepActed(session, at);
  assert.equal(session.actedAt, SWEEP_MS, "nothing came since");
  assert.ok(isActive(session, 60_000 + SWEEP_MS));
  assert.ok(!isActive(session, 60_001 + SWEEP_MS));
  session.acted = true;
  sweepActed(session, 90_000);
  assert.ok(isActive(session, 150_000));
});

test("what a device says of itself counts more than what it does", () => {
  assert.ok(!isActive(acting({ acted: true, saidActive: false }), 0));
  assert.ok(isActive(acting({ saidActive: true }), 1_000_000));
});

test("only live sessions of the users who are asked for are told, each device", () => {
  const sessions: Record<string, object[]> = {
    ann: [
      { device: "phone", isLive: true, ...acting({ saidActive: true }) },
      { device: "laptop", isLive: true, ...acting({ saidActive: false }) },
      { device: "watch", isLive: false, ...acting({ acted: true }) },
    ],
    bob: [{ device: "phone", isLive: true, ...acting() }],
  };
  const hub = { of: (user: string) => (sessions[user] ?? []) as never };
  assert.deepEqual(activityOf(["ann", "cem"], hub, 100_000), [
    { user: "ann", device: "phone", isActive: true },
    { user: "ann", device: "laptop", isActive: false },
  ]);
});
