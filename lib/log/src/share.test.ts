import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LeaseView } from "./share.ts";
import { planShare, quotas } from "./share.ts";

const view = (
  owners: readonly string[],
  leases: readonly (readonly [number, string])[],
  draining: readonly string[] = [],
): LeaseView => ({
  owners: new Map(owners.map((id) => [id, { draining: draining.includes(id) }])),
  leases: new Map(leases),
});

test("the quotas differ by at most one and add up to P", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 256 }), (owners, partitions) => {
      const counts = [
        ...quotas(
          view(
            Array.from({ length: owners }, (_, i) => `r${i}`),
            [],
          ),
          partitions,
        ).values(),
      ];
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        partitions,
      );
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }),
  );
});

test("the plans of all owners end in an even share from any start, and nobody releases a lease that nobody wants", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 32 }),
      fc.infiniteStream(fc.integer({ min: -1, max: 6 })),
      (count, partitions, dice) => {
        const owners = Array.from({ length: count }, (_, i) => `r${i}`);
        const leases = new Map(
          Array.from({ length: partitions }, (_, p): [number, string] => [
            p,
            owners[dice.next().value ?? 0] ?? "gone",
          ]),
        );
        for (let round = 0; round < 40; round += 1) {
          for (const me of owners) {
            const plan = planShare(me, view(owners, [...leases]), partitions);
            for (const partition of plan.claim) leases.set(partition, me);
            for (const { partition, to } of plan.give) leases.set(partition, to);
          }
        }
        const held = owners.map((id) => [...leases.values()].filter((owner) => owner === id).length);
        assert.equal(
          held.reduce((sum, n) => sum + n, 0),
          partitions,
        );
        assert.ok(Math.max(...held) - Math.min(...held) <= 1, held.join(" "));
      },
    ),
  );
});

test("an owner that drains keeps nothing, and hands over to the others", () => {
  const plan = planShare(
    "a",
    view(
      ["a", "b"],
      [
        [0, "a"],
        [1, "a"],
      ],
      ["a"],
    ),
    2,
  );
  assert.deepEqual(plan, {
    claim: [],
    give: [
      { partition: 0, to: "b" },
      { partition: 1, to: "b" },
    ],
  });
});
