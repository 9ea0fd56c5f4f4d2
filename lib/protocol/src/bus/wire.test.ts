import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChatError } from "../errors.ts";
import { decodeInner, encodeInner } from "./wire.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("bytes that are not a message of JiChat are a ChatError, however deep or odd they are", () => {
  const cases = [
    "",
    "null",
    "[]",
    "{}",
    "[".repeat(1_000_000),
    `${"[".repeat(500_000)}${"]".repeat(500_000)}`,
    `${'{"v":'.repeat(200_000)}1${"}".repeat(200_000)}`,
    ...["2", '"1"', "null", "true", "[1]", '{"toString":1}', '{"valueOf":null}'].map((v) => `{"v":${v}}`),
  ];
  for (const text of cases)
    for (const message of [text, bytesOf(text)])
      assert.throws(() => decodeInner(message, "a message"), {
        name: "ChatError",
        code: "INTERNAL",
        message: /^a message /,
      });
  assert.throws(() => decodeInner(Uint8Array.of(0x22, 0xff, 0x22), "a message"), { code: "INTERNAL" });
  assert.deepEqual(decodeInner(encodeInner({ v: 1, a: "é" }), "a message"), { v: 1, a: "é" });
});

test("any bytes decode to a message or to a ChatError", () => {
  const versioned = fc.jsonValue({ maxDepth: 3 }).map((v) => bytesOf(JSON.stringify({ v })));
  fc.assert(
    fc.property(fc.oneof(versioned, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      try {
        assert.equal(decodeInner(bytes, "it").v, 1);
      } catch (error) {
        assert.ok(error instanceof ChatError && error.code === "INTERNAL", String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
