import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import type { Standing } from "./decide.ts";
import type { Told } from "./ports.ts";

/** What became of a push. */
export type Settled =
  | "sent"
  /** By the time of sending it was not wanted any more. */
  | "skipped"
  /** Its repetition would come after a later push of its place, which therefore stands for it. */
  | "superseded"
  /** This message, or a later one of its place, was offered before. */
  | "repeated"
  /** It waits in KV until its provider is up. */
  | "deferred"
  | "dead"
  | "gone";

/** The time in which a partition is read here. */
export interface Scope {
  readonly partition: number;
  /** Aborts once another worker may read the partition. */
  readonly signal: AbortSignal;
  /** Once it aborts, nothing waits any more: neither to be folded, nor for another attempt. */
  readonly closing: AbortSignal;
}

/** A notification for one device. */
export interface Job {
  /** Of its place (`placeKey`). */
  readonly key: string;
  readonly user: string;
  readonly registration: PushRegistration;
  readonly message: Told;
  /** Messages that it stands for. */
  readonly count: number;
  /** The newest message that the device then knows of. */
  readonly seq: number;
  readonly hasSound: boolean;
  readonly isUrgent: boolean;
  readonly isMentionsOnly: boolean;
  readonly standing: Standing | undefined;
  /** Monotonic milliseconds at which it was decided. */
  readonly judgedAt: number;
}
