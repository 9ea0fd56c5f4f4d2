import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { BODY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { readBody } from "@jichat/protocol/frame/body.ts";
import { BAD } from "../test/model-bodies.ts";
import { plainBody } from "./plain-body.ts";

test("each value that JSON cannot express is refused with its place", () => {
  for (const { name, make } of BAD)
    assert.throws(() => plainBody(make()), { name: "ChatError", message: name }, String(name));
});

test("each value that JSON can express is copied, from any realm, and the server reads the same value", () => {
  const shared = { n: 1 };
  const good: readonly object[] = [
    {},
    { a: null, b: true, c: "ü😀", d: 2 ** 53 - 1, e: -0.5, f: [], g: {}, h: "" },
    { one: shared, other: shared, list: [shared, shared] },
    Object.assign(Object.create(null) as object, { bare: 1 }),
    runInNewContext("({ realm: { list: [1, { deep: 'text' }] } })") as object,
    { "a key": 1, "": 2, constructor: 3, é: [[[[1]]]] },
    {
      get read() {
        return "once";
      },
    },
  ];
  for (const body of good) {
    const copy = plainBody(body);
    assert.notEqual(copy, body);
    assert.equal(JSON.stringify(copy), JSON.stringify(body));
    assert.equal(readBody(copy, BODY_BYTES_MAX), JSON.stringify(body));
  }
});

test("a getter that sends another body meanwhile does not change this one", () => {
  const body = {
    first: [1],
    get second() {
      assert.throws(() => plainBody({ deep: { er: [10n] } }), /`body\.deep\.er\[0\]`/);
      return 2;
    },
    third: { n: Number.NaN },
  };
  assert.throws(() => plainBody(body), /`body\.third\.n` is NaN/);
});

test("a proxy that throws on every access is refused, and so is one that throws something else than an error", () => {
  const traps = (thrown: unknown): ProxyHandler<object> => ({
    ownKeys: () => {
      throw thrown;
    },
  });
  for (const thrown of [new Error("no"), "no", undefined])
    assert.throws(() => plainBody({ p: new Proxy({}, traps(thrown)) }), /`body\.p` could not be read/);
});
