import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";
import { wellFormedJson } from "@jichat/protocol/frame/well-formed.ts";

test("well-formed text stays, and half a surrogate pair in a text or a key becomes U+FFFD", () => {
  assert.equal(
    wellFormedJson(JSON.stringify({ a: ["cut \ud83d", { "\udc00": "\u{1f600}" }], n: 1 })),
    JSON.stringify({ a: ["cut \ufffd", { "\ufffd": "\u{1f600}" }], n: 1 }),
  );
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), (json) => {
      const text = JSON.stringify(JSON.parse(json));
      assert.equal(wellFormedJson(text), text);
    }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((c) => String.fromCharCode(c)) }),
      (text) => {
        assert.equal(JSON.parse(wellFormedJson(JSON.stringify(text))), text.toWellFormed());
      },
    ),
  );
});

test("a name that was stored with half a pair is answered as well-formed text", async () => {
  const accounts = {
    get: async () => ({ account: { v: 1, name: "cut \ud83d", createdAt: 1 }, revision: 1 }),
  };
  const app = await buildServer(Object.assign(offlineParts(), { accounts }));
  const reply = await app.inject({ method: "GET", url: "/v1/me", headers: { authorization: "Bearer x" } });
  assert.equal(reply.json<{ name: string }>().name, "cut \ufffd");
  await app.close();
});
