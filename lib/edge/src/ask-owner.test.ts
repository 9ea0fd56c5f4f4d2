import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCommands } from "@jichat/conversation/command.ts";
import { encodeCommands } from "@jichat/protocol/bus/command.ts";
import { LocalBus } from "@jichat/runtime/local-bus.ts";
import { NobodyServes } from "@jichat/runtime/bus.ts";
import { PROBE_EVERY_MS, askOwner } from "./ask-owner.ts";

const BYTES = encodeCommands("edge", 1, ["{}"]);
const TIMEOUT_MS = 60_000;
const SUBJECT = "cluster.cmd.0";

/** A clock whose waits end when the test says so. */
function handClock() {
  const waits: { readonly ms: number; readonly end: () => void }[] = [];
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      waits.push({ ms, end: resolve });
      signal?.addEventListener("abort", () => {
        reject(new Error("over"));
      });
    });
  /** Ends the waits of `ms` that have begun, once there is one. */
  const pass = async (ms: number): Promise<void> => {
    for (;;) {
      const due = waits.filter((wait) => wait.ms === ms);
      waits.splice(0, waits.length, ...waits.filter((wait) => wait.ms !== ms));
      for (const { end } of due) end();
      if (due.length > 0) return;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  };
  return { sleep, pass };
}

function scene() {
  const bus = new LocalBus({ bytesMax: 1_048_576 });
  const clock = handClock();
  const probes: number[] = [];
  const arrived = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<() => void>();
  const owner = bus.join("owner").subscribe(SUBJECT, ({ bytes, reply }) => {
    const { commands } = decodeCommands(bytes);
    if (commands.length === 0) probes.push(probes.length);
    else {
      arrived.resolve();
      answer.resolve(() => {
        reply(new Uint8Array([7]));
      });
    }
  });
  const ask = askOwner({ bus: bus.join("edge", clock), clock, subject: SUBJECT, from: "edge" });
  return { owner, clock, probes, arrived: arrived.promise, answer: answer.promise, ask };
}

test("a request to an owner that dies meanwhile rejects at the next probe, long before its time-out", async () => {
  const { owner, clock, ask, arrived } = scene();
  const asked = assert.rejects(ask(BYTES, TIMEOUT_MS), NobodyServes);
  await arrived;
  owner.stop();
  await clock.pass(PROBE_EVERY_MS);
  await asked;
});

test("an owner that is busy gets probes one at a time, and its late answer counts", async () => {
  const { clock, ask, probes, answer } = scene();
  const asked = ask(BYTES, TIMEOUT_MS);
  const reply = await answer;
  for (let at = 0; at < 6; at += 1) await clock.pass(PROBE_EVERY_MS);
  assert.ok(probes.length >= 2 && probes.length <= 6, `${probes.length} probes`);
  reply();
  assert.deepEqual(await asked, new Uint8Array([7]));
});

test("a request that nobody serves from the start rejects without a probe", async () => {
  const { owner, ask, probes } = scene();
  owner.stop();
  await assert.rejects(ask(BYTES, TIMEOUT_MS), NobodyServes);
  assert.deepEqual(probes, []);
});
