import { JetStreamApiError } from "@nats-io/jetstream";

/** What a stream answers to who names another last sequence than it has. */
export const WRONG_LAST_SEQUENCE = 10_071;

/** Of a compare-and-set on a key: somebody else was quicker. */
export const isConflict = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
