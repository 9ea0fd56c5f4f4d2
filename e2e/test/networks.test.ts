import assert from "node:assert/strict";
import { test } from "node:test";
import type { Seen } from "../src/faults/network-check.ts";
import { runInRoom, whyNoHosts } from "../src/faults/room.ts";

/** Both, where namespaces are to be had. */
const networks =
  (await whyNoHosts()) === undefined ? (["namespaces", "proxies"] as const) : (["proxies"] as const);

for (const over of networks)
  test(
    `each direction between two hosts over ${over} is delayed, cut and healed separately`,
    { timeout: 60_000 },
    async () => {
      const { good, delayed, ...cuts } = JSON.parse(await runInRoom(over, "network-check.ts", [])) as Seen;
      assert.ok(good < 100, `${good} ms while all is well`);
      assert.ok(delayed >= 150 && delayed < 600, `${delayed} ms where 150 are added`);
      assert.deepEqual(cuts, { cutThere: false, healed: true, cutBack: false, healedAgain: true });
    },
  );
