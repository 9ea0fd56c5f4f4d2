import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connectClickHouse } from "./clickhouse.ts";

const QUERY_MS = 200;

test("a query to a silent server ends after its time limit, and the next query uses a new connection", async (t) => {
  const silent: ServerResponse[] = [];
  let isSilent = true;
  const server = createServer((request, response) => {
    request.resume();
    if (isSilent) silent.push(response);
    else response.end('{"a":1}\n');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const store = await connectClickHouse({ clickhouseUrl: `http://127.0.0.1:${port}` }, "test", {
    queryMs: QUERY_MS,
  });
  t.after(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  // More than there are connections: those behind them wait no longer either.
  const asked = await Promise.allSettled(
    Array.from({ length: 20 }, async () => {
      const began = performance.now();
      await assert.rejects(store.query("SELECT 1"), { code: "UNAVAILABLE" });
      return performance.now() - began;
    }),
  );
  const tookMs = asked.map((one) => (one.status === "fulfilled" ? one.value : Number.NaN));
  assert.ok(
    tookMs.every((ms) => ms < 10 * QUERY_MS),
    String(tookMs),
  );
  assert.ok(silent.length > 0);
  isSilent = false;
  assert.deepEqual(await store.query("SELECT 1"), [{ a: 1 }]);
});
