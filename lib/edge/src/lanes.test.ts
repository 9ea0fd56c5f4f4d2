import { encodeAnswers } from "@jichat/protocol/bus/command.ts";
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import { decodeCommands } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { Lanes } from "./lanes.ts";

const source = { conversation: "g_1", user: "ann", device: "d", session: "s" };
const look: Command = { ...source, op: "look" };
const send: Command = { ...source, op: "send", id: "m", body: "{}" as never };
const open = { isOpen: () => true };

/** An owner that holds whoever only reads until it is told to answer them. */
function holding() {
  const held: (() => void)[] = [];
  const asked: string[] = [];
  const request = async (_: string, bytes: Uint8Array): Promise<Uint8Array> => {
    const { commands } = decodeCommands(bytes);
    const ops = commands.map(({ op }) => op).join();
    asked.push(ops);
    const answers: Answer[] = commands.map(() => ({ seq: 7, ts: 1 }));
    const isReading = !ops.includes("send");
    if (isReading)
      await new Promise<void>((resolve) => {
        held.push(resolve);
      });
    return encodeAnswers({ v: 1, position: isReading ? 9 : 8, answers });
  };
  return {
    held,
    asked,
    lanes: new Lanes({
      bus: { request, bytesMax: 1_048_576 },
      names: namesOf("jichat"),
      clock: systemClock,
      from: "edge",
      partitions: 1,
      onRetry: () => undefined,
    }),
  };
}

test("a message does not wait for readers that the owner holds, and both answers have the log position", async () => {
  const { held, asked, lanes } = holding();
  const looked = lanes.submit(look, open);
  while (held.length === 0) await turn();
  assert.deepEqual(await lanes.submit(send, open), { seq: 7, ts: 1 });
  assert.equal(lanes.seen(0), 8);
  assert.equal(lanes.waiting, 1);

  const [first, second] = [lanes.position(0), lanes.submit(look, open)];
  held.shift()?.();
  assert.deepEqual(await looked, { seq: 7, ts: 1 });
  assert.equal(lanes.seen(0), 9);
  while (held.length === 0) await turn();
  held.shift()?.();
  assert.equal(await first, 9);
  assert.deepEqual(await second, { seq: 7, ts: 1 });
  assert.deepEqual(asked, ["look", "send", "where,look"]);

  lanes.forget();
  assert.equal(lanes.seen(0), 0);
  assert.equal(lanes.waiting, 0);
});
