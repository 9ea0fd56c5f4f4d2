/** Bounds of the protocol. Bounds that a deployment may change are in each component's configuration. */
export const FRAME_BYTES_MAX = 65_536;
export const BODY_BYTES_MAX = 8_192;
/** Depth of nested maps and lists in a whole frame. */
export const FRAME_DEPTH_MAX = 64;
export const BODY_DEPTH_MAX = 32;
export const USERS_PER_FRAME_MAX = 1_000;
export const GROUP_MEMBERS_MAX = 1_000;
/** Members of one conversation in one answer of storage: 160 bytes each, beside 2,048 recent ids. */
export const MEMBERS_PAGE_MAX = 2_000;
export const NAME_LENGTH_MAX = 128;
export const PAGE_EVENTS_DEFAULT = 50;
export const PAGE_EVENTS_MAX = 200;
export const SYNC_LIMIT_DEFAULT = 100;
export const SYNC_LIMIT_MAX = 1_000;
/** `page` and `synced` end at their limit or at this many bytes, whichever is first. */
export const REPLY_BYTES_MAX = 262_144;
/**
 * Bytes of one answer of storage that grows with a user or a group. A longer answer says where to continue.
 */
export const ANSWER_BYTES_MAX = 524_288;
/**
 * Bytes of one encoded batch of records, which is one JetStream message. The server's own limit of 1 MB is
 * far above.
 */
export const BATCH_BYTES_MAX = 524_288;
/**
 * Bytes of one request of a connector, measured by what its commands may become in a log. It fits into one
 * batch, with room for the largest record.
 */
export const REQUEST_BYTES_MAX = BATCH_BYTES_MAX - 131_072;
/**
 * Bytes of the names of all readers of one batch, unless a single conversation has more. Events and names
 * together fit into one message to a connector.
 */
export const READERSHIP_BYTES_MAX = 196_608;
/** Commands that one connector puts into one request to a partition's owner. */
export const COMMANDS_PER_BATCH_MAX = 512;
/** How far a UUIDv7 `id` may be ahead of the server's clock (docs/protocol.md: 5 minutes). */
export const ID_CLOCK_SKEW_MS = 5 * 60_000;
/** How long and how many recent ids and events are kept per conversation (docs/protocol.md: 24 h, 4,096). */
export const RECENT_MS = 24 * 3_600_000;
export const RECENT_EVENTS_MAX = 4_096;
/** How long after sending a message its sender may edit or recall it. */
export const EDIT_WINDOW_MS = 24 * 3_600_000;
/** How far ahead the end of a mute may be. */
export const MUTE_MAX_MS = 10 * 365 * 24 * 3_600_000;
/**
 * How long a refused send holds back later sends of its socket to its conversation, after a retryable error.
 */
export const SEND_GATE_MS = 5_000;
/**
 * How far the clocks of a token's issuer and its checker may differ. One number for every check (hello,
 * renew, REST, tickets) and for the sweep that ends sessions.
 */
export const CLOCK_LEEWAY_MS = 5_000;
