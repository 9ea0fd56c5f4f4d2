import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { RECENT_EVENTS_MAX, RECENT_MS } from "@jichat/protocol/limits.ts";
import { newConversation } from "./conversation.ts";
import { PartitionState } from "./partition-state.ts";
import type { KnownId } from "./recent-events.ts";
import { RecentEvents } from "./recent-events.ts";

const START = 1_800_000_000_000;
const NOTHING_CONSUMED = 0;
const ALL_CONSUMED = Number.MAX_SAFE_INTEGER;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const uuid = (ms: number, n: number): string =>
  `${hex(ms, 12).slice(0, 8)}-${hex(ms, 12).slice(8)}-7${hex(n % 4_096, 3)}-8${hex(n % 7, 3)}-${hex(n, 12)}`;

/** What happens next in a conversation. */
interface Step {
  readonly user: number;
  readonly what: "message" | "edited" | "without id" | "id alone";
  /** Some ids differ in their last digits alone, some in their time alone. */
  readonly id: "by number" | "by time" | "own";
  readonly wait: number;
}

const step = fc.record<Step>({
  user: fc.nat(4),
  what: fc.constantFrom("message", "edited", "without id", "id alone"),
  id: fc.constantFrom("by number", "by time", "own"),
  wait: fc.nat(1_000),
});
const recall = fc.record({ recall: fc.nat(300) });
/** By age: of the ids that came within the last so many milliseconds all stay, if storage lags even more. */
const trim = fc.record({ younger: fc.nat(60_000), lag: fc.nat(40) });

interface Kept {
  readonly user: string;
  readonly id: string | undefined;
  readonly event: EventFacts | undefined;
  readonly known: KnownId;
}

/** The same in the plainest way: what was told, in order, and looked for from end to end. */
class Plain {
  rows: Kept[] = [];

  known(user: string, id: string): KnownId | undefined {
    return this.rows.find((row) => row.id === id && row.user === user)?.known;
  }

  event(seq: number): EventFacts | undefined {
    return this.rows.find(({ event }) => event?.seq === seq)?.event;
  }

  recall(seq: number): void {
    this.rows = this.rows.map((row) =>
      row.event?.seq === seq ? { ...row, event: { ...row.event, recalled: true } } : row,
    );
  }

  get #isOverfull(): boolean {
    return this.rows.filter(({ id }) => id !== undefined).length > RECENT_EVENTS_MAX;
  }

  trim(now: number, consumed: number): void {
    for (;;) {
      const [oldest] = this.rows;
      if (oldest === undefined || oldest.known.position > consumed) return;
      if (oldest.known.ts >= now - RECENT_MS && !this.#isOverfull) return;
      this.rows.shift();
    }
  }
}

/** Tells both the same. */
class Pair {
  readonly recent = new RecentEvents(0, 0);
  readonly plain = new Plain();
  readonly told: Kept[] = [];
  now = START;
  position = 0;
  seq = 0;

  #id(how: Step["id"]): string {
    const n = this.told.length;
    if (how === "own") return `own id ${n}`;
    return how === "by number" ? uuid(START, n) : uuid(START + 1 + n, 1);
  }

  step({ user: number, what, id: how, wait }: Step): void {
    this.position += 1;
    this.now += wait;
    const user = `user-${number}`;
    const id = what === "without id" ? undefined : this.#id(how);
    if (what !== "id alone") this.seq += 1;
    const { seq, now: ts, position } = this;
    const event =
      what === "id alone"
        ? undefined
        : ({ seq, no: seq - 1, kind: what === "edited" ? "edited" : "message", from: user, ts } as const);
    const kept = { user, id, event, known: { seq, ts, position } };
    this.told.push(kept);
    this.plain.rows.push(kept);
    if (event !== undefined) this.recent.addEvent(event, id, position);
    else if (id !== undefined) this.recent.addId(user, id, kept.known);
  }

  recall(seq: number): void {
    this.recent.recall(seq);
    this.plain.recall(seq);
  }

  trim(now: number, consumed: number): void {
    this.recent.trim(now, consumed);
    this.plain.trim(now, consumed);
  }

  agree(): void {
    const { recent, plain, told } = this;
    assert.equal(recent.size, plain.rows.length);
    assert.equal(recent.ids, plain.rows.filter(({ id }) => id !== undefined).length);
    const held = new Set(plain.rows);
    for (const kept of told) {
      const { user, id, known, event } = kept;
      if (id !== undefined) {
        assert.deepEqual(recent.known(user, id), held.has(kept) ? known : plain.known(user, id));
        assert.equal(recent.known("nobody", id), undefined);
      }
      // A recalled one is another object in `plain`: those are looked for.
      if (event !== undefined) assert.deepEqual(recent.event(event.seq), plain.event(event.seq));
    }
  }
}

