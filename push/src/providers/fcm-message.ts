import type { Notification, Push } from "../provider.ts";
import { fitted } from "./fitted.ts";

/**
 * Most bytes of what the device gets, of the 4,096 that FCM takes. The rest of our JSON is for FCM itself.
 */
const FCM_BYTES_MAX = 4_000;

const WITHDRAWAL_TTL = "86400s";

/** Values of `data` are strings, whatever they mean. */
function dataOf(push: Push): Readonly<Record<string, string>> {
  const { is, conversation, seq, badge, collapseKey: tag } = push;
  return {
    v: "1",
    is,
    conversation,
    seq: String(seq),
    tag,
    ...(push.is === "notification" ? { count: String(push.count) } : {}),
    ...(badge === undefined ? {} : { badge: String(badge) }),
  };
}

function androidOf({ collapseKey, isUrgent, ttlMs, hasSound, badge }: Notification): object {
  return {
    collapse_key: collapseKey,
    priority: isUrgent ? "HIGH" : "NORMAL",
    ttl: `${Math.max(0, Math.floor(ttlMs / 1_000))}s`,
    notification: {
      // A later one takes its place on the screen; the collapse key does so only on the way.
      tag: collapseKey,
      ...(hasSound ? { sound: "default" } : {}),
      ...(badge === undefined ? {} : { notification_count: badge }),
    },
  };
}

/**
 * The JSON of a request to FCM HTTP v1. A withdrawal has data alone, so that the app and not the system gets
 * it. `undefined` if the device's part is too long without any text.
 */
export function fcmMessage(token: string, push: Push): string | undefined {
  const data = dataOf(push);
  if (push.is === "withdrawal") {
    const android = { collapse_key: push.collapseKey, priority: "NORMAL", ttl: WITHDRAWAL_TTL };
    return JSON.stringify({ message: { token, data, android } });
  }
  const shown = fitted(push, FCM_BYTES_MAX, (title, body) =>
    JSON.stringify({ notification: { title, body }, data }),
  );
  if (shown === undefined) return undefined;
  const about = JSON.stringify({ token, android: androidOf(push) });
  return `{"message":${about.slice(0, -1)},${shown.slice(1)}}`;
}
