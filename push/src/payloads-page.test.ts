import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Notification, Withdrawal } from "./provider.ts";
import { apnsPayload } from "./providers/apns-request.ts";
import { fcmMessage } from "./providers/fcm-message.ts";
import { PAYLOAD_BYTES_MAX, webPushPayload } from "./providers/web-push-payload.ts";
import { webhookBody } from "./providers/webhook-request.ts";
import { en } from "./templates/en.ts";

const ADDRESSED = {
  id: "id",
  user: "ann",
  device: "phone",
  conversation: "g_team",
  seq: 42,
  badge: 7,
  collapseKey: "c7a1",
} as const;
const withdrawal: Withdrawal = { ...ADDRESSED, is: "withdrawal" };
const notification: Notification = {
  ...ADDRESSED,
  is: "notification",
  title: "Team",
  text: "3 new messages",
  count: 3,
  hasSound: true,
  isUrgent: true,
  ttlMs: 3_600_000,
};
const AT = Date.parse("2026-01-02T03:04:05.000Z");

test("docs/push-payloads.md shows what is sent, field by field", () => {
  const page = readFileSync(join(ROOT, "docs/push-payloads.md"), "utf8");
  const blocks = [...page.matchAll(/^```json\n(.*?)^```/gms)].map(
    ([, text = ""]) => JSON.parse(text) as unknown,
  );
  const sent = [
    webPushPayload(notification),
    webPushPayload(withdrawal),
    fcmMessage("…", notification),
    fcmMessage("…", withdrawal),
    apnsPayload(notification),
    apnsPayload(withdrawal),
    webhookBody("…", notification, AT),
    webhookBody("…", withdrawal, AT),
    JSON.stringify(en),
  ].map((text) => JSON.parse(text ?? "null") as unknown);
  assert.deepEqual(blocks, sent);
  assert.ok(page.includes(`${PAYLOAD_BYTES_MAX.toLocaleString("en")} bytes`));
});
