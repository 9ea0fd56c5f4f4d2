import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { json } from "./encoding.ts";
import type { Socket } from "./connection.ts";
import { openConnection } from "./open-connection.ts";

/** A try to connect over a socket that does what the test says. */
class Try {
  readonly clock = new HandClock();
  readonly sent: unknown[] = [];
  isClosed = false;
  outcome = "";
  readonly #socket: EventTarget & Partial<Socket>;

  constructor(openMs: number, signal = new AbortController().signal) {
    this.#socket = Object.assign(new EventTarget(), {
      readyState: 1 as const,
      send: (text: unknown) => void this.sent.push(text),
      close: () => void (this.isClosed = true),
    });
    openConnection({
      url: "ws://here",
      openMs,
      encoding: json,
      hello: { device: "phone", token: "t" },
      firstSync: { t: "sync", since: undefined, page: undefined, limit: 1 },
      signal,
      clock: this.clock,
      socketTo: () => this.#socket as Socket,
    }).then(
      () => (this.outcome = "welcomed"),
      (error: unknown) => (this.outcome = String(error)),
    );
  }

  open(): void {
    this.#socket.dispatchEvent(new Event("open"));
  }
}

test("a socket that does not open is given up after its time, and says where it led", async () => {
  const one = new Try(4_000);
  await one.clock.pass(3_999);
  assert.deepEqual([one.outcome, one.isClosed], ["", false]);
  await one.clock.pass(1);
  assert.match(one.outcome, /ws:\/\/here: no answer within 4 s/);
  assert.deepEqual([one.sent, one.isClosed], [[], true]);
});

test("the welcome has 10 s from the open socket, however long that took", async () => {
  const one = new Try(4_000);
  await one.clock.pass(3_999);
  one.open();
  assert.equal(one.sent.length, 2, "the hello and the first sync");
  await one.clock.pass(9_999);
  assert.equal(one.outcome, "");
  await one.clock.pass(1);
  assert.match(one.outcome, /ws:\/\/here: no answer within 10 s/);
  assert.equal(one.isClosed, true);
});

test("a try that is cancelled ends at once", async () => {
  const controller = new AbortController();
  const one = new Try(4_000, controller.signal);
  controller.abort();
  await one.clock.pass(0);
  assert.match(one.outcome, /cannot be reached/);
  assert.equal(one.isClosed, true);
});
