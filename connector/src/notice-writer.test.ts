import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import type { CodecName } from "@jichat/protocol/frame/codec.ts";
import { codecOf } from "@jichat/protocol/frame/codec.ts";
import { LatestOrders } from "./latest-orders.ts";
import { NoticeWriter } from "./notice-writer.ts";
import type { Reader } from "./reader.ts";

class Listener implements Reader {
  readonly id: string;
  readonly echo = true;
  readonly codecName: CodecName;
  isLive = true;
  isSlow = false;
  missed = false;
  readonly heard: (string | Uint8Array)[] = [];

  constructor(id: string, codecName: CodecName = "json") {
    this.id = id;
    this.codecName = codecName;
  }

  writeEncoded(): void {
    throw new Error("a notice goes by `writeNotice`");
  }

  delivered(): void {
    throw new Error("a notice may be lost");
  }

  writeNotice(bytes: string | Uint8Array): boolean {
    if (!this.isSlow) this.heard.push(bytes);
    return !this.isSlow;
  }
}

const notice = (order: number, more: Partial<Notice> = {}): Notice => ({
  frame: `{"t":"typing","order":${order}}`,
  users: ["ann", "bob"],
  key: "typing",
  order,
  ...more,
});

/** Ann has two devices here, bob one, and cem one who is told nothing. */
function three(): { writer: NoticeWriter; sockets: Record<"phone" | "laptop" | "bob" | "cem", Listener> } {
  const sockets = {
    phone: new Listener("phone"),
    laptop: new Listener("laptop"),
    bob: new Listener("bob"),
    cem: new Listener("cem"),
  };
  const { phone, laptop, bob, cem } = sockets;
  const byUser = new Map([
    ["ann", [phone, laptop]],
    ["bob", [bob]],
    ["cem", [cem]],
  ]);
  return { writer: new NoticeWriter({ of: (user) => byUser.get(user) ?? [] }), sockets };
}
const heardBy = (sockets: Record<string, Listener>): string[] =>
  Object.entries(sockets).flatMap(([name, { heard }]) => (heard.length > 0 ? [name] : []));

for (const [what, more, who] of [
  ["to users: all their sessions", {}, ["phone", "laptop", "bob"]],
  ["but not the one that caused it, whatever it asked in its hello", { origin: "phone" }, ["laptop", "bob"]],
  ["to one session: nobody else", { session: "laptop" }, ["laptop"]],
  ["to one session that is not here: nobody", { session: "elsewhere" }, []],
  ["to a user who is not here: nobody", { users: ["dov"] }, []],
] as const)
  test(`a notice is written ${what}`, () => {
    const { writer, sockets } = three();
    assert.deepEqual(writer.write([notice(1, more)]), { written: who.length, dropped: 0 });
    assert.deepEqual(heardBy(sockets), who);
  });

test("a socket with much unread gets no notice, which is counted, and one without its welcome syncs later", () => {
  const { writer, sockets } = three();
  sockets.phone.isSlow = true;
  sockets.laptop.isLive = false;
  assert.deepEqual(writer.write([notice(1)]), { written: 1, dropped: 1 });
  assert.deepEqual(heardBy(sockets), ["bob"]);
  assert.deepEqual([sockets.phone.missed, sockets.laptop.missed], [false, true]);
});

test("sessions that read MessagePack get a notice in MessagePack, encoded once", () => {
  const readers = [new Listener("a", "msgpack"), new Listener("b", "msgpack"), new Listener("c")];
  const writer = new NoticeWriter({ of: () => readers });
  const receipt = receiptOf({ conversation: "g", user: "ann", seq: 7 });
  writer.write([receipt]);
  const [first, second, third] = readers.map(({ heard }) => heard[0]);
  assert.equal(first, second);
  assert.equal(third, receipt.frame);
  assert.ok(first instanceof Uint8Array);
  const read = codecOf("msgpack").read(new Uint8Array(first).buffer, true);
  assert.deepEqual(read, { t: "receipt", conversation: "g", user: "ann", seq: 7 });
});

const told = fc.record({ key: fc.nat(3), order: fc.integer({ min: 1, max: 9 }) });

test("the orders that are written for a key only rise, up to the highest, for any order of arrival", () => {
  fc.assert(
    fc.property(fc.array(told, { maxLength: 40 }), (all) => {
      const ann = new Listener("phone");
      const writer = new NoticeWriter({ of: () => [ann] });
      for (const { key, order } of all)
        writer.write([notice(order, { key: String(key), frame: `[${key},${order}]`, users: ["ann"] })]);
      const heard = ann.heard.map((frame) => JSON.parse(String(frame)) as [number, number]);
      for (const key of new Set(all.map((one) => one.key))) {
        const orders = heard.flatMap(([of, order]) => (of === key ? [order] : []));
        assert.deepEqual(
          orders,
          [...new Set(orders)].toSorted((a, b) => a - b),
        );
        assert.equal(orders.at(-1), Math.max(...all.flatMap((one) => (one.key === key ? [one.order] : []))));
      }
    }),
  );
});

test("the latest orders of as many keys as the limit are known, and those of the first keys are dropped after that", () => {
  const keysMax = 10;
  const orders = new LatestOrders(keysMax);
  const raiseAll = (from: number, to: number): void => {
    for (let key = from; key < to; key += 1) assert.ok(orders.raise(String(key), 5));
  };
  raiseAll(0, keysMax + 1);
  for (let key = 1; key <= keysMax; key += 1) assert.ok(!orders.raise(String(key), 4), `${key} is known`);
  raiseAll(keysMax + 1, 3 * keysMax);
  assert.ok(orders.raise("0", 4), "what is long ago is not held for ever");
});
