import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command, CommandBatch } from "@jichat/conversation/command.ts";
import { WHERE, decodeCommands, recordBytesOf } from "@jichat/conversation/command.ts";
import type { Answer, AnswerBatch } from "@jichat/protocol/bus/command.ts";
import { encodeAnswers } from "@jichat/protocol/bus/command.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { COMMANDS_PER_BATCH_MAX, REQUEST_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { CommandLane } from "./command-lane.ts";
import { restMs } from "./gathering.ts";
import { SendGate } from "./send-gate.ts";

/** A clock that moves when somebody sleeps. */
class SleepClock implements Clock {
  at = 0;
  now(): number {
    return this.at;
  }
  monotonic(): number {
    return this.at;
  }
  async sleep(ms: number): Promise<void> {
    this.at += ms;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

type Owner = (batch: CommandBatch, attempt: number) => Answer[] | "lost" | "retry";

function laneTo(owner: Owner, queueMax?: number): { lane: CommandLane; seen: string[][]; clock: SleepClock } {
  const seen: string[][] = [];
  const clock = new SleepClock();
  const lane = new CommandLane({
    from: "c1",
    clock,
    schedule: (act) => {
      setImmediate(act);
    },
    restMs: (exchangeMs) => restMs(exchangeMs, Infinity),
    ...(queueMax === undefined ? {} : { queueMax }),
    ask: async (bytes) => {
      const batch = decodeCommands(bytes);
      seen.push(batch.commands.map((command) => ("id" in command ? command.id : command.op)));
      const answers = owner(batch, seen.length);
      if (answers === "lost") throw new Error("no answer");
      return encodeAnswers(
        answers === "retry"
          ? { v: 1, retry: true, position: 0, answers: [] }
          : ({ v: 1, position: seen.length, answers } satisfies AnswerBatch),
      );
    },
  });
  return { lane, seen, clock };
}

const send = (id: string, session = "s", conversation = "g", body = "{}"): Command => ({
  conversation,
  user: "u",
  device: "d",
  session,
  op: "send",
  id,
  body: body as BodyText,
});
const open = { isOpen: () => true };
const acceptAll: Owner = ({ commands }) => commands.map((_, index) => ({ seq: index + 1, ts: 1 }));

test("the commands of one turn travel in one batch, in order, and one batch is in flight", async () => {
  const { lane, seen } = laneTo(acceptAll);
  const answers = await Promise.all(["a", "b", "c"].map((id) => lane.submit(send(id), open)));
  assert.deepEqual(seen, [["a", "b", "c"]]);
  assert.deepEqual(answers, [
    { seq: 1, ts: 1 },
    { seq: 2, ts: 1 },
    { seq: 3, ts: 1 },
  ]);
  assert.equal(lane.unanswered, 0);
});

test("a batch at the limit is sent at once, and one command more makes two", async () => {
  for (const [count, batches] of [
    [COMMANDS_PER_BATCH_MAX, 1],
    [COMMANDS_PER_BATCH_MAX + 1, 2],
  ] as const) {
    const { lane, seen } = laneTo(acceptAll);
    await Promise.all(Array.from({ length: count }, (_, i) => lane.submit(send(`m${i}`), open)));
    assert.equal(seen.length, batches);
  }
});

test("a batch without an answer, or one that was declined, is repeated unchanged until it is answered", async () => {
  const { lane, seen } = laneTo((batch, attempt) =>
    attempt === 1 ? "lost" : attempt === 2 ? "retry" : acceptAll(batch, attempt),
  );
  const first = lane.submit(send("a"), open);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const second = lane.submit(send("b"), open);
  assert.deepEqual(
    [await first, await second],
    [
      { seq: 1, ts: 1 },
      { seq: 1, ts: 1 },
    ],
  );
  assert.deepEqual(seen.slice(0, 3), [["a"], ["a"], ["a"]]);
  assert.deepEqual(seen[3], ["b"]);
});

test("how long an answer is waited for is measured, and is longer after each wait in vain", async () => {
  const clock = new SleepClock();
  const waits: number[] = [];
  const fates = [5, "lost", "lost", 5, "nobody", 5, 400, 5];
  const lane = new CommandLane({
    from: "c1",
    clock,
    schedule: (act) => {
      setImmediate(act);
    },
    restMs: () => 0,
    ask: async (_, timeoutMs) => {
      waits.push(timeoutMs);
      const fate = fates.shift();
      if (fate === "lost") await clock.sleep(timeoutMs);
      if (typeof fate !== "number") throw new Error("no answer");
      await clock.sleep(fate);
      return encodeAnswers({ v: 1, position: 1, answers: [{ seq: 1, ts: 1 }] });
    },
  });
  for (const id of ["a", "b", "c", "d", "e"]) await lane.submit(send(id), open);
  assert.deepEqual(
    waits,
    [1_000, 500, 1_000, 2_000, 2_000, 2_000, 2_000, 500],
    "only the answer to a first attempt counts, and only time that passed",
  );
});

test("a command that is answered `later` is sent again in the next batch, in its order, and delays no other", async () => {
  // As a router does it: behind a `later` the same socket's commands to that conversation are `later` too.
  const { lane, seen } = laneTo(({ commands }, attempt) =>
    commands.map(({ session, conversation }) =>
      session === "s" && conversation === "g" && attempt < 3 ? "later" : { seq: attempt, ts: 1 },
    ),
  );
  const first = lane.submit(send("a"), open);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const others = [lane.submit(send("x", "other"), open), lane.submit(send("y", "s", "h"), open)];
  const second = lane.submit(send("b"), open);
  const answers = await Promise.all([first, second, ...others]);
  assert.deepEqual(
    answers.map((answer) => ("seq" in answer ? answer.seq : 0)),
    [3, 3, 2, 2],
  );
  assert.deepEqual(seen.at(-1), ["a", "b"]);
});

test("a command that is answered `later` is sent again under a constant load", async () => {
  const others: Promise<Answer>[] = [];
  const { lane, seen, clock } = laneTo(({ commands }, attempt) => {
    clock.at += 3;
    if (attempt < 100) others.push(lane.submit(send(`o${attempt}`, "other"), open));
    return commands.map(({ session }) =>
      session === "s" && attempt < 3 ? "later" : { seq: attempt, ts: 1 },
    );
  });
  await Promise.all(["a", "b"].map((id) => lane.submit(send(id), open)));
  assert.ok(seen.length < 10, `${seen.length} batches went before it`);
  for (const other of others) await other;
  assert.equal(lane.unanswered, 0);
});

test("a request is no larger than the records of one append", async () => {
  const { lane, seen } = laneTo(acceptAll);
  const long = Array.from({ length: 100 }, (_, i) => send(`m${i}`, "s", "g", "水".repeat(8_000)));
  await Promise.all(long.map((command) => lane.submit(command, open)));
  const bytes = recordBytesOf(long[0] ?? WHERE, JSON.stringify(long[0]));
  for (const ids of seen) assert.ok(ids.length * bytes <= REQUEST_BYTES_MAX);
  assert.ok(seen.length > 1);
});

test("commands of a closed socket that are not in a batch are dropped", async () => {
  const { lane, seen } = laneTo(acceptAll);
  let isOpen = true;
  void lane.submit(send("dies"), { isOpen: () => isOpen });
  const lives = lane.submit(send("lives", "t"), open);
  isOpen = false;
  await lives;
  assert.deepEqual(seen, [["lives"]]);
  assert.equal(lane.unanswered, 0);
});

test("a retryable refusal of a send refuses the later ones, those that wait already too", async () => {
  const gate = new SendGate();
  const { lane, seen, clock } = laneTo((batch, attempt) =>
    attempt === 1
      ? "lost"
      : batch.commands.map((command) =>
          "id" in command && command.id === "a" && attempt === 2
            ? { code: "BUSY", message: "full", retryAfterMs: 10 }
            : { seq: attempt, ts: 1 },
        ),
  );
  const submit = (id: string): Promise<Exclude<Answer, "later">> => {
    const place = gate.place("g", id);
    const shared = gate.admit("g", id, place, clock.monotonic());
    if (shared !== undefined) return Promise.resolve(shared);
    return lane.submit(send(id), {
      isOpen: () => true,
      refused: (_, refusal) => {
        gate.refused("g", id, { place, refusal, now: clock.monotonic() });
      },
    });
  };
  const first = submit("a");
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const second = submit("b"); // Waits behind the batch that is in flight.
  const codes = (await Promise.all([first, second])).map((answer) =>
    "code" in answer ? answer.code : "stored",
  );
  assert.deepEqual(codes, ["BUSY", "BUSY"]);
  const again = await Promise.all([submit("a"), submit("b")]);
  assert.deepEqual(
    again.map((answer) => "seq" in answer),
    [true, true],
  );
  assert.deepEqual(seen.at(-1), ["a", "b"]);
});

test("a send that is given up in flight refuses the later ones in flight", async () => {
  let isBack = false;
  const { lane, seen, clock } = laneTo(({ commands }) => {
    if (!isBack) return "lost";
    // The owner cannot decide yet: what nobody waits for any more must not be decided without the first.
    return commands.map(({ session }) => (session === "s" && seen.length < 12 ? "later" : { seq: 1, ts: 1 }));
  });
  const refused: string[] = [];
  const submit = async (id: string): Promise<string> => {
    const answer = await lane.submit(send(id), {
      isOpen: () => true,
      refused: (command) => {
        refused.push("id" in command ? command.id : "");
      },
    });
    return "code" in answer ? answer.code : "stored";
  };
  const other = lane.submit(send("other", "t"), open);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const first = submit("a");
  clock.at += 3_000;
  const second = submit("b"); // Both wait behind the batch that is in flight; `a` is given up first.
  isBack = true;
  await other;
  isBack = false;
  assert.deepEqual(await Promise.all([first, second]), ["UNAVAILABLE", "UNAVAILABLE"]);
  assert.deepEqual(refused, ["a", "b"], "each is told, so that each keeps its place");
  isBack = true;
  const again = [submit("a"), submit("b")];
  assert.deepEqual(await Promise.all(again), ["stored", "stored"]);
  assert.deepEqual(seen.at(-1), ["a", "b"]);
});

test("a queue that is given up is traversed once", async () => {
  const count = 16_384;
  let isBack = false;
  const { lane } = laneTo((batch, attempt) => (isBack ? acceptAll(batch, attempt) : "lost"), count);
  const before = process.cpuUsage();
  const refused: string[] = [];
  const answers = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      lane.submit(send(`m${i}`, `s${i % 8_192}`), {
        isOpen: () => true,
        refused: (command) => refused.push("id" in command ? command.id : ""),
      }),
    ),
  );
  isBack = true;
  assert.ok(answers.every((answer) => "code" in answer));
  assert.equal(new Set(refused).size, count, "each is told, and once");
  assert.equal(refused.length, count);
  const { user } = process.cpuUsage(before);
  assert.ok(user < 700_000, `${user / 1_000} ms of CPU; a walk for each took seconds`);
});

