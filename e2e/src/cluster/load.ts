import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { Crowd } from "../crowd.ts";
import type { CrowdOptions } from "../crowd.ts";
import type { Trouble } from "../diary.ts";
import { Diary } from "../diary.ts";
import { Ledger } from "../ledger.ts";
import { judgeCrowd } from "../scene.ts";
import type { Chat } from "./chat.ts";

/** 300 devices that send 200 messages per second in all. */
const LOAD: CrowdOptions = { pairs: 75, groups: 5, groupSize: 20, rate: 0.67 };
const BEFORE_MS = 3_000;
const AFTER_MS = 3_000;

/** What devices went through while people talked. */
interface Lived {
  /** The slowest time from a send to its ack. */
  readonly slowestMs: number;
  /** How often an application was told that it is offline. */
  readonly interruptions: number;
  /** Tries to connect that no connector took. */
  readonly refusals: readonly Trouble[];
  /** When each device reconnected that did so at all, in milliseconds since they began to talk. */
  readonly moves: readonly (readonly number[])[];
}

/** Of so many devices one may move once more: the proxy of a node may send it back to where it came from. */
const BACK_OF = 20;
/** Devices that moved too often, of which it is said when they did. */
const SHOWN = 5;

/** Asserts that no device was refused or offline, and that devices moved once in each of so many drains. */
export function assertUnnoticed(
  t: TestContext,
  { refusals, interruptions, moves }: Lived,
  drains: number,
): void {
  const most = Math.max(0, ...moves.map(({ length }) => length));
  const often = moves.filter(({ length }) => length > drains);
  t.diagnostic(
    `${moves.length} devices moved, ${often.length} of them more than ${drains} times, ${most} at most`,
  );
  for (const times of often.slice(0, SHOWN))
    t.diagnostic(`one moved after ${times.map((ms) => (ms / 1_000).toFixed(2)).join(", ")} s`);
  assert.deepEqual(refusals, []);
  assert.equal(interruptions, 0);
  assert.ok(most <= drains + 1, `a device moved ${most} times in ${drains} drains`);
  assert.ok(
    often.length * BACK_OF <= moves.length,
    `${often.length} of ${moves.length} devices moved more than ${drains} times`,
  );
}

/**
 * Lets people talk during `act`, and a little before and after. Then every device must have every message, in
 * order and once, and ClickHouse must equal the log. Resolves with what devices went through until then.
 */
export async function underLoad(
  t: TestContext,
  chat: Chat,
  act: () => Promise<void>,
  options: CrowdOptions = LOAD,
): Promise<Lived> {
  const venue = await chat.venue();
  const ledger = new Ledger();
  const diary = new Diary();
  const names = `${randomBytes(3).toString("hex")}-`;
  const crowd = new Crowd(venue, ledger, { ...options, names, diary });
  const span = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  try {
    await crowd.arrive();
    span.from = performance.now();
    const acting = new Promise((resolve) => setTimeout(resolve, BEFORE_MS)).then(act);
    await crowd.talkUntil(acting.then(async () => new Promise((resolve) => setTimeout(resolve, AFTER_MS))));
    await acting;
    span.to = performance.now();
    await judgeCrowd(t, { crowd, ledger });
  } finally {
    crowd.leave();
    venue.leave();
  }
  const said = await chat.verify();
  t.diagnostic(said.trim().split("\n").at(-1)?.slice(0, 200) ?? "");
  return {
    slowestMs: crowd.answeredMs(100),
    interruptions: diary.interruptions(span).length,
    refusals: diary.refusals(span),
    moves: [...diary.moves(span).values()].map((times) => times.map((at) => at - span.from)),
  };
}
