import assert from "node:assert/strict";
import { test } from "node:test";
import { NextServer } from "./next-server.ts";
import { PATIENCE_MS, Patience } from "./patience.ts";
import { isInTouch } from "./quorum-watch.ts";

test("a server is left when it has shown no quorum for three seconds, not before", () => {
  const patience = new Patience(0);
  assert.equal(patience.isOver(PATIENCE_MS - 1), false);
  patience.seen(PATIENCE_MS);
  assert.equal(patience.isOver(2 * PATIENCE_MS - 1), false);
  assert.equal(patience.isOver(2 * PATIENCE_MS), true);
});

test("where no server has a quorum they are left ever more slowly, until one is seen", () => {
  const patience = new Patience(0);
  const left: number[] = [];
  for (let now = 0; now < 300_000; now += 1_000) if (patience.isOver(now)) left.push(now / 1_000);
  assert.deepEqual(left, [3, 9, 21, 45, 93, 153, 213, 273]);
  patience.seen(300_000);
  assert.deepEqual(
    [302_999, 303_000].map((now) => patience.isOver(now)),
    [false, true],
  );
  assert.deepEqual(
    [308_999, 309_000].map((now) => patience.isOver(now)),
    [false, true],
  );
});

test("a server that was changed for another gives that one its three seconds", () => {
  const patience = new Patience(0);
  patience.restart(2_500);
  assert.equal(patience.isOver(5_499), false);
  assert.equal(patience.isOver(5_500), true);
});

const server = (listen: string) => ({
  hostname: listen.split(":")[0] ?? "",
  port: 4_222,
  listen,
  src: listen,
  tlsName: "",
  reconnects: 0,
  lastConnect: 0,
  gossiped: false,
  didConnect: true,
});

test("who lost its server tries another first, once; who has only one goes back to it", () => {
  const [a, b, c] = [server("a:1"), server("b:1"), server("c:1")];
  const next = new NextServer();
  assert.equal(next.choose([a, b, c], null), null, "the first connection is the library's");
  next.connectedTo("a:1");
  assert.equal(next.choose([a, b, c], null), b);
  assert.equal(next.choose([a, b, c], null), null, "the next time round it is tried again");
  next.connectedTo("a:1");
  assert.equal(next.choose([c, a, b], null), null);
  assert.equal(next.choose([a], null), null);
});

test("a leader is in touch with a quorum when more than half of the copies were heard lately, its own among them", () => {
  const heard = (...seconds: number[]) =>
    seconds.map((s) => ({ name: "n", current: true, offline: false, active: s * 1e9 }));
  const info = (replicas: ReturnType<typeof heard>) => ({ cluster: { replicas } });
  assert.ok(isInTouch({}), "no cluster");
  assert.ok(isInTouch({ cluster: {} }), "one copy");
  assert.ok(isInTouch(info(heard(0.5, 0.5))));
  assert.ok(isInTouch(info(heard(0.5, 60))));
  assert.ok(!isInTouch(info(heard(3.1, 3.1))));
  assert.ok(!isInTouch(info(heard(0.5, 0.5).map((replica) => ({ ...replica, offline: true })))));
  assert.ok(!isInTouch({ error: { code: 503 } }), "no leader");
  assert.ok(isInTouch({ error: { code: 404 } }), "only the cluster's leader knows what is not there");
});
