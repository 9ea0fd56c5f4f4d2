import assert from "node:assert/strict";
import { test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { LogIdentity, readIdentity } from "./log-identity.ts";

const NAMES = namesOf("c");

/** What JetStream says of streams that were made at `created`, and of the key that a restore writes. */
const jetStream = (created: readonly string[], restored?: string): JetStreamManager =>
  ({
    streams: {
      info: async (name: string) => ({ created: created[Number(name.split("-").at(-1))] }),
      getMessage: async () => (restored === undefined ? null : { seq: 7, string: () => restored }),
    },
  }) as unknown as JetStreamManager;

test("an identity stays the same until a stream is created again, or a restore is reported", async () => {
  const made = ["2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.2Z", "2026-01-01T00:00:00.3Z"];
  const of = async (created: readonly string[], restored?: string): Promise<string> =>
    readIdentity(jetStream(created, restored), NAMES, created.length);
  const first = await of(made);
  assert.match(first, /^[A-Za-z0-9_-]{11}$/);
  assert.equal(await of([...made]), first);
  const others = [
    ...(await Promise.all(made.map(async (_, p) => of(made.with(p, "2026-02-02T00:00:00.1Z"))))),
    await of(made.toReversed()),
    await of(made.slice(1)),
    await of(made, "2026-03-03"),
    await of(made, "2026-03-04"),
  ];
  assert.equal(new Set([first, ...others]).size, others.length + 1);
});

test("the identity is read again when it is old or the connection was lost, and the last one is used meanwhile", async () => {
  const clock = new HandClock();
  const faults: unknown[] = [];
  const changes: string[] = [];
  const answers: (string | Error)[] = ["one", new Error("away"), "two", "three", "three"];
  let reads = 0;
  const identity = new LogIdentity(
    "one",
    async () => {
      reads += 1;
      const answer = answers.shift();
      if (typeof answer !== "string") throw answer ?? new Error("nothing more is read");
      return answer;
    },
    clock,
    (cause) => faults.push(cause),
  );
  identity.onChange(() => changes.push(identity.current()));
  const at = async (ms: number): Promise<string> => {
    await clock.pass(ms);
    const known = identity.current();
    await clock.pass(0);
    return known;
  };
  assert.deepEqual([await at(9_999), reads], ["one", 0]);
  assert.deepEqual([await at(1), reads, changes], ["one", 1, []]);
  assert.deepEqual([await at(10_000), reads, faults.length], ["one", 2, 1]);
  assert.deepEqual([await at(499), reads], ["one", 2], "what failed is tried again soon, not at once");
  assert.deepEqual([await at(1), reads, changes], ["one", 3, ["two"]]);
  assert.equal(await at(0), "two");
  await Promise.all([identity.refresh(), identity.refresh()]);
  assert.deepEqual([reads, changes], [5, ["two", "three"]], "what was being read may be of before");
});
