import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { jsonCodec } from "@jichat/protocol/frame/codec.ts";
import type { OtherConnector } from "@jichat/presence/announcement.ts";
import type { WebSocket } from "uWebSockets.js";
import { Drain } from "./drain.ts";
import { STEP_MS } from "./drain-pace.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import { Hub } from "./hub.ts";
import { HOLD_MS, LADDER } from "./route-probe.ts";
import { Session } from "./session.ts";
import type { SocketData } from "./session.ts";
import { Shed } from "./shed.ts";

const NOW = 1_800_000_000_000;
const other = (sockets: number, socketsMax = 1_000): OtherConnector => ({
  connector: `other-${sockets}`,
  says: { revision: "", acceptsSince: 1, startedAt: 1, sockets, socketsMax },
});

/** Until all devices may go, if none comes back. */
const PROBE_MS = LADDER.reduce((sum, { waitMs }) => sum + waitMs, 0);

/** A connector with devices that obey `goaway` at once, unless they are deaf. */
class Scene {
  readonly clock = new HandClock();
  readonly hub = new Hub();
  readonly moves = { told: 0, gone: 0, forced: 0 };
  readonly toldAt: number[] = [];
  takers: readonly OtherConnector[] | undefined = [other(0)];
  changes = 0;
  deaf = false;
  /** Until then, devices that go come back at once. */
  leadsBackUntil = 0;
  back = 0;
  readonly drain: Drain;
  readonly shed: Shed;
  #devices = 0;

  constructor(devices: number) {
    this.clock.aheadMs = NOW;
    const log = { info: () => undefined, warn: () => undefined };
    const parts = {
      hub: this.hub,
      time: this.clock,
      clock: this.clock,
      tickets: { issue: () => ({ ticket: "t", ticketExpiresAt: NOW + 60_000 }) },
      metrics: { countMove: (outcome: keyof Scene["moves"]) => void (this.moves[outcome] += 1) },
      others: { takers: () => this.takers },
      lanes: { waiting: 0 },
      telemetry: { log: log as never },
      onChange: () => void (this.changes += 1),
    };
    this.drain = new Drain(parts);
    this.shed = new Shed({ ...parts, drain: this.drain });
    for (let i = 0; i < devices; i += 1) this.arrive();
  }

  arrive(): void {
    const session = new Session({
      address: "here",
      codec: jsonCodec,
      now: 0,
      refuseWith: undefined,
      bufferedBytesMax: 1_000_000,
      turn: new FlushScheduler(() => undefined, this.clock),
    });
    const ws: Partial<WebSocket<SocketData>> = {
      getBufferedAmount: () => 0,
      send: () => 1,
      cork: (act) => {
        act();
        return ws as WebSocket<SocketData>;
      },
      end: () => {
        this.leave(session);
      },
      close: () => undefined,
    };
    session.opened(ws as WebSocket<SocketData>);
    session.state = "live";
    this.#devices += 1;
    session.user = `user${this.#devices}`;
    session.device = "phone";
    session.identity = { user: session.user } as never;
    const write = session.write.bind(session);
    session.write = (frame) => {
      write(frame);
      if (frame.t !== "goaway") return;
      this.toldAt.push(this.clock.at);
      if (!this.deaf) setImmediate(() => this.#go(session));
    };
    this.hub.open(session);
    this.drain.arrived();
  }

  #go(session: Session): void {
    this.leave(session);
    if (this.clock.at >= this.leadsBackUntil) return;
    this.back += 1;
    this.arrive();
  }

  leave(session: Session): void {
    this.hub.close(session);
    session.closed();
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) await this.clock.pass(Math.min(left, STEP_MS));
    await this.clock.pass(0);
  }

  get told(): number {
    return this.toldAt.length;
  }
}

