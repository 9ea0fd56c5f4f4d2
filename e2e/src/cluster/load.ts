import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { Crowd } from "../crowd.ts";
import type { CrowdOptions } from "../crowd.ts";
import { Ledger } from "../ledger.ts";
import { judgeCrowd } from "../scene.ts";
import type { Chat } from "./chat.ts";

/** 300 devices that send 200 messages per second in all. */
const LOAD: CrowdOptions = { pairs: 75, groups: 5, groupSize: 20, rate: 0.67 };
const BEFORE_MS = 3_000;
const AFTER_MS = 3_000;

/**
 * Lets people talk during `act`, and a little before and after. Then every device must have every message, in
 * order and once, and ClickHouse must equal the log. Resolves with the slowest time from a send to its ack,
 * and with the number of lost connections until then.
 */
export async function underLoad(
  t: TestContext,
  chat: Chat,
  act: () => Promise<void>,
  options: CrowdOptions = LOAD,
): Promise<{ readonly slowestMs: number; readonly interruptions: number }> {
  const venue = await chat.venue();
  const ledger = new Ledger();
  const crowd = new Crowd(venue, ledger, { ...options, names: `${randomBytes(3).toString("hex")}-` });
  let interruptions = 0;
  try {
    await crowd.arrive();
    const acting = new Promise((resolve) => setTimeout(resolve, BEFORE_MS)).then(act);
    await crowd.talkUntil(acting.then(async () => new Promise((resolve) => setTimeout(resolve, AFTER_MS))));
    await acting;
    interruptions = crowd.devices.reduce((sum, device) => sum + device.interruptions, 0);
    await judgeCrowd(t, { crowd, ledger });
  } finally {
    crowd.leave();
    venue.leave();
  }
  const said = await chat.verify();
  t.diagnostic(said.trim().split("\n").at(-1)?.slice(0, 200) ?? "");
  return { slowestMs: crowd.answeredMs(100), interruptions };
}
