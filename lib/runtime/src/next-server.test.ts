import assert from "node:assert/strict";
import { test } from "node:test";
import { NextServer } from "./next-server.ts";

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

test("a client that lost its server tries another one first, or the same one if there is no other", () => {
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
