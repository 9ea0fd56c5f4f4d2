/** Bounds of the protocol. What a deployment may change is in each component's configuration. */
export const FRAME_BYTES_MAX = 65_536;
export const BODY_BYTES_MAX = 8_192;
/** Maps and lists inside one another, in a whole frame. */
export const FRAME_DEPTH_MAX = 64;
export const BODY_DEPTH_MAX = 32;
export const USERS_PER_FRAME_MAX = 1_000;
export const GROUP_MEMBERS_MAX = 1_000;
/** Members of one conversation in one answer of storage's: 160 bytes each, beside 2,048 recent ids. */
export const MEMBERS_PAGE_MAX = 2_000;
export const NAME_LENGTH_MAX = 128;
export const PAGE_EVENTS_DEFAULT = 50;
export const PAGE_EVENTS_MAX = 200;
export const SYNC_LIMIT_DEFAULT = 100;
export const SYNC_LIMIT_MAX = 1_000;
/** `page` and `synced` end at their limit or at this many bytes, whichever is first. */
export const REPLY_BYTES_MAX = 262_144;
/** Of what grows with a user or a group, in one answer of storage's: where it ends, it says how to go on. */
export const ANSWER_BYTES_MAX = 524_288;
/** One JetStream message: a batch of records, as it is encoded. Far below the server's own 1 MB. */
export const BATCH_BYTES_MAX = 524_288;
/**
 * What one connector asks at once, by what its commands may become in a log: it fits into one batch, and
 * leaves room for the largest record.
 */
export const REQUEST_BYTES_MAX = BATCH_BYTES_MAX - 131_072;
/**
 * Names of those who read the events of one batch, unless one conversation has more: with the events they
 * travel to a connector in one message.
 */
export const READERSHIP_BYTES_MAX = 196_608;
/** Commands that one connector puts into one request to a partition's owner. */
export const COMMANDS_PER_BATCH_MAX = 512;
/** An `id` that is a UUIDv7 may be this far ahead of the server's clock (docs/protocol.md: 5 minutes). */
export const ID_CLOCK_SKEW_MS = 5 * 60_000;
/** Recent ids and events kept per conversation: by age, and by number (docs/protocol.md: 24 h, 4,096). */
export const RECENT_MS = 24 * 3_600_000;
export const RECENT_EVENTS_MAX = 4_096;
/** The sender edits and recalls within this time. */
export const EDIT_WINDOW_MS = 24 * 3_600_000;
/**
 * After a retryable error on a send, how long later sends of that socket to that conversation share its
 * fate.
 */
export const SEND_GATE_MS = 5_000;
/**
 * How far the clocks of who makes tokens and of who checks them may be apart: one number for every door, be
 * it hello, renew, REST or a ticket, and for the sweep that ends sessions.
 */
export const CLOCK_LEEWAY_MS = 5_000;
