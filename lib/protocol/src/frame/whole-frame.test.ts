import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import { jsonCodec, msgpackCodec } from "./codec.ts";

const asBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

function takeJson(text: string): void {
  jsonCodec.check(jsonCodec.read(asBuffer(new TextEncoder().encode(text)), false));
}

test("the deepest possible JSON is refused by its depth or as invalid JSON, and never overflows the stack", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"body":', "}]"],
  ] as const) {
    const levels = Math.floor(131_000 / (open.length + close.length));
    const each = open.length > 5 ? 2 : 1;
    for (const count of [64 / each + 1, 1_000, levels]) {
      const whole = `${open.repeat(count)}1${close.repeat(count)}`;
      for (const text of [whole, `{"t":"ping","x":${whole}}`, `{"t":"send","body":{"a":${whole}}}`])
        assert.throws(() => takeJson(text), { code: "FRAME_MALFORMED", message: /nested deeper than 64/ });
    }
    assert.throws(() => takeJson(open.repeat(131_000 / open.length)), { code: "FRAME_MALFORMED" });
    assert.doesNotThrow(() => takeJson(`${open.repeat(64 / each)}1${close.repeat(64 / each)}`));
  }
});

test("half a surrogate pair is refused by its path at any place", () => {
  for (const half of ["\\ud83d", "\\ude00", "\\ude00\\ud83d", "a\\ud83db"])
    for (const [text, path] of [
      [`{"t":"${half}"}`, "`t`"],
      [`{"t":"ping","hat":"${half}"}`, "`hat`"],
      [`{"t":"send","body":{"a":[1,{"b c":"${half}"}]}}`, '`body.a[1]["b c"]`'],
      [`{"t":"send","body":{"${half}":1}}`, "`body["],
      [`{"t":"invite","users":["ann","${half}"]}`, "`users[1]`"],
      [`{"${half}":1}`, "`["],
    ] as const)
      assert.throws(
        () => {
          takeJson(text);
        },
        (error: Error) =>
          error.message.startsWith(path) &&
          error.message.includes("surrogate") &&
          error.message.isWellFormed(),
        text,
      );
  assert.doesNotThrow(() => {
    takeJson(`{"t":"ping","hat":"\\ud83d\\ude00"}`);
  });
});

test("nil is accepted in a body alone, and a key may have the name of a method of Object", () => {
  const check = (frame: object): void => {
    msgpackCodec.check(msgpackCodec.read(asBuffer(encode(frame)), true));
  };
  assert.throws(() => check({ t: "ping", id: null }), { message: /^`id` is nil/ });
  assert.throws(() => check({ t: "ping", x: [{ y: null }] }), { message: /^`x\[0\].y` is nil/ });
  assert.doesNotThrow(() => check({ t: "send", body: { a: [null] } }));
  for (const key of Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== "__proto__"))
    for (const value of [1, "x", null, { prototype: 1 }])
      assert.doesNotThrow(() => check({ body: { [key]: value } }));
});
