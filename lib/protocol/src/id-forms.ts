const ID = /^[A-Za-z0-9_-]{1,64}$/;
const CLIENT_ID = /^[\x20-\x7e]{1,64}$/;

/**
 * Ids of users, devices and conversations: safe as a NATS subject token, a KV key and a part of a Redis key.
 * The type is checked too, since a regular expression alone accepts `397`, `true` and `["ann"]`.
 */
export const isId = (value: unknown): boolean => typeof value === "string" && ID.test(value);

/** The client's own `id` of a frame: 1 to 64 printable ASCII characters. */
export const isClientId = (value: unknown): boolean => typeof value === "string" && CLIENT_ID.test(value);
