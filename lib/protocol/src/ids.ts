import { hash } from "node:crypto";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The time inside a UUIDv7 (RFC 9562, 5.7) in milliseconds since 1970; `undefined` for any other id. Only
 * lower case counts, as the RFC writes it: such ids sort by their time, and storage finds recent ids by that
 * order.
 */
export function timeOfId(id: string): number | undefined {
  if (id.length !== 36 || !UUID_V7.test(id)) return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** A text that sorts at or before every UUIDv7 of time `ms` or later. */
export function firstIdOf(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

const digest = (text: string): string => hash("sha256", text, "base64url").slice(0, 26);

/** The id of the 1-1 conversation of two users, in either order. So a retry goes to the same partition. */
export const directConversation = (a: string, b: string): string =>
  `d_${digest(a < b ? `${a} ${b}` : `${b} ${a}`)}`;

/**
 * A group's id, made from its creator and the `id` of the creating frame. So a retried `create` makes one
 * group only.
 */
export const groupConversation = (creator: string, id: string): string => `g_${digest(`${creator} ${id}`)}`;

export const isDirect = (conversation: string): boolean => conversation.startsWith("d_");

/**
 * The partition of a conversation: FNV-1a over UTF-16 units, modulo `partitions`. Part of the stored layout:
 * it can never change for a living cluster.
 */
export function partitionOf(conversation: string, partitions: number): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < conversation.length; i += 1) h = Math.imul(h ^ conversation.charCodeAt(i), 0x01000193);
  return (h >>> 0) % partitions;
}