test("an order sends everybody away at its rate, and then says that nobody is left", async () => {
  const scene = new Scene(100);
  assert.deepEqual(scene.drain.report(), { state: "none", connections: 100, told: 0, forced: 0 });
  scene.drain.order({ drainMs: 60_000, perSecond: 20 });
  assert.equal(scene.drain.isReady, false, "the operator asked: it is not to be routed to");
  await scene.pass(LADDER[0].waitMs - STEP_MS);
  assert.equal(scene.told, 1, "one goes first");
  await scene.pass(PROBE_MS - LADDER[0].waitMs + STEP_MS);
  assert.ok(scene.told <= 21 + 5, "and then few");
  await scene.pass(2_000);
  assert.equal(scene.drain.state, "draining");
  assert.ok(scene.told >= 50 && scene.told <= 80, `${scene.told} were told in 2 s, and a few before`);
  await scene.pass(4_000);
  const times = { since: NOW, deadline: NOW + 60_000 };
  const said = { state: "drained", connections: 0, told: 100, forced: 0 } as const;
  assert.deepEqual(scene.drain.report(), { ...times, ...said });
  for (const from of scene.toldAt)
    assert.ok(scene.toldAt.filter((at) => at >= from && at < from + 1_000).length <= 20);
  assert.deepEqual(scene.moves, { told: 100, gone: 100, forced: 0 });
});

test("without another connector it waits, accepts, and sends nobody away before one has come", async () => {
  for (const isStop of [false, true]) {
    const scene = new Scene(10);
    scene.takers = [];
    const plan = { drainMs: 60_000, perSecond: 200 };
    const stopped = isStop ? scene.drain.stop(plan) : Promise.resolve(scene.drain.order(plan));
    await scene.pass(4_000);
    assert.deepEqual([scene.drain.state, scene.drain.accepts, scene.told], ["waiting", true, 0]);
    assert.equal(scene.drain.isReady, isStop, "who ends is asked for as long as nobody else is there");
    scene.takers = [other(3)];
    await scene.pass(PROBE_MS + 1_000);
    assert.deepEqual([scene.told, scene.hub.size, scene.drain.state], [10, 0, "drained"]);
    assert.equal(scene.drain.isReady, false);
    await stopped;
  }
});

test("a process that ends waits for its successor beyond its drain, and then has all of its drain", async () => {
  const scene = new Scene(10);
  scene.takers = [];
  const stopped = scene.drain.stop({ drainMs: 5_000, perSecond: 200 }, 15_000);
  await scene.pass(14_000);
  assert.deepEqual([scene.told, scene.drain.isReady, scene.drain.accepts], [0, true, true]);
  scene.takers = [other(0)];
  await scene.pass(STEP_MS);
  assert.ok(Math.abs((scene.drain.report().deadline ?? 0) - NOW - 19_000) <= 2 * STEP_MS);
  await scene.pass(PROBE_MS + 1_000);
  assert.deepEqual([scene.told, scene.hub.size], [10, 0]);
  await stopped;

  const alone = new Scene(10);
  alone.takers = [];
  const ended = alone.drain.stop({ drainMs: 5_000, perSecond: 200 }, 15_000);
  await alone.pass(17_250);
  assert.equal(alone.told, 0);
  await alone.pass(3_000);
  assert.equal(alone.told, 10, "the pod ends soon, with or without a successor");
  await ended;
});

test("a process that ends without devices waits for its successor too: somebody may be on the way to it", async () => {
  const scene = new Scene(0);
  scene.takers = [];
  const stopped = scene.drain.stop({ drainMs: 60_000, perSecond: 200 }, 15_000);
  let isOver = false;
  void stopped.then(() => (isOver = true));
  await scene.pass(10_000);
  assert.deepEqual([isOver, scene.drain.isReady, scene.drain.accepts], [false, true, true]);
  scene.arrive();
  await scene.pass(1_000);
  assert.equal(scene.told, 0, "nobody else could take it");
  scene.takers = [other(0)];
  await scene.pass(PROBE_MS + 1_000);
  assert.deepEqual([scene.told, isOver], [1, true]);

  const alone = new Scene(0);
  alone.takers = [];
  let isAloneOver = false;
  const ended = alone.drain.stop({ drainMs: 60_000, perSecond: 200 }, 15_000);
  void ended.then(() => (isAloneOver = true));
  await alone.pass(14_750);
  assert.equal(isAloneOver, false);
  await alone.pass(2 * STEP_MS);
  assert.equal(isAloneOver, true, "a pod that ends for good ends soon");
});

test("a stop in the middle of an ordered drain that waits for its successor waits for it beyond that drain", async () => {
  const scene = new Scene(10);
  scene.takers = [];
  scene.drain.order({ drainMs: 6_000, perSecond: 200 });
  await scene.pass(2_000);
  const stopped = scene.drain.stop({ drainMs: 60_000, perSecond: 200 }, 15_000);
  await scene.pass(14_000);
  assert.deepEqual([scene.told, scene.drain.isReady, scene.drain.accepts], [0, true, true]);
  scene.takers = [other(0)];
  await scene.pass(PROBE_MS + 1_000);
  assert.deepEqual([scene.told, scene.drain.report().forced], [10, 0]);
  await stopped;
});

