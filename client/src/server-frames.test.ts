import assert from "node:assert/strict";
import { test } from "node:test";
import { readServerFrame } from "./server-frames.ts";

const EVENT = { conversation: "g", seq: 1, no: 1, kind: "message", from: "ann", ts: 1 };
const GOOD: readonly { readonly t: string; readonly [field: string]: unknown }[] = [
  {
    t: "welcome",
    user: "ann",
    ticket: "t",
    ticketExpiresAt: 1,
    heartbeatMs: 25_000,
    limits: { frameBytes: 65_536, bodyBytes: 8_192 },
    serverTime: 1.5,
  },
  { t: "ack", id: "1", conversation: "g", seq: 0, ts: 1, traceId: "t" },
  { t: "event", ...EVENT },
  { t: "receipt", conversation: "g", user: "ann", seq: 1 },
  {
    t: "synced",
    id: "1",
    conversations: [{ conversation: "g", first: 1, head: 2 }],
    cursor: "c",
    more: false,
  },
  { t: "page", id: "1", conversation: "g", events: [EVENT], first: 1, head: 1, more: true },
  { t: "ticket", ticket: "t", ticketExpiresAt: 1 },
  { t: "pong", serverTime: 1 },
  { t: "goaway", reconnectAfterMs: 0, ticket: "t" },
  { t: "error", code: "BUSY", message: "full" },
];

test("every frame of the protocol is accepted with unknown fields, and unknown frames are not", () => {
  for (const frame of [
    ...GOOD,
    { t: "gap" },
    {
      t: "synced",
      id: "1",
      conversations: [{ conversation: "g", left: 2 }],
      cursor: "c",
      more: true,
      next: "p",
    },
  ]) {
    const more = { ...frame, later: { version: 2 } };
    assert.equal(readServerFrame(more), more);
  }
  for (const t of ["presence", "typing", "toString", "__proto__"])
    assert.equal(readServerFrame({ t, user: 5 }), undefined);
});

test("a frame with a missing or wrong field is refused by the field's name", () => {
  for (const frame of GOOD)
    for (const field of Object.keys(frame).filter((name) => name !== "t"))
      for (const wrong of [undefined, null, {}, Number.NaN]) {
        const broken = { ...frame, [field]: wrong };
        assert.throws(() => readServerFrame(broken), new RegExp(`${frame.t} has a wrong \`${field}\``));
      }
  for (const none of [undefined, null, 5, "text", [], {}, { t: 5 }])
    assert.throws(() => readServerFrame(none), /not a frame/);
  for (const limits of [{}, { frameBytes: 0, bodyBytes: 1 }, { frameBytes: 1, bodyBytes: "1" }])
    assert.throws(() => readServerFrame({ ...GOOD[0], limits }), /welcome has a wrong `limits`/);
});
