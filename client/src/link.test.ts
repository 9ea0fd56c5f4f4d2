import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { Closed } from "./closed.ts";
import type { ConnectionEvents } from "./connection.ts";
import { json } from "./encoding.ts";
import { Link } from "./link.ts";
import type { HelloFields } from "./open-connection.ts";
import type { Welcomed } from "./surroundings.ts";
import type { ConnectionState, Status } from "./types.ts";

const NOW = 1_800_000_000_000;
const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const LEEWAY_MS = 5 * SECOND;
const FLOOR_MS = 10 * SECOND;
const TICKET_LIFE_MS = HOUR;
const LIMITS = { frameBytes: 65_536, bodyBytes: 8_192, messagesPerSecond: 50 };

/** A token says when it ends; nothing else of it matters here. */
const tokenUntil = (at: number): string => String(at);

/** A server with the right time, as the protocol page describes it, and a device with a clock of its own. */
class Scene {
  readonly clock = new HandClock();
  readonly network = new EventTarget();
  readonly states: Status[] = [];
  readonly hellos: HelloFields[] = [];
  /** How long the socket of each try may take to open. */
  readonly openMs: number[] = [];
  isDown = false;
  renewals = 0;
  tokensGiven = 0;
  /** No try to connect comes to an end. */
  isDark = false;
  giveToken: () => Promise<string> = async () => tokenUntil(this.serverNow + HOUR);
  readonly link: Link;
  #session: { events: ConnectionEvents | undefined; tokenEnds: number; isOpen: boolean } | undefined;
  probes = 0;

  constructor(aheadMs = 0, urls: readonly string[] = ["ws://here"]) {
    this.clock.aheadMs = NOW + aheadMs;
    this.link = new Link(
      {
        urls,
        device: "phone",
        random: () => 0.5,
        token: () => {
          this.tokensGiven += 1;
          return this.giveToken();
        },
      },
      json,
      {
        firstSync: () => ({ t: "sync", since: undefined, page: undefined, limit: 1 }),
        onOnline: () => undefined,
        onFrame: () => undefined,
        onStatus: (status) => this.states.push(status),
      },
      {
        clock: this.clock,
        network: this.network,
        open: async ({ hello, signal, openMs }) => {
          this.openMs.push(openMs);
          return this.#open(hello, signal);
        },
      },
    );
  }

  get serverNow(): number {
    return NOW + this.clock.at;
  }

  get state(): ConnectionState | undefined {
    return this.states.at(-1)?.state;
  }

  get retryInMs(): number | undefined {
    return this.states.at(-1)?.retryInMs;
  }

  get errors(): string[] {
    return this.errorsWhile("connecting", "online", "offline", "closed");
  }

  errorsWhile(...states: readonly ConnectionState[]): string[] {
    return this.states.flatMap(({ state, error }) =>
      error === undefined || !states.includes(state) ? [] : [error.code],
    );
  }

  async begin(): Promise<this> {
    this.link.start();
    await this.pass(0);
    return this;
  }

  /** In steps: what wakes sets alarms of its own. The server ends sessions and hands out tickets meanwhile. */
  async pass(ms: number, stepMs = SECOND): Promise<void> {
    const end = this.clock.at + ms;
    do {
      await this.clock.pass(Math.min(stepMs, end - this.clock.at));
      const session = this.#session;
      if (session !== undefined && this.serverNow >= session.tokenEnds + LEEWAY_MS) this.cut(CLOSE.expired);
    } while (this.clock.at < end);
  }

