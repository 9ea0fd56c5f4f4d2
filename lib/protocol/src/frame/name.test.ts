import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nameOf } from "./name.ts";

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;

test("a name is composed and trimmed, and joiners, scripts and emoji stay", () => {
  for (const [said, stored] of [
    [" Ann ", "Ann"],
    ["e\u0301", "é"],
    ["\u3000名前\u00a0", "名前"],
    ["👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"],
    ["می\u200cخواهم", "می\u200cخواهم"],
    ['"><script>', '"><script>'],
    ["constructor", "constructor"],
  ] as const)
    assert.equal(nameOf(said), stored);
});

test("the length of a name counts code points, after composition and trimming", () => {
  for (const one of ["a", "é", "e\u0301", "😀", "\u1fb7", "\u03b1\u0342\u0345", "\u1112\u1161\u11ab"]) {
    assert.equal(Array.from(nameOf(` ${one.repeat(128)} `)).length, 128, one);
    assert.throws(() => nameOf(one.repeat(129)), { code: "FRAME_MALFORMED", message: /^`name` has 129 / });
  }
  for (const none of ["", " ", "\u3000\u00a0"])
    assert.throws(() => nameOf(none), { message: /^`name` has 0 characters/ });
  assert.throws(() => nameOf("e\u0301".repeat(60_000)), { message: /^`name` has 120000 characters/ });
});

test("control characters, bidi controls, half pairs and values that are not text are refused by the field", () => {
  const codes = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const refused = [
    ...[...codes(0, 0x1f), ...codes(0x7f, 0x9f)].map((code) => [code, /control character/] as const),
    ...[...codes(0x202a, 0x202e), ...codes(0x2066, 0x2069)].map(
      (code) => [code, /control character/] as const,
    ),
    ...[0xd800, 0xdbff, 0xdc00, 0xdfff].map((code) => [code, /surrogate/] as const),
  ];
  for (const [code, why] of refused)
    for (const [before, after] of [
      ["", ""],
      ["a", ""],
      ["", "a"],
      ["a", "😀"],
    ] as const)
      assert.throws(
        () => nameOf(`${before}${String.fromCharCode(code)}${after}`, "title"),
        (error: Error) => error.message.startsWith("`title` ") && why.test(error.message),
        `${before} ${code.toString(16)} ${after}`,
      );
  for (const value of [1, 0, true, false, null, undefined, [], ["a"], {}, { toString: "a" }])
    assert.throws(() => nameOf(value), { code: "FRAME_MALFORMED", message: "`name` is not a string" });
});

test("a stored name is read unchanged, and has at most 512 bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (said) => {
      let name: string;
      try {
        name = nameOf(said);
      } catch {
        return;
      }
      assert.equal(nameOf(name), name);
      assert.ok(utf8Bytes(name) <= 512);
    }),
    { numRuns: 2_000 },
  );
});
