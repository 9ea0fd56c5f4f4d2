import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "@jichat/protocol/dice.ts";
import type { Sign } from "./absences.ts";
import { ASKED, ASK_EVERY_MS, Absences, NOBODIES, REST_MS } from "./absences.ts";

const QUIET_MS = 4_000;

/** Gives signs of one owner, `ASK_EVERY_MS` apart from `from` on. Returns at which of them it was gone. */
function goneAt(absences: Absences, signs: readonly Sign[], from = 0): number[] {
  return signs.flatMap((sign, at) => (absences.isGone("b", sign, from + at * ASK_EVERY_MS) ? [at] : []));
}
const times = (sign: Sign, count: number): Sign[] => Array.from({ length: count }, () => sign);

test("an owner that answered is gone at the fourth word in a row that nobody has subscribed, not before", () => {
  assert.equal(NOBODIES, 4);
  assert.deepEqual(goneAt(new Absences(QUIET_MS), ["answered", ...times("nobody", 3)]), []);
  assert.deepEqual(goneAt(new Absences(QUIET_MS), ["answered", ...times("nobody", 4)]), [4]);
  assert.deepEqual(
    goneAt(new Absences(QUIET_MS), ["answered", ...times("nobody", 3), "answered", ...times("nobody", 3)]),
    [],
  );
});

test("an owner that is silent, as a stopped process or a host that is cut off, is left to its lease", () => {
  assert.deepEqual(goneAt(new Absences(QUIET_MS), ["answered", ...times("silent", 100)]), []);
  const alternating = Array.from({ length: 100 }, (_, at): Sign => (at % 4 === 0 ? "silent" : "nobody"));
  assert.deepEqual(goneAt(new Absences(QUIET_MS), ["answered", ...alternating]), []);
});

test("an owner that never answered, as one of an earlier build, is left to its lease", () => {
  assert.deepEqual(goneAt(new Absences(QUIET_MS), times("nobody", 1_000)), []);
});

test("an owner is gone once: it has to answer again before it can be gone again", () => {
  assert.deepEqual(goneAt(new Absences(QUIET_MS), ["answered", ...times("nobody", 100)]), [4]);
});

test("an owner that was struck off and came back is left to its lease for a minute", () => {
  const absences = new Absences(QUIET_MS);
  assert.deepEqual(goneAt(absences, ["answered", ...times("nobody", 4)]), [4]);
  absences.left("b", 1_000);
  absences.renewed("b", 1_100);
  absences.asked("a", ["b"], 1_100);
  assert.deepEqual(goneAt(absences, ["answered", ...times("nobody", 20)], 1_200), []);
  const later = 1_100 + REST_MS;
  absences.asked("a", ["b"], later);
  assert.deepEqual(goneAt(absences, ["answered", ...times("nobody", 4)], later), [4]);
});

test("nobody is gone for a lease's time after this process has lost its own connection", () => {
  const absences = new Absences(QUIET_MS);
  goneAt(absences, ["answered", ...times("nobody", 3)]);
  absences.reconnected(1_000);
  assert.deepEqual(goneAt(absences, times("nobody", 20), 1_000), []);
  assert.deepEqual(goneAt(absences, times("nobody", 4), 1_000 + QUIET_MS), [3]);
});

test("an owner asks two others, every owner is asked by two, and who is not asked any more counts as unknown", () => {
  const owners = ["d", "a", "c", "b", "e"];
  const askedBy = new Map<string, number>();
  for (const me of owners) {
    const asked = new Absences(QUIET_MS).asked(me, owners, 0);
    assert.equal(asked.length, ASKED);
    assert.ok(!asked.includes(me));
    for (const id of asked) askedBy.set(id, (askedBy.get(id) ?? 0) + 1);
  }
  assert.deepEqual(
    [...askedBy.values()],
    owners.map(() => ASKED),
  );
  assert.deepEqual(new Absences(QUIET_MS).asked("a", ["a", "b"], 0), ["b"]);
  assert.deepEqual(new Absences(QUIET_MS).asked("a", ["a"], 0), []);

  const absences = new Absences(QUIET_MS);
  absences.asked("a", ["a", "b"], 0);
  goneAt(absences, ["answered"]);
  absences.asked("a", ["a", "aa", "ab", "b"], 200);
  assert.deepEqual(goneAt(absences, times("nobody", 20), 400), []);
});

