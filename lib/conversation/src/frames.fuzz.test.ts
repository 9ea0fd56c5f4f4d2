import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { ChatError } from "@jichat/protocol/errors.ts";
import { BODY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { readClientFrame } from "./client-frame.ts";
import type { Codec } from "@jichat/protocol/frame/codec.ts";
import { jsonCodec, msgpackCodec } from "@jichat/protocol/frame/codec.ts";

const RUNS = 3_000;

const asBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

/** What a socket does with bytes; nothing but a ChatError may come out of it. */
function take(codec: Codec, bytes: Uint8Array, binary: boolean): void {
  try {
    const value = codec.read(asBuffer(bytes), binary);
    codec.check(value);
    readClientFrame(value, BODY_BYTES_MAX, LEVEL_KNOWN);
  } catch (error) {
    assert.ok(error instanceof ChatError, `not a ChatError: ${String(error)}`);
    assert.ok(error.code === "FRAME_MALFORMED" || error.code === "FRAME_UNKNOWN", error.code);
  }
}

/** Frames that are nearly right: the names that the protocol knows, with values of every kind. */
const TYPES = [
  "hello",
  "send",
  "edit",
  "recall",
  "create",
  "rename",
  "invite",
  "remove",
  "leave",
  "read",
  "pull",
  "sync",
  "renew",
  "ping",
  "react",
  "dance",
];
const text = fc.oneof(
  fc.constantFrom("a", "*", "a.b", "x".repeat(65), "", "é", "\ud800", "__proto__"),
  fc.string(),
);
const value = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(text, { maxLength: 5 }),
  fc.object({ maxDepth: 4 }),
);
const FIELDS = [
  "id",
  "token",
  "ticket",
  "device",
  "conversation",
  "to",
  "body",
  "replyTo",
  "mentions",
  "seq",
  "kind",
  "name",
  "members",
  "users",
  "after",
  "before",
  "limit",
  "since",
  "page",
];
const nearlyFrame = fc
  .tuple(fc.constantFrom(...TYPES), fc.dictionary(fc.constantFrom(...FIELDS), value))
  .map(([t, fields]) => ({ ...fields, t }));

for (const [name, codec, binary] of [
  ["JSON", jsonCodec, false],
  ["MessagePack", msgpackCodec, true],
] as const) {
  test(`${name}: any bytes decode to a frame or to a ChatError`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        take(codec, bytes, binary);
      }),
      { numRuns: RUNS },
    );
  });
}

test("JSON: any text decodes to a frame or to a ChatError", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (some) => {
      take(jsonCodec, encoder.encode(some), false);
    }),
    { numRuns: RUNS },
  );
});

test("nearly correct frames are accepted or refused alike in both encodings", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(nearlyFrame, (frame) => {
      take(jsonCodec, encoder.encode(JSON.stringify(frame)), false);
      take(msgpackCodec, encode(frame), true);
    }),
    { numRuns: RUNS },
  );
});

const isBig = (value: unknown): boolean =>
  typeof value === "number"
    ? Math.abs(value) > Number.MAX_SAFE_INTEGER
    : typeof value === "object" && value !== null && Object.values(value).some(isBig);

test("a body is unchanged after each encoding", () => {
  const body = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 6 }).filter((map) => {
    const text = JSON.stringify(map);
    return text.length < 2_000 && !text.includes('"__proto__":') && !isBig(map);
  });
  fc.assert(
    fc.property(body, (map) => {
      const said = JSON.parse(JSON.stringify(map)) as unknown;
      const frame = { t: "send", id: "x", to: "bob", body: said };
      for (const [codec, bytes, binary] of [
        [jsonCodec, new TextEncoder().encode(JSON.stringify(frame)), false],
        [msgpackCodec, encode(frame), true],
      ] as const) {
        const read = readClientFrame(codec.read(asBuffer(bytes), binary), BODY_BYTES_MAX, LEVEL_KNOWN);
        assert.ok(read.t === "send");
        assert.deepEqual(JSON.parse(read.body), said);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a key `__proto__` is refused by its path at any depth of a body, in both encodings", () => {
  for (const body of [`{"__proto__":1}`, `{"a":[{"b":{"__proto__":{}}}]}`]) {
    const text = `{"t":"send","id":"x","to":"bob","body":${body}}`;
    for (const [codec, bytes, binary] of [
      [jsonCodec, new TextEncoder().encode(text), false],
      [msgpackCodec, encode(JSON.parse(text)), true],
    ] as const)
      assert.throws(() => readClientFrame(codec.read(asBuffer(bytes), binary), BODY_BYTES_MAX, LEVEL_KNOWN), {
        code: "FRAME_MALFORMED",
        message: /__proto__/,
      });
  }
});
