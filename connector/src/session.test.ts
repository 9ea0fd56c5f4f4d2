import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import type { WebSocket } from "uWebSockets.js";
import { Session } from "./session.ts";
import type { SocketData } from "./session.ts";
import { FlushScheduler } from "./flush-scheduler.ts";

const LIMIT = 100;
const text = new TextDecoder();
const bytesOf = (frame: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(frame);

/** A session on a socket that notes what it is told to do. */
function fake(): { session: Session; did: string[]; endTurn: () => void; buffered: { bytes: number } } {
  const did: string[] = [];
  const buffered = { bytes: 0 };
  const scheduled: (() => void)[] = [];
  const session = new Session({
    address: "here",
    codec: jsonCodec,
    now: 0,
    refuseWith: undefined,
    bufferedBytesMax: LIMIT,
    turn: new FlushScheduler((act) => scheduled.push(act)),
  });
  const ws: Partial<WebSocket<SocketData>> = {
    getBufferedAmount: () => buffered.bytes,
    send: (frame) => {
      did.push(`send ${typeof frame === "string" ? frame : text.decode(frame)}`);
      return buffered.bytes === 0 ? 1 : 0;
    },
    cork(act) {
      did.push("cork");
      act();
      return this as WebSocket<SocketData>;
    },
    end: (code) => {
      did.push(`end ${code}`);
    },
    close: () => undefined,
  };
  session.opened(ws as WebSocket<SocketData>);
  return {
    session,
    did,
    buffered,
    endTurn: () => {
      for (const act of scheduled.splice(0)) act();
    },
  };
}

test("the frames of one turn leave at its end, together and in order", () => {
  const { session, did, endTurn } = fake();
  session.writeEncoded("1");
  session.writeEncoded("2");
  assert.deepEqual(did, []);
  endTurn();
  assert.deepEqual(did, ["cork", "send 1", "send 2"]);
  session.writeEncoded("3");
  endTurn();
  assert.deepEqual(did.slice(3), ["cork", "send 3"]);
});

test("a closed session sends what was written before the close, and nothing after it", () => {
  const { session, did, endTurn } = fake();
  session.writeEncoded("why");
  session.close(4400, "malformed");
  session.writeEncoded("late");
  endTurn();
  assert.deepEqual(did, ["cork", "send why", "end 4400"]);
});

test("a reader at the limit of unread bytes stays open, and one byte more closes it with 4408", () => {
  const { session, did, endTurn, buffered } = fake();
  buffered.bytes = LIMIT - 10;
  session.writeEncoded("x".repeat(10));
  endTurn();
  assert.deepEqual(did, ["cork", `send ${"x".repeat(10)}`]);
  session.writeEncoded("x".repeat(11));
  endTurn();
  assert.deepEqual(did.slice(2), ["cork", "end 4408"]);
});

test("a notice is dropped at a quarter of the limit of unread bytes, and bytes of this turn count", () => {
  const { session, did, endTurn, buffered } = fake();
  assert.ok(session.writeNotice("n".repeat(LIMIT / 4)));
  assert.ok(!session.writeNotice("x"), "behind what this turn has written");
  endTurn();
  assert.deepEqual(did, ["cork", `send ${"n".repeat(LIMIT / 4)}`]);
  buffered.bytes = LIMIT / 4 - 1;
  assert.ok(session.writeNotice("n"));
  assert.ok(!session.writeNotice("nn"));
  buffered.bytes = LIMIT / 4;
  assert.ok(!session.writeNotice("n"));
  session.writeEncoded("event");
  endTurn();
  assert.deepEqual(did.slice(2), ["cork", "send n", "send event"], "and nobody is closed for it");
});

test("a turn that writes much to a quick reader is flushed in between, and the socket stays open", () => {
  const { session, did } = fake();
  session.writeEncoded("x".repeat(60));
  session.writeEncoded("y".repeat(60));
  assert.deepEqual(did, ["cork", `send ${"x".repeat(60)}`, `send ${"y".repeat(60)}`]);
});

test("an immediate answer leaves before the end of the turn, but after the earlier frames of the turn", () => {
  const { session, did, endTurn } = fake();
  session.writeAtOnce(bytesOf("1"));
  session.writeEncoded("2");
  const third = bytesOf("3");
  session.writeAtOnce(third);
  third.fill(0); // They are the caller's again.
  assert.deepEqual(did, ["send 1"]);
  endTurn();
  assert.deepEqual(did.slice(1), ["cork", "send 2", "send 3"]);
});

test("a reader with more unread answers than the limit is closed with 4408", () => {
  const { session, did, buffered } = fake();
  buffered.bytes = LIMIT;
  session.writeAtOnce(bytesOf("1"));
  buffered.bytes = LIMIT + 1;
  session.writeAtOnce(bytesOf("2"));
  session.writeAtOnce(bytesOf("3"));
  assert.deepEqual(did, ["send 1", "send 2", "end 4408"]);
});

test("a closed socket is not written to, since uWS has freed it", () => {
  const { session, did, endTurn } = fake();
  session.writeAtOnce(bytesOf("0"));
  did.length = 0;
  session.writeEncoded("1");
  session.closed();
  session.writeEncoded("2");
  endTurn();
  assert.deepEqual(did, []);
});
