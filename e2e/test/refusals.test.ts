import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { msgpack } from "@jichat/client/msgpack";
import type { ConnectionState } from "@jichat/client/types.ts";
import { mint } from "../src/mint.ts";
import { startStack } from "../src/scene.ts";

const HERE = { to: "bob" };

test(
  "a local refusal of the SDK costs no connection, and a real server accepts values at the limits",
  { timeout: 120_000 },
  async (t) => {
    const stack = await startStack(t, { routers: 1, connectors: 1 });
    for (const [device, encoding] of [
      ["json", "json"],
      ["msgpack", msgpack],
    ] as const) {
      const client = new ChatClient({
        urls: stack.wsUrls,
        device,
        encoding,
        token: async () => mint(stack.secrets.signingKeyFile, { sub: "ann" }),
      });
      t.after(() => {
        client.close();
      });
      const states: ConnectionState[] = [];
      const reading = (async () => {
        for await (const notice of client.events()) if (notice.t === "state") states.push(notice.state);
      })();
      // Before the limits are known, and after.
      for (const isOnline of [false, true]) {
        const refused = [
          client.send(HERE, { pad: "x".repeat(200_000) }),
          ...[1, 2, 3, 4].map((n) => client.send(HERE, { n, pad: "x".repeat(9_000) })),
        ].map((write) => assert.rejects(write, { code: "FRAME_TOO_LARGE" }));
        const bad = assert.rejects(client.send(HERE, { n: 10n }), /`body\.n` is a bigint/);
        // As compact JSON 8,192 bytes, 8,188 (six for each control character), and 8,192 (two for each letter).
        const good = ["x".repeat(8_182), "\u0001".repeat(1_363), "ü".repeat(4_091)].map((pad) =>
          client.send(HERE, { pad }),
        );
        if (!isOnline) await client.connect();
        await Promise.all([...refused, bad]);
        const seqs = (await Promise.all(good)).map(({ seq }) => seq);
        assert.deepEqual(
          seqs,
          seqs.toSorted((a, b) => a - b),
        );
      }
      await assert.rejects(client.send(HERE, { pad: "x".repeat(8_183) }), { code: "FRAME_TOO_LARGE" });
      client.close();
      await reading;
      assert.deepEqual(states, ["connecting", "online", "closed"], device);
    }
  },
);