test("a drain tries routes only in the time that its devices do not need", async () => {
  const tight = new Scene(20);
  tight.drain.order({ drainMs: 4_000, perSecond: 8 });
  await tight.pass(1_000);
  assert.ok(tight.told >= 8, `${tight.told} were told: at its rate from the beginning`);
  await tight.pass(3_000);
  assert.deepEqual([tight.told, tight.drain.report().forced], [20, 0]);

  const short = new Scene(10);
  short.leadsBackUntil = 60_000;
  short.takers = [];
  const ended = short.drain.stop({ drainMs: 5_000, perSecond: 200 }, 15_000);
  await short.pass(1_000);
  short.takers = [other(0)];
  await short.pass(3_500);
  assert.ok(short.told >= 10, `${short.told} were told, though routes lead back all the time`);
  await short.pass(3_000);
  await ended;
  const finished = short.drain.finish();
  assert.deepEqual([short.drain.accepts, short.drain.isReady], [false, false]);
  await short.pass(1_000);
  await finished;
});

test("the wait for another connector is bounded, and leaves time to tell everybody", async () => {
  const scene = new Scene(10);
  scene.takers = [];
  scene.drain.order({ drainMs: 20_000, perSecond: 5 });
  await scene.pass(9_750);
  assert.deepEqual([scene.drain.state, scene.told], ["waiting", 0]);
  await scene.pass(3_000);
  assert.equal(scene.told, 10);
  assert.equal(scene.drain.accepts, true, "there is no other place to go");
});

test("Redis that does not answer is no reason to send devices away early, nor to keep them for ever", async () => {
  const scene = new Scene(10);
  scene.takers = undefined;
  scene.drain.order({ drainMs: 20_000, perSecond: 5 });
  await scene.pass(9_750);
  assert.equal(scene.told, 0);
  await scene.pass(3_000);
  assert.equal(scene.told, 10);
});

test("devices are told no faster than others have places, and what the time does not allow is forced", async () => {
  const scene = new Scene(50);
  scene.takers = [other(80, 100)];
  scene.drain.order({ drainMs: 10_000, perSecond: 100 });
  await scene.pass(2_000);
  assert.equal(scene.told, 20);
  scene.takers = [other(100, 100)];
  await scene.pass(7_750);
  assert.deepEqual([scene.told, scene.hub.size], [20, 30]);
  await scene.pass(500);
  assert.deepEqual([scene.hub.size, scene.drain.state, scene.drain.accepts], [0, "drained", false]);
  assert.equal(scene.drain.report().forced, 30);
});

test("a device that was told and stays is closed after its grace, and counts as forced", async () => {
  const scene = new Scene(4);
  scene.deaf = true;
  scene.drain.order({ drainMs: 40_000, perSecond: 100 });
  await scene.pass(4_750);
  assert.deepEqual([scene.told, scene.hub.size], [4, 4]);
  await scene.pass(2_000);
  assert.deepEqual([scene.hub.size, scene.drain.report().forced], [0, 4]);
  assert.deepEqual(scene.moves, { told: 4, gone: 0, forced: 4 });
});

test("a drain that is cancelled tells nobody else, closes nobody, and may be ordered again", async () => {
  const scene = new Scene(40);
  scene.deaf = true;
  scene.drain.order({ drainMs: 60_000, perSecond: 10 });
  await scene.pass(PROBE_MS + 2_000);
  const { told } = scene;
  assert.ok(told >= 20 && told <= 30, `${told}`);
  scene.drain.cancel();
  assert.deepEqual([scene.drain.state, scene.drain.accepts, scene.drain.isReady], ["none", true, true]);
  await scene.pass(60_000);
  assert.deepEqual([scene.told, scene.hub.size], [told, 40]);
  scene.deaf = false;
  scene.drain.order({ drainMs: 60_000, perSecond: 100 });
  await scene.pass(PROBE_MS + 2_000);
  assert.deepEqual([scene.told, scene.hub.size], [told + 40, 0], "all leave, also those of the first time");
  assert.equal(scene.drain.report().told, 40);
});

