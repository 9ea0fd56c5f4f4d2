import { JetStreamApiError } from "@nats-io/jetstream";

/** JetStream's error code for a publish whose expected last sequence is wrong. */
export const WRONG_LAST_SEQUENCE = 10_071;

/** Whether a compare-and-set on a key failed because another process was faster. */
export const isConflict = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
