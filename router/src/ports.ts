import type { Clock } from "@jichat/protocol/clock.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { FactsQuery, FactsReply } from "@jichat/protocol/bus/query.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { FencedLog } from "@jichat/log/fenced-append.ts";
import type { Reached } from "@jichat/presence/presence.ts";
import type { PresenceUpdate } from "@jichat/presence/presence-update.ts";
import type { PushEntry } from "./push-entries.ts";
import type { PushText } from "./push-texts.ts";

/** What a partition's owner needs from outside. Production has adapters, the simulation has models. */
export interface Log extends FencedLog {
  /** The first position that is not trimmed. */
  first(): Promise<number>;
  range(from: number, to: number): AsyncIterable<{ readonly position: number; readonly batch: Batch }>;
}

export interface FactsSource {
  /**
   * Rejects with UNAVAILABLE if storage cannot be reached, or does not read the log up to `position` within
   * two seconds.
   */
  ask(question: Omit<FactsQuery, "v" | "q" | "partition">): Promise<FactsReply>;
  /** The last known position up to which ClickHouse holds the log; 0 if none is known. */
  watermark(): number;
}

export interface Sessions {
  /** Writes heads first, then reads sessions: a record is either delivered live or in the head. */
  publish(update: PresenceUpdate): Promise<Reached>;
  /**
   * Gives up all published data, as if Redis had been lost: what was not published by `lostAt` (monotonic)
   * never will be.
   */
  giveUp(lostAt: number): Promise<void>;
  isAlive(connector: string): Promise<boolean>;
}

export interface Deliverer {
  /**
   * Resolves once the connector has accepted it. Rejects after `timeoutMs`, or if the connector is not there.
   */
  deliver(connector: string, delivery: Delivery, timeoutMs: number): Promise<void>;
}

export interface Push {
  /**
   * Encodes entries for the push queue. Entries of a sender who is over the limit are not among them: they
   * follow by themselves.
   */
  take(partition: number, entries: readonly PushEntry[]): readonly PushText[];
  /**
   * Resolves once the queue has stored the message, or has refused it for good. Rejects if it may not have.
   */
  add(partition: number, message: Uint8Array): Promise<void>;
}

export interface EffectsWorld {
  readonly partition: number;
  readonly sessions: Sessions;
  readonly deliverer: Deliverer;
  readonly push: Push;
  readonly clock: Clock;
  /** Most bytes that this partition's effects may hold: half of it in progress, half of it waiting. */
  readonly backlogBytesMax: () => number;
  /** Most cost of one Redis script, if not the default. */
  readonly scriptCostMax?: number | undefined;
  readonly count: (
    what: "delivered" | "gap" | "folded" | "shed" | "retried" | "unpushed",
    by: number,
  ) => void;
}
