import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Connections } from "./connections.ts";

test("no address and no sum exceeds its limit, and closed connections leave no count", () => {
  const address = fc.constantFrom("a", "b", "c", undefined);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.tuple(fc.boolean(), address), { maxLength: 60 }),
      (perAddressMax, totalMax, acts) => {
        const connections = new Connections({ perAddressMax, totalMax });
        const open: (string | undefined)[] = [];
        for (const [isOpening, from] of acts) {
          const ofOne = open.filter((one) => one === from).length;
          if (isOpening) {
            const isFree = from === undefined || perAddressMax === 0 || ofOne < perAddressMax;
            assert.equal(connections.open(from), isFree && open.length < totalMax);
            if (isFree && open.length < totalMax) open.push(from);
          } else if (ofOne > 0) {
            open.splice(open.indexOf(from), 1);
            connections.close(from);
          }
          assert.equal(connections.total, open.length);
        }
        for (const from of open) connections.close(from);
        assert.deepEqual([connections.total, connections.of("a")], [0, 0]);
      },
    ),
  );
});

test("connections that are counted elsewhere count too", () => {
  const connections = new Connections({ perAddressMax: 5, totalMax: 10 });
  assert.equal(connections.open("a", { of: 4, total: 4 }), true);
  assert.equal(connections.open("a", { of: 4, total: 4 }), false);
  assert.equal(connections.open("b", { of: 0, total: 9 }), false);
});
