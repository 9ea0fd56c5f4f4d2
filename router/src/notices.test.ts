import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import { Notices } from "./notices.ts";

const receipt = (user: number, seq: number, origin?: string): Notice =>
  receiptOf({ conversation: "c", user: `user-${user}`, seq, origin });
const seqs = (notices: Notices): string[] =>
  Array.from(notices, ({ users, order }) => `${users[0]} ${order}`);
/** All of one size: what one holds. */
const ONE_BYTES = (() => {
  const notices = new Notices();
  notices.put(receipt(0, 1));
  return notices.bytes;
})();

const put = fc.record({ user: fc.nat(4), seq: fc.integer({ min: 1, max: 9 }) });

test("the highest order of each key stays, in any order of arrival and over any number of units", () => {
  fc.assert(
    fc.property(fc.array(put, { maxLength: 40 }), fc.nat(40), (puts, cut) => {
      const highest = new Map<string, number>();
      const [notices, later] = [new Notices(), new Notices()];
      puts.forEach(({ user, seq }, index) => {
        (index < cut ? notices : later).put(receipt(user, seq));
        highest.set(`user-${user}`, Math.max(seq, highest.get(`user-${user}`) ?? 0));
      });
      notices.putAll(later);
      assert.deepEqual(
        seqs(notices).toSorted(),
        [...highest].map(([user, seq]) => `${user} ${seq}`).toSorted(),
      );
      assert.equal(notices.bytes, highest.size * ONE_BYTES, "what was replaced takes no room");
      assert.equal(notices.takeShed(), 0, "what was replaced is not shed");
    }),
  );
});

test("shedding drops the notices that have waited longest, no more than needed, and counts them", () => {
  fc.assert(
    fc.property(fc.array(put, { maxLength: 40 }), fc.nat(6), (puts, room) => {
      const notices = new Notices();
      for (const { user, seq } of puts) notices.put(receipt(user, seq));
      const before = seqs(notices);
      notices.shed(room * ONE_BYTES + 1);
      assert.deepEqual(seqs(notices), before.slice(Math.max(0, before.length - room)));
      assert.equal(notices.bytes, Math.min(room, before.length) * ONE_BYTES);
      const shed = Math.max(0, before.length - room);
      assert.deepEqual([notices.takeShed(), notices.takeShed()], [shed, 0]);
    }),
  );
});

test("a notice that replaces another one waits from the end of the line, and excludes its own session", () => {
  const notices = new Notices();
  for (const [user, seq] of [
    [1, 1],
    [2, 1],
    [1, 2],
  ] as const)
    notices.put(receipt(user, seq, `s${seq}`));
  notices.put(receipt(1, 1, "late"));
  assert.deepEqual(
    Array.from(notices, ({ users, origin }) => [users[0], origin]),
    [
      ["user-2", "s1"],
      ["user-1", "s2"],
    ],
  );
});

test("a notice that no message has room for is shed at once, and the unit that takes it over counts it", () => {
  const [notices, later] = [new Notices(), new Notices()];
  const crowd = Array.from({ length: 3_000 }, (_, index) => `user-${index}`);
  later.put({ frame: '{"t":"typing"}', users: crowd, key: "typing", order: 1 });
  later.put({ frame: "x".repeat(70_000), users: ["ann"], key: "draft", order: 1 });
  notices.putAll(later);
  assert.deepEqual([seqs(notices), notices.bytes, notices.takeShed()], [[], 0, 2]);
});
