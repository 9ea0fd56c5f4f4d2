import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import { readClientFrame } from "@jichat/conversation/client-frame.ts";
import { plainPong } from "./plain-pong.ts";

const bytesOf = (text: string): ArrayBuffer => {
  const { buffer, byteOffset, byteLength } = Buffer.from(text);
  return buffer.slice(byteOffset, byteOffset + byteLength);
};

const SHAPES = fc.oneof(
  fc.string().map((id) => `{"t":"ping","id":"${id}"}`),
  fc.string({ maxLength: 70 }).map((id) => JSON.stringify({ t: "ping", id })),
  fc.string().map((more) => `{"t":"ping"${more}`),
  fc.string().map((more) => `{"t":"pi${more}`),
);
const textAt = (now: number, ping: string): string | undefined => {
  const pong = plainPong(bytesOf(ping), { now: () => now });
  return pong === undefined ? undefined : Buffer.from(pong).toString("utf8");
};

test("a frame that is read as a plain ping has the same id and answer when it is read as JSON", () => {
  let taken = 0;
  fc.assert(
    fc.property(SHAPES, fc.integer({ min: 7, max: 12 }), (text, now) => {
      const pong = textAt(now, text);
      if (pong === undefined) return;
      taken += 1;
      const frame = readClientFrame(JSON.parse(text), 8_192, LEVEL_KNOWN);
      assert.ok(frame.t === "ping");
      assert.equal(pong, jsonCodec.write({ t: "pong", id: frame.id, serverTime: now }));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(taken > 500, `${taken} were taken`);
});

test("a ping with or without an id is plain, and one with any other field is not", () => {
  assert.equal(textAt(9, '{"t":"ping"}'), '{"t":"pong","serverTime":9}');
  assert.equal(textAt(9, '{"t":"ping","id":"p-1"}'), '{"t":"pong","id":"p-1","serverTime":9}');
  assert.equal(textAt(10, '{"t":"ping","id":"q"}'), '{"t":"pong","id":"q","serverTime":10}');
  assert.equal(textAt(10, '{"t":"ping","id":"p-2"}'), '{"t":"pong","id":"p-2","serverTime":10}');
  for (const text of [
    '{"t":"pinG"}',
    '{"t":"ping","id":""}',
    '{"t":"ping","x":1}',
    '{"t":"ping","id":"é"}',
    '{"t":"ping","id":"a\\"b"}',
    "",
  ])
    assert.equal(textAt(9, text), undefined, text);
});
