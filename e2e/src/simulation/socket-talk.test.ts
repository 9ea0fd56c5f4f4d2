import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL } from "./guards.ts";
import type { Guards } from "./guards.ts";
import { SocketTalk } from "./socket-talk.ts";

const SEEDS = 80;
/** A way back and forth of nearly 5 s: what is refused is heard of just in time. */
const WIRES_MS = [400, 2_400];
/** In 25 s of trouble; nobody is refused for long once that is over. */
const REFUSALS_MAX = 60;

async function firstWrong(guards: Guards, wireMs: number): Promise<string | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { orders, waiting, refusals } = await new SocketTalk(seed, guards, wireMs).run();
    const where = `seed ${seed}, wire ${wireMs} ms`;
    for (const { sent, taken } of orders)
      if (sent.join() !== taken.join()) return `${where}: sent ${sent.join()}, taken ${taken.join()}`;
    if (waiting > 0 || refusals > REFUSALS_MAX) return `${where}: ${waiting} wait, ${refusals} refusals`;
  }
  return undefined;
}

test("one socket's sends to several conversations and partitions each keep their order, and get through", async () => {
  for (const wireMs of WIRES_MS) assert.equal(await firstWrong(ALL, wireMs), undefined);
});

for (const guard of ["sendGate", "refusedLine"] as const)
  test(`without its guard \`${guard}\` they do not`, async () => {
    for (const wireMs of WIRES_MS)
      assert.match((await firstWrong({ ...ALL, [guard]: false }, wireMs)) ?? "", /: sent .*, taken /);
  });
