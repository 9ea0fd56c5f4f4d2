import type { ConversationShot, SavedSnapshot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { Conversation } from "./conversation.ts";
import { PartitionState } from "./partition-state.ts";
import { RecentEvents, idKey, partsOfIdKey } from "./recent-events.ts";

const SNAPSHOT_VERSION = 1;
/** Ids per conversation that a warm start keeps. Storage is asked about older ones. */
const IDS_PER_CONVERSATION_MAX = 256;

/** What a snapshot says of a conversation. Its ids, most of it, become objects when they are read. */
function shotOf(conversation: Conversation): ConversationShot {
  const { id, kind, name, creator, head, no, ts, position, facets, members, recent } = conversation;
  const { ids, knownFrom, idsFrom } = recent.latest(IDS_PER_CONVERSATION_MAX);
  return {
    id,
    kind,
    name,
    creator,
    head,
    no,
    ts,
    position,
    ...(Object.keys(facets).length === 0 ? {} : { facets }),
    members: [...members].map(([user, member]) => [user, { ...member }] as const),
    knownFrom,
    idsFrom,
    get ids() {
      return ids().map(([user, key, known]) => [idKey(user, key), known] as const);
    },
  };
}

/**
 * The state as a snapshot at `position`. Call it only while state and log agree (`Partition.capture`): all
 * commands of this router wait meanwhile. So it looks at nothing yet. Its conversations are those of now,
 * whenever they are read (`PartitionState.freeze`).
 */
export const takeSnapshot = (state: PartitionState, position: number, done: number): Snapshot => ({
  v: SNAPSHOT_VERSION,
  position,
  done,
  conversations: state.freeze(shotOf),
});

/**
 * The state of a snapshot; `undefined` if it has another version. Then the start is a cold one. Rejects where
 * the snapshot cannot be read.
 */
export async function stateOf(snapshot: SavedSnapshot, idsMax?: number): Promise<PartitionState | undefined> {
  if (snapshot.v !== SNAPSHOT_VERSION) return undefined;
  const state = new PartitionState(idsMax);
  for await (const { members, knownFrom, idsFrom, ids, ...rest } of snapshot.conversations) {
    const recent = new RecentEvents(knownFrom, idsFrom);
    for (const [key, known] of ids) recent.addId(...partsOfIdKey(key), known);
    const byUser = new Map(members.map(([user, member]) => [user, { ...member }]));
    state.add(new Conversation(rest, byUser, recent));
  }
  return state;
}
