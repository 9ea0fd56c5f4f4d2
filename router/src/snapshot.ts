import type { ConversationShot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { Conversation } from "./conversation.ts";
import { PartitionState } from "./partition-state.ts";
import { RecentEvents, idKey, partsOfIdKey } from "./recent-events.ts";

const SNAPSHOT_VERSION = 1;
/** Ids per conversation that a warm start keeps. Storage is asked about older ones. */
const IDS_PER_CONVERSATION_MAX = 256;

/**
 * The state as a snapshot at `position`. Call it only while state and log agree (`Partition.capture`). All
 * commands of this router wait meanwhile. So the ids, by far the most of it, are copied as they lie in
 * memory, and become objects when they are read.
 */
export function takeSnapshot(state: PartitionState, position: number, done: number): Snapshot {
  const conversations = [...state.conversations].map((conversation): ConversationShot => {
    const { id, kind, name, creator, head, no, ts, position: at, facets, members, recent } = conversation;
    const { ids, knownFrom, idsFrom } = recent.latest(IDS_PER_CONVERSATION_MAX);
    return {
      id,
      kind,
      name,
      creator,
      head,
      no,
      ts,
      position: at,
      ...(Object.keys(facets).length === 0 ? {} : { facets }),
      members: [...members].map(([user, member]) => [user, { ...member }] as const),
      knownFrom,
      idsFrom,
      get ids() {
        return ids().map(([user, key, known]) => [idKey(user, key), known] as const);
      },
    };
  });
  return { v: SNAPSHOT_VERSION, position, done, conversations };
}

/** The state of a snapshot; `undefined` if it has another version. Then the start is a cold one. */
export function stateOf(snapshot: Snapshot, idsMax?: number): PartitionState | undefined {
  if (snapshot.v !== SNAPSHOT_VERSION) return undefined;
  const state = new PartitionState(idsMax);
  for (const { members, knownFrom, idsFrom, ids, ...rest } of snapshot.conversations) {
    const recent = new RecentEvents(knownFrom, idsFrom);
    for (const [key, known] of ids) recent.addId(...partsOfIdKey(key), known);
    const byUser = new Map(members.map(([user, member]) => [user, { ...member }]));
    state.add(new Conversation(rest, byUser, recent));
  }
  return state;
}
