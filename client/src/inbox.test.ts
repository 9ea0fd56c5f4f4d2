import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ChatEvent, Page, ServerFrame, Synced } from "@jichat/protocol/frame/server-frame.ts";
import type { Sync } from "@jichat/protocol/frame/client-frame.ts";
import { Inbox } from "./inbox.ts";
import { VirtualClock } from "../test/virtual-clock.ts";
import type { Notice, SeenState } from "./types.ts";

const CONVERSATION = "d_a";
const SEEN: SeenState = { cursor: "c", seqs: { [CONVERSATION]: 2 } };

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

interface Given {
  readonly resume?: SeenState;
  /** Where the sync began that was asked with the hello; it is answered as the first that the inbox asks. */
  readonly helloSince?: string;
}

/** A device whose syncs are answered when the test says so; the conversation is whole on the server. */
function device({ resume, helloSince }: Given = {}): {
  inbox: Inbox;
  shown: number[];
  /** Where each sync began that was asked behind the welcome. */
  since: (string | undefined)[];
  /** Kinds of notices, in order. */
  told: string[];
  /** Whether each listed conversation, and each whose settings were told, is muted, in order. */
  muted: boolean[];
  answer: (head: number, more?: Partial<Synced>) => Promise<void>;
  refuse: (error: ChatError) => Promise<void>;
} {
  const shown: number[] = [];
  const since: (string | undefined)[] = [];
  const told: string[] = [];
  const muted: boolean[] = [];
  const asked: { resolve: (frame: ServerFrame) => void; reject: (error: Error) => void }[] = [];
  const reply = async (): Promise<ServerFrame> =>
    new Promise((resolve, reject) => {
      asked.push({ resolve, reject });
    });
  let known = 0;
  const inbox = new Inbox(
    {
      clock: systemClock,
      user: () => "bob",
      isOnline: () => true,
      isOwn: () => false,
      trouble: (error) => assert.fail(error),
      emit: (notice) => {
        told.push(notice.t);
        if (notice.t === "event") shown.push(notice.event.seq);
        if (notice.t === "settings") muted.push(notice.muted !== undefined);
        if (notice.t === "conversations")
          for (const one of notice.conversations) muted.push("muted" in one && one.muted !== undefined);
      },
      ask: async (frame) => {
        since.push((frame as unknown as Sync).since);
        return reply();
      },
      pull: async (_, { after = 0 }): Promise<Page> => ({
        t: "page",
        id: "2",
        conversation: CONVERSATION,
        events: Array.from({ length: Math.max(0, known - after) }, (__, i) => message(after + 1 + i)),
        first: 1,
        head: known,
        more: false,
      }),
    },
    resume,
  );
  const syncing = inbox.sync(
    helloSince === undefined
      ? undefined
      : { asked: { t: "sync", since: helloSince, limit: 200 }, reply: reply() },
  );
  return {
    inbox,
    shown,
    since,
    told,
    muted,
    refuse: async (error) => {
      asked.shift()?.reject(error);
      await settled();
    },
    answer: async (head, more = {}) => {
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
      asked.shift()?.resolve({
        t: "synced",
        id: "1",
        conversations: [listed],
        cursor: "c",
        more: false,
        ...more,
      } as unknown as ServerFrame);
      await settled();
      if (asked.length === 0) await syncing;
    },
  };
}

const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test("events that arrive live before the answer to the first sync are shown, and all later ones", async () => {
  const { inbox, shown, answer } = device();
  inbox.event(message(3));
  inbox.event(message(2));
  await answer(4);
  assert.deepEqual(shown, [2, 3, 4]);
});

