import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Decoder, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { ChatError } from "../errors.ts";
import { FRAME_DEPTH_MAX } from "../limits.ts";
import { msgpackCodec } from "./codec.ts";
import { RefusedMessage, scanMsgpack } from "./msgpack-scan.ts";
import { invalidUtf8At } from "./utf8.ts";

const bufferOf = (bytes: Iterable<number>): ArrayBuffer => Uint8Array.from(bytes).buffer;
const text = (say: string): number[] => [0xa0 + say.length, ...Buffer.from(say)];

/** Every header that claims a size: its first byte, and in how many bytes the size follows. */
const HEADERS = [
  ["bin 8", 0xc4, 1],
  ["bin 16", 0xc5, 2],
  ["bin 32", 0xc6, 4],
  ["ext 8", 0xc7, 1],
  ["ext 16", 0xc8, 2],
  ["ext 32", 0xc9, 4],
  ["str 8", 0xd9, 1],
  ["str 16", 0xda, 2],
  ["str 32", 0xdb, 4],
  ["array 16", 0xdc, 2],
  ["array 32", 0xdd, 4],
  ["map 16", 0xde, 2],
  ["map 32", 0xdf, 4],
] as const;
const SIZES = [100, 255, 1_000, 65_535, 131_072, 0x01_ff_ff_ff, 0x7f_ff_ff_ff, 0xff_ff_ff_ff];
/** Where the claims stand: what comes before them, and behind them. */
const PLACES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["alone", [], []],
  ["before bytes that keep nothing", [], Array.from({ length: 40 }, () => 0xc0)],
  ["as a key", [0x81], []],
  ["as `t`", [0x82, ...text("t")], [...text("id"), ...text("x")]],
  ["behind the id", [0x82, ...text("id"), ...text("x"), ...text("body")], []],
  ["in a body", [0x83, ...text("t"), ...text("send"), ...text("body"), 0x92, 0x81, ...text("a")], []],
];

test("a header that claims more than the bytes hold is refused before decoding, at any place", () => {
  const decode = mock.method(Decoder.prototype, "decode");
  let tried = 0;
  for (const [name, first, inBytes] of HEADERS)
    for (const size of SIZES.filter((one) => one < 256 ** inBytes))
      for (const times of [1, 2, 7, 32])
        for (const [place, before, behind] of PLACES) {
          const claim = Array.from(
            { length: inBytes },
            (_, i) => Math.floor(size / 256 ** (inBytes - 1 - i)) & 255,
          );
          const claims = Array.from({ length: times }, () => [first, ...claim]).flat();
          const bytes = [...before, ...claims, ...behind];
          if (claims.length + behind.length > size) continue; // It may be kept.
          tried += 1;
          assert.throws(
            () => msgpackCodec.read(bufferOf(bytes), true),
            (error) => error instanceof RefusedMessage && /byte \d+ begins/.test(error.message),
            `${name} of ${size}, ${times} times, ${place}`,
          );
        }
  assert.ok(tried > 1_000, String(tried));
  assert.equal(decode.mock.callCount(), 0);
  mock.restoreAll();
});

test("claims that fit each alone are refused by their sum, at the second one", () => {
  const decode = mock.method(Decoder.prototype, "decode");
  for (const [first, inBytes, perEntry] of [
    [0xdc, 2, 1],
    [0xdd, 4, 1],
    [0xde, 2, 2],
    [0xdf, 4, 2],
  ] as const) {
    const claim = (bytes: number): number[] => {
      const entries = bytes / perEntry;
      return [first, ...(inBytes === 4 ? [0, 0] : []), entries >> 8, entries & 255];
    };
    const empty = (count: number): number[] => Array.from({ length: count }, () => 0xa0);
    const key = empty(perEntry - 1);
    const inner = claim(300);
    const all = key.length + inner.length + 300;
    scanMsgpack(Uint8Array.from([...inner, ...empty(300)]));
    scanMsgpack(Uint8Array.from([...claim(all), ...empty(all)]));
    const both = [...claim(all), ...key, ...inner, ...empty(300)];
    const message = new RegExp(`byte ${inner.length + key.length} begins `);
    assert.throws(() => msgpackCodec.read(bufferOf(both), true), { code: "FRAME_MALFORMED", message });
  }
  assert.equal(decode.mock.callCount(), 0);
  mock.restoreAll();
});

test("the bytes of the reported issue are refused", () => {
  const bytes = Array.from({ length: 32 }, () => [0xdd, 0x01, 0xff, 0xff, 0xff]).flat();
  assert.throws(() => msgpackCodec.read(bufferOf(bytes), true), {
    code: "FRAME_MALFORMED",
    message: /byte 0 begins an array that takes 33554431 bytes or more, and 155 are left/,
  });
});

test("too much depth, cut messages, trailing bytes and unused headers are refused", () => {
  const nested = (levels: number) => bufferOf([...Array.from({ length: levels }, () => 0x91), 0xc2]);
  assert.doesNotThrow(() => msgpackCodec.read(nested(FRAME_DEPTH_MAX), true));
  for (const [bytes, message] of [
    [nested(FRAME_DEPTH_MAX + 1), /byte 64 is nested deeper than 64/],
    [nested(100_000), /byte 64 is nested deeper than 64/],
    [bufferOf([]), /byte 0 is missing/],
    [bufferOf([0x81, ...text("t"), 0xc2, 0xc0]), /byte 4 is after the end of the frame/],
    [bufferOf([0xc1]), /byte 0 is 0xc1/],
    [bufferOf([0x91]), /byte 0 begins an array that takes 1 bytes or more, and 0 are left/],
    [bufferOf([0xcb, 1, 2, 3]), /byte 0 begins a value that takes 8 bytes or more, and 3 are left/],
  ] as const)
    assert.throws(() => msgpackCodec.read(bytes, true), { code: "FRAME_MALFORMED", message });
  const whole = encode({
    t: "send",
    id: "x",
    to: "bob",
    body: { a: ["é", 1.5, -7, 2 ** 40, null, { b: true }] },
  });
  for (let end = 0; end < whole.length; end += 1)
    assert.throws(
      () => msgpackCodec.read(bufferOf(whole.subarray(0, end)), true),
      RefusedMessage,
      String(end),
    );
});

