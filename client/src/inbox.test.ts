import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatEvent, Page, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Inbox } from "./inbox.ts";
import type { SeenState } from "./types.ts";

const CONVERSATION = "d_a";

const message = (seq: number): ChatEvent => ({
  conversation: CONVERSATION,
  seq,
  no: seq,
  kind: "message",
  id: `m${seq}`,
  from: "ann",
  ts: seq,
  body: { seq },
});

/** A device whose first sync is answered when the test says so; the conversation is whole on the server. */
function device(resume?: SeenState): {
  inbox: Inbox;
  shown: number[];
  answer: (head: number) => Promise<void>;
} {
  const shown: number[] = [];
  const asked: ((frame: ServerFrame) => void)[] = [];
  let known = 0;
  const inbox = new Inbox(
    {
      user: () => "bob",
      isOnline: () => true,
      emit: (notice) => {
        if (notice.t === "event") shown.push(notice.event.seq);
      },
      ask: async () =>
        new Promise((resolve) => {
          asked.push(resolve);
        }),
      pull: async (_, { after = 0 }): Promise<Page> => ({
        t: "page",
        id: "2",
        conversation: CONVERSATION,
        events: Array.from({ length: known - after }, (__, i) => message(after + 1 + i)),
        first: 1,
        head: known,
        more: false,
      }),
    },
    resume,
  );
  const syncing = inbox.sync();
  return {
    inbox,
    shown,
    answer: async (head) => {
      known = head;
      const listed = {
        conversation: CONVERSATION,
        kind: "direct",
        peer: "ann",
        first: 1,
        head,
        read: 0,
        unread: head,
      };
      asked[0]?.({
        t: "synced",
        id: "1",
        conversations: [listed],
        cursor: "c",
        more: false,
      } as unknown as ServerFrame);
      await syncing;
    },
  };
}

const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test("what comes live before the first sync is answered is shown, and all behind it", async () => {
  const { inbox, shown, answer } = device();
  inbox.event(message(3));
  inbox.event(message(2));
  await answer(4);
  assert.deepEqual(shown, [2, 3, 4]);
});

test("what the first sync counts already, and comes live only then, is shown, once and in order", async () => {
  const { inbox, shown, answer } = device();
  await answer(3);
  assert.deepEqual(shown, [], "the past is there to be pulled");
  for (const seq of [2, 3, 2]) inbox.event(message(seq));
  await settled();
  assert.deepEqual(shown, [2, 3]);
  inbox.event(message(1));
  inbox.event(message(4));
  await settled();
  assert.deepEqual(shown, [2, 3, 4], "what is shown is never gone behind");
});

test("a device that has seen something is shown nothing twice", async () => {
  const { inbox, shown, answer } = device({ cursor: "c", seqs: { [CONVERSATION]: 2 } });
  inbox.event(message(2));
  await answer(3);
  inbox.event(message(1));
  await settled();
  assert.deepEqual(shown, [3]);
});
