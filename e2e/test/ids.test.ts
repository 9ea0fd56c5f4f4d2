import assert from "node:assert/strict";
import { test } from "node:test";
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { IdMaker } from "@jichat/protocol/uuid.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const NO_MESSAGE = 10_037;

/** Storage trims while the test reads. */
function goneMeanwhile(error: unknown): null {
  if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return null;
  throw error;
}

/** Whether any log still holds this text. */
async function isInLogs(stack: Stack, text: string): Promise<boolean> {
  const nats = await connect({ servers: stack.natsUrl });
  const jsm = await jetstreamManager(nats);
  try {
    for (let partition = 0; partition < 16; partition += 1) {
      const { state } = await jsm.streams.info(`jichat-LOG-${partition}`);
      // Position 0 is no position: a log that nothing stands in yet begins there.
      for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
        const message = await jsm.streams.getMessage(`jichat-LOG-${partition}`, { seq }).catch(goneMeanwhile);
        if (message?.string().includes(text) === true) return true;
      }
    }
    return false;
  } finally {
    await nats.close();
  }
}

test(
  "one id that is sent five times has one seq, over three connectors, a restarted router and a trimmed log",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, {
      env: { storage: { FLUSH_MS: "100", TRIM_GRACE_MS: "0", TRIM_EVERY_MS: "300" } },
    });
    const token = mint(stack.secrets.signingKeyFile, { sub: "ann" });
    const open = async (connector: number): Promise<Raw> => {
      const socket = new Raw(stack.wsUrls[connector] ?? "");
      assert.equal((await socket.hello(token, `device${connector}`)).t, "welcome");
      return socket;
    };
    const sockets = [await open(0), await open(1), await open(2)];
    t.after(() => {
      for (const socket of sockets) socket.close();
    });
    const [first, second, third] = sockets;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    // New, ten minutes old (its device was offline), and without a time.
    const ids = [new IdMaker(Date.now).next(), new IdMaker(() => Date.now() - 600_000).next(), "order-4711"];
    const ask = async (socket: Raw, id: string) => {
      const {
        seq,
        conversation,
        duplicate,
        t: type,
      } = await socket.ask({ t: "send", id, to: "bob", body: { id } });
      return { type, seq, conversation, duplicate };
    };
    const seqs = new Map<string, unknown>();
    for (const id of ids) {
      const ack = await ask(first, id);
      assert.deepEqual([ack.type, ack.duplicate], ["ack", undefined]);
      seqs.set(id, ack.seq);
    }
    const again = async (socket: Raw): Promise<void> => {
      for (const id of ids) {
        const ack = await ask(socket, id);
        assert.deepEqual(
          [ack.type, ack.seq, ack.duplicate],
          ["ack", seqs.get(id), true],
          `${id}: ${JSON.stringify(ack)}`,
        );
      }
    };
    await again(second);
    for (const router of stack.routers) {
      await router.kill();
      router.start();
    }
    await Promise.all(stack.routers.map((router) => router.ready(20_000)));
    await again(third);

    // Everything but the last batch of a partition is trimmed: one more message makes room.
    for (let i = 0; i < 40 && (await isInLogs(stack, ids[0] ?? "")); i += 1) {
      await ask(first, `more-${i}`);
      await sleep(250);
    }
    assert.equal(await isInLogs(stack, ids[0] ?? ""), false);
    await again(first);
    for (const router of stack.routers) {
      await router.kill();
      router.start();
    }
    await Promise.all(stack.routers.map((router) => router.ready(20_000)));
    await again(second);
  },
);
