import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import {
  ArrivalGate,
  LATER_MS_MAX,
  LEAST_LIMIT,
  MOST_LIMIT,
  WAITING_MAX,
  WAIT_MS_MAX,
} from "./arrival-gate.ts";
import type { ArrivalKind } from "./arrival-gate.ts";

const wanted = (): boolean => true;
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function gate() {
  const time = { at: 0, monotonic: () => time.at };
  const refused: ArrivalKind[] = [];
  const made = new ArrivalGate({ time, countRefused: (kind) => refused.push(kind), random: () => 0.5 });
  return { time, refused, gate: made };
}

test("resumes come before logins, each in its order, and a socket that has gone takes no turn", async () => {
  const { gate: door } = gate();
  for (let i = 0; i < 128; i += 1) assert.equal(door.enter("login", wanted), undefined);
  const came: string[] = [];
  const gone: string[] = [];
  for (const [kind, name] of [
    ["login", "l1"],
    ["resume", "r1"],
    ["login", "l2"],
    ["resume", "gone"],
    ["resume", "r2"],
  ] as const)
    void door
      .enter(kind, () => name !== "gone")
      ?.then(
        () => came.push(name),
        () => gone.push(name),
      );
  for (let i = 0; i < 4; i += 1) {
    door.left(10);
    await settle();
  }
  assert.deepEqual([came, gone], [["r1", "r2", "l1", "l2"], ["gone"]]);
  assert.equal(door.waiting, 0);
});

test("slow answers and failures lower the limit to its least, and fast ones raise it to its most", () => {
  const { gate: door, time } = gate();
  for (let i = 0; i < 100; i += 1) {
    time.at += 1_000;
    door.answered(300);
  }
  assert.equal(door.limit, LEAST_LIMIT, "the first question is part of an arrival");
  for (const failed of [false, true]) {
    for (let i = 0; i < 500; i += 1) {
      time.at += 1_000;
      void door.enter("resume", wanted)?.catch(() => undefined);
      door.left(failed ? 1 : 900, failed);
    }
    assert.equal(door.limit, LEAST_LIMIT);
    const most = failed ? MOST_LIMIT : 64;
    for (let i = 0; i < 200_000 && door.limit < most; i += 1) {
      const entered: (Promise<void> | undefined)[] = [];
      while (entered.length < door.limit) entered.push(door.enter("resume", wanted));
      assert.ok(entered.every((one) => one === undefined));
      for (const _ of entered) door.left(5);
    }
    assert.equal(door.limit, most);
  }
});

test("while no greeting ends, those who are refused are spread as if each took that long", async () => {
  const { gate: door, time } = gate();
  for (let i = 0; i < 128; i += 1) assert.equal(door.enter("login", wanted), undefined);
  const later: number[] = [];
  for (let i = 0; i < 256; i += 1)
    void door.enter("login", wanted)?.catch((error: unknown) => {
      later.push((error as ChatError).retryAfterMs ?? 0);
    });
  time.at += WAIT_MS_MAX;
  door.sweep(time.at);
  await settle();
  assert.equal(later.length, 256);
  assert.equal(new Set(later).size, 256);
  // 128 in two seconds.
  assert.ok(Math.max(...later) - Math.min(...later) > 3_900, `${Math.max(...later) - Math.min(...later)} ms`);
});

test("the line is bounded, nobody waits longer than its bound, and each refusal names another moment", async () => {
  const { gate: door, time, refused } = gate();
  const errors: ChatError[] = [];
  const enter = (kind: ArrivalKind): void => {
    door.enter(kind, wanted)?.catch((error: unknown) => errors.push(error as ChatError));
  };
  for (let i = 0; i < 128 + WAITING_MAX + 10; i += 1) enter("resume");
  await settle();
  assert.equal(door.waiting, WAITING_MAX);
  assert.equal(errors.length, 10);
  time.at = WAIT_MS_MAX;
  door.sweep(time.at);
  await settle();
  assert.equal(door.waiting, 0);
  assert.equal(errors.length, WAITING_MAX + 10);
  assert.deepEqual(new Set(refused), new Set(["resume"]));
  for (const { code, retryAfterMs = 0 } of errors) {
    assert.equal(code, "BUSY");
    assert.ok(retryAfterMs >= 500 && retryAfterMs <= LATER_MS_MAX, String(retryAfterMs));
  }
  const moments = new Set(errors.map(({ retryAfterMs }) => retryAfterMs));
  assert.ok(moments.size > 600, `${moments.size} moments`);
});

/** A backend that greets `perSecond` devices, one after the other, and devices that come back when they are told. */
async function storm(devices: number, perSecond: number, seed: number) {
  const dice = new Dice(seed);
  const { gate: door, time, refused } = gate();
  const events: { at: number; act: () => void }[] = [];
  const after = (ms: number, act: () => void): void => {
    events.push({ at: time.at + ms, act });
  };
  let freeAt = 0;
  const backlogMs: { at: number; ms: number }[] = [];
  const done: { kind: ArrivalKind; at: number }[] = [];
  const greet = (kind: ArrivalKind): void => {
    const began = time.at;
    freeAt = Math.max(freeAt, time.at) + 1_000 / perSecond;
    backlogMs.push({ at: began, ms: freeAt - began });
    after(freeAt - began, () => {
      done.push({ kind, at: time.at });
      door.left(time.at - began);
    });
  };
  const arrive = (kind: ArrivalKind): void => {
    const turn = door.enter(kind, wanted);
    if (turn === undefined) greet(kind);
    else
      turn.then(
        () => {
          greet(kind);
        },
        (error: unknown) => {
          // With the jitter of a network.
          after(((error as ChatError).retryAfterMs ?? 0) + dice.int(0, 20), () => {
            arrive(kind);
          });
        },
      );
  };
  for (let i = 0; i < devices; i += 1)
    after(dice.int(0, 300), () => arrive(i % 2 === 0 ? "login" : "resume"));
  for (let sweepAt = 500; done.length < devices && time.at < 300_000;) {
    events.sort((a, b) => a.at - b.at);
    const next = events[0];
    if (next === undefined || next.at > sweepAt) {
      time.at = sweepAt;
      door.sweep(sweepAt);
      sweepAt += 500;
    } else {
      events.shift();
      time.at = next.at;
      next.act();
    }
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
  return { door, done, refused, backlogMs };
}

test("2,000 devices that come at once are level in little more than the backend needs, resumes first", async () => {
  for (const [perSecond, seed] of [
    [100, 1],
    [200, 2],
    [400, 3],
  ] as const) {
    const { done, backlogMs, refused } = await storm(2_000, perSecond, seed);
    assert.equal(done.length, 2_000);
    const leastMs = (1_000 * 2_000) / perSecond;
    const tookMs = done.at(-1)?.at ?? Infinity;
    assert.ok(tookMs <= 2 * leastMs + 5_000, `at ${perSecond}/s all were in after ${tookMs} ms`);
    // Its first guess may be too high, the backend's line is short from then on.
    const later = backlogMs.filter(({ at }) => at > 3_000).map(({ ms }) => ms);
    assert.ok(Math.max(0, ...later) <= 1_000, `a backend had a line of ${Math.max(...later)} ms`);
    const meanAt = (kind: ArrivalKind): number => {
      const times = done.flatMap((one) => (one.kind === kind ? [one.at] : []));
      return times.reduce((sum, at) => sum + at, 0) / times.length;
    };
    assert.ok(meanAt("resume") < meanAt("login"), `${meanAt("resume")} and ${meanAt("login")}`);
    assert.ok(refused.length > 0);
  }
});