  cut(code: number): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.isOpen = false;
    session.events?.onClose(new Closed(code, ""));
  }

  say(frame: ServerFrame): void {
    this.#session?.events?.onFrame(frame);
  }

  #ticketOf(tokenEnds: number): { ticket: string; ticketExpiresAt: number } {
    const ticketExpiresAt = Math.min(tokenEnds, this.serverNow + TICKET_LIFE_MS);
    return { ticket: `${ticketExpiresAt} ${tokenEnds}`, ticketExpiresAt };
  }

  #verify(token: string | undefined, ticket: string | undefined): number {
    const [ends = 0, tokenEnds = ends] = (token ?? ticket ?? "").split(" ").map(Number);
    if (this.serverNow < ends + LEEWAY_MS) return tokenEnds;
    throw Object.assign(new ChatError("TOKEN_EXPIRED", "over"), { closeCode: CLOSE.expired });
  }

  async #open(hello: HelloFields, signal: AbortSignal): Promise<Welcomed> {
    this.hellos.push(hello);
    if (this.isDown) throw new Closed(1006, "down");
    if (this.isDark)
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reject(new Closed(1006, "given up"));
        });
      });
    const session = {
      events: undefined as ConnectionEvents | undefined,
      tokenEnds: this.#verify(hello.token, hello.ticket),
      isOpen: true,
    };
    this.#session = session;
    return {
      welcome: {
        t: "welcome",
        user: "ann",
        device: "phone",
        session: "s",
        ...this.#ticketOf(session.tokenEnds),
        heartbeatMs: 25_000,
        limits: LIMITS,
        serverTime: this.serverNow,
        traceId: "t",
      },
      firstSync: { asked: { t: "sync" } as never, reply: new Promise(() => undefined) },
      get isOpen() {
        return session.isOpen;
      },
      check: () => undefined,
      write: () => undefined,
      tell: () => undefined,
      probe: () => {
        this.probes += 1;
      },
      listen: (events) => {
        session.events = events;
      },
      close: (why) => {
        session.isOpen = false;
        session.events?.onClose(why ?? new Closed(1_000, ""));
      },
      request: async (frame) => {
        this.renewals += 1;
        const { token } = frame as { token: string };
        session.tokenEnds = this.#verify(token, undefined);
        return { t: "ticket", id: "q1", ...this.#ticketOf(session.tokenEnds) };
      },
    };
  }
}

for (const [what, aheadMs] of [
  ["is right", 0],
  ["is 2 h ahead", 2 * HOUR],
  ["is 2 h behind", -2 * HOUR],
  ["is 24 h ahead", DAY],
] as const)
  test(`a device whose clock ${what} asks for a token once in the lifetime of a token`, async () => {
    const scene = await new Scene(aheadMs).begin();
    await scene.pass(5 * HOUR);
    assert.equal(scene.state, "online");
    assert.deepEqual([scene.hellos.length, scene.tokensGiven, scene.renewals], [1, 6, 5]);
    scene.cut(1006);
    await scene.pass(MINUTE);
    assert.equal(scene.hellos.at(-1)?.token, undefined, "its ticket is good");
    assert.deepEqual([scene.state, scene.tokensGiven, scene.errors], ["online", 6, ["UNAVAILABLE"]]);
  });

test("a jump of the clock of an online device changes nothing", async () => {
  const scene = await new Scene().begin();
  for (const jumpMs of [2 * HOUR, -4 * HOUR, DAY, -DAY]) {
    scene.clock.aheadMs += jumpMs;
    scene.cut(1006);
    await scene.pass(10 * MINUTE);
    assert.equal(scene.state, "online");
  }
  assert.deepEqual([scene.tokensGiven, scene.renewals], [1, 0]);
});

test("a token that the application returns again is reported once and causes no loop, and its expiry is one error", async () => {
  const scene = new Scene();
  const token = tokenUntil(scene.serverNow + HOUR);
  scene.giveToken = async () => token;
  await scene.begin();
  await scene.pass(HOUR, 100);
  assert.equal(scene.state, "online");
  assert.deepEqual(scene.errors, ["TOKEN_EXPIRED"]);
  assert.ok(scene.tokensGiven <= 5, `${scene.tokensGiven} tokens for one hour`);
  assert.equal(scene.renewals, 0, "it would renew nothing");
  await scene.pass(HOUR);
  assert.equal(scene.state, "closed");
  assert.deepEqual(scene.errorsWhile("online", "closed"), ["TOKEN_EXPIRED", "TOKEN_EXPIRED"]);
  assert.match(scene.states.at(-1)?.error?.message ?? "", /application returned it again/);
  assert.ok(scene.tokensGiven <= 7 && scene.hellos.length === 1, `${scene.tokensGiven} in the end`);
});

