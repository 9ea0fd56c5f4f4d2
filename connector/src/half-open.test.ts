import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE } from "@jichat/protocol/errors.ts";
import { reportOf } from "./half-open.ts";
import { Unconfirmed } from "./unconfirmed.ts";

const TS = 5_000;
const REPORT = { is: "report", user: "ann", device: "phone", since: TS - 1 } as const;

/** How a session may end: the code of our own close, or what the other side or the network did. */
const ENDS = [
  { why: "silent for two heartbeats", own: CLOSE.silent, isReported: true },
  { why: "too slow to read", own: CLOSE.tooSlow, isReported: true },
  { why: "its token expired", own: CLOSE.expired, isReported: true },
  { why: "reset, timed out or cut, without a close frame", code: 1006, isReported: true },
  { why: "told to leave, and not gone in time", own: CLOSE.goingAway, isOverdue: true, isReported: true },
  { why: "the connector ends before its devices could go", own: CLOSE.goingAway, isReported: false },
  { why: "the device connected again", own: CLOSE.replaced, isReported: false },
  { why: "signed out, or a deleted account", own: CLOSE.unauthenticated, isReported: false },
  { why: "malformed frames", own: CLOSE.malformed, isReported: false },
  { why: "too many frames", own: CLOSE.tooMany, isReported: false },
  { why: "closed by the client", code: 1000, isReported: false },
  { why: "closed by the client, which leaves its page", code: 1001, isReported: false },
  { why: "closed by the client without a code", code: 1005, isReported: false },
  { why: "closed by the client with a code of ours", code: CLOSE.tooSlow, isReported: false },
] as const;

for (const { why, isReported, ...end } of ENDS)
  test(`a session with an unconfirmed delivery is ${isReported ? "" : "not "}reported: ${why}`, () => {
    const unconfirmed = new Unconfirmed();
    const endedWith = "own" in end ? end.own : undefined;
    const session = { user: "ann", device: "phone", endedWith, isOverdue: "isOverdue" in end, unconfirmed };
    const code = "code" in end ? end.code : end.own;
    assert.equal(reportOf(session, code), undefined, "nothing was delivered");
    assert.equal(reportOf({ ...session, unconfirmed: undefined }, code), undefined, "nothing ever was");
    unconfirmed.delivered(TS);
    assert.deepEqual(reportOf(session, code), isReported ? REPORT : undefined);
    unconfirmed.sweep();
    unconfirmed.heard();
    assert.equal(reportOf(session, code), undefined, "it has arrived");
  });
