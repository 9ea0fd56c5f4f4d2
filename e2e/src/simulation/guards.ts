/**
 * What holds the invariants (docs/design.md, "What holds the invariants"). The simulation takes out one at a
 * time, and must notice.
 */
export interface Guards {
  /** The log refuses an append whose expected sequence is not its end. */
  readonly fence: boolean;
  /** After a lost answer the owner's id tells whose batch stands there; the number alone does not. */
  readonly ownerId: boolean;
  /** A question to storage names the position that must have been consumed. */
  readonly position: boolean;
  /** A send behind a refused one shares its fate. */
  readonly sendGate: boolean;
  /** Each refused send is waited for, also one that only shares a refusal, and none that was answered. */
  readonly refusedLine: boolean;
  /** Nothing is trimmed that ClickHouse does not hold, or whose effects may have to be redone. */
  readonly trimRule: boolean;
  /** Redis refuses a value whose position is lower than the one it has. */
  readonly refuseLower: boolean;
  /** A connector takes a partition's deliveries in rising positions only. */
  readonly deliveryOrder: boolean;
  /** A notice tells more than those of its key before it, or is not written: one comes late, or again. */
  readonly noticeOrder: boolean;
  /** What is told and not stored is told to whoever is connected. */
  readonly notices: boolean;
  /** A new owner redoes effects from where the log says they were done. */
  readonly redo: boolean;
  /** Ids that memory does not hold are asked of storage. */
  readonly oldIds: boolean;
  /** A session is registered before it is welcomed, and so before its sync reads heads. */
  readonly registerFirst: boolean;
  /** Who says hello is younger than whoever is there, whatever clocks say. */
  readonly births: boolean;
  /** Whose registration failed is registered later, and told to sync. */
  readonly registerRest: boolean;
  /** Who missed something while it was greeted is told so, and syncs once more. */
  readonly missedGap: boolean;
  /** After Redis was lost a list is rebuilt from storage, not taken for whole. */
  readonly rebuild: boolean;
  /** A list is rebuilt at positions that the owners named, each behind an append, after the loss. */
  readonly afterLoss: boolean;
  /** What was read to rebuild a list is written into the Redis that it was read for, or not at all. */
  readonly sameRun: boolean;
  /** Heads are acknowledged before sessions are read. */
  readonly headsFirst: boolean;
  /** Redis's data has a name, and who meets another than they knew begins anew. */
  readonly name: boolean;
  /** Where not even names of what was let go are held, all of Redis's data gets another name. */
  readonly giveUp: boolean;
  /** What gathered while Redis was away is written in parts, each of which Redis takes in time. */
  readonly parts: boolean;
  /** Of a head that was let go Redis is told where it stands: an older one is not taken for it. */
  readonly briefs: boolean;
  /** Whose entries were let go, their list is read from storage again. */
  readonly unsure: boolean;
  /** A list that was read before something of it was let go is not taken for whole. */
  readonly wholeAt: boolean;
  /** An answer of storage's that had no room for everything says so. */
  readonly rest: boolean;
  /** Facts of a conversation with more members than an answer holds say so. */
  readonly memberPages: boolean;
  /** Batches are cut by what is encoded, and a refusal of what is too large is no lost answer. */
  readonly sizes: boolean;
}

export const ALL: Guards = {
  fence: true,
  ownerId: true,
  position: true,
  sendGate: true,
  refusedLine: true,
  trimRule: true,
  refuseLower: true,
  deliveryOrder: true,
  noticeOrder: true,
  notices: true,
  redo: true,
  oldIds: true,
  registerFirst: true,
  births: true,
  registerRest: true,
  missedGap: true,
  rebuild: true,
  afterLoss: true,
  sameRun: true,
  headsFirst: true,
  name: true,
  giveUp: true,
  parts: true,
  briefs: true,
  unsure: true,
  wholeAt: true,
  rest: true,
  memberPages: true,
  sizes: true,
};
