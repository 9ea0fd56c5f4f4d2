import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "@msgpack/msgpack";
import type { BodyText } from "./body.ts";
import { readBody } from "./body.ts";
import { chooseSubprotocol, jsonCodec, msgpackCodec, parsedBodies } from "./codec.ts";
import { scanMsgpack } from "./msgpack-scan.ts";
import type { ServerFrame } from "./server-frame.ts";

const body = readBody({ text: '"quoted" \u2028 é', list: [1, null, { deep: true }] }, 8_192);
const event: ServerFrame<BodyText> = {
  t: "event",
  conversation: "g_1",
  seq: 2,
  no: 1,
  kind: "message",
  from: "ann",
  ts: 5,
  id: "m1",
  body,
  mentions: ["bob"],
  replyTo: undefined,
};

test("both encodings write the same frame, with the body as a map and without absent fields", () => {
  const wanted = {
    t: "event",
    conversation: "g_1",
    seq: 2,
    no: 1,
    kind: "message",
    from: "ann",
    ts: 5,
    id: "m1",
    body: JSON.parse(body) as unknown,
    mentions: ["bob"],
  };
  assert.deepEqual(JSON.parse(String(jsonCodec.write(event))), wanted);
  assert.deepEqual(decode(msgpackCodec.write(event) as Uint8Array), wanted);
});

test("bodies inside lists are written as maps too", () => {
  const page: ServerFrame<BodyText> = {
    t: "page",
    id: "q",
    conversation: "g_1",
    events: [{ ...event, kind: "message" }],
    first: 1,
    head: 2,
    more: false,
  };
  const read = JSON.parse(String(jsonCodec.write(page))) as { events: { body: unknown }[] };
  assert.deepEqual(read.events[0]?.body, JSON.parse(body));
  assert.deepEqual(decode(msgpackCodec.write(page) as Uint8Array), read);
});

test("a list has the newest event of each conversation with its body as a map, and conversations without one", () => {
  const synced: ServerFrame<BodyText> = {
    t: "synced",
    id: "q",
    conversations: [
      {
        conversation: "g_1",
        kind: "group",
        first: 1,
        head: 2,
        read: 1,
        unread: 1,
        last: { ...event, kind: "message" },
      },
      { conversation: "g_2", kind: "group", first: 1, head: 1, read: 1, unread: 0 },
      { conversation: "g_3", left: 4 },
    ],
    cursor: "c",
    more: false,
  };
  const read = JSON.parse(String(jsonCodec.write(synced))) as {
    conversations: { last?: { body: unknown } }[];
  };
  assert.deepEqual(read.conversations[0]?.last?.body, JSON.parse(body));
  assert.equal(read.conversations.length, 3);
  assert.deepEqual(decode(msgpackCodec.write(synced) as Uint8Array), read);
});

test("the server's order of preference decides, and JSON is used if no known encoding is offered", () => {
  assert.equal(chooseSubprotocol("jichat.v1.json, jichat.v1.msgpack").codec, "msgpack");
  assert.equal(chooseSubprotocol("other, jichat.v1.json").name, "jichat.v1.json");
  assert.deepEqual(chooseSubprotocol(""), { name: undefined, codec: "json" });
});

test("a body at the limit is accepted, and one byte more in UTF-8 is refused by its name", () => {
  assert.equal(readBody({ a: "é".repeat(5) }, 18).length, 13);
  assert.throws(() => readBody({ a: "é".repeat(5) }, 17), { code: "FRAME_MALFORMED", message: /body/ });
});

test("hand-written JSON equals the output of JSON.stringify, for any id of a client", () => {
  const id = `quote " backslash \\ tilde ~ </script>`;
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const plain: ServerFrame<BodyText>[] = [
    { t: "pong", serverTime: 5 },
    { t: "pong", id, serverTime: 5 },
    { t: "ack", id, conversation: "g_1", seq: 2, ts: 3, traceId },
    { t: "ack", id, conversation: "g_1", seq: 2, ts: 3, duplicate: true, traceId },
  ];
  for (const frame of plain) assert.deepEqual(JSON.parse(String(jsonCodec.write(frame))), frame);
  const message = { ...event, id, mentions: undefined } as ServerFrame<BodyText>;
  for (const frame of [message, { ...message, replyTo: 7 }, { ...message, mentions: ["bob"] }]) {
    const wanted = JSON.parse(JSON.stringify({ ...frame, body: JSON.parse(body) as unknown })) as unknown;
    assert.deepEqual(JSON.parse(String(jsonCodec.write(frame as ServerFrame<BodyText>))), wanted);
  }
});

test("half a surrogate pair in a log is written as U+FFFD, in both encodings and in REST", () => {
  const cut = String.raw`{"text":"cut \ud83d","\ude00":["\ude00\ud83d😀"],"said":"\\ud83d \\\ud83d \" \u0001"}`;
  const wanted = {
    text: "cut \ufffd",
    "\ufffd": ["\ufffd\ufffd😀"],
    said: `${String.raw`\ud83d`} \\\ufffd " \u0001`,
  };
  const old = { ...event, body: cut as BodyText };
  const renamed = { ...event, kind: "renamed" as const, body: undefined, name: "cut \ud83d" };
  const listed = { conversation: "g_1", kind: "group" as const, first: 1, head: 2, read: 1, unread: 1 };
  const frames: ServerFrame<BodyText>[] = [
    old,
    { ...old, mentions: undefined },
    { ...renamed, t: "event" },
    { t: "page", id: "q", conversation: "g_1", events: [old, renamed], first: 1, head: 2, more: false },
    {
      t: "synced",
      id: "q",
      conversations: [{ ...listed, name: "\ud83d", last: old }],
      cursor: "c",
      more: false,
    },
  ];
  for (const frame of frames) {
    const text = String(jsonCodec.write(frame));
    const said = JSON.parse(text) as { body?: unknown };
    assert.ok(text.isWellFormed());
    if (frame.t === "event" && frame.body !== undefined) assert.deepEqual(said.body, wanted);
    for (const bytes of [msgpackCodec.write(frame), msgpackCodec.ofJson(text)]) {
      assert.ok(typeof bytes !== "string");
      scanMsgpack(bytes);
      assert.deepEqual(decode(bytes), said);
    }
    assert.deepEqual(JSON.parse(JSON.stringify(parsedBodies(frame))), said);
    assert.doesNotMatch(JSON.stringify(said), /[^\\]\\ud/);
  }
});
