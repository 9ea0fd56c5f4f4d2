import { createHmac } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Push } from "../provider.ts";

/**
 * The JSON that one's own gateway gets (Standard Webhooks: `type`, `timestamp`, `data`). `token` is where the
 * device is reached, in the words of the gateway. `at` is in ms since 1970.
 */
export function webhookBody(token: string, push: Push, at: number): string {
  const { is, user, device, conversation, seq, badge, collapseKey: tag } = push;
  const about = { user, device, token, conversation, seq, ...(badge === undefined ? {} : { badge }), tag };
  const shown =
    push.is === "withdrawal"
      ? {}
      : {
          title: push.title,
          text: push.text,
          count: push.count,
          sound: push.hasSound,
          urgent: push.isUrgent,
          ttl: Math.max(0, Math.floor(push.ttlMs / 1_000)),
        };
  const data = { v: 1, ...about, ...shown };
  return JSON.stringify({ type: `push.${is}`, timestamp: new Date(at).toISOString(), data });
}

/** Headers of Standard Webhooks. Each secret signs, so that a receiver may have the old or the new one. */
export function webhookHeaders(
  id: string,
  body: string,
  secrets: readonly KeyObject[],
  at: number,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1_000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64")}`,
  );
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