test("recent ids and events equal a plain list of them while events arrive, are recalled and are dropped", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 12, arbitrary: step }, recall, trim), { maxLength: 300, size: "max" }),
      (all) => {
        const pair = new Pair();
        for (const next of all) {
          if ("user" in next) pair.step(next);
          else if ("recall" in next) pair.recall(next.recall);
          else pair.trim(pair.now + RECENT_MS - next.younger, pair.position - next.lag);
          if (!("user" in next)) pair.agree();
        }
        pair.agree();
      },
    ),
  );
});

test("the last 4,096 ids stay, and older ones are dropped once storage has them", () => {
  const pair = new Pair();
  for (let i = 0; i < RECENT_EVENTS_MAX + 700; i += 1)
    pair.step({
      user: i % 5,
      what: i % 9 === 0 ? "id alone" : "message",
      id: i % 4 === 0 ? "own" : "by time",
      wait: 1,
    });
  pair.trim(pair.now, NOTHING_CONSUMED);
  assert.equal(pair.recent.size, RECENT_EVENTS_MAX + 700);
  assert.equal(pair.recent.knownFrom, 0);
  const forgotten = pair.recent.ids - RECENT_EVENTS_MAX;
  pair.trim(pair.now, ALL_CONSUMED);
  assert.equal(pair.recent.ids, RECENT_EVENTS_MAX);
  pair.agree();
  const gone = pair.told.filter(({ id }) => id !== undefined).slice(0, forgotten);
  assert.equal(pair.recent.knownFrom, gone.at(-1)?.known.ts);
  assert.ok(pair.recent.idsFrom >= START);
});

test("a snapshot holds the newest ids, and the time from which on none is missing", () => {
  const recent = new RecentEvents(5, 6);
  for (let n = 1; n <= 5; n += 1)
    recent.addId("ann", n === 4 ? "own id" : uuid(START + n, n), { seq: n, ts: START + n, position: n });
  const all = recent.latest(9);
  const ids = [1, 2, 3, 4, 5].map((n) => [
    "ann",
    n === 4 ? "own id" : uuid(START + n, n),
    { seq: n, ts: START + n, position: n },
  ]);
  assert.deepEqual([all.knownFrom, all.idsFrom, all.ids()], [5, 6, ids]);
  const latest = recent.latest(2);
  assert.deepEqual(
    latest.ids().map(([, id]) => id),
    ["own id", uuid(START + 5, 5)],
  );
  assert.deepEqual([latest.knownFrom, latest.idsFrom], [START + 3, START + 3]);
});

test("a snapshot that is read later holds what was there when it was taken", () => {
  const pair = new Pair();
  const step = (i: number): void => {
    pair.step({
      user: i % 7,
      what: i % 5 === 0 ? "id alone" : i % 3 === 0 ? "without id" : "message",
      id: i % 4 === 0 ? "own" : "by time",
      wait: 1,
    });
  };
  for (const max of [0, 1, 3, 256, 9_999]) {
    for (let i = 0; i < 200; i += 1) step(i);
    const [later, before] = [pair.recent.latest(max), pair.recent.latest(max).ids()];
    // Names are released and used again, rows move to other slots, and some go.
    for (let i = 0; i < RECENT_EVENTS_MAX; i += 1) step(i + max);
    pair.trim(pair.now, ALL_CONSUMED);
    assert.deepEqual(later.ids(), before);
    assert.equal(before.length, Math.min(max, before.length));
  }
});

test("the most active conversation of a partition is trimmed too, however many quiet ones there are", () => {
  const state = new PartitionState();
  for (let n = 0; n < 20; n += 1) state.add(newConversation(`g_quiet${n}`));
  const lively = newConversation("g_lively");
  state.add(lively);
  for (let seq = 1; seq <= RECENT_EVENTS_MAX + 50; seq += 1) {
    const event = { seq, no: seq, kind: "message", from: "ann", ts: START, id: uuid(START, seq) } as const;
    const who = { conversation: "g_lively", device: "d", session: "s" };
    state.apply(state.get("g_lively") ?? lively, { r: "event", ...who, ...event }, seq);
  }
  state.shed(START, 10);
  assert.equal(lively.recent.size, RECENT_EVENTS_MAX + 40);
  state.shed(START, ALL_CONSUMED);
  assert.equal(lively.recent.size, RECENT_EVENTS_MAX);
});
