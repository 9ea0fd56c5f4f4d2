import assert from "node:assert/strict";
import { test } from "node:test";
import { chargeMembers, memberBuckets } from "./people-config.ts";

test("two groups of a thousand pass at once, a third one waits, and a frame without members costs nothing", () => {
  const buckets = memberBuckets({ mustExist: true, membersPerSecond: 50 });
  assert.equal(chargeMembers(buckets, "ann", 1_000, 0), undefined);
  assert.equal(chargeMembers(buckets, "ann", 1_000, 0), undefined);
  assert.equal(chargeMembers(buckets, "ann", 0, 0), undefined);
  const refused = chargeMembers(buckets, "ann", 999, 0);
  assert.deepEqual([refused?.code, refused?.retryAfterMs], ["RATE_LIMITED", 19_980]);
  assert.equal(chargeMembers(buckets, "bob", 999, 0), undefined, "each user has a bucket");
  assert.equal(chargeMembers(buckets, "ann", 999, 19_980), undefined);
});

test("608 groups of 999 take hours", () => {
  const buckets = memberBuckets({ mustExist: true, membersPerSecond: 50 });
  let now = 0;
  for (let made = 0; made < 608;) {
    const refused = chargeMembers(buckets, "ann", 999, now);
    if (refused === undefined) made += 1;
    else now += refused.retryAfterMs ?? 0;
  }
  assert.ok(now > 3 * 3_600_000, `${now} ms`);
});
