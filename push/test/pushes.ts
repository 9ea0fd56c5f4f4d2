import assert from "node:assert/strict";
import type { Notification, Outcome, Withdrawal } from "../src/provider.ts";

const ADDRESSED = {
  id: "4nWQ2yqjR0Jm7vUe1b9Xh3kZt5cLs8dPa6fGiBoNwEr",
  user: "ann-of-the-test",
  device: "phone-of-the-test",
  conversation: "g_conversation-of-the-test",
  seq: 42,
  badge: 7,
  collapseKey: "collapse-key-of-the-test_012345",
} as const;

export const NOTIFICATION: Notification = {
  ...ADDRESSED,
  is: "notification",
  title: "Title of the test",
  text: "Text of the test",
  count: 3,
  hasSound: true,
  isUrgent: true,
  ttlMs: 3_600_000,
};

export const WITHDRAWAL: Withdrawal = { ...ADDRESSED, is: "withdrawal" };

/** What no reason may hold, beside what a test adds: reasons are written to logs. */
const SECRET: readonly string[] = [
  NOTIFICATION.title,
  NOTIFICATION.text,
  ...Object.values(ADDRESSED).flatMap((value) => (typeof value === "string" ? [value] : [])),
  "127.0.0.1",
];

/** An outcome without its reason. */
export type Expected =
  | { readonly is: "sent" | "gone" | "refused" }
  | { readonly is: "retry"; readonly afterMs?: number; readonly isDown: boolean };

/** Compares outcomes, whose reason must match `reason` and name nothing secret. */
export function isOutcome(
  outcome: Outcome,
  expected: Expected,
  reason: RegExp | undefined,
  secrets: readonly string[],
): void {
  const { reason: told, ...rest } = { reason: "", ...outcome };
  assert.deepEqual(rest, expected, told);
  if (reason !== undefined) assert.match(told, reason);
  for (const secret of [...SECRET, ...secrets]) assert.ok(!told.includes(secret), `${told} has ${secret}`);
}

export const DOWN = { is: "retry", isDown: true } as const;
export const LATER = { is: "retry", isDown: false } as const;
export const GONE = { is: "gone" } as const;
export const REFUSED = { is: "refused" } as const;
export const SENT = { is: "sent" } as const;

export const never = new AbortController().signal;
