import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ConversationEvent, HistoryPage } from "../events.ts";
import type { PullOptions } from "../types.ts";
import { History } from "./history.ts";
import { Patience } from "./patience.ts";

type Event = ConversationEvent<object>;

const said = (seq: number, more: object = {}): Event => ({
  conversation: "c",
  seq,
  no: seq,
  kind: "message",
  from: "bob",
  ts: seq,
  body: { seq },
  ...more,
});
const range = (from: number, to: number, more: object = {}): Event[] =>
  Array.from({ length: to - from + 1 }, (_, index) => said(from + index, more));
const settle = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** A history whose pulls are answered when the test says so. */
function scene() {
  const clock = new HandClock();
  const patience = new Patience(clock);
  patience.isOnline = true;
  const asked: (PullOptions & PromiseWithResolvers<HistoryPage<object>>)[] = [];
  const history = new History<object>({
    me: "ann",
    linesMax: 10,
    patience,
    pull: async (options) => {
      const answer = Promise.withResolvers<HistoryPage<object>>();
      asked.push({ ...options, ...answer });
      return answer.promise;
    },
    onChange: () => undefined,
  });
  const answer = async (events: readonly Event[], more = false, head = 100): Promise<void> => {
    const page = { t: "page", id: "q", conversation: "c", events, first: 1, head, more } as const;
    asked.at(-1)?.resolve(page);
    await settle();
  };
  const seqs = (): number[] => history.view.lines.map(({ seq }) => seq);
  return { clock, patience, asked, history, answer, seqs };
}

test("a page that was asked for before everything was forgotten is of no use, and is asked for again", async () => {
  const { asked, history, answer, seqs } = scene();
  history.open();
  await settle();
  history.reset(true);
  await answer(range(90, 94), true);
  assert.deepEqual([seqs(), asked.length, history.view.loading], [[], 2, "latest"]);
  await answer(range(1, 2), false, 2);
  assert.deepEqual([seqs(), history.view.loading], [[1, 2], undefined]);
});

test("of two places that are asked for, the later one is shown in the end", async () => {
  const { asked, history, answer, seqs } = scene();
  const first = history.load("around", 30);
  await settle();
  const second = history.load("around", 60);
  const third = history.load("around", 90);
  await answer(range(28, 32), true);
  await first;
  await second;
  await settle();
  assert.deepEqual(
    asked.map(({ before }) => before),
    [33, 93],
  );
  await answer(range(88, 92), true);
  await third;
  assert.deepEqual(seqs(), [88, 89, 90, 91, 92]);
});

test("what is asked for twice is pulled once; what is asked for after it waits its turn", async () => {
  const { asked, history, answer, seqs } = scene();
  history.open();
  history.open();
  await settle();
  await answer(range(96, 100), true);
  const older = [history.load("older"), history.load("older"), history.load("around", 50)];
  await settle();
  assert.deepEqual(
    asked.map(({ before, limit }) => [before, limit]),
    [
      [undefined, 5],
      [96, 5],
    ],
  );
  await answer(range(91, 95), true);
  await answer(range(48, 52), true);
  await Promise.all(older);
  assert.deepEqual([asked.length, seqs(), history.view.hasNewer], [3, [48, 49, 50, 51, 52], true]);
});

test("pages of nothing but edits are passed over, until there is a line to show", async () => {
  const { asked, history, answer, seqs } = scene();
  history.open();
  await settle();
  const edit = { kind: "edited", target: 3, body: { edit: 1 } };
  await answer(range(96, 100, edit), true);
  assert.deepEqual([history.view.loading, asked.at(-1)?.before], ["latest", 96]);
  await answer([said(94), ...range(95, 95, edit)], true);
  assert.deepEqual([seqs(), history.view.hasOlder, history.view.loading], [[94], true, undefined]);
});

test("a hole that a live event leaves is pulled, with what came meanwhile behind it", async () => {
  const { asked, history, answer, seqs } = scene();
  history.open();
  await settle();
  await answer(range(96, 100), false);
  history.event(said(103));
  await settle();
  assert.deepEqual([seqs().at(-1), asked.at(-1)?.after], [100, 100]);
  history.event(said(104));
  await answer(range(101, 103), false, 103);
  assert.deepEqual(seqs().slice(-4), [101, 102, 103, 104]);
});

test("an outage is waited out; an error that stays is said and rejects; the end of the chat too", async () => {
  const { clock, patience, asked, history, answer, seqs } = scene();
  const loaded = history.load("latest");
  await settle();
  asked.at(-1)?.reject(new ChatError("UNAVAILABLE", "offline", { retryAfterMs: 500 }));
  await settle();
  await clock.pass(499);
  assert.deepEqual([asked.length, history.view.loading], [1, "latest"]);
  await clock.pass(1);
  await answer(range(96, 100), true);
  await loaded;
  assert.equal(seqs().length, 5);

  const refused = assert.rejects(history.load("older"), { code: "NOT_FOUND" });
  await settle();
  asked.at(-1)?.reject(new ChatError("NOT_FOUND", "no"));
  await refused;
  assert.deepEqual([history.view.error?.code, history.view.loading], ["NOT_FOUND", undefined]);

  const ended = assert.rejects(history.load("older"), { code: "UNAVAILABLE" });
  await settle();
  assert.equal(history.view.error, undefined);
  patience.stop();
  asked.at(-1)?.reject(new ChatError("UNAVAILABLE", "this client is closed"));
  await ended;
});
