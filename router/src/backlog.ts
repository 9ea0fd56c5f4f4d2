import type { EffectUnit } from "./effect-unit.ts";
import {
  dropEvents,
  putEntry,
  putEvent,
  putGap,
  putHead,
  putNotices,
  putToSync,
  putUnsure,
  recount,
  shedNotices,
  takeUnpushed,
} from "./effect-unit.ts";

/** Most bytes that the effects of one partition, and of all partitions of a router, may hold. */
const PARTITION_BYTES_MAX = 33_554_432;
const ROUTER_BYTES_MAX = 134_217_728;

/** Most bytes that the effects of each partition may hold, if a router has `partitions` of them. */
export const backlogBytesMax = (partitions: number): number =>
  Math.min(PARTITION_BYTES_MAX, ROUTER_BYTES_MAX / Math.max(1, partitions));

/** Notices may have this share of a unit's bytes: one in so many. */
const NOTICES_SHARE = 4;

/**
 * Appends `later` to `unit`. If the result exceeds `bytesMax`, notices are shed first; if that is not enough,
 * the rest is folded. Returns whether it was folded.
 */
export function merge(unit: EffectUnit, later: EffectUnit, bytesMax: number): boolean {
  unit.position = Math.max(unit.position, later.position);
  putNotices(unit, later.notices);
  unit.unpushed += takeUnpushed(later);
  if (unit.isLost || later.isLost) {
    dropEvents(later);
    unit.unpushed += takeUnpushed(later);
    lose(unit);
    return true;
  }
  for (const user of later.unsure) putUnsure(unit, user);
  for (const user of later.toSync) putToSync(unit, user);
  for (const head of later.heads.values()) putHead(unit, head);
  for (const entry of later.entries.values()) putEntry(unit, entry);
  for (const event of later.events) putEvent(unit, event);
  for (const [conversation, gap] of later.gaps) addGap(unit, conversation, gap.head, gap.recipients);
  shedNotices(unit, Math.min(bytesMax / NOTICES_SHARE, bytesMax - (unit.bytes - unit.notices.bytes)));
  if (unit.bytes <= bytesMax) return false;
  fold(unit, bytesMax / 2);
  if (unit.bytes > bytesMax) lose(unit);
  return true;
}

/**
 * Shrinks a unit. Events become one `gap` per conversation, which makes every reader pull them. Nobody is told
 * of their messages by push. If that still
 * exceeds `bytesMax`, only names remain: conversations with the positions of their heads, users whose lists
 * in Redis are too old, and users who have to sync.
 */
function fold(unit: EffectUnit, bytesMax: number): void {
  for (const { conversation, seq, recipients } of unit.events) addGap(unit, conversation, seq, recipients);
  dropEvents(unit);
  recount(unit);
  if (unit.bytes > bytesMax) foldToNames(unit);
}

function foldToNames(unit: EffectUnit): void {
  const { gaps, entries, heads } = unit;
  for (const { recipients } of gaps.values()) for (const user of recipients) putToSync(unit, user);
  for (const { user } of entries.values()) putUnsure(unit, user);
  for (const [id, { conversation, position, ts }] of heads) heads.set(id, { conversation, position, ts });
  for (const map of [gaps, entries]) map.clear();
  recount(unit);
}

/**
 * Drops everything from a unit. Redis's data then gets another name, so every device has to sync, and reads
 * its list from storage.
 */
export function lose(unit: EffectUnit): void {
  unit.isLost = true;
  dropEvents(unit);
  shedNotices(unit, 0);
  for (const all of [unit.heads, unit.entries, unit.gaps, unit.unsure, unit.toSync]) all.clear();
  recount(unit);
}

/** Members up to `seq` pull: those of an earlier gap of this conversation, and these. */
export function addGap(
  unit: EffectUnit,
  conversation: string,
  seq: number,
  recipients: readonly string[],
): void {
  const known = unit.gaps.get(conversation);
  const everybody =
    known === undefined || known.recipients === recipients
      ? recipients
      : [...new Set([...known.recipients, ...recipients])];
  putGap(unit, conversation, { head: Math.max(seq, known?.head ?? 0), recipients: everybody });
}