test("events that the first sync counts and that arrive live afterwards are shown once and in order", async () => {
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

test("a user who creates a conversation by a first message is shown its creation, and not the message", async () => {
  const { inbox, shown, answer } = device();
  await answer(2, { conversations: [] });
  inbox.own(CONVERSATION, 2);
  await settled();

  assert.deepEqual(shown, [1]);
});

test("an ack before the answer to the first sync pulls nothing, since the sync says where the device begins", async () => {
  const { inbox, shown, answer } = device();
  inbox.own(CONVERSATION, 2);
  await settled();
  await answer(2);

  assert.deepEqual(shown, []);
});

test("a device that resumes is shown nothing twice", async () => {
  const { inbox, shown, answer } = device({ resume: SEEN });
  inbox.event(message(2));
  await answer(3);
  inbox.event(message(1));
  await settled();
  assert.deepEqual(shown, [3]);
});

test("a sync that was sent with the hello is not sent again", async () => {
  const { shown, since, answer } = device({ resume: SEEN, helloSince: "c" });
  await answer(3);
  assert.deepEqual([shown, since], [[3], []]);
});

test("a sync that was sent with the hello from another cursor is sent again from the present one", async () => {
  const { shown, since, answer } = device({ resume: SEEN, helloSince: "older" });
  await answer(9); // Nobody listens to it.
  assert.deepEqual([shown, since], [[], ["c"]]);
  await answer(3);
  assert.deepEqual(shown, [3]);
});

test("a gap after the welcome causes another sync, since the hello's sync may have been read before it", async () => {
  const { inbox, shown, since, answer } = device({ resume: SEEN, helloSince: "c" });
  inbox.gap(undefined);
  await answer(2);
  assert.deepEqual([shown, since], [[], ["c"]]);
  await answer(4);
  assert.deepEqual(shown, [3, 4]);
});

const OLD: SeenState = { cursor: "old", seqs: { [CONVERSATION]: 50, gone: 7 } };

test("a reset drops the state of the device, is reported before the list, and continues with the new data", async () => {
  const { inbox, shown, told, answer } = device({ resume: OLD });
  await answer(3, { reset: true, cursor: "new" });
  assert.deepEqual(told, ["reset", "conversations"]);
  assert.deepEqual([shown, inbox.seen()], [[], { cursor: "new", seqs: { [CONVERSATION]: 3 } }]);
  for (const seq of [4, 5]) inbox.event(message(seq));
  assert.deepEqual(shown, [4, 5], "numbers that were seen in the old life are new ones");
});

test("events that arrive live during a reset are shown", async () => {
  const { inbox, shown, told, answer } = device({ resume: OLD, helloSince: "old" });
  for (const seq of [2, 3]) inbox.event(message(seq));
  assert.deepEqual(shown, [], "the old life had these numbers");
  await answer(3, { reset: true, cursor: "new" });
  assert.deepEqual(shown, [2, 3]);
  assert.deepEqual(told, ["reset", "conversations", "event", "event"]);
  assert.deepEqual(inbox.seen(), { cursor: "new", seqs: { [CONVERSATION]: 3 } });
});

test("a page token from before a loss of data starts again, and a device that is online resets too", async () => {
  const { inbox, shown, told, since, answer } = device({ resume: OLD });
  await answer(60, { more: true, next: "p" });
  await answer(2, { reset: true, cursor: "new" });
  assert.deepEqual(told, ["conversations", "reset", "conversations"]);
  assert.deepEqual(inbox.seen(), { cursor: "new", seqs: { [CONVERSATION]: 2 } });
  inbox.gap(undefined);
  await answer(1, { reset: true, cursor: "newer" });
  assert.deepEqual([since.at(-1), inbox.seen()], ["new", { cursor: "newer", seqs: { [CONVERSATION]: 1 } }]);
  assert.deepEqual(shown, []);
});

test("a pull in flight during a reset shows nothing twice, from before it or after it", async () => {
  const { inbox, shown, answer } = device({ resume: OLD });
  await answer(50);
  inbox.event(message(53)); // A hole: it is pulled.
  inbox.gap(undefined);
  await answer(2, { reset: true, cursor: "new" });
  await settled();
  for (const seq of [3, 4]) inbox.event(message(seq));
  await settled();
  assert.deepEqual(shown.slice(-2), [3, 4]);
  assert.equal(new Set(shown).size, shown.length);
});

test("a cursor that the server cannot read causes a reset of the device", async () => {
  const { inbox, told, since, answer, refuse } = device({ resume: OLD });
  await refuse(new ChatError("FRAME_MALFORMED", "no cursor", { retryAfterMs: 0 }));
  await new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
  await answer(2, { cursor: "new" });
  assert.deepEqual(
    [since, told],
    [
      ["old", undefined],
      ["reset", "conversations"],
    ],
  );
  assert.deepEqual(inbox.seen(), { cursor: "new", seqs: { [CONVERSATION]: 2 } });
});

test("smaller pages are requested over a network that loses large ones, until all events are there", async () => {
  const most = 30;
  const limits: number[] = [];
  const shown: number[] = [];
  const slow = <T>(limit: number, answer: T): T => {
    limits.push(limit);
    if (limit <= most) return answer;
    throw new ChatError("UNAVAILABLE", "the connection was lost", { retryAfterMs: 1 });
  };
  const head = 300;
  const inbox = new Inbox(
    {
      clock: systemClock,
      user: () => "bob",
      isOnline: () => true,
      isOwn: () => false,
      trouble: (error) => assert.fail(error),
      emit: (notice) => {
        if (notice.t === "event") shown.push(notice.event.seq);
      },
      ask: async (frame) =>
        slow((frame as unknown as Sync).limit ?? 0, {
          t: "synced",
          id: "1",
          conversations: [
            {
              conversation: CONVERSATION,
              kind: "direct",
              peer: "ann",
              first: 1,
              head,
              read: 0,
              unread: head,
            },
          ],
          cursor: "d",
          more: false,
        }),
      pull: async (_, { after = 0, limit = 0 }): Promise<Page> =>
        slow(limit, {
          t: "page",
          id: "2",
          conversation: CONVERSATION,
          events: Array.from({ length: Math.min(limit, head - after) }, (__, i) => message(after + 1 + i)),
          first: 1,
          head,
          more: after + limit < head,
        }),
    },
    SEEN,
  );
  await inbox.sync();
  assert.deepEqual(
    shown,
    Array.from({ length: head - 2 }, (_, i) => i + 3),
  );
  assert.deepEqual(limits.slice(0, 4), [200, 100, 50, 25], "half of what did not come");
  assert.ok(limits.length < 40 && limits.slice(4).every((limit) => limit <= most + 10), limits.join(" "));
});

/** A device with a hole behind 2, whose pulls are answered as given; the hand moves its clock. */
async function holed(answers: readonly (() => Page)[]): Promise<{
  inbox: Inbox;
  clock: VirtualClock;
  asked: () => number;
  troubles: string[];
  shown: number[];
}> {
  const clock = new VirtualClock();
  const troubles: string[] = [];
  const shown: number[] = [];
  let asked = 0;
  const host = {
    clock,
    user: () => "bob",
    isOnline: () => true,
    isOwn: ({ from }: ChatEvent) => from === "bob",
    emit: (notice: Notice) => {
      if (notice.t === "event") shown.push(notice.event.seq);
    },
    trouble: ({ code }: ChatError) => {
      troubles.push(code);
    },
    ask: async () => {
      const conversations = [
        { conversation: CONVERSATION, kind: "direct", first: 1, head: 2, read: 0, unread: 0 },
      ];
      return { t: "synced", id: "1", conversations, cursor: "d", more: false } as unknown as ServerFrame;
    },
    pull: async (): Promise<Page> => {
      asked += 1;
      return (answers[asked - 1] ?? assert.fail("asked again"))();
    },
  };
  const inbox = new Inbox(host, SEEN);
  await inbox.sync();
  inbox.event(message(5));
  await clock.settle();
  return { inbox, clock, asked: () => asked, troubles, shown };
}

const page = (...events: readonly ChatEvent[]): Page => ({
  t: "page",
  id: "2",
  conversation: CONVERSATION,
  events,
  first: 1,
  head: 5,
  more: false,
});

test("an empty page is not requested again at once, and own messages in a page are not shown", async () => {
  const own = { ...message(4), from: "bob" };
  const { clock, asked, shown } = await holed([() => page(), () => page(message(3), own, message(5))]);
  assert.deepEqual([asked(), shown], [1, []]);
  await clock.pass(499);
  assert.equal(asked(), 1);
  await clock.pass(1);
  assert.deepEqual([asked(), shown], [2, [3, 5]]);
});

test("a pull that is refused for good is reported and not repeated, and the cursor stays before the hole", async () => {
  const refuse = (): never => {
    throw new ChatError("FORBIDDEN", "no");
  };
  const { inbox, clock, asked, troubles, shown } = await holed([refuse, refuse]);
  await clock.pass(60_000);
  assert.deepEqual([asked(), troubles, shown, clock.sleepers], [1, ["FORBIDDEN"], [], 0]);
  assert.equal(inbox.seen()?.seqs[CONVERSATION], 2);
  inbox.stop();
});

test("a sync that was read before a change of settings does not take it back; a change that comes late does not either", async () => {
  const { inbox, muted, answer } = device({ resume: SEEN });
  const tell = (at: number, isMuted: boolean): void => {
    inbox.settings({ t: "settings", conversation: CONVERSATION, at, ...(isMuted ? { muted: {} } : {}) });
  };
  const listed = {
    conversation: CONVERSATION,
    kind: "direct",
    first: 1,
    head: 2,
    read: 0,
    unread: 2,
  } as const;
  tell(7, true);
  await answer(2, { conversations: [{ ...listed, settingsAt: 6 }] });
  assert.deepEqual(muted, [true, true]);
  inbox.gap(undefined);
  await settled();
  tell(5, true);
  await answer(2, { conversations: [{ ...listed, settingsAt: 8 }] });
  assert.deepEqual(muted.slice(2), [true, false]);
  inbox.gap(undefined);
  await settled();
  await answer(2, { conversations: [listed] });
  assert.deepEqual(muted.slice(4), [false], "what was told before it was asked does not count");
});
