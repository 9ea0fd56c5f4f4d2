import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { ConversationEvent, HistoryPage } from "../events.ts";
import { Keeper } from "./keeper.ts";
import { Listing } from "./listing.ts";
import { Pace } from "./live.ts";
import { Patience } from "./patience.ts";
import { memoryStore } from "./store.ts";

const event = (seq: number, more: object): ConversationEvent<object> =>
  ({ conversation: "c", seq, no: 2, from: "bob", ts: seq, ...more }) as ConversationEvent<object>;

test("a latest line that was looked up before an edit of it was heard is looked up again", async () => {
  const clock = new HandClock();
  const patience = new Patience(clock);
  patience.isOnline = true;
  const pages: PromiseWithResolvers<HistoryPage<object>>[] = [];
  const listing = new Listing<object>({
    me: "ann",
    clock,
    now: () => clock.now(),
    pace: new Pace(clock),
    patience,
    keeper: new Keeper({ store: memoryStore(), prefix: "p/", clock }),
    pull: async () => {
      const page = Promise.withResolvers<HistoryPage<object>>();
      pages.push(page);
      return page.promise;
    },
    read: async () => undefined,
    noOf: () => undefined,
    onPeer: () => undefined,
    onChange: () => undefined,
  });
  const said = event(2, { kind: "message", body: { text: "old" } });
  const pinned = event(3, { kind: "pinned", target: 2 });
  const listed = { conversation: "c", kind: "group", first: 1, head: 3, read: 1, unread: 1 } as const;
  listing.listed([{ ...listed, last: pinned }], true);
  assert.deepEqual([listing.get("c")?.last, pages.length], [undefined, 1]);

  const edit = event(4, { kind: "edited", target: 2, body: { text: "new" } });
  listing.event(edit);
  const page = { t: "page", id: "q", conversation: "c", first: 1, more: false } as const;
  pages[0]?.resolve({ ...page, head: 3, events: [said, pinned] });
  await clock.pass(0);
  assert.equal(listing.get("c")?.last, undefined);
  await clock.pass(1_000);
  pages[1]?.resolve({
    ...page,
    head: 4,
    events: [{ ...said, body: edit.body, edited: 4 } as typeof said, pinned, edit],
  });
  await clock.pass(0);
  assert.deepEqual(listing.get("c")?.last?.body, { text: "new" });
  patience.stop();
});

/** A list that answers no question. */
function quietListing(clock: HandClock): { listing: Listing<object>; stop: () => void } {
  const patience = new Patience(clock);
  const listing = new Listing<object>({
    me: "ann",
    clock,
    now: () => clock.now(),
    pace: new Pace(clock),
    patience,
    keeper: new Keeper({ store: memoryStore(), prefix: "p/", clock }),
    pull: () => new Promise(() => undefined),
    read: async () => undefined,
    noOf: () => undefined,
    onPeer: () => undefined,
    onChange: () => undefined,
  });
  return {
    listing,
    stop: () => {
      patience.stop();
      listing.stop();
    },
  };
}

test("a mute is shown as it was listed or told, and not beyond its end, of which no frame tells", async () => {
  const clock = new HandClock();
  const { listing, stop } = quietListing(clock);
  const start = clock.now();
  const listed = { kind: "group", first: 1, head: 1, read: 1, unread: 0 } as const;
  listing.listed(
    [
      { ...listed, conversation: "soon", muted: { until: start + 1_000 }, settingsAt: 1 },
      { ...listed, conversation: "late", muted: { until: start + 60 * 86_400_000 }, settingsAt: 2 },
      { ...listed, conversation: "good", muted: { mentionsOnly: true }, settingsAt: 3 },
      { ...listed, conversation: "not" },
    ],
    true,
  );
  const muted = (): string =>
    ["soon", "late", "good", "not"].filter((id) => listing.get(id)?.muted !== undefined).join(" ");
  assert.equal(muted(), "soon late good");
  assert.deepEqual(listing.get("good")?.muted, { mentionsOnly: true });
  await clock.pass(999);
  assert.equal(muted(), "soon late good");
  await clock.pass(1);
  assert.equal(muted(), "late good");
  listing.settings("not", { muted: { until: clock.now() + 500 }, at: 4 });
  listing.settings("good", { at: 5 });
  listing.settings("nowhere", { muted: {}, at: 6 });
  assert.equal(muted(), "late not");
  await clock.pass(500);
  assert.equal(muted(), "late");
  // Longer than a timer of a browser can wait.
  await clock.pass(59 * 86_400_000);
  assert.equal(muted(), "late");
  await clock.pass(86_400_000);
  assert.equal(muted(), "");
  stop();
});

test("of settings the latest are shown, in whatever order they are told and listed", async () => {
  const clock = new HandClock();
  const { listing, stop } = quietListing(clock);
  const listed = { conversation: "c", kind: "group", first: 1, head: 1, read: 1, unread: 0 } as const;
  const shown = (): unknown => listing.get("c")?.muted;
  listing.listed([{ ...listed, muted: {}, settingsAt: 5 }], true);
  const row = listing.get("c");
  listing.settings("c", { at: 4 });
  listing.settings("c", { muted: {}, at: 5 });
  assert.equal(listing.get("c"), row, "nothing has changed");
  listing.settings("c", { at: 6 });
  assert.equal(shown(), undefined);
  listing.listed([{ ...listed, muted: {}, settingsAt: 5 }], true);
  listing.listed([listed], true);
  assert.equal(shown(), undefined);
  listing.settings("c", { muted: { until: clock.now() + 5_000 }, at: 7 });
  listing.settings("c", { muted: { until: clock.now() + 1_000 }, at: 8 });
  await clock.pass(1_000);
  assert.equal(shown(), undefined);
  // A list that was made before the latest event may have later settings.
  listing.event(event(2, { kind: "message", body: {} }));
  listing.listed([{ ...listed, muted: {}, settingsAt: 9 }], true);
  assert.deepEqual([listing.get("c")?.head, shown()], [2, {}]);
  // Who comes back has none.
  listing.listed([{ ...listed, first: 5, head: 6 }], true);
  assert.equal(shown(), undefined);
  stop();
});

test("a conversation that was shown among thousands is told of changes once somebody subscribes", async () => {
  const clock = new HandClock();
  const patience = new Patience(clock);
  const listing = new Listing<object>({
    me: "ann",
    clock,
    now: () => clock.now(),
    pace: new Pace(clock),
    patience,
    keeper: new Keeper({ store: memoryStore(), prefix: "p/", clock }),
    pull: () => new Promise(() => undefined),
    read: async () => undefined,
    noOf: () => undefined,
    onPeer: () => undefined,
    onChange: () => undefined,
  });
  const views = Array.from({ length: 5_000 }, (_, i) => listing.watch(`c${i}`));
  const told = new Set<number>();
  for (const [i, view] of views.entries()) view.subscribe(() => told.add(i));
  listing.listed(
    views.map((_, i) => ({ conversation: `c${i}`, kind: "group", first: 1, head: 1, read: 1, unread: 0 })),
    true,
  );
  await clock.pass(100);
  assert.equal(told.size, views.length);
  patience.stop();
});
