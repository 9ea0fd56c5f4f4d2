import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { readAll } from "./read-all.ts";

test("a stream is read to its end as long as it makes progress", async () => {
  const clock = new HandClock();
  let source: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      source = controller;
    },
  });
  const read = readAll("it", stream, 1_000, clock);
  for (let piece = 1; piece <= 20; piece += 1) {
    await clock.pass(900);
    source?.enqueue(Uint8Array.of(piece));
    await clock.pass(0);
  }
  source?.close();
  assert.deepEqual(
    [...(await read)],
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

test("a stream that falls silent is ended with an error", async () => {
  const clock = new HandClock();
  const reasons: unknown[] = [];
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Uint8Array.of(1));
    },
    cancel(why) {
      reasons.push(why);
    },
  });
  const read = readAll("it", stream, 1_000, clock);
  const refused = assert.rejects(read, { code: "UNAVAILABLE", message: /the next piece of it/ });
  await clock.pass(0);
  await clock.pass(999);
  assert.equal(reasons.length, 0);
  await clock.pass(1);
  await refused;
  assert.equal(reasons.length, 1);
});
