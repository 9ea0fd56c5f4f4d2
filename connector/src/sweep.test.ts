import assert from "node:assert/strict";
import { test } from "node:test";
import { Tickets } from "@jichat/access/tickets.ts";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import { CLOCK_LEEWAY_MS } from "@jichat/protocol/limits.ts";
import type { WebSocket } from "uWebSockets.js";
import { Session } from "./session.ts";
import type { SocketData } from "./session.ts";
import { sweepLive } from "./sweep.ts";
import { Turn } from "./turn.ts";
import type { World } from "./world.ts";

const END = 1_800_000_000_000;

test("a session ends when its token does, with the leeway of the door: it isn't closed where it'd be let in", () => {
  const tickets = new Tickets("key of the cluster", 3_600_000);
  const world = {
    config: { heartbeatMs: 25_000 },
    tickets,
    metrics: { countError: () => undefined },
    telemetry: { begin: () => ({ traceId: "t" }) },
  } as unknown as World;
  const session = new Session({
    address: "here",
    codec: jsonCodec,
    now: 0,
    refuseWith: undefined,
    bufferedBytesMax: 1_000,
    turn: new Turn(() => undefined),
  });
  const closed: number[] = [];
  const ws: Partial<WebSocket<SocketData>> = {
    getBufferedAmount: () => 0,
    send: () => 1,
    cork(act) {
      act();
      return this as WebSocket<SocketData>;
    },
    end: (code) => {
      closed.push(code ?? 0);
    },
    close: () => undefined,
  };
  session.opened(ws as WebSocket<SocketData>);
  session.state = "live";
  const identity = { user: "ann", tokenId: "t", issuedAt: END - 60_000, expiresAt: END };
  session.identity = identity;
  const { ticket, ticketExpiresAt } = tickets.issue({ ...identity, device: "phone" }, END - 30_000);
  session.ticketIssuedAt = END - 30_000;
  session.ticketExpiresAt = ticketExpiresAt;

  const last = END + CLOCK_LEEWAY_MS - 1;
  for (const at of [END - 1, END, last]) {
    sweepLive(world, session, 0, at);
    assert.equal(tickets.verify(ticket, "phone", at).user, "ann");
    assert.deepEqual(closed, [], `${at - END} ms behind the token's end`);
  }
  sweepLive(world, session, 0, last + 1);
  assert.throws(() => tickets.verify(ticket, "phone", last + 1), { code: "TOKEN_EXPIRED" });
  assert.deepEqual(closed, [4402]);
});
