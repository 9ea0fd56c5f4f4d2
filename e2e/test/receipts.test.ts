import assert from "node:assert/strict";
import { test } from "node:test";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { startStack } from "../src/scene.ts";

const MESSAGES = 5;
const isReceipt = ({ t }: Frame): boolean => t === "receipt";

test(
  "a read of one device reaches the user's other devices, on any connector, in any encoding and by sync",
  { timeout: 120_000 },
  async (t) => {
    const stack = await startStack(t);
    const arrive = async (user: string, device: string, at: number, codec: string): Promise<Raw> => {
      const socket = new Raw(stack.wsUrls[at % stack.wsUrls.length] ?? "", [`jichat.v1.${codec}`]);
      t.after(() => {
        socket.close();
      });
      const token = mint(stack.secrets.signingKeyFile, { sub: user });
      assert.equal((await socket.hello(token, device, { echo: true })).t, "welcome");
      return socket;
    };
    const [phone, laptop, tablet, bob] = await Promise.all([
      arrive("ann", "phone", 0, "json"),
      arrive("ann", "laptop", 0, "msgpack"),
      arrive("ann", "tablet", 1, "msgpack"),
      arrive("bob", "phone", 1, "json"),
    ]);
    const first = await laptop.ask({ t: "sync", id: "first" });
    let conversation = "";
    let head = 0;
    for (let i = 0; i < MESSAGES; i += 1) {
      const ack = await bob.ask({ t: "send", id: `m${i}`, to: "ann", body: { i } });
      conversation = String(ack["conversation"]);
      head = Number(ack["seq"]);
    }

    const marks = [head - 2, head - 1, head];
    for (const seq of marks) {
      const ack = await phone.ask({ t: "read", id: `r${seq}`, conversation, seq });
      assert.equal(ack["seq"], seq);
    }
    // Behind the receipts: by then whoever was to hear of them has.
    await bob.ask({ t: "send", id: "last", to: "ann", body: {} });
    for (const socket of [phone, laptop, tablet])
      await socket.hear(({ t: kind, seq }) => kind === "event" && seq === head + 1);

    for (const socket of [laptop, tablet]) {
      const told = socket.frames.filter(isReceipt);
      assert.deepEqual(told.at(-1), { t: "receipt", conversation, user: "ann", seq: head });
      const seqs = told.map(({ seq }) => Number(seq));
      assert.deepEqual(
        seqs,
        marks.filter((seq) => seqs.includes(seq)),
        "they only rise",
      );
    }
    assert.deepEqual(
      [phone, bob].flatMap((socket) => socket.frames.filter(isReceipt)),
      [],
    );
    const synced = await laptop.ask({ t: "sync", id: "again", since: first["cursor"] });
    const [listed] = synced["conversations"] as { conversation: string; read: number; unread: number }[];
    assert.deepEqual([listed?.conversation, listed?.read, listed?.unread], [conversation, head, 1]);
  },
);
