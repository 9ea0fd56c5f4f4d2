import assert from "node:assert/strict";
import { test } from "node:test";
import { Tickets } from "@jichat/identity/tickets.ts";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import { CLOCK_LEEWAY_MS } from "@jichat/protocol/limits.ts";
import type { WebSocket } from "uWebSockets.js";
import { onControl } from "./control-frame.ts";
import { REFUSALS_MAX } from "./intake.ts";
import { Session } from "./session.ts";
import type { SocketData } from "./session.ts";
import { asksPerSweep, sweepLive, sweepSilent } from "./sweep.ts";
import { FlushScheduler } from "./flush-scheduler.ts";

const END = 1_800_000_000_000;

const BEAT_MS = 25_000;

/** A live session on a socket that notes what is done to it. */
function live(): { session: Session; did: string[] } {
  const did: string[] = [];
  const session = new Session({
    address: "here",
    codec: jsonCodec,
    now: 0,
    refuseWith: undefined,
    bufferedBytesMax: 1_000,
    turn: new FlushScheduler(() => undefined),
  });
  const ws: Partial<WebSocket<SocketData>> = {
    getBufferedAmount: () => 0,
    send: () => 1,
    ping: () => did.push("ping"),
    cork(act) {
      act();
      return this as WebSocket<SocketData>;
    },
    end: (code) => {
      did.push(`end ${code}`);
    },
    close: () => undefined,
  };
  session.opened(ws as WebSocket<SocketData>);
  session.state = "live";
  return { session, did };
}
const control = {
  addressBudget: undefined,
  intakeLimits: { framesPerSecond: 200, bytesPerSecond: 10_000, heldBytesMax: 20_000 },
  turn: new FlushScheduler(() => undefined, { now: () => 0, monotonic: () => 0 }),
};

/** Sweeps every half second until `endMs`; says when something was done. */
function sweepUntil(
  endMs: number,
  { session, did }: ReturnType<typeof live>,
  before: (at: number) => void = () => undefined,
): { at: number; what: string }[] {
  const seen: { at: number; what: string }[] = [];
  for (let at = 0; at <= endMs; at += 500) {
    before(at);
    sweepSilent(session, at, BEAT_MS, { left: 1 });
    for (const what of did.splice(0)) seen.push({ at, what });
  }
  return seen;
}

test("a silent session is pinged once after a heartbeat, and closed after two", () => {
  const seen = sweepUntil(120_000, live());
  assert.deepEqual(seen, [
    { at: 1.2 * BEAT_MS + 500, what: "ping" },
    { at: 2 * BEAT_MS + 500, what: "end 1001" },
  ]);
});

test("a session that pings once a heartbeat is never pinged", () => {
  const one = live();
  const seen = sweepUntil(600_000, one, (at) => {
    if (at % BEAT_MS === 4_000) one.session.life = "heard";
  });
  assert.deepEqual(seen, []);
});

test("a session that only answers pings stays, and is pinged a little less than once a heartbeat", () => {
  const one = live();
  const seen = sweepUntil(600_000, one, () => {
    if (one.session.life === "asked") onControl(control, one.session, 0);
  });
  assert.ok(seen.every(({ what }) => what === "ping"));
  assert.ok(seen.length >= 15 && seen.length <= 20, `${seen.length} pings in ten minutes`);
});

test("each sweep pings a share of the sessions that fell silent together, and all of them in time", () => {
  const all = Array.from({ length: 1_000 }, live);
  const most = asksPerSweep(all.length, BEAT_MS);
  assert.equal(most, 50);
  for (let at = 0; at < 2 * BEAT_MS; at += 500) {
    const asks = { left: most };
    for (const { session } of all) sweepSilent(session, at, BEAT_MS, asks);
    assert.ok(asks.left >= 0);
  }
  for (const { did } of all) assert.deepEqual(did, ["ping"]);
  assert.deepEqual([asksPerSweep(0, BEAT_MS), asksPerSweep(1, BEAT_MS), asksPerSweep(7, 100)], [0, 1, 7]);
});

test("pings and pongs count as frames, and a flood of them closes the socket", () => {
  const { session, did } = live();
  for (let i = 0; i < 400 + REFUSALS_MAX; i += 1) onControl(control, session, 0);
  assert.deepEqual(did, []);
  onControl(control, session, 0);
  assert.deepEqual(did, ["end 4429"]);
  onControl(control, session, 0);
});

test("a session ends with its token, with the same leeway as at the handshake", () => {
  const tickets = new Tickets(["key of the cluster"], 3_600_000);
  const parts = {
    tickets,
    clock: { now: () => END },
    metrics: { countError: () => undefined },
    telemetry: { begin: () => ({ traceId: "t", span: undefined }) },
  };
  const { session, did } = live();
  const identity = { user: "ann", tokenId: "t", issuedAt: END - 60_000, expiresAt: END };
  session.identity = identity;
  const { ticket, ticketExpiresAt } = tickets.issue({ ...identity, device: "phone" }, END - 30_000);
  session.ticketIssuedAt = END - 30_000;
  session.ticketExpiresAt = ticketExpiresAt;

  const last = END + CLOCK_LEEWAY_MS - 1;
  for (const at of [END - 1, END, last]) {
    sweepLive(parts, session, at);
    assert.equal(tickets.verify(ticket, "phone", at).user, "ann");
    assert.deepEqual(did, [], `${at - END} ms behind the token's end`);
  }
  sweepLive(parts, session, last + 1);
  assert.throws(() => tickets.verify(ticket, "phone", last + 1), { code: "TOKEN_EXPIRED" });
  assert.deepEqual(did, ["end 4402"]);
});
