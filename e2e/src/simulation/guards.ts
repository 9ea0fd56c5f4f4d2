/**
 * The guards of the invariants (docs/design.md, "What holds the invariants"). The simulation removes one at a
 * time, and must notice.
 */
export interface Guards {
  /** The log refuses an append whose expected sequence is not the last one. */
  readonly fence: boolean;
  /** After a lost answer, the owner's id tells whose batch is in the log; the number alone does not. */
  readonly ownerId: boolean;
  /** A question to storage names the position that storage must have consumed. */
  readonly position: boolean;
  /** A send after a refused one is refused too. */
  readonly sendGate: boolean;
  /** Each refused send must come again, even one that only shares a refusal. An answered one need not. */
  readonly refusedLine: boolean;
  /** Nothing is trimmed that ClickHouse lacks, or whose effects may have to be redone. */
  readonly trimRule: boolean;
  /** Redis refuses a value with a lower position than the one it has. */
  readonly refuseLower: boolean;
  /** A connector accepts a partition's deliveries only in rising positions. */
  readonly deliveryOrder: boolean;
  /** A notice is written only if it tells more than earlier ones of its key: one may come late, or twice. */
  readonly noticeOrder: boolean;
  /** Notices, which are not stored, are told to everyone who is connected. */
  readonly notices: boolean;
  /** A new owner redoes effects from the point up to which the log says they were done. */
  readonly redo: boolean;
  /** Storage is asked for ids that are not in memory. */
  readonly oldIds: boolean;
  /** A session is registered before it is welcomed, and so before its sync reads heads. */
  readonly registerFirst: boolean;
  /** Birth stamps strictly increase, even if a clock steps back. */
  readonly births: boolean;
  /** A session whose registration failed is registered later, and told to sync. */
  readonly registerRest: boolean;
  /** A device that missed something before its welcome is told so, and syncs once more. */
  readonly missedGap: boolean;
  /** After a loss of Redis, a list is rebuilt from storage instead of being taken as complete. */
  readonly rebuild: boolean;
  /** A list is rebuilt at positions that the owners named after the loss, each behind an append. */
  readonly afterLoss: boolean;
  /** Data that was read to rebuild a list is written only into the Redis that it was read for. */
  readonly sameRun: boolean;
  /** Heads are acknowledged before sessions are read. */
  readonly headsFirst: boolean;
  /** Redis's data has a name. A process that finds another name than it knew begins anew. */
  readonly name: boolean;
  /** If even the names of dropped effects exceed memory, all of Redis's data gets another name. */
  readonly giveUp: boolean;
  /**
   * Effects that gathered during an outage of Redis are written in parts, each small enough for one script.
   */
  readonly parts: boolean;
  /** For a dropped head, Redis is told its position, so that an older head is not taken for it. */
  readonly briefs: boolean;
  /** After entries of a user were dropped, the user's list is read from storage again. */
  readonly unsure: boolean;
  /** A list that was read before some of its entries were dropped is not taken as complete. */
  readonly wholeAt: boolean;
  /** An answer of storage that had no room for everything says so. */
  readonly rest: boolean;
  /** The facts of a conversation say so if it has more members than one answer holds. */
  readonly memberPages: boolean;
  /** While it is not known who receives pushes, everybody is named in the push queue. */
  readonly everybodyPushed: boolean;
  /** Batches are cut by their encoded size, and a refusal for size is not treated as a lost answer. */
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
  everybodyPushed: true,
  sizes: true,
};