test("an application without a fresh token is asked again before the session ends", async () => {
  const scene = new Scene();
  let token = tokenUntil(scene.serverNow + HOUR);
  scene.giveToken = async () => {
    // As libraries of sign-in do: the same from their cache until it is nearly over.
    if (Number(token) - scene.serverNow < MINUTE) token = tokenUntil(scene.serverNow + HOUR);
    return token;
  };
  await scene.begin();
  await scene.pass(3 * HOUR);
  assert.deepEqual([scene.state, scene.hellos.length], ["online", 1], "in band, every time");
});

test("tokens that expire at once are requested with a least time between them", async () => {
  const scene = new Scene();
  const askedAt: number[] = [];
  scene.giveToken = async () => {
    askedAt.push(scene.clock.at);
    return tokenUntil(scene.serverNow + 50);
  };
  await scene.begin();
  await scene.pass(10 * MINUTE, 100);
  assert.notEqual(scene.state, "closed");
  const gaps = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0));
  assert.ok(gaps.length > 10 && Math.min(...gaps) >= FLOOR_MS, gaps.join(", "));
});

test("all waits for a token share one request, and a silent application does not block them", async () => {
  const scene = new Scene();
  const { promise, resolve } = Promise.withResolvers<string>();
  scene.giveToken = () => promise;
  await scene.begin();
  for (let i = 0; i < 5; i += 1) {
    scene.network.dispatchEvent(new Event("online"));
    await scene.pass(SECOND);
  }
  assert.deepEqual([scene.tokensGiven, scene.hellos.length], [1, 0]);
  resolve(tokenUntil(scene.serverNow + HOUR));
  await scene.pass(0);
  assert.deepEqual([scene.state, scene.tokensGiven, scene.hellos.length], ["online", 1, 1]);

  const silent = new Scene();
  silent.giveToken = () => new Promise(() => undefined);
  await silent.begin();
  await silent.pass(5 * MINUTE);
  assert.equal(silent.errors[0], "UNAVAILABLE");
  assert.ok(silent.tokensGiven > 5 && silent.tokensGiven <= 10, `asked ${silent.tokensGiven} times`);
  silent.giveToken = async () => tokenUntil(silent.serverNow + HOUR);
  await silent.pass(MINUTE);
  assert.equal(silent.state, "online");
});

test("a refused token is not used again, and a fresh one replaces an older one", async () => {
  const refused = new Scene();
  refused.giveToken = async () => tokenUntil(refused.serverNow - MINUTE);
  await refused.begin();
  await refused.pass(MINUTE);
  assert.deepEqual([refused.state, refused.errors], ["closed", ["TOKEN_EXPIRED"]]);
  assert.equal(refused.hellos.length, 1);

  const scene = new Scene();
  scene.isDark = true;
  scene.giveToken = async () => tokenUntil(scene.serverNow + SECOND);
  await scene.begin();
  await scene.pass(8 * SECOND);
  scene.isDark = false;
  scene.network.dispatchEvent(new Event("online"));
  await scene.pass(SECOND, 100);
  assert.deepEqual([scene.hellos.length, scene.tokensGiven], [2, 1], "the young one is shown again");
  await scene.pass(2 * SECOND, 100);
  assert.deepEqual([scene.state, scene.tokensGiven], ["online", 2]);
});

