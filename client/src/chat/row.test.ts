import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import type { ConversationEvent } from "../events.ts";
import { ConversationBook } from "./conversation-book.ts";
import type { Row } from "./row.ts";
import { eventRow, isKnown, leftRow, listedRow, lookedUpRow, readRow } from "./row.ts";

type Event = ConversationEvent<object>;
const ME = "ann";

const said = (seq: number, more: object = {}): Event => ({
  conversation: "g_a",
  seq,
  no: seq,
  kind: "message",
  from: "bob",
  ts: seq * 10,
  body: { seq },
  ...more,
});
const listed = (more: Partial<ListedConversation<object>> = {}): ListedConversation<object> => ({
  conversation: "g_a",
  kind: "group",
  name: "A",
  first: 1,
  head: 10,
  read: 8,
  unread: 2,
  last: said(10),
  ...more,
});
const row = (more: Partial<ListedConversation<object>> = {}): Row<object> =>
  listedRow(listed(more), undefined);
const after = (known: Row<object>, ...events: Event[]): Row<object> =>
  events.reduce((before, event) => eventRow(before, event, ME) ?? assert.fail(), known);

test("unread counts messages of others; one's own message reads all before it", () => {
  const some = after(
    row(),
    said(11),
    said(12, { kind: "renamed", name: "B", no: 11, body: undefined }),
    said(13, { no: 12 }),
  );
  assert.deepEqual([some.unread, some.head, some.name, some.activeAt], [4, 13, "B", 130]);
  assert.deepEqual([after(some, said(14, { from: ME, no: 13 })).unread, some.read], [0, 8]);
});

test("an event that the list has counted already is not counted again", () => {
  assert.deepEqual(after(row(), said(9), said(10)), row());
  const edit = said(4, { kind: "edited", target: 2, no: 3, body: { edit: 1 } });
  assert.deepEqual(after(row(), edit), row());
  const known = row();
  assert.equal(eventRow(known, said(10), ME), known);
});

test("the last line is the message itself, not its edit; a recall shows in it", () => {
  const edited = after(row(), said(11, { kind: "edited", target: 10, no: 10, body: { edit: 1 } }));
  assert.deepEqual([edited.last?.seq, edited.last?.body, edited.last?.edited], [10, { edit: 1 }, 11]);
  const other = after(edited, said(12, { kind: "recalled", target: 4, no: 10, body: undefined }));
  assert.equal(other.last, edited.last);
  assert.ok(isKnown(other));
});

test("behind an edit at the head of a list, the last line is not known until it is looked up or heard", () => {
  const edit = said(10, { kind: "edited", target: 3, no: 9, body: { edit: 1 } });
  const unknown = row({ last: edit });
  assert.deepEqual([unknown.last, isKnown(unknown), unknown.no], [undefined, false, 9]);
  const found = lookedUpRow(unknown, { head: 10, newest: edit, last: said(9) as never });
  assert.deepEqual([found.last?.seq, isKnown(found)], [9, true]);
  assert.ok(isKnown(after(unknown, said(11))));
});

test("a list that was made before the latest event, or before a mark, takes nothing back", () => {
  const known = readRow(after(row(), said(11)), 10, 10);
  assert.deepEqual([known.unread, known.read], [1, 10]);
  const stale = listedRow(listed(), known);
  assert.deepEqual([stale.head, stale.unread, stale.read], [11, 1, 10]);
  const unmarked = listedRow(listed({ head: 12, last: said(12), unread: 4 }), known);
  assert.deepEqual([unmarked.head, unmarked.unread, unmarked.read], [12, 2, 10]);
});

test("a mark counts what is after it, never goes back, and reads all at the head", () => {
  assert.deepEqual([readRow(row(), 9, 9).unread, readRow(row(), 10, undefined).unread], [1, 0]);
  const known = row();
  assert.equal(readRow(known, 5, 5), known);
  assert.equal(readRow(known, 9, undefined).unread, 2);
});

test("who leaves is no member, until they come back: then nothing from before counts", () => {
  const left = after(row(), said(11, { kind: "left", users: [ME], no: 10, body: undefined }));
  assert.equal(left.isMember, false);
  const back = after(left, said(20, { kind: "joined", users: [ME, "cleo"], no: 15, body: undefined }));
  assert.deepEqual([back.isMember, back.first, back.unread, back.read], [true, 20, 0, 20]);
  assert.equal(leftRow(back, 11), back);
  assert.equal(leftRow(back, 20).isMember, false);
});

test("a list of an earlier membership takes no settings into the present one", () => {
  const known = row({ muted: {}, settingsAt: 5 });
  assert.deepEqual(listedRow(listed({ settingsAt: 4 }), known).muted, {});
  assert.equal(listedRow(listed({ settingsAt: 6 }), known).muted, undefined);
  const left = after(known, said(11, { kind: "left", users: [ME], no: 10, body: undefined }));
  const back = after(left, said(20, { kind: "joined", users: [ME], no: 15, body: undefined }));
  assert.deepEqual([back.muted, back.settingsAt], [undefined, 0]);
  assert.equal(listedRow(listed({ muted: {}, settingsAt: 5 }), back).muted, undefined);
  const listedBack = listedRow(listed({ first: 20, head: 20 }), known);
  assert.deepEqual([listedBack.muted, listedBack.settingsAt], [undefined, 0]);
});

test("pins follow their events", () => {
  const pinned = after(row({ pins: [3] }), said(11, { kind: "pinned", target: 5, no: 10, body: undefined }));
  assert.deepEqual(pinned.pins, [3, 5]);
  assert.deepEqual(
    after(pinned, said(12, { kind: "unpinned", target: 3, no: 10, body: undefined })).pins,
    [5],
  );
});

test("the list is in the server's order, whatever moves, and is one object until something changes", () => {
  const book = new ConversationBook<object>();
  const put = (id: string, activeAt: number, more: Partial<Row<object>> = {}): void => {
    book.put({ ...row(), id, activeAt, unread: 1, ...more });
  };
  const order = (): string => book.view.conversations.map(({ id }) => id).join("");
  for (const [id, at] of [
    ["b", 5],
    ["a", 5],
    ["d", 9],
    ["c", 1],
  ] as const)
    put(id, at);
  assert.equal(order(), "dabc");
  const { view } = book;
  assert.equal(book.view, view);
  put("c", 10);
  assert.deepEqual([order(), view.conversations.length, book.view.unread], ["cdab", 4, 4]);
  put("d", 9, { isMember: false });
  put("a", 5, { unread: 7 });
  assert.deepEqual([order(), book.view.unread], ["cab", 9]);
  put("d", 2);
  assert.deepEqual([order(), book.view.unread], ["cabd", 10]);
});
