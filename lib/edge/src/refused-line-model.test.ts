import assert from "node:assert/strict";
import { test } from "node:test";
import type { Refused } from "@jichat/protocol/bus/command.ts";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";
import type { Mark } from "./refused-line.ts";
import { RefusedLine } from "./refused-line.ts";

const REFUSAL: Refused = { code: "RATE_LIMITED", message: "too fast", retryAfterMs: 20 };
/** Two of these are 5 s. */
const STEP_MS = SEND_GATE_MS / 2;
const LANE_MAX = 3;

/** `door`: it is refused before anybody looks at the line. `ack`, `busy`, `final`: the lane's first is decided. */
type Step =
  | { readonly t: "first"; readonly door: boolean }
  | { readonly t: "again"; readonly who: number; readonly door: boolean }
  | { readonly t: "ack" | "busy" | "final" | "time" };

/** One send, as its device and the page that promises things know it. */
interface Send {
  fate: "open" | "acked" | "final";
  /** Sent behind it, and arrived when it had been silent for 5 s: they may be taken before it. */
  lostTo: readonly number[];
  toldAt: number | undefined;
  retryAfterMs: number;
}

/**
 * One socket, one conversation, sends `0, 1, 2 …`: the line, a lane that takes along what is behind a refused
 * one, and the account of what was promised, which knows nothing of the line.
 */
class Model {
  now = 0;
  readonly sends: Send[] = [];
  /** What happened until now, for who looks into a failure. */
  readonly #story: string[];
  readonly #line: RefusedLine;
  readonly #lane: { readonly who: number; readonly place: number }[];
  #ordinal: number;
  /** When one of them last went on or was answered: who resends in order comes to the next one then. */
  #movedAt: number;

  constructor(from?: Model) {
    this.#story = [...(from === undefined ? [] : from.#story)];
    this.#line = new RefusedLine(from === undefined ? [] : from.#line.marks);
    this.#lane = [...(from === undefined ? [] : from.#lane)];
    this.#ordinal = from === undefined ? 0 : from.#ordinal;
    this.#movedAt = from === undefined ? 0 : from.#movedAt;
    this.now = from?.now ?? 0;
    for (const send of from?.sends ?? []) this.sends.push({ ...send });
  }