test("a network that goes away ends the connection at once, and its return starts one at once", async () => {
  const scene = new Scene();
  scene.network.dispatchEvent(new Event("online"));
  await scene.pass(SECOND);
  assert.equal(scene.hellos.length, 0, "it was not told to connect");
  await scene.begin();
  scene.isDark = true;
  scene.network.dispatchEvent(new Event("offline"));
  assert.equal(scene.state, "offline");
  await scene.pass(5 * MINUTE);
  const tries = scene.hellos.length;
  assert.equal(tries, 2, "one hangs");
  scene.isDark = false;
  scene.network.dispatchEvent(new Event("online"));
  await scene.pass(0);
  assert.deepEqual([scene.state, scene.hellos.length, scene.tokensGiven], ["online", tries + 1, 1]);
  scene.network.dispatchEvent(new Event("online"));
  assert.equal(scene.probes, 1, "the network is another one, perhaps: it is asked about");
  scene.link.close();
  scene.network.dispatchEvent(new Event("online"));
  await scene.pass(MINUTE);
  assert.deepEqual([scene.state, scene.hellos.length], ["closed", tries + 1]);
});

test("an offline link says when it tries again, and tries at once when it is told to", async () => {
  const scene = await new Scene().begin();
  assert.equal(scene.retryInMs, undefined);
  scene.link.retryNow();
  assert.equal(scene.hellos.length, 1, "an online link has nothing to try");

  scene.isDark = true;
  scene.network.dispatchEvent(new Event("offline"));
  await scene.pass(0);
  const waitMs = scene.retryInMs ?? 0;
  assert.ok(waitMs > 0, "it says how long it waits");
  await scene.pass(waitMs - 1, waitMs);
  assert.deepEqual([scene.state, scene.hellos.length], ["offline", 1]);
  scene.isDark = false;
  scene.link.retryNow();
  await scene.pass(0);
  assert.deepEqual([scene.state, scene.hellos.length, scene.retryInMs], ["online", 2, undefined]);
});

test("a hello that is answered with BUSY comes again when it was told to, and tries no other connector before", async () => {
  const clock = new HandClock();
  const states: Status[] = [];
  const dialledAt: number[] = [];
  const link = new Link(
    { urls: ["ws://one", "ws://two"], device: "phone", random: () => 0.5, token: async () => "t" },
    json,
    {
      firstSync: () => ({ t: "sync", since: undefined, page: undefined, limit: 1 }),
      onOnline: () => undefined,
      onFrame: () => undefined,
      onStatus: (status) => states.push(status),
    },
    {
      clock,
      open: async () => {
        dialledAt.push(clock.at);
        const busy = new ChatError("BUSY", "too many devices connect at once", { retryAfterMs: 7_000 });
        throw Object.assign(busy, { closeCode: CLOSE.goingAway });
      },
    },
  );
  link.start();
  for (let i = 0; i < 220; i += 1) await clock.pass(100);
  assert.deepEqual(
    [states.at(-1)?.state, states.at(-1)?.error?.code, states.at(-1)?.retryInMs],
    ["offline", "BUSY", 7_000],
  );
  const gaps = dialledAt.slice(1).map((at, index) => at - (dialledAt[index] ?? 0));
  assert.ok(gaps.length === 3 && gaps.every((gap) => gap >= 7_000 && gap < 7_500), gaps.join(", "));
  link.close();
});

test("a try that may have been led to a dead server is short, and every other round long enough for a slow network", async () => {
  const scene = new Scene();
  scene.isDown = true;
  await scene.begin();
  await scene.pass(10 * SECOND);
  assert.deepEqual(scene.openMs.slice(0, 4), [4_000, 10_000, 4_000, 10_000]);
  scene.isDown = false;
  await scene.pass(30 * SECOND);
  assert.equal(scene.state, "online");
  const tries = scene.openMs.length;
  scene.cut(CLOSE.goingAway);
  await scene.pass(SECOND);
  assert.deepEqual(scene.openMs.slice(tries), [4_000], "it begins anew with each loss");

  const two = new Scene(0, ["ws://here", "ws://there"]);
  two.isDown = true;
  await two.begin();
  await two.pass(10 * SECOND);
  assert.deepEqual(two.openMs.slice(0, 6), [4_000, 4_000, 10_000, 10_000, 4_000, 4_000], "each URL has both");
});
