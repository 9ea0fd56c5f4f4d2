import assert from "node:assert/strict";
import { test } from "node:test";
import { JetStreamApiError } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import { isNotKnownYet, untilAnswered } from "./open-cluster.ts";

const apiError = (code: number): JetStreamApiError =>
  new JetStreamApiError({ code, err_code: 10_000, description: `status ${code}` });

/** Fails with each of `errors` in turn, then answers. */
function askWith(errors: readonly Error[], signal = new AbortController().signal) {
  const [left, said]: [Error[], string[]] = [[...errors], []];
  const log = { warn: (_: object, line: string) => void said.push(line) };
  const answer = untilAnswered(
    "streams",
    async () => {
      const error = left.shift();
      if (error !== undefined) throw error;
      return "there";
    },
    { log, signal },
  );
  return { answer, said };
}

test("a request that JetStream does not answer in time is repeated and logged", async () => {
  const { answer, said } = askWith([new TimeoutError(), apiError(503)]);
  assert.equal(await answer, "there");
  assert.deepEqual(said, Array(2).fill("streams: not ready yet, trying again"));
});

test("a stream that this server does not know yet is asked for again after the creation", () => {
  const notFound = new JetStreamApiError({ code: 404, err_code: 10_059, description: "stream not found" });
  assert.ok(isNotKnownYet(notFound) && isNotKnownYet(apiError(503)));
  assert.ok(!isNotKnownYet(apiError(404)) && !isNotKnownYet(new Error("another layout")));
});

test("a refusal of JetStream ends the start at once", async () => {
  for (const refusal of [apiError(400), new Error("another layout")]) {
    const { answer, said } = askWith([refusal]);
    await assert.rejects(answer, refusal);
    assert.deepEqual(said, []);
  }
});

test("a stop ends the wait with its reason", async () => {
  const stop = new AbortController();
  const { answer } = askWith([new TimeoutError(), new TimeoutError()], stop.signal);
  stop.abort(new Error("stopped by SIGTERM"));
  await assert.rejects(answer, /stopped by SIGTERM/);
});
