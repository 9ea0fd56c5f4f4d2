import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import { REPLY_BYTES_MAX, SYNC_LIMIT_MAX } from "@jichat/protocol/limits.ts";
import type { SyncReply } from "./sync.ts";
import { Syncs } from "./sync.ts";

const GROUPS = 1_000;

/** A thousand groups, each with this name, and the event that gave it to them. */
function syncsOf(name: string): Syncs {
  const entries = Array.from({ length: GROUPS }, (_, index): ListEntry => ({
    conversation: `g_${index}`,
    position: 1,
    first: 1,
    mark: 1,
    markNo: 0,
  }));
  const heads = entries.map(({ conversation }): HeadEntry => ({
    conversation,
    position: 1,
    seq: 1,
    no: 0,
    ts: 1,
    kind: "group",
    name,
    last: {
      conversation,
      seq: 1,
      no: 0,
      kind: "renamed",
      from: "u".repeat(64),
      ts: 1,
      id: '"'.repeat(64),
      name,
    },
  }));
  const list = async () => ({ run: "1", done: new Map([[0, 1]]), complete: true, entries, heads });
  const log = { identity: () => "AAAAAAAAAAA", position: async () => 1 };
  const unused = (): never => assert.fail("nothing is rebuilt");
  const cache = { run: () => "1", list, heads: unused, mergeList: unused };
  return new Syncs({
    cache,
    source: { list: unused, heads: unused },
    clock: systemClock,
    partitions: 1,
    afterLoss: unused,
    log,
  });
}

for (const [what, name] of [
  ["controls", "\u0001".repeat(128)],
  ["quotes", '"'.repeat(128)],
  ["three bytes a letter", "水".repeat(128)],
  ["plain letters", "n".repeat(128)],
] as const)
  test(`a reply with a thousand groups named in ${what} stays within its bound, and the next one continues`, async () => {
    const syncs = syncsOf(name);
    const told: string[] = [];
    let reply: SyncReply | undefined;
    do {
      reply = await syncs.page("ann", {
        limit: SYNC_LIMIT_MAX,
        ...(reply?.next === undefined ? {} : { page: reply.next }),
      });
      const frame = jsonFrame({ t: "synced", id: "i".repeat(64), ...reply });
      assert.ok(Buffer.byteLength(frame) <= REPLY_BYTES_MAX, `${Buffer.byteLength(frame)} bytes`);
      assert.ok(reply.conversations.length > 0);
      told.push(...reply.conversations.map(({ conversation }) => conversation));
    } while (reply.more);
    assert.equal(new Set(told).size, GROUPS);
    assert.equal(told.length, GROUPS);
  });