test("an unsupported value is refused by its field with the frame's id, at any place of the id", () => {
  const field = (name: string, value: readonly number[]) => [...text(name), ...value];
  const foreign = [
    ["bin", [0xc4, 0], /bin/],
    ["bin of three", [0xc4, 3, 1, 2, 3], /bin/],
    ["ext", [0xc7, 0, 1], /ext/],
    ["fixext", [0xd4, 1, 1], /ext/],
    ["a date", [0xd6, 0xff, 0, 0, 0, 0], /ext/],
    ["half a surrogate pair", [0xa3, 0xed, 0xa0, 0x80], /not UTF-8/],
    ["an overlong form", [0xa2, 0xc0, 0xaf], /not UTF-8/],
    ["a character cut in two", [0xa2, 0xe2, 0x82], /not UTF-8/],
    ["above U+10FFFF", [0xa4, 0xf4, 0x90, 0x80, 0x80], /not UTF-8/],
    ["a map with a number as its key", [0x81, 1, 2], /key that is not a string/],
    ["a map with a list as its key", [0x81, 0x91, 1, 2], /key that is not a string/],
  ] as const;
  for (const [what, value, why] of foreign)
    for (const inner of [value, [0x92, 1, ...value], [0x81, ...text("deep"), 0x91, ...value]])
      for (const bytes of [
        [0x83, ...field("id", text("me")), ...field("name", inner), ...field("t", text("x"))],
        [0x83, ...field("t", text("x")), ...field("name", inner), ...field("id", text("me"))],
      ])
        assert.throws(
          () => msgpackCodec.read(bufferOf(bytes), true),
          (error) =>
            error instanceof RefusedMessage &&
            error.id === "me" &&
            error.message.startsWith("`name` ") &&
            why.test(error.message),
          what,
        );
});

test("UTF-8 is validated as a strict TextDecoder validates it", () => {
  const edges = [0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf];
  edges.push(0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
  const decoder = new TextDecoder();
  const check = (bytes: Uint8Array): void => {
    const isValid = !decoder.decode(bytes).includes("\ufffd");
    if (invalidUtf8At(bytes, 0, bytes.length) < 0 !== isValid) assert.fail(bytes.toString());
  };
  for (let length = 8; length < 80; length += 1)
    for (let at = 1; at < length; at += 1) {
      const long = new Uint8Array(length).fill(0x61);
      long[at] = 0xff;
      assert.equal(invalidUtf8At(long, 1, at), -1);
      assert.equal(invalidUtf8At(long, 1, length), at);
    }
  for (const a of edges) {
    check(Uint8Array.of(a));
    for (const b of edges) {
      check(Uint8Array.of(a, b));
      for (const c of edges) {
        check(Uint8Array.of(a, b, c));
        if (a >= 0xe0) for (const d of edges) check(Uint8Array.of(a, b, c, d));
      }
    }
  }
});

const whole = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 6 }), { maxKeys: 8 });
const isOurs = (map: object): boolean => !JSON.stringify(map).includes('"__proto__":');

test("every value of the protocol passes the scan and is decoded unchanged", () => {
  const long = fc.string({ unit: "binary", minLength: 30, maxLength: 400 });
  const value = fc.tuple(whole, fc.dictionary(long, fc.oneof(long, fc.double(), fc.integer())));
  fc.assert(
    fc.property(value, ([map, texts]) => {
      fc.pre(isOurs(map) && isOurs(texts));
      const said = { ...map, ...texts };
      const bytes = encode(said);
      scanMsgpack(bytes);
      assert.deepEqual(msgpackCodec.read(bufferOf(bytes), true), new Decoder().decode(bytes));
    }),
    { numRuns: 1_000 },
  );
});

/** Sound messages with some bytes changed, put in or taken out; they get further than noise does. */
const damaged = fc
  .tuple(whole, fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.nat(255)), { minLength: 1, maxLength: 3 }))
  .map(([map, changes]) => {
    const bytes = [...encode(map)];
    for (const [at, out, byte] of changes) bytes.splice(at % bytes.length, out, byte);
    return Uint8Array.from(bytes);
  });

test("the scan passes exactly the bytes that a decoder can read, and names the fault of all others", () => {
  const lenient = new Decoder({ maxArrayLength: 1_000, maxMapLength: 1_000, mapKeyConverter: String });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      let why: string | undefined;
      try {
        scanMsgpack(bytes);
      } catch (error) {
        assert.ok(error instanceof ChatError && error.code === "FRAME_MALFORMED");
        why = error.message;
      }
      let read: "whole" | "refused" | "__proto__" = "whole";
      try {
        lenient.decode(bytes);
      } catch (error) {
        read = String(error).includes("__proto__") ? "__proto__" : "refused";
      }
      if (why === undefined) assert.notEqual(read, "refused");
      else if (read === "whole") assert.match(why, /UTF-8|bin|ext|key that is not a string|deeper/);
    }),
    { numRuns: 5_000 },
  );
});
