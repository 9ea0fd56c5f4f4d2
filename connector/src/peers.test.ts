import assert from "node:assert/strict";
import { test } from "node:test";
import type { us_listen_socket } from "uWebSockets.js";
import { NO_PROXY, clientKey } from "@jichat/edge/client-address.ts";
import { listenAddress } from "@jichat/runtime/listen-address.ts";
import { loadUws } from "./uws.ts";

test("a connector on all addresses identifies an IPv4 peer by its address and an IPv6 peer by its /64", async () => {
  const uws = loadUws();
  const app = uws.App().get("/*", (response) => {
    response.end(clientKey(NO_PROXY, response.getRemoteAddress(), ""));
  });
  const host = await listenAddress("::");
  const socket = await new Promise<us_listen_socket | false>((resolve) => {
    app.listen(host, 0, resolve);
  });
  assert.ok(socket !== false);
  const ask = async (address: string): Promise<string> =>
    (await fetch(`http://${address}:${uws.us_socket_local_port(socket)}/`)).text();
  assert.equal(await ask("127.0.0.1"), "127.0.0.1");
  if (host === "::") assert.equal(await ask("[::1]"), "0:0:0:0::/64");
  app.close();
});
