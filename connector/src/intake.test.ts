import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FRAMES_PER_TURN, Intake, REFUSALS_MAX } from "./intake.ts";

const limits = { framesPerSecond: 200, bytesPerSecond: 10_000, heldBytesMax: 20_000 };
const bytesOf = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer;
const textOf = (bytes: ArrayBuffer): string => new TextDecoder().decode(bytes);

/** A clock that the test moves. */
function fake(more: Partial<typeof limits> = {}) {
  const turn = { ordinal: 0, ms: 1_000, monotonic: (): number => turn.ms };
  return { turn, intake: new Intake({ ...limits, ...more }, turn, "here") };
}

test("a burst of frames or bytes passes, and one more passes after the wait that its refusal names", () => {
  const { turn, intake } = fake();
  for (let i = 0; i < 400; i += 1) assert.equal(intake.admit(1), 0);
  const waitMs = intake.admit(1);
  assert.ok(waitMs > 0 && waitMs <= 10, `${waitMs}`);
  turn.ms += waitMs;
  assert.equal(intake.admit(1), 0);
  turn.ms += 60_000;
  assert.equal(intake.admit(15_000), 0);
  assert.equal(intake.admit(10_000), 500, "5,000 are left of 20,000");
  assert.equal(intake.admit(5_000), 0, "what is refused takes nothing");
  turn.ms += 60_000;
  assert.equal(intake.admit(1_000_000), 0, "what is larger than the bucket passes when it is full");
});

/** An address that notes what it was asked for. */
function fakeBudget(waitMs = 0) {
  const budget = {
    waitMs,
    paid: 0,
    asked: 0,
    spend: (_address: string, bytes: number): number => {
      budget.asked += 1;
      if (budget.waitMs === 0) budget.paid += Math.max(1, Math.ceil(bytes / 1_024));
      return budget.waitMs;
    },
    of: () => ({
      takeOne: (): boolean => {
        if (budget.waitMs === 0) budget.paid += 1;
        return budget.waitMs === 0;
      },
    }),
  };
  return budget;
}

test("a frame over the limit of its address is refused, and costs its socket nothing", () => {
  const { turn } = fake();
  const budget = fakeBudget(3);
  const intake = new Intake({ ...limits, framesPerSecond: 1 }, turn, "here", budget);
  for (let i = 0; i < 10; i += 1) assert.equal(intake.admit(7), 10);
  budget.waitMs = 0;
  for (let i = 0; i < 2; i += 1) assert.equal(intake.admit(7), 0);
  assert.ok(intake.admit(7) > 0);
  assert.equal(budget.paid, 2, "what the socket may not costs nobody else");
});

test("frames counted per turn pass as if each one was counted alone, for any sizes and turns", () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 12_000 }));
  const frame = fc.record({ bytes: size, laterMs: fc.constantFrom(0, 0, 0, 0, 1, 40, 900) });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 1_200, size: "max" }), (frames) => {
      const { turn, intake } = fake();
      const budget = fakeBudget();
      const budgeted = new Intake(limits, turn, "here", budget);
      let cost = 0;
      let left = { frames: 400, bytes: 20_000 };
      for (const { bytes, laterMs } of frames) {
        if (laterMs > 0) {
          turn.ordinal += 1;
          turn.ms += laterMs;
          left = {
            frames: Math.min(400, left.frames + (laterMs / 1_000) * 200),
            bytes: Math.min(20_000, left.bytes + (laterMs / 1_000) * 10_000),
          };
        }
        const passes = intake.admit(bytes) === 0;
        assert.equal(budgeted.admit(bytes) === 0, passes);
        const isNear = Math.abs(left.frames - 1) < 1e-6 || Math.abs(left.bytes - bytes) < 1e-6;
        if (!isNear) assert.equal(passes, left.frames >= 1 && left.bytes >= bytes);
        if (!passes) continue;
        left = { frames: left.frames - 1, bytes: left.bytes - bytes };
        cost += Math.max(1, Math.ceil(bytes / 1_024));
      }
      assert.equal(budget.paid, cost);
    }),
  );
});

test("the small frames of one turn are counted together, with a twentieth of the charges to the address", () => {
  const { turn } = fake();
  const budget = fakeBudget();
  const intake = new Intake(
    { ...limits, framesPerSecond: 10_000, bytesPerSecond: 1e9 },
    turn,
    "here",
    budget,
  );
  for (let i = 0; i < 10_000; i += 1) {
    if (i % 50 === 0) turn.ordinal += 1;
    assert.equal(intake.admit(20), 0);
  }
  assert.ok(budget.asked <= 500, `${budget.asked}`);
  budget.waitMs = 5;
  assert.ok(
    intake.admit(20) > 0,
    "what its address has used up passes nothing, in the middle of a turn either",
  );
  assert.ok(intake.admit(20) > 0);
});

test("frames that arrive in any turns are read once and in order, with a share in each turn", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 }), (turns) => {
      const { turn, intake } = fake({ heldBytesMax: 1e9 });
      const read: string[] = [];
      let said = 0;
      const drain = (): number => {
        const before = read.length;
        for (let held = intake.next(); held !== undefined; held = intake.next())
          read.push(textOf(held.bytes));
        return read.length - before;
      };
      for (const count of turns) {
        turn.ordinal += 1;
        let inTurn = drain();
        for (let i = 0; i < count; i += 1) {
          const frame = `${(said += 1)}`;
          if (!intake.isHolding && intake.mayRead()) {
            read.push(frame);
            inTurn += 1;
          } else assert.ok(intake.hold(bytesOf(frame), false));
        }
        assert.ok(inTurn <= FRAMES_PER_TURN);
      }
      while (intake.isHolding) {
        turn.ordinal += 1;
        drain();
      }
      assert.deepEqual(
        read,
        Array.from({ length: said }, (_, i) => `${i + 1}`),
      );
    }),
  );
});

test("waiting frames are bounded in bytes, an empty one counts too, and dropped ones are gone", () => {
  for (const length of [0, 1, 100, 5_000]) {
    const { intake } = fake();
    let held = 0;
    while (intake.hold(new ArrayBuffer(length), false)) held += 1;
    assert.ok(held > 0 && held * (length + 100) <= limits.heldBytesMax, `${held} of ${length} bytes`);
    intake.drop();
    assert.equal(intake.isHolding, false);
    assert.ok(intake.hold(new ArrayBuffer(length), false));
  }
});

test("a socket may have two hundred refusals within ten seconds, and no more", () => {
  const { turn, intake } = fake();
  for (let i = 0; i < REFUSALS_MAX; i += 1) {
    turn.ms += 49;
    assert.equal(intake.refused(), false);
  }
  assert.equal(intake.refused(), true);
  turn.ms += 10_001;
  assert.equal(intake.refused(), false);
});
