import assert from "node:assert/strict";
import { test } from "node:test";
import type { Target } from "../types.ts";
import { Sends } from "./sends.ts";

function scene() {
  const sent: Target[] = [];
  const peers = new Map<string, string>();
  const kept = new Map<string, unknown>();
  let ids = 0;
  const sends = new Sends<object>({
    me: "ann",
    newId: () => `id-${(ids += 1)}`,
    send: async (target) => {
      sent.push(target);
      return new Promise(() => undefined);
    },
    isClosed: () => false,
    peerOf: (conversation) => peers.get(conversation),
    keep: (key, value) => {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
    },
    onConversation: () => undefined,
    isPast: () => true,
    onChange: () => undefined,
  });
  return { sends, sent, peers, kept };
}

test("messages of one thread go to one place while one of them waits, so that none overtakes another", () => {
  const { sends, sent, peers } = scene();
  sends.put("d_bob", { n: 1 }, {});
  peers.set("d_bob", "bob");
  sends.put("d_bob", { n: 2 }, {});
  assert.deepEqual(sent, [{ conversation: "d_bob" }, { conversation: "d_bob" }]);
  sends.put("d_cleo", { n: 3 }, {});
  peers.set("d_cleo", "cleo");
  for (const id of ["id-1", "id-2"])
    sends.event({ conversation: "d_bob", seq: 1, no: 1, ts: 1, kind: "message", from: "ann", id });
  sends.put("d_bob", { n: 4 }, {});
  assert.deepEqual(sent.slice(2), [{ conversation: "d_cleo" }, { to: "bob" }]);
});

test("what was written to a user moves to the conversation, and keeps its order and its ids in the next run", () => {
  const { sends, kept } = scene();
  for (const n of [1, 2, 3]) sends.put("@bob", { n }, {});
  sends.move("bob", "d_bob");
  assert.deepEqual([sends.of("@bob").length, sends.of("d_bob").length], [0, 3]);
  assert.equal(sends.of("d_bob"), sends.of("d_bob"));
  const next = scene();
  next.sends.resume(new Map([...kept].reverse()));
  assert.deepEqual(
    next.sends.of("d_bob").map(({ id, body }) => [id, body]),
    [
      ["id-1", { n: 1 }],
      ["id-2", { n: 2 }],
      ["id-3", { n: 3 }],
    ],
  );
  assert.deepEqual(next.sent, [{ to: "bob" }, { to: "bob" }, { to: "bob" }]);
});

test("what is not ours in the store is ignored", () => {
  const { sends, sent } = scene();
  const bad = [null, 5, "x", {}, { key: "@bob", via: "@bob", order: 1, message: { id: 1, body: {} } }];
  sends.resume(new Map(bad.map((value, index) => [`send/${index}`, value])));
  assert.deepEqual([sends.all, sent], [[], []]);
});
