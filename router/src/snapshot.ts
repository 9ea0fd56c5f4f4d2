import type { ConversationShot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { Recent, timeOfKey } from "./conversation.ts";
import { PartitionState } from "./partition-state.ts";

const SNAPSHOT_VERSION = 1;
/** Per conversation, the ids that a warm start keeps; older ones are asked of storage. */
const IDS_PER_CONVERSATION_MAX = 256;

export function takeSnapshot(state: PartitionState, position: number, done: number): Snapshot {
  const conversations = [...state.conversations].map((conversation): ConversationShot => {
    const { members, recent, ...rest } = conversation;
    const all = [...recent.ids];
    const kept = all.slice(-IDS_PER_CONVERSATION_MAX);
    const dropped = all.slice(0, all.length - kept.length);
    const knownFrom = dropped.reduce((latest, [, { ts }]) => Math.max(latest, ts), recent.knownFrom);
    const idsFrom = dropped.reduce((latest, [key]) => Math.max(latest, timeOfKey(key)), recent.idsFrom);
    return {
      ...rest,
      members: [...members].map(([user, member]) => [user, { ...member }] as const),
      knownFrom,
      idsFrom,
      ids: kept,
    };
  });
  return { v: SNAPSHOT_VERSION, position, done, conversations };
}

/** The state of a snapshot, or undefined where it is of another version: then the start is a cold one. */
export function stateOf(snapshot: Snapshot, idsMax?: number): PartitionState | undefined {
  if (snapshot.v !== SNAPSHOT_VERSION) return undefined;
  const state = new PartitionState(idsMax);
  for (const { members, knownFrom, idsFrom, ids, ...rest } of snapshot.conversations) {
    const recent = new Recent(knownFrom, idsFrom);
    for (const [key, known] of ids) recent.ids.set(key, known);
    state.add({
      ...rest,
      name: rest.name,
      members: new Map(members.map(([user, member]) => [user, { ...member }])),
      recent,
    });
  }
  return state;
}