test("sends behind a send that a full lane refuses get BUSY too", async () => {
  const { lane } = laneTo(acceptAll, 1);
  const refused: string[] = [];
  const waiting = lane.submit(send("a"), open);
  const answer = await lane.submit(send("b"), {
    isOpen: () => true,
    refused: (command) => refused.push("id" in command ? command.id : ""),
  });
  assert.ok("code" in answer && answer.code === "BUSY");
  assert.deepEqual(refused, ["b"]);
  await waiting;
});

test("a full lane answers BUSY, and one without answers UNAVAILABLE after 8 s", async () => {
  let isBack = false;
  const { lane, seen } = laneTo((batch, attempt) => (isBack ? acceptAll(batch, attempt) : "lost"), 1);
  const waiting = lane.submit(send("a"), open);
  assert.deepEqual(
    await lane.submit(send("b"), open).then((answer) => ("code" in answer ? answer.code : "")),
    "BUSY",
  );
  const answer = await waiting;
  assert.ok("code" in answer && answer.code === "UNAVAILABLE");
  // The client was told, the batch is still repeated: nobody knows yet what became of it.
  isBack = true;
  assert.deepEqual(await lane.submit(send("c", "other"), open), { seq: 1, ts: 1 });
  assert.ok(seen.slice(0, -1).every((batch) => batch[0] === "a"));
});

test("a lane rests for the given time, at least a millisecond, and commands that arrive meanwhile travel together", async () => {
  for (const [tookMs, restsMs] of [
    [0.4, 0],
    [7, 14],
    [90, 40],
  ] as const) {
    const { lane, seen, clock } = laneTo((batch) => {
      clock.at += tookMs;
      return batch.commands.map(() => ({ seq: 1, ts: 1 }));
    });
    await lane.submit(send("1"), open);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    assert.equal(clock.at, tookMs + restsMs);
    await Promise.all([lane.submit(send("2"), open), lane.submit(send("3"), open)]);
    assert.deepEqual(seen, [["1"], ["2", "3"]]);
  }
});

test("a lane does not rest while a full batch waits", async () => {
  const { lane, seen, clock } = laneTo((batch) => {
    clock.at += 10;
    return batch.commands.map(() => ({ seq: 1, ts: 1 }));
  });
  await Promise.all(
    Array.from({ length: 3 * COMMANDS_PER_BATCH_MAX }, (_, i) => lane.submit(send(`m${i}`), open)),
  );
  assert.equal(seen.length, 3);
  assert.equal(clock.at, 10 + 10 + 10 + 20, "none before the second and the third, one behind the last");
});
