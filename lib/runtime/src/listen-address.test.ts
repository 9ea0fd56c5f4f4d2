import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { listenAddress } from "./listen-address.ts";

test("all addresses are those of both families, or of IPv4 without IPv6, and a named address stays", async () => {
  const server = createServer((_, response) => response.end("here"));
  const host = await listenAddress("::");
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const asked = host === "::" ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"];
  for (const address of asked)
    assert.equal(await (await fetch(`http://${address}:${port}/`)).text(), "here", address);
  server.close();
  server.closeAllConnections();
  assert.equal(await listenAddress("::", async () => false), "0.0.0.0");
  assert.equal(await listenAddress("127.0.0.1", async () => false), "127.0.0.1");
});
