import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import { readClientFrame } from "@jichat/protocol/frame/client-frame.ts";
import { plainPing, pongOf } from "./plain-ping.ts";

const bytesOf = (text: string): ArrayBuffer => {
  const { buffer, byteOffset, byteLength } = Buffer.from(text);
  return buffer.slice(byteOffset, byteOffset + byteLength);
};

test("what is taken for a plain ping is one, with the same id and the same answer as by JSON", () => {
  const near = fc.oneof(
    fc.string().map((id) => `{"t":"ping","id":"${id}"}`),
    fc.string({ maxLength: 70 }).map((id) => JSON.stringify({ t: "ping", id })),
    fc.string().map((more) => `{"t":"ping"${more}`),
    fc.string().map((more) => `{"t":"pi${more}`),
  );
  let taken = 0;
  fc.assert(
    fc.property(near, (text) => {
      const id = plainPing(bytesOf(text));
      if (id === undefined) return;
      taken += 1;
      const frame = readClientFrame(JSON.parse(text), 8_192);
      assert.deepEqual({ ...frame }, id === "" ? { t: "ping", id: undefined } : { t: "ping", id });
      assert.equal(
        pongOf(id, 7),
        jsonCodec.write({ t: "pong", id: id === "" ? undefined : id, serverTime: 7 }),
      );
    }),
    { numRuns: 5_000 },
  );
  assert.ok(taken > 500, `${taken} were taken`);
});

test("a ping with and without an id is plain, anything beside it is not", () => {
  assert.equal(plainPing(bytesOf('{"t":"ping"}')), "");
  assert.equal(plainPing(bytesOf('{"t":"ping","id":"p-1"}')), "p-1");
  for (const text of [
    '{"t":"pinG"}',
    '{"t":"ping","id":""}',
    '{"t":"ping","x":1}',
    '{"t":"ping","id":"é"}',
    '{"t":"ping","id":"a\\"b"}',
    "",
  ])
    assert.equal(plainPing(bytesOf(text)), undefined, text);
});