/** What an owner of a random day does next. */
type Act = "die" | "stop" | "blink" | "go on";

/**
 * A random day of four owners that see one another. Owners die, stop for a while, or lose their connection for
 * a moment. Returns how often living owners were struck off, and how long dead ones were still listed.
 */
function day(seed: number) {
  const dice = new Dice(seed);
  const ids = ["a", "b", "c", "d"];
  const listed = new Set(ids);
  const dead = new Map<string, number>();
  const away = new Map<string, { readonly until: number; readonly sign: Sign }>();
  const absences = new Map(ids.map((id) => [id, new Absences(QUIET_MS)]));
  const robbed: { readonly id: string; readonly at: number; readonly sign: Sign }[] = [];
  const noticedMs: number[] = [];
  const actOf = (): Act =>
    dice.chance(0.001) ? "die" : dice.chance(0.002) ? "stop" : dice.chance(0.002) ? "blink" : "go on";
  const isUp = (id: string, now: number): boolean => !dead.has(id) && (away.get(id)?.until ?? 0) <= now;
  const signOf = (id: string, now: number): Sign =>
    dead.has(id) ? "nobody" : isUp(id, now) ? "answered" : (away.get(id)?.sign ?? "silent");
  const tellLeft = (id: string, now: number): void => {
    listed.delete(id);
    for (const seen of absences.values()) seen.left(id, now);
  };
  for (let now = 0; now < 600_000; now += ASK_EVERY_MS) {
    for (const id of ids.filter((each) => isUp(each, now))) {
      const act = actOf();
      if (act === "die" && ids.length - dead.size > 2) dead.set(id, now);
      if (act === "stop") away.set(id, { until: now + dice.between(1_000, 20_000), sign: "silent" });
      if (act === "blink") away.set(id, { until: now + dice.between(100, 2_000), sign: "nobody" });
    }
    for (const [id, at] of dead) if (listed.has(id) && now - at >= QUIET_MS) tellLeft(id, now); // Its lease.
    for (const me of ids.filter((each) => isUp(each, now))) {
      const seen = absences.get(me);
      if (!listed.has(me)) {
        listed.add(me);
        for (const each of absences.values()) each.renewed(me, now);
      }
      for (const id of seen?.asked(me, listed, now) ?? []) {
        const sign = signOf(id, now);
        if (seen?.isGone(id, sign, now) !== true) continue;
        const died = dead.get(id);
        if (died === undefined) robbed.push({ id, at: now, sign });
        else noticedMs.push(now - died);
        tellLeft(id, now);
      }
    }
  }
  return { robbed, noticedMs };
}

test("on 100 random days no stopped owner is robbed, nobody is robbed twice in a minute, and the dead are noticed", () => {
  let robbed = 0;
  const noticed: number[] = [];
  for (let seed = 1; seed <= 100; seed += 1) {
    const { robbed: all, noticedMs } = day(seed);
    robbed += all.length;
    noticed.push(...noticedMs);
    assert.ok(
      all.every(({ sign }) => sign === "nobody"),
      `seed ${seed}`,
    );
    for (const [index, { id, at }] of all.entries()) {
      const before = all.slice(0, index).findLast((each) => each.id === id);
      assert.ok(
        before === undefined || at - before.at >= REST_MS,
        `seed ${seed}: ${id} is robbed again at ${at}`,
      );
    }
  }
  // A connection that is away for over 800 ms is taken for a death: the days have that case too.
  assert.ok(robbed > 50, `${robbed} were robbed`);
  noticed.sort((a, b) => a - b);
  assert.ok(noticed.length > 50);
  assert.ok((noticed[Math.floor(noticed.length / 2)] ?? Infinity) <= (NOBODIES + 1) * ASK_EVERY_MS);
});
