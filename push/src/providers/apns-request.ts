import { hash } from "node:crypto";
import type { Push } from "../provider.ts";
import { fitted } from "./fitted.ts";

/** Most bytes of a payload that APNs takes. */
const APNS_BYTES_MAX = 4_096;

const WITHDRAWAL_LIFE_MS = 86_400_000;

/** A UUID that is the same for every attempt (RFC 9562, version 8: made in a way of one's own). */
function uuidOf(id: string): string {
  const hex = hash("sha256", id, "hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** Headers of a push, without its path and its token. `now` is in ms since 1970. */
export function apnsHeaders(push: Push, topic: string, now: number): Readonly<Record<string, string>> {
  const isAlert = push.is === "notification";
  const lifeMs = isAlert ? Math.max(0, push.ttlMs) : WITHDRAWAL_LIFE_MS;
  return {
    "apns-id": uuidOf(push.id),
    "apns-topic": topic,
    "apns-push-type": isAlert ? "alert" : "background",
    "apns-priority": isAlert && push.isUrgent ? "10" : "5",
    "apns-expiration": String(Math.floor((now + lifeMs) / 1_000)),
    "apns-collapse-id": push.collapseKey,
  };
}

/**
 * The payload. A background push may have nothing in `aps` beside `content-available`, so the badge of a
 * withdrawal stands outside, and the app sets it. `undefined` if it is too long without any text.
 */
export function apnsPayload(push: Push): string | undefined {
  const { is, conversation, seq, badge, collapseKey: tag } = push;
  const about = { v: 1, is, conversation, seq, tag };
  if (push.is === "withdrawal") {
    const badged = badge === undefined ? {} : { badge };
    return JSON.stringify({ aps: { "content-available": 1 }, ...about, ...badged });
  }
  const rest = {
    ...(badge === undefined ? {} : { badge }),
    ...(push.hasSound ? { sound: "default" } : {}),
    "thread-id": conversation,
    "mutable-content": 1,
  };
  return fitted(push, APNS_BYTES_MAX, (title, body) =>
    JSON.stringify({ aps: { alert: { title, body }, ...rest }, ...about, count: push.count }),
  );
}
