import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import { metricOf, stoppedBy } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const BODY = { text: "z".repeat(8_000) };
const LOG_BYTES = 8_388_608;

test(
  "a log over 90 % answers BUSY, still takes the epoch of a new owner, and recovers with storage",
  { timeout: 150_000 },
  async (t) => {
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: {
        "*": { LOG_BYTES_MAX: String(LOG_BYTES) },
        connector: { MESSAGES_PER_SECOND: "100000", BYTES_PER_SECOND: "1073741824" },
        storage: { TRIM_EVERY_MS: "300", FLUSH_MS: "100" },
      },
    });
    const socket = new Raw(stack.wsUrls[0] ?? "");
    t.after(() => {
      socket.close();
    });
    await socket.hello(mint(stack.secrets.signingKeyFile, { sub: "ann" }));
    const send = (id: string): Promise<Frame> => socket.ask({ t: "send", id, to: "bob", body: BODY });
    assert.equal((await send("first")).t, "ack");
    await stack.storage.kill();

    let refused: Frame | undefined;
    let stored = 1;
    for (let i = 0; refused === undefined && i < 1_400; i += 10) {
      for (const reply of await Promise.all(Array.from({ length: 10 }, (_, j) => send(`m${i + j}`)))) {
        if (reply.t === "ack") stored += 1;
        else refused ??= reply;
      }
      await sleep(20);
    }
    assert.equal(refused?.["code"], "BUSY");
    assert.ok(Number(refused?.["retryAfterMs"]) > 0);
    await until("its router says which log is full", 10_000, async () =>
      (await stoppedBy(stack.routers[0], "LogFull")).length === 1 ? true : undefined,
    );
    assert.equal(await metricOf(stack.routers[0], "jichat_router_full"), 1);
    assert.ok(stored > 800 && stored * 8_100 < LOG_BYTES, `${stored} were stored`);

    // The rest of the log is for owners: a restarted router takes over a full partition.
    const [router] = stack.routers;
    await router?.kill();
    router?.start();
    await router?.ready(20_000);
    stack.storage.start();
    await stack.storage.ready(20_000);
    const acked = async (): Promise<Frame | undefined> => {
      const told = await send("after");
      return told.t === "ack" ? told : undefined;
    };
    const reply = await until("an ack behind the full log", 30_000, acked, 500);
    assert.equal(reply.t, "ack");
    assert.equal(reply["seq"], stored + 2, "nothing that was refused was stored");
  },
);