  get marks(): readonly Mark[] {
    return [...this.#line.marks];
  }

  steps(most: number): Step[] {
    const steps: Step[] = [{ t: "time" }];
    const doors = this.#lane.length < LANE_MAX ? [true, false] : [true];
    if (this.sends.length < most) steps.push(...doors.map((door) => ({ t: "first" as const, door })));
    this.sends.forEach((_, who) => {
      steps.push(...doors.map((door) => ({ t: "again" as const, who, door })));
    });
    const [head] = this.#lane;
    if (head === undefined) return steps;
    steps.push({ t: "busy" });
    if (this.#send(head.who).fate !== "final") steps.push({ t: "ack" });
    if (this.#send(head.who).fate !== "acked") steps.push({ t: "final" });
    return steps;
  }

  take(step: Step): void {
    this.#story.push(`${this.now} ${Object.values(step).join(" ")}`);
    switch (step.t) {
      case "time":
        this.now += STEP_MS;
        return;
      case "first":
        this.sends.push({ fate: "open", lostTo: [], toldAt: undefined, retryAfterMs: 0 });
        return this.#arrives(this.sends.length - 1, step.door);
      case "again":
        return this.#arrives(step.who, step.door);
      default:
        return this.#decides(step.t);
    }
  }

  isUnderWay(who: number): boolean {
    return this.#lane.some((entry) => entry.who === who);
  }

  get laneIsEmpty(): boolean {
    return this.#lane.length === 0;
  }

  wrong(what: string): string {
    return `${what}, behind: ${this.#story.join(", ")}`;
  }

  #send(who: number): Send {
    const send = this.sends[who];
    assert.ok(send !== undefined);
    return send;
  }

  #arrives(who: number, door: boolean): void {
    const send = this.#send(who);
    this.#ordinal += 1;
    const place = this.#line.placeOf(String(who)) ?? this.#ordinal;
    for (const other of this.#waitedForBy(who))
      if (this.now - (this.#send(other).toldAt ?? 0) >= SEND_GATE_MS)
        this.#send(other).lostTo = [...this.#send(other).lostTo, who].sort((one, two) => one - two);
    if (door) {
      this.#line.refuse(String(who), place, REFUSAL, this.now);
      this.#told(send, REFUSAL);
      return;
    }
    const shared = this.#line.admit(String(who), place, this.now);
    if (shared === undefined) this.#goesOn(who, place);
    else {
      assert.ok(this.#hasCause(send), this.wrong(`${who} is refused for none that is waited for`));
      this.#told(send, shared);
    }
    assert.ok(this.#line.size <= this.sends.length);
  }

  #goesOn(who: number, place: number): void {
    assert.deepEqual(this.#waitedForBy(who), [], this.wrong(`${who} goes on`));
    this.#send(who).toldAt = undefined;
    this.#movedAt = this.now;
    this.#lane.push({ who, place });
  }

  #told(send: Send, { retryAfterMs = 0 }: Refused): void {
    send.toldAt = this.now;
    send.retryAfterMs = retryAfterMs;
  }

  /** I3: those before which an undecided send must not go on: sent before it, and to come again. */
  #waitedForBy(who: number): number[] {
    if (this.#send(who).fate !== "open") return [];
    return [...this.sends.keys()].slice(0, who).filter((other) => {
      const { fate, lostTo } = this.#send(other);
      return fate === "open" && !lostTo.includes(who) && !this.isUnderWay(other);
    });
  }

  /** Another one was told, has not come again or been answered since, and no 5 s of silence have passed. */
  #hasCause(send: Send): boolean {
    const isWaitedFor = ({ toldAt }: Send): boolean =>
      toldAt !== undefined && this.now - Math.max(toldAt, this.#movedAt) < SEND_GATE_MS;
    return this.sends.some((other) => other !== send && isWaitedFor(other));
  }

  #decides(how: "ack" | "busy" | "final"): void {
    const entry = this.#lane.shift();
    assert.ok(entry !== undefined);
    const send = this.#send(entry.who);
    if (how === "busy") {
      for (const { who, place } of [entry, ...this.#lane.splice(0)]) {
        this.#line.refuse(String(who), place, REFUSAL, this.now);
        this.#told(this.#send(who), REFUSAL);
      }
      return;
    }
    if (how === "ack" && send.fate === "open")
      for (const [who, { fate, lostTo }] of this.sends.slice(0, entry.who).entries())
        assert.ok(fate !== "open" || lostTo.includes(entry.who), this.wrong(`${entry.who} before ${who}`));
    send.fate = how === "ack" ? "acked" : "final";
    send.toldAt = undefined;
    this.#movedAt = this.now;
    this.#line.settle(String(entry.who), this.now);
    assert.equal(this.#line.placeOf(String(entry.who)), undefined, "an answer for good ends its wait");
  }

  /** Alike are two that differ in nothing but the time of the day and in how often somebody shared. */
  get key(): string {
    const marks = this.marks;
    const numbers = [...marks.map(({ place }) => place), ...this.#lane.map(({ place }) => place)];
    const order = [...new Set(numbers)].sort((one, other) => one - other);
    const at = (number: number): number => order.indexOf(number);
    const left = (until: number): number => Math.max(0, until - this.now);
    return JSON.stringify([
      marks.map(({ id, place, until }) => [id, at(place), left(until)]),
      this.#lane.map(({ who, place }) => [who, at(place)]),
      this.sends.map(({ fate, toldAt = 0, lostTo }) => [fate, left(toldAt + SEND_GATE_MS), lostTo]),
      left(this.#movedAt + SEND_GATE_MS),
    ]);
  }
}

/**
 * From here on nobody is refused but by the line, and the device resends what it was told of when it was told
 * to: in order, or each in its own time. Returns how often it had to at most.
 */
function resends(model: Model, inOrder: boolean): number {
  const times = model.sends.map(() => 0);
  const dueAt = model.sends.map(({ retryAfterMs }) => model.now + retryAfterMs);
  const end = model.now + 3 * SEND_GATE_MS;
  for (;;) {
    while (!model.laneIsEmpty)
      model.take({ t: model.steps(0).some(({ t }) => t === "ack") ? "ack" : "final" });
    const open = [...model.sends.keys()].filter((who) => model.sends[who]?.fate === "open");
    if (open.length === 0) return Math.max(0, ...times);
    const next = Math.min(...(inOrder ? open.slice(0, 1) : open).map((who) => dueAt[who] ?? 0));
    model.now = Math.max(model.now, next);
    assert.ok(model.now <= end, model.wrong("it takes too long"));
    for (const who of open) {
      if ((dueAt[who] ?? 0) > model.now) {
        if (inOrder) break;
        continue;
      }
      times[who] = (times[who] ?? 0) + 1;
      model.take({ t: "again", who, door: false });
      dueAt[who] = model.now + (model.sends[who]?.retryAfterMs ?? 0);
    }
  }
}

/** Ten times from 20 ms to 5 s, for each that may be in front. */
const resendsMax = (sends: number): number => 10 * sends;

function allGetThrough(model: Model): void {
  for (const inOrder of [true, false]) {
    const most = resends(new Model(model), inOrder);
    assert.ok(most <= resendsMax(model.sends.length), `${most} resends`);
  }
}

/** Everything that so many steps can come to, two ways to the same being one; from each, all get through. */
function explore(sends: number, steps: number): { states: number; isAll: boolean } {
  const seen = new Set<string>();
  let models = [new Model()];
  for (let step = 0; step < steps && models.length > 0; step += 1)
    models = models.flatMap((model) =>
      model.steps(sends).flatMap((taken) => {
        const after = new Model(model);
        after.take(taken);
        const { key } = after;
        if (seen.has(key)) return [];
        seen.add(key);
        allGetThrough(after);
        return [after];
      }),
    );
  return { states: seen.size, isAll: models.length === 0 };
}

test("two sends keep their order and both get through, in every interleaving", () => {
  const { states, isAll } = explore(2, Number.POSITIVE_INFINITY);
  assert.ok(isAll && states > 10_000, `${states} states`);
});

test("three sends with ten steps and six with eight keep their order", () => {
  const [three, six] = [explore(3, 10), explore(6, 8)];
  assert.ok(three.states > 50_000 && six.states > 5_000, `${three.states} and ${six.states} states`);
});

test("six sends with sixty random steps keep their order", () => {
  for (let seed = 1; seed <= 2_000; seed += 1) {
    let state = seed;
    const below = (most: number): number => {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
      return ((state ^ (state >>> 13)) >>> 0) % most;
    };
    const model = new Model();
    for (let i = 0; i < 60; i += 1) {
      const steps = model.steps(6);
      // A kind first, then one of it: copies would be nearly all there is.
      const kinds = [...new Set(steps.map(({ t }) => t))];
      const kind = kinds[below(kinds.length)];
      const some = steps.filter(({ t }) => t === kind);
      model.take(some[below(some.length)] ?? { t: "time" });
    }
    allGetThrough(model);
  }
});
