import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import type { Way } from "../src/talk/way.ts";
import { BROKEN } from "./broken-connectors.ts";
import { PARTITIONS, judged } from "./judged.ts";
import { Meddler } from "./meddler.ts";

const wayTo = (stack: Stack): Way => ({
  url: stack.wsUrls[0] ?? "",
  trust: [],
  credentials: [
    {
      signingKey: readFileSync(stack.secrets.signingKeyFile, "utf8"),
      algorithm: "EdDSA",
      issuer: "jichat",
      audience: "jichat",
    },
  ],
  partitions: PARTITIONS,
});

test(
  "a canary that is well is proven within seconds, and one that is broken fails, with what is wrong",
  { timeout: 300_000 },
  async (t) => {
    const { stack, destroy } = await startThrowaway({
      routers: 1,
      connectors: 2,
      env: { "*": { PARTITIONS: String(PARTITIONS) } },
    });
    t.after(destroy);
    const [, canary = ""] = stack.wsUrls;
    await t.test("a connector that is well", async (its) => {
      const began = systemClock.monotonic();
      const { state, message } = await judged(its, wayTo(stack), canary);
      assert.equal(state, "proven", message);
      its.diagnostic(`proven after ${Math.round(systemClock.monotonic() - began)} ms`);
      assert.ok(systemClock.monotonic() - began < 20_000);
    });
    await t.test("a proxy that changes nothing is no fault", async (its) => {
      const meddler = await Meddler.before(canary, {});
      its.after(() => {
        meddler.close();
      });
      const { state, message } = await judged(its, wayTo(stack), meddler.url);
      assert.equal(state, "proven", message);
    });
    for (const { what, meddling, says } of BROKEN)
      await t.test(`one that ${what}`, async (its) => {
        const meddler = await Meddler.before(canary, meddling());
        its.after(() => {
          meddler.close();
        });
        const { state, message } = await judged(its, wayTo(stack), meddler.url);
        assert.equal(state, "failed", message);
        assert.match(message, says);
      });
    await t.test("nobody blames a canary for what connectors that serve cannot do either", async (its) => {
      await stack.connectors[0]?.kill();
      const { state, message } = await judged(its, wayTo(stack), canary);
      assert.equal(state, "proven", message);
      assert.match(message, /connectors that serve cannot talk$/);
    });
  },
);
