import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJson } from "./parse-json.ts";

/** Any order of what an escape is made of, and of what needs none. */
const text = fc
  .array(fc.constantFrom("\\", "\\u", "u00e9", "é", '"', "\u0000", "\n", "a", "水", "🙂", ":", "__proto__"))
  .map((parts) => parts.join(""));
const flat = fc.oneof(text, fc.integer(), fc.constant(null), fc.boolean());
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    flat,
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(text, tie("any"), { maxKeys: 4 }),
  ),
})).any;

/** As JSON that escapes whatever it may, as some clients do. */
const escaped = (json: string): string =>
  json.replace(/[^ -~]/g, (letter) =>
    [...Array(letter.length).keys()]
      .map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );

test("a key with an escape is read as itself, whatever keys were read before", () => {
  for (const [other, mine, expected] of [
    [String.raw`{"a":1,"\\":1}`, String.raw`{"a":1,"\u00e9":2}`, { a: 1, é: 2 }],
    [String.raw`{"b":1,"\\u":1}`, String.raw`{"b":1,"\u0000x":2}`, { b: 1, "\u0000x": 2 }],
    [String.raw`{"c":1,"\\":1}`, String.raw`{"c":1,"\n":2}`, { c: 1, "\n": 2 }],
    [String.raw`{"d":1,"k\\":1}`, String.raw`{"d":1,"k\"":2}`, { d: 1, 'k"': 2 }],
  ] as const) {
    JSON.parse(other);
    parseJson(other);
    assert.deepEqual(parseJson(mine), expected);
  }
});

test("any JSON is read as it was written, escaped or not", () => {
  fc.assert(
    fc.property(value, fc.boolean(), (said, isEscaped) => {
      const json = JSON.stringify(said);
      assert.equal(JSON.stringify(parseJson(isEscaped ? escaped(json) : json)), json);
    }),
    { numRuns: 3_000 },
  );
});

test("the last value of a repeated key counts, and `__proto__` is a key like any other", () => {
  assert.deepEqual(parseJson(String.raw`{"é":1,"\u00e9":2}`), { é: 2 });
  assert.deepEqual(parseJson(String.raw`{"\u00e9":2,"é":1}`), { é: 1 });
  const read = parseJson(String.raw`{"\u005f_proto__":{"x":1}}`) as object;
  assert.deepEqual(Object.keys(read), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
});

test("a text that is not JSON is a SyntaxError, and a text of escapes alone takes linear time", () => {
  for (const bad of [
    String.raw`{"\x":1}`,
    String.raw`{"a\":1}`,
    String.raw`"\u12"`,
    "{\\}",
    String.raw`{"a":"\"}`,
    String.raw`{"\ud8":1}`,
  ])
    assert.throws(() => parseJson(bad), SyntaxError);
  const many = `"${"\\\\".repeat(500_000)}"`;
  assert.equal(String(parseJson(many)).length, 500_000);
});
