import type { EffectUnit } from "./effect-unit.ts";
import {
  putEntry,
  putEvent,
  putGap,
  putHead,
  putNotices,
  putToSync,
  putUnsure,
  recount,
  shedNotices,
} from "./effect-unit.ts";

/** What the effects of one partition may hold, and those of all partitions of a router. */
const PARTITION_BYTES_MAX = 33_554_432;
const ROUTER_BYTES_MAX = 134_217_728;

/** What the effects of each of so many partitions may hold. */
export const backlogBytesMax = (partitions: number): number =>
  Math.min(PARTITION_BYTES_MAX, ROUTER_BYTES_MAX / Math.max(1, partitions));

/** Of what a unit may hold, the part that notices may have of it: one in so many bytes. */
const NOTICES_SHARE = 4;

/**
 * Puts `later` behind `unit`. Of what is more than `bytesMax`, notices go first; where that is not enough, the
 * rest is folded. Whether it was.
 */
export function merge(unit: EffectUnit, later: EffectUnit, bytesMax: number): boolean {
  unit.position = Math.max(unit.position, later.position);
  putNotices(unit, later.notices);
  if (unit.isLost || later.isLost) {
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
 * Makes less of a unit: of events one `gap` per conversation, which makes every reader pull them. Where that
 * leaves more than `bytesMax`, only names: of conversations, with where their heads stand, of users whose
 * lists in Redis are too old, and of all who are to sync.
 */
function fold(unit: EffectUnit, bytesMax: number): void {
  for (const { conversation, seq, recipients } of unit.events) addGap(unit, conversation, seq, recipients);
  unit.events = [];
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

/** Everybody is told to sync, and reads a list that storage told, once Redis's data has another name. */
export function lose(unit: EffectUnit): void {
  unit.isLost = true;
  unit.events = [];
  shedNotices(unit, 0);
  for (const all of [unit.heads, unit.entries, unit.gaps, unit.unsure, unit.toSync]) all.clear();
  recount(unit);
}

function addGap(unit: EffectUnit, conversation: string, seq: number, recipients: readonly string[]): void {
  const known = unit.gaps.get(conversation);
  const everybody =
    known === undefined || known.recipients === recipients
      ? recipients
      : [...new Set([...known.recipients, ...recipients])];
  putGap(unit, conversation, { head: Math.max(seq, known?.head ?? 0), recipients: everybody });
}
