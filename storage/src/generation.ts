import type { EventRecord } from "@jichat/protocol/log/record.ts";
import { isDirect } from "@jichat/protocol/ids.ts";

/** The highest seq of a conversation that a snapshot or Redis has seen. */
export interface KnownHead {
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly ts: number;
  readonly name?: string | undefined;
  readonly creator?: string | undefined;
  readonly members?: readonly string[] | undefined;
}

/** The head of the conversation in ClickHouse. Undefined if ClickHouse does not know it. */
export type HeldHead = { readonly head: number; readonly no: number; readonly ts: number } | undefined;

/**
 * Positions skipped between the highest one that durable state knows and the first of the new generation.
 * Redis, sync cursors and connectors may know slightly higher positions, appended while storage was behind.
 * The gap covers them.
 */
export const POSITIONS_LEFT_OUT = 1_000_000;

/** The head with the higher seq. Fields that it lacks come from the other one. */
export function furthest(a: KnownHead | undefined, b: KnownHead): KnownHead {
  if (a === undefined) return b;
  const [further, nearer] = a.seq >= b.seq ? [a, b] : [b, a];
  return {
    ...further,
    name: further.name ?? nearer.name,
    creator: further.creator ?? nearer.creator,
    members: further.members ?? nearer.members,
  };
}

/**
 * One `lost` event for each event that was seen and is gone. So no seq gets a second meaning, and history has
 * no hole. A conversation that is lost completely starts again with `created`, with the known members.
 */
export function lostEvents(known: KnownHead, held: HeldHead): EventRecord[] {
  const { conversation, members = [], creator = members[0] ?? "" } = known;
  const from = held?.head ?? 0;
  const ts = Math.max(held?.ts ?? 0, known.ts);
  const about = { r: "event", conversation, ts, device: "", session: "" } as const;
  return Array.from({ length: Math.max(0, known.seq - from) }, (_, index): EventRecord => {
    const seq = from + 1 + index;
    // `no` rises up to that of the head, so unread counts stay as they were.
    const no = Math.min(known.no, (held?.no ?? 0) + (held === undefined ? index : index + 1));
    if (seq > 1) return { ...about, seq, no, kind: "lost", from: "" };
    const name = isDirect(conversation) ? undefined : known.name;
    return {
      ...about,
      seq,
      no,
      kind: "created",
      from: creator,
      users: members,
      ...(name === undefined ? {} : { name }),
    };
  });
}
