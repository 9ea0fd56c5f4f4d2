import type { EventRecord } from "@jichat/protocol/log/record.ts";
import { isDirect } from "@jichat/protocol/ids.ts";

/** How far a conversation was seen to reach, by whoever saw it: a snapshot, or Redis. */
export interface KnownHead {
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly ts: number;
  readonly name?: string | undefined;
  readonly creator?: string | undefined;
  readonly members?: readonly string[] | undefined;
}

/** How far ClickHouse holds it; undefined where it never heard of it. */
export type HeldHead = { readonly head: number; readonly no: number; readonly ts: number } | undefined;

/**
 * Positions left out between the highest that anything durable knows and the new generation's first. Redis,
 * sync cursors and connectors know of a few more, which were appended while storage was behind: all below
 * this.
 */
export const POSITIONS_LEFT_OUT = 1_000_000;

/** The account that reaches furthest, with the members of whichever knows them. */
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
 * One `lost` event for each that was seen and is gone, so that no seq gets a second meaning and history has
 * no hole. A conversation that is gone whole begins again with its `created`, among whoever is known to be
 * in it.
 */
export function lostEvents(known: KnownHead, held: HeldHead): EventRecord[] {
  const { conversation, members = [], creator = members[0] ?? "" } = known;
  const from = held?.head ?? 0;
  const ts = Math.max(held?.ts ?? 0, known.ts);
  const about = { r: "event", conversation, ts, device: "", session: "" } as const;
  return Array.from({ length: Math.max(0, known.seq - from) }, (_, index): EventRecord => {
    const seq = from + 1 + index;
    // `no` rises to the head's, so that what is unread stays what it was.
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
