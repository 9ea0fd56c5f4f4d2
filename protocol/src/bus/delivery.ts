import type { InnerEvent } from "../frame/server-frame.ts";

/** One event and those of this connector's users who are to have it. */
export interface DeliveredEvent {
  readonly event: InnerEvent;
  /**
   * Of the batch that holds it: a connector that has delivered past it drops it, so no socket sees a lower
   * seq again.
   */
  readonly position: number;
  readonly users: readonly string[];
  /** The session that sent it gets the ack instead, unless its hello said `echo`. */
  readonly origin?: string | undefined;
  readonly trace?: string | undefined;
}

/** A read mark for the other devices of its user. */
export interface DeliveredMark {
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly origin?: string | undefined;
}

/** Stands for events that could not be delivered in time: each user pulls the conversation up to `head`. */
export interface DeliveredGap {
  readonly conversation: string;
  readonly users: readonly string[];
  readonly head: number;
}

/**
 * From the owner of a partition to one connector. A connector takes only a `position` above its last of that
 * partition.
 */
export interface Delivery {
  readonly partition: number;
  readonly position: number;
  readonly events: readonly DeliveredEvent[];
  readonly marks: readonly DeliveredMark[];
  readonly gaps: readonly DeliveredGap[];
}

/** What one router has for one connector, of all its partitions: taken, and acknowledged, together. */
export interface DeliveryRound {
  readonly v: 1;
  readonly deliveries: readonly Delivery[];
}

/** From the connector that now holds a device to the one that held it: close that session with 4409. */
export interface Replacement {
  readonly v: 1;
  readonly replaced: { readonly user: string; readonly device: string; readonly session: string };
}
