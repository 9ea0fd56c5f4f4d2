import assert from "node:assert/strict";
import { test } from "node:test";
import { PermissionViolationError } from "@nats-io/transport-node";
import type { QueuedReport } from "@jichat/protocol/bus/push.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { ReportOutbox } from "./report-outbox.ts";

const PARTITIONS = 4;
const report = (user: string, since = 1): QueuedReport => ({ is: "report", user, device: "phone", since });

/** An outbox over a queue that fails with `errors.next`, and what reached the queue. */
function outbox(): {
  outbox: ReportOutbox;
  stored: { subject: string; users: string[] }[];
  counts: Map<string, number>;
  errors: { next: Error | undefined; tries: number };
} {
  const stored: { subject: string; users: string[] }[] = [];
  const counts = new Map<string, number>();
  const errors = { next: undefined as Error | undefined, tries: 0 };
  const made = new ReportOutbox({
    js: {
      publish: async (subject, bytes) => {
        errors.tries += 1;
        if (errors.next !== undefined) throw errors.next;
        const users = decodePushEntries(bytes).map((entry) => (entry.is === "report" ? entry.user : "?"));
        stored.push({ subject, users });
      },
    },
    names: { pushSubject: (partition) => `push.${partition}` },
    partitions: PARTITIONS,
    clock: { ...systemClock, sleep: async () => systemClock.sleep(1) },
    metrics: { countReports: (outcome, by) => counts.set(outcome, by + (counts.get(outcome) ?? 0)) },
    telemetry: { log: { error: () => undefined } },
  });
  return { outbox: made, stored, counts, errors };
}

test("reports go to the partition of their user, together", async () => {
  const { outbox: reports, stored, counts } = outbox();
  const users = Array.from({ length: 300 }, (_, index) => `user-${index}`);
  for (const user of users) reports.add(report(user));
  assert.equal(await reports.flush(5_000), 0);
  for (const { subject, users: told } of stored)
    for (const user of told) assert.equal(subject, `push.${partitionOf(user, PARTITIONS)}`);
  assert.deepEqual(stored.flatMap(({ users: told }) => told).toSorted(), users.toSorted());
  assert.equal(stored.length, PARTITIONS);
  assert.equal(counts.get("queued"), users.length);
});

test("a report is published again until it is stored, and more may come meanwhile", async () => {
  const { outbox: reports, stored, errors } = outbox();
  errors.next = new Error("timeout");
  reports.add(report("ann"));
  assert.equal(await reports.flush(50), 1);
  assert.ok(errors.tries > 1);
  reports.add(report("ann", 2));
  errors.next = undefined;
  assert.equal(await reports.flush(5_000), 0);
  assert.deepEqual(
    stored.flatMap(({ users }) => users),
    ["ann", "ann"],
  );
  reports.add(report("bob"));
  assert.equal(await reports.flush(5_000), 0, "and it goes on after that");
});

test("what the queue refuses for good is dropped and counted, and so is the oldest beyond the bound", async () => {
  const { outbox: reports, stored, counts, errors } = outbox();
  errors.next = new PermissionViolationError("no", "publish", "push.0");
  reports.add(report("ann"));
  assert.equal(await reports.flush(5_000), 0);
  assert.deepEqual([counts.get("refused"), errors.tries], [1, 1]);

  errors.next = new Error("timeout");
  for (let since = 1; since <= 65_536; since += 1) reports.add(report("ann", since));
  assert.equal(counts.get("dropped"), undefined, "at the bound");
  reports.add(report("ann", 65_537));
  assert.deepEqual([reports.size, counts.get("dropped")], [65_536, 1]);
  errors.next = undefined;
  assert.equal(await reports.flush(20_000), 0);
  assert.equal(stored.flatMap(({ users }) => users).length, 65_536);
});