test("the same order again changes deadline and rate, and tells nobody twice", async () => {
  const scene = new Scene(40);
  scene.deaf = true;
  scene.drain.order({ drainMs: 60_000, perSecond: 8 });
  await scene.pass(1_000);
  scene.drain.order({ drainMs: 30_000, perSecond: 100 });
  await scene.pass(2_000);
  assert.deepEqual([scene.told, scene.drain.report().told], [40, 40]);
  assert.deepEqual(scene.drain.report().since, NOW);
  assert.ok(Math.abs((scene.drain.report().deadline ?? 0) - NOW - 31_000) <= STEP_MS);
});

test("a stop in the middle of an ordered drain goes on with it, and cannot be undone", async () => {
  const scene = new Scene(40);
  scene.drain.order({ drainMs: 60_000, perSecond: 8 });
  await scene.pass(1_000);
  const stopped = scene.drain.stop({ drainMs: 30_000, perSecond: 200 });
  await scene.pass(2_000);
  assert.ok(scene.told <= 32, "at the rate that was ordered");
  assert.throws(() => scene.drain.cancel(), { code: "CONFLICT" });
  assert.throws(() => scene.drain.order({ drainMs: 1, perSecond: 1 }), { code: "CONFLICT" });
  await scene.pass(4_000);
  assert.equal(scene.told, 40);
  await stopped;
});

test("who comes over an old route is taken, and told to go like everybody", async () => {
  const scene = new Scene(1);
  scene.drain.order({ drainMs: 60_000, perSecond: 100 });
  await scene.pass(2_000);
  assert.deepEqual([scene.drain.state, scene.drain.accepts], ["drained", true]);
  scene.arrive();
  assert.equal(scene.drain.state, "draining");
  await scene.pass(HOLD_MS + STEP_MS);
  assert.deepEqual([scene.told, scene.hub.size, scene.drain.accepts], [2, 0, true]);
  await scene.pass(3_000);
  assert.equal(scene.drain.accepts, false, "by now every route leads elsewhere");
});

test("while routes lead back here, few devices move twice, none is refused, and who ends stays ready", async () => {
  const scene = new Scene(300);
  scene.leadsBackUntil = 4_000;
  const stopped = scene.drain.stop({ drainMs: 60_000, perSecond: 200 });
  for (let at = 0; at < 4_000; at += STEP_MS) {
    assert.deepEqual([scene.drain.accepts, scene.drain.isReady], [true, true]);
    await scene.pass(STEP_MS);
  }
  await scene.pass(8_000);
  assert.equal(scene.hub.size, 0);
  assert.ok(scene.back > 0 && scene.back <= 4, `${scene.back} came back`);
  assert.equal(scene.told, 300 + scene.back);
  await stopped;
});

test("a shed sends away as many as were asked for, the oldest first, and the connector stays in service", async () => {
  const scene = new Scene(50);
  scene.shed.order({ connections: 20, perSecond: 8 });
  await scene.pass(1_000);
  assert.ok(scene.shed.report().left >= 10 && scene.told <= 10, JSON.stringify(scene.shed.report()));
  await scene.pass(3_000);
  assert.deepEqual(scene.shed.report(), { left: 0, told: 20, forced: 0, connections: 30 });
  assert.deepEqual([scene.drain.accepts, scene.drain.isReady], [true, true]);
  assert.deepEqual(
    [...scene.hub.sockets].map(({ user }) => user),
    Array.from({ length: 30 }, (_, i) => `user${21 + i}`),
  );
});

test("a shed waits for places, gives up after its time, and ends with a drain", async () => {
  const scene = new Scene(50);
  scene.takers = [];
  scene.shed.order({ connections: 20, perSecond: 10 });
  await scene.pass(60_000);
  assert.deepEqual([scene.told, scene.shed.report().left], [0, 20]);
  await scene.pass(7_000);
  assert.deepEqual([scene.told, scene.shed.report().left], [0, 0]);

  scene.shed.order({ connections: 20, perSecond: 10 });
  scene.takers = [other(0)];
  scene.drain.order({ drainMs: 60_000, perSecond: 10 });
  await scene.pass(PROBE_MS + 6_000);
  assert.deepEqual([scene.hub.size, scene.told, scene.shed.report().told], [0, 50, 0]);
  assert.throws(() => scene.shed.order({ connections: 1, perSecond: 1 }), { code: "CONFLICT" });
});
