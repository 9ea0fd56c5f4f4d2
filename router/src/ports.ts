import type { Clock } from "@jichat/protocol/clock.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { MissedEntry } from "@jichat/protocol/bus/push.ts";
import type { FactsQuery, FactsReply } from "@jichat/protocol/bus/query.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { PresenceUpdate } from "@jichat/presence/presence-update.ts";

/**
 * What a partition's owner needs of the world. The simulation has models of these, production has adapters.
 */
export interface Log {
  append(
    bytes: Uint8Array,
    expected: number,
  ): Promise<
    | { outcome: "stored"; position: number }
    | { outcome: "sequence" }
    | { outcome: "full" }
    | { outcome: "refused"; error: ChatError }
  >;
  /** The first position that is not trimmed away, and the last. */
  first(): Promise<number>;
  end(): Promise<number>;
  at(position: number): Promise<Batch | undefined>;
  range(from: number, to: number): AsyncIterable<{ readonly position: number; readonly batch: Batch }>;
}

export interface FactsSource {
  /** Rejects with UNAVAILABLE when storage has not consumed `position` within 2 s, or is not there. */
  ask(question: Omit<FactsQuery, "v" | "q" | "partition">): Promise<FactsReply>;
  /** The position up to which ClickHouse holds the log, as last heard; 0 if never. */
  watermark(): number;
}

export interface Sessions {
  /** Acknowledged heads first, then sessions: a record is either delivered live or in the head. */
  publish(update: PresenceUpdate): Promise<ReadonlyMap<string, readonly string[]>>;
  /**
   * What was not published by `lostAt` (monotonic) never will be: from then on all that was published counts as
   * lost, as if Redis had been.
   */
  giveUp(lostAt: number): Promise<void>;
  isAlive(connector: string): Promise<boolean>;
  /** False while Redis was lost so recently that absent sessions prove nothing. */
  settled(): boolean;
}

export interface Deliverer {
  /** Resolves once the connector has taken it; rejects after `timeoutMs` or when nobody is there. */
  deliver(connector: string, delivery: Delivery, timeoutMs: number): Promise<void>;
}

export interface PushQueue {
  add(partition: number, position: number, missed: readonly MissedEntry[]): Promise<void>;
}

export interface EffectsWorld {
  readonly partition: number;
  readonly sessions: Sessions;
  readonly deliverer: Deliverer;
  readonly push: PushQueue;
  readonly clock: Clock;
  /** What this partition's effects may hold: half of it under way, half of it gathering. */
  readonly backlogBytesMax: () => number;
  /** What one script in Redis may write and read, if another number than usual. */
  readonly scriptCostMax?: number | undefined;
  readonly count: (what: "delivered" | "gap" | "folded" | "shed" | "retried" | "missed", by: number) => void;
}
